"""The exact robust radius of two-layer networks: the least L2 perturbation that flips the binary decision.

Works in the span of the weights: with W W^T = L L^T a perturbation u moves the pre-activations p to p + L u and is as
long as the input perturbation it stands for. Derivation: docs/methods/exact.md.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from phaselab.workers.exact.bracket import Bracket
from phaselab.workers.exact.branch import branch_and_bound
from phaselab.workers.exact.patterns import enumerate_patterns, pattern_count
from phaselab.workers.exact.program import VANISHES
from phaselab.workers.exact.side import OneSide, Readout, one_side
from phaselab.workers.networks.layout import GroupLayout

PATTERNS = 4096  # most patterns that are enumerated; more are searched by branch and bound
NODES = 512  # most nodes of branch and bound per point and readout
WORK = 200_000  # nodes times squared opposing neurons, which is what they cost: fewer nodes in wider networks
ENTRIES = 1_000_000  # numbers in the largest array of a batch
REPEATED = 512  # patterns and entries of L up to which those of a run are repeated for every point of a batch


@dataclass(frozen=True, eq=False)
class RobustRadii:
    """Certified bounds: lower <= robust radius <= upper, in double precision.

    `perturbation` is a u of length `upper` that was seen to flip the point; zero where `upper` is 0 or inf. A radius
    is inf where both bounds are.
    """

    lower: Tensor  # [..., N]
    upper: Tensor  # [..., N]
    perturbation: Tensor  # [..., N, D]


def robust_radii(
    preactivations: Tensor,
    factor: Tensor,
    layout: GroupLayout,
    side: Tensor,
    readout: Readout,
    budget: int | None = None,
) -> RobustRadii:
    """Robust radii of N points, of one run or of a stack of S runs of equal shape.

    `preactivations` [..., N, M] of the unperturbed points, `factor` [..., M, D] the matrix L, `side` [..., N] the
    points' classes, +1 or -1; the leading [S] is there for all three or for none. A wrong point has radius 0. The
    bounds meet (relative gap below 1e-6) unless branch and bound runs out of its `budget` of nodes per point, by
    default 512 up to 20 opposing neurons and fewer beyond.
    """
    if preactivations.dim() == 2:
        stacked = robust_radii(preactivations[None], factor[None], layout, side[None], readout, budget)
        return RobustRadii(stacked.lower[0], stacked.upper[0], stacked.perturbation[0])
    runs, count, neurons = preactivations.shape
    factor = _without_rounding(factor.double())
    flat = preactivations.reshape(-1, neurons).double()  # [S N, M]
    run = torch.arange(runs, device=flat.device).repeat_interleave(count)
    lower, upper = flat.new_zeros(len(flat)), flat.new_zeros(len(flat))
    perturbation = flat.new_zeros(len(flat), factor.shape[2])
    for sign in (1, -1):
        rows = (side.reshape(-1) == sign).nonzero().squeeze(1)
        points = one_side(flat[rows], run[rows], factor, layout, sign, readout)
        right = (points.margin(points.own, points.opposing) > 0).nonzero().squeeze(1)
        rows, points = rows[right], points.take(right)
        for batch, found in _solve(points, budget):
            here = rows[batch]
            lower[here], upper[here], perturbation[here] = found.lower, found.upper, found.perturbation
    shape = (runs, count)
    return RobustRadii(lower.view(shape), upper.view(shape), perturbation.view(*shape, factor.shape[2]))


def _without_rounding(factor: Tensor) -> Tensor:
    """`factor` [S, M, D] with rows set to zero that are rounding of a dead neuron: solvers normalise rows."""
    length = factor.norm(dim=2, keepdim=True)  # [S, M, 1]
    return torch.where(length <= VANISHES * length.amax(1, keepdim=True), 0.0, factor)


def _solve(points: OneSide, budget: int | None) -> Iterator[tuple[Tensor, Bracket]]:
    """(rows, their brackets) of batch after batch of points: of all runs together where little is repeated by that."""
    opposing, span = points.opposing_factor.shape[1:]
    patterns = pattern_count(opposing, points.opposing_groups)
    repeated = max(points.own.shape[1], opposing) * span
    if max(patterns, repeated) <= REPEATED:
        for rows in torch.split(torch.arange(len(points.run)).to(points.run), ENTRIES // max(patterns, repeated)):
            yield rows, enumerate_patterns(points.take(rows))
        return
    if budget is None:
        budget = min(NODES, max(WORK // opposing**2, 4 * points.opposing_groups))
    most = ENTRIES // patterns if patterns <= PATTERNS else 8 * ENTRIES // (opposing * budget)
    for run in range(points.own_factor.shape[0]):
        for rows in torch.split((points.run == run).nonzero().squeeze(1), max(1, most)):
            here = _single(points.take(rows), run)
            yield rows, enumerate_patterns(here) if patterns <= PATTERNS else branch_and_bound(here, budget)


def _single(points: OneSide, run: int) -> OneSide:
    """The points, all of `run`, as those of a stack of one run."""
    return replace(
        points,
        run=torch.zeros_like(points.run),
        own_factor=points.own_factor[run : run + 1],
        opposing_factor=points.opposing_factor[run : run + 1],
    )
