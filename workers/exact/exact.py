"""The exact robust radius of two-layer networks: the least L2 perturbation that flips a decision.

Works in the span of the weights: with W W^T = L L^T a perturbation u moves the pre-activations p to p + L u and is as
long as the input perturbation it stands for. Derivation: docs/methods/exact.md.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import torch
from torch import Tensor

from phaselab.workers.exact.bracket import Bracket, descend, unknown
from phaselab.workers.exact.branch import branch_and_bound
from phaselab.workers.exact.patterns import enumerate_patterns, pattern_count
from phaselab.workers.exact.program import on_mask
from phaselab.workers.exact.rounding import into_unit, row_lengths, scale_rows
from phaselab.workers.exact.side import OneSide, Readout, apply_rows, right
from phaselab.workers.networks.layout import GroupLayout

PATTERNS = 4096  # most patterns that are enumerated; more are searched by branch and bound
NODES = 512  # most nodes of branch and bound per point and readout
WORK = 200_000  # nodes times squared opposing neurons, which is what they cost: fewer nodes in wider networks
ENTRIES = 1_000_000  # numbers in the largest array of a batch
REPEATED = 512  # patterns and entries of L up to which those of a run are repeated for every point of a batch


Solver = Callable[[OneSide, Tensor, Tensor], Iterator[tuple[Tensor, Bracket]]]
"""Of points [B], their numbers [B] among all and the units [B] of their lengths: (rows, what is known of them)."""


@dataclass(frozen=True, eq=False)
class Bounds:
    """lower <= robust radius <= upper, in double precision. A radius is inf where both bounds are."""

    lower: Tensor  # [..., N]
    upper: Tensor  # [..., N]


@dataclass(frozen=True, eq=False)
class RobustRadii(Bounds):
    """Certified bounds. `perturbation` is a u of length `upper` at most that is proved to flip the point; zero where
    `upper` is 0 or inf.
    """

    perturbation: Tensor  # [..., N, D]


def robust_radii(
    preactivations: Tensor,
    factor: Tensor,
    layout: GroupLayout,
    side: Tensor,
    readout: Readout,
    budget: int | None = None,
    leak: float = 0.0,
) -> RobustRadii:
    """Radii of the binary decision of N points, of one run or of a stack of S runs of equal shape.

    `preactivations` [..., N, M] of the unperturbed points, `factor` [..., M, D] the matrix L, `side` [..., N] the
    points' classes, +1 or -1; the leading [S] is there for all three or for none. A wrong point has radius 0. The
    bounds meet (relative gap below 1e-6) unless branch and bound runs out of its `budget` of nodes per point, by
    default 512 up to 20 opposing neurons and fewer beyond, or double precision cannot tell. Nothing is known, 0 <=
    radius <= inf, of points with numbers that are not finite or beyond 1e150. `leak` in [0, 1] is the slope of the
    activation below 0.
    """
    contests = _contests_of_sides(layout, readout, leak)
    return radii_of(preactivations, factor, contests, (side == -1).long(), by_patterns(budget))


def by_patterns(budget: int | None = None, known: Tensor | None = None) -> Solver:
    """Brackets by enumeration where that is possible, else by branch and bound with a `budget` of nodes per point.
    Where lengths of flips are `known` [..., N], nothing is looked for beyond, and they are upper bounds."""
    return partial(_solve, budget=budget, known=None if known is None else known.flatten())


def by_descent(start: Tensor) -> Solver:
    """The flips that descents come to from the patterns at `start` [..., N, D]; no lower bounds."""
    return partial(_descend, start=start.flatten(0, -2))


def shorter_flips(
    preactivations: Tensor,
    factor: Tensor,
    layout: GroupLayout,
    side: Tensor,
    readout: Readout,
    start: Tensor,
    leak: float = 0.0,
) -> Tensor:
    """The shortest flips [..., N, D] that descents come to from the patterns of opposing neurons that are on at the
    perturbations `start` [..., N, D], proved as those of `robust_radii`; zero where none is found, or `start` is zero.

    From a flip they come to one that is no longer, since its pattern allows at least the flip itself.
    """
    contests = _contests_of_sides(layout, readout, leak)
    return radii_of(preactivations, factor, contests, (side == -1).long(), by_descent(start)).perturbation


class InSpan(Protocol):
    """The exact method on S networks, in the coordinates of their L [S, M, D]."""

    def radii(self, preactivations: Tensor, factor: Tensor, side: Tensor, readout: Readout) -> RobustRadii:
        """Of points [S, N, M] of classes [S, N], as `robust_radii`."""

    def flips(self, preactivations: Tensor, factor: Tensor, side: Tensor, readout: Readout, start: Tensor) -> Tensor:
        """[S, N, D] from `start` [S, N, D], as `shorter_flips`."""

    def of_labels(self, preactivations: Tensor, factor: Tensor, group: Tensor) -> RobustRadii:
        """Of points [S, N, M] of label groups [S, N], as `decision_radii`."""

    @property
    def of_labels_is_cheap(self) -> bool:
        """Whether that enumerates; by branch and bound it can take longer than all else of a run."""


@dataclass(frozen=True, eq=False)
class OfLayout:
    """The exact method on networks whose outputs add up their own neurons, max(z, leak z)."""

    layout: GroupLayout
    leak: float = 0.0

    def radii(self, preactivations: Tensor, factor: Tensor, side: Tensor, readout: Readout) -> RobustRadii:
        """`robust_radii`."""
        return robust_radii(preactivations, factor, self.layout, side, readout, leak=self.leak)

    def flips(self, preactivations: Tensor, factor: Tensor, side: Tensor, readout: Readout, start: Tensor) -> Tensor:
        """`shorter_flips`."""
        return shorter_flips(preactivations, factor, self.layout, side, readout, start, self.leak)

    def of_labels(self, preactivations: Tensor, factor: Tensor, group: Tensor) -> RobustRadii:
        """`decision_radii`."""
        return decision_radii(preactivations, factor, self.layout, group, leak=self.leak)

    @property
    def of_labels_is_cheap(self) -> bool:
        """By its neurons."""
        layout = self.layout
        return pattern_count(layout.neurons - layout.width, layout.outputs - 1, self.leak) <= PATTERNS


def decision_radii(
    preactivations: Tensor,
    factor: Tensor,
    layout: GroupLayout,
    group: Tensor,
    budget: int | None = None,
    leak: float = 0.0,
) -> RobustRadii:
    """Radii of the decision between all groups: the least perturbation at which a point's own group is no longer
    strictly the largest output.

    As `robust_radii`, with `group` [..., N] long, the points' label groups, in place of sides and readout.
    """
    every = torch.arange(layout.outputs, device=layout.group_of_neuron.device)
    order = torch.argsort(layout.group_of_neuron, stable=True)  # [M], sorted by group
    of_neuron = layout.group_of_neuron[order]
    contests = [
        Contest(order[of_neuron == i], order[of_neuron != i], 1, layout.outputs - 1, leak) for i in every.tolist()
    ]
    return radii_of(preactivations, factor, contests, group, by_patterns(budget))


@dataclass(frozen=True, eq=False)
class Contest:
    """Which neurons, sorted by group, a point has on its own side and which against it. `leak` and `rounded` as of
    `OneSide`."""

    own: Tensor  # [R] long
    opposing: Tensor  # [Q] long
    own_groups: int
    opposing_groups: int
    leak: float = 0.0
    rounded: bool = False


def _contests_of_sides(layout: GroupLayout, readout: Readout, leak: float) -> list[Contest]:
    """Of points of class +1, and of class -1."""
    return [
        Contest(
            own=layout.neurons_of_side(sign),
            opposing=layout.neurons_of_side(-sign),
            own_groups=1 if readout == "sum" else layout.groups_of_side(sign),
            opposing_groups=1 if readout == "sum" else layout.groups_of_side(-sign),
            leak=leak,
        )
        for sign in (1, -1)
    ]


def radii_of(
    preactivations: Tensor, factor: Tensor, contests: Sequence[Contest], contest: Tensor, solver: Solver
) -> RobustRadii:
    """Radii of points [..., N, M], each in the `contest` [..., N] of that number, as far as the solver tells; 0 of a
    point in none, -1."""
    if preactivations.dim() == 2:
        stacked = radii_of(preactivations[None], factor[None], contests, contest[None], solver)
        return RobustRadii(stacked.lower[0], stacked.upper[0], stacked.perturbation[0])
    runs, count, neurons = preactivations.shape
    flat, factor = preactivations.reshape(-1, neurons).double(), factor.double()  # [S N, M], [S, M, D]
    run, contest = torch.arange(runs, device=flat.device).repeat_interleave(count), contest.reshape(-1)  # [S N]
    of_points, of_runs = into_unit(flat.abs().amax(1)), into_unit(factor.abs().amax((1, 2)))  # [S N], [S]
    flat, factor = flat * of_points.unsqueeze(1), scale_rows(factor, of_runs)
    unit = of_runs[run] / of_points  # [S N] of lengths; nan where nothing is said
    found = unknown(flat, factor.shape[2])
    found.upper[unit.isfinite()] = 0
    for first, alike in _alike(contests, factor.shape[2]):
        rows = (unit.isfinite() & (contest >= first) & (contest < first + len(alike))).nonzero().squeeze(1)
        rows = rows[(run[rows] * len(contests) + contest[rows]).argsort(stable=True)]
        points = _points(flat[rows], run[rows], factor, alike, contest[rows] - first)
        standing = right(points).nonzero().squeeze(1)
        rows, points = rows[standing], points.take(standing)
        for batch, part in solver(points, rows, unit[rows]):
            found.put(rows[batch], part)
    found = found.times(unit.nan_to_num(nan=1.0))
    lower, upper = found.lower.view(runs, count), found.upper.view(runs, count)
    return RobustRadii(lower, upper, found.perturbation.view(runs, count, factor.shape[2]))


def _alike(contests: Sequence[Contest], span: int) -> Iterator[tuple[int, Sequence[Contest]]]:
    """(number of the first, contests) that can be solved together: small ones, all of one shape."""
    shapes = {(len(one.own), len(one.opposing), one.opposing_groups, one.leak) for one in contests}
    if len(shapes) == 1 and max(_repeated(*shape, span=span) for shape in shapes) <= REPEATED:
        yield 0, contests
    else:
        yield from ((number, [one]) for number, one in enumerate(contests))


def _points(
    preactivations: Tensor, run: Tensor, factor: Tensor, contests: Sequence[Contest], contest: Tensor
) -> OneSide:
    """Points [B, M] with `factor` [S, M, D] in the `contest` [B] of that number, as those of one side; a group's mean
    counts as its sum.
    """
    own, opposing = (
        torch.stack([one.own for one in contests]),
        torch.stack([one.opposing for one in contests]),
    )  # [C, .]
    length = row_lengths(factor)  # [S, M]
    return OneSide(
        own=preactivations.gather(1, own[contest]),
        opposing=preactivations.gather(1, opposing[contest]),
        run=run * len(contests) + contest,
        own_factor=factor[:, own].flatten(0, 1),
        opposing_factor=factor[:, opposing].flatten(0, 1),
        own_length=length[:, own].flatten(0, 1),
        opposing_length=length[:, opposing].flatten(0, 1),
        own_groups=contests[0].own_groups,
        opposing_groups=contests[0].opposing_groups,
        leak=contests[0].leak,
        rounded=contests[0].rounded,
    )


def _repeated(own: int, opposing: int, opposing_groups: int, leak: float, span: int) -> int:
    """Numbers that are repeated for every point of a batch of several runs: patterns, or entries of L."""
    return max(pattern_count(opposing, opposing_groups, leak), max(own, opposing) * span)


def _descend(points: OneSide, numbers: Tensor, unit: Tensor, start: Tensor) -> Iterator[tuple[Tensor, Bracket]]:
    """(rows, what descents find) of the points that have a start, of `start` [S N, D] those of the `numbers`."""
    begin = start[numbers] / unit.unsqueeze(1)  # [B, D]
    wanted = (begin != 0).any(1)
    most = max(1, ENTRIES // max(points.own_factor[0].numel(), points.opposing_factor[0].numel()))
    for run in range(points.own_factor.shape[0]):
        for rows in torch.split((wanted & (points.run == run)).nonzero().squeeze(1), most):
            here, found = points.take(rows).alone(run), unknown(begin[rows], begin.shape[1])
            opposing = here.opposing + apply_rows(here.opposing_factor, here.run, begin[rows])
            everything = torch.arange(len(rows), device=rows.device)
            descend(here, found, everything, on_mask(opposing, here.opposing_groups, here.leak))
            yield rows, found


def _solve(
    points: OneSide, numbers: Tensor, unit: Tensor, budget: int | None, known: Tensor | None
) -> Iterator[tuple[Tensor, Bracket]]:
    """(rows, their brackets) of batch after batch of points: of all runs together where little is repeated by that."""
    limit = torch.full_like(unit, torch.inf) if known is None else known[numbers] / unit  # [B]
    opposing, span = points.opposing_factor.shape[1:]
    patterns = pattern_count(opposing, points.opposing_groups, points.leak)
    repeated = _repeated(points.own.shape[1], opposing, points.opposing_groups, points.leak, span)
    if repeated <= REPEATED:
        for rows in torch.split(torch.arange(len(points.run)).to(points.run), ENTRIES // repeated):
            yield rows, enumerate_patterns(points.take(rows), limit[rows])
        return
    if budget is None:
        budget = min(NODES, max(WORK // opposing**2, 4 * points.opposing_groups))
    most = ENTRIES // patterns if patterns <= PATTERNS else 8 * ENTRIES // (opposing * budget)
    for run in range(points.own_factor.shape[0]):
        for rows in torch.split((points.run == run).nonzero().squeeze(1), max(1, most)):
            here = points.take(rows).alone(run)
            within = limit[rows]
            yield (
                rows,
                enumerate_patterns(here, within) if patterns <= PATTERNS else branch_and_bound(here, budget, within),
            )
