"""Exact robust radii of two-layer networks whose outputs weigh every neuron, with weights of either sign.

Outputs F_i = sum_r V_ir a(z_r) + c_i with a(z) = max(z, leak z) are no sums of relus, but what decides is: a point of
class +1 is flipped where some opposing output j is at least every own one, F_i <= F_j for all own i. With N_r at least
every V_jr - V_ir, add sum_r N_r a(z_r) to both sides: what stands on the left has the weights V_ir - V_jr + N_r >= 0,
on the right N_r >= 0, and a weight >= 0 goes into its neuron. So there is one problem of `exact.py` for every opposing
output, and the radius is the least of theirs. Derivation: docs/methods/exact.md.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import permutations

import torch
from torch import Tensor

from phaselab.workers.exact.exact import Contest, RobustRadii, Solver, by_descent, by_patterns, radii_of

SPARE = 1 / 16
"""By this part of themselves N are larger than they need be, so that no weight on the left is nothing but rounding."""


@dataclass(frozen=True, eq=False)
class Weighed:
    """Outputs of S networks over their neurons a(z) = max(z, leak z) and a constant, each of one side."""

    weights: Tensor
    """V and c [S, o, M + 1]"""
    side: Tensor
    """[o] +1 or -1, each at least once"""
    leak: float
    doubt: Tensor | None = None
    """[S, o, M + 1]: sizes by a rounding of which weights may be off, where they are products themselves"""

    def against(self, own: Tensor, opposing: int) -> tuple[Tensor, Tensor]:
        """(weights on the left [S, g, M + 1], N [S, M + 1]) of own outputs [g] against an opposing one."""
        more = self.weights[:, own] - self.weights[:, [opposing]]  # [S, g, M + 1]
        least = (-more).amax(1).clamp_min(0)  # [S, M + 1]
        if self.doubt is None and len(own) == 1:
            return more.clamp_min(0), least
        spare = SPARE * least
        if self.doubt is not None:
            spare = torch.maximum(spare, self.doubt[:, own].amax(1) + self.doubt[:, opposing])
        return (more + (least + spare).unsqueeze(1)).clamp_min(0), least + spare


def weighed_radii(
    preactivations: Tensor, factor: Tensor, outputs: Weighed, side: Tensor, budget: int | None = None
) -> RobustRadii:
    """Radii of the decision of N points between the sides' largest outputs, of a stack of S runs: as `robust_radii`,
    of `preactivations` [S, N, M], `factor` [S, M, D] and `side` [S, N]."""
    return _least(
        preactivations, factor, outputs, _of_sides(outputs, side), lambda _, known: by_patterns(budget, known)
    )


def weighed_decision(
    preactivations: Tensor, factor: Tensor, outputs: Weighed, group: Tensor, budget: int | None = None
) -> RobustRadii:
    """Radii of the decision between all outputs, as `decision_radii`: of the points' own outputs `group` [S, N]."""
    return _least(
        preactivations, factor, outputs, _of_labels(outputs, group), lambda _, known: by_patterns(budget, known)
    )


def weighed_flips(preactivations: Tensor, factor: Tensor, outputs: Weighed, side: Tensor, start: Tensor) -> Tensor:
    """The shortest flips [S, N, D] that descents come to from perturbations `start` [S, N, D], as `shorter_flips`."""
    pairs = _of_sides(outputs, side)
    return _least(preactivations, factor, outputs, pairs, lambda runs, _: by_descent(start[runs])).perturbation


SolverOf = Callable[[Tensor, Tensor], Solver]
"""Of some runs [K], and the lengths [K, N] of the flips that are known."""
Pair = tuple[Tensor, int, Tensor]
"""Own outputs [g], an opposing one, and the points [S, N] bool that they are of."""


def _of_sides(outputs: Weighed, side: Tensor) -> Iterator[Pair]:
    for sign in (1, -1):
        own, mine = (outputs.side == sign).nonzero().squeeze(1), side == sign
        for opposing in (outputs.side == -sign).nonzero().squeeze(1).tolist():
            yield own, opposing, mine


def _of_labels(outputs: Weighed, group: Tensor) -> Iterator[Pair]:
    for own, opposing in permutations(range(outputs.weights.shape[1]), 2):
        yield torch.tensor([own], device=group.device), opposing, group == own


def _least(
    preactivations: Tensor, factor: Tensor, outputs: Weighed, pairs: Iterable[Pair], solver: SolverOf
) -> RobustRadii:
    """The least of what is found by all pairs."""
    one = torch.ones_like(preactivations[..., :1])
    seen = torch.cat([preactivations, one], -1).double()  # [S, N, M + 1]
    rows = torch.nn.functional.pad(factor.double(), (0, 0, 0, 1))  # [S, M + 1, D]
    lower = torch.full_like(seen[..., 0], torch.inf)  # [S, N]
    best = RobustRadii(lower, lower.clone(), seen.new_zeros(*lower.shape, rows.shape[2]))
    for own, opposing, mine in pairs:
        for runs, problem in _alike(*outputs.against(own, opposing)):
            contest = torch.where(mine[runs], 0, -1)
            known = solver(runs, best.upper[runs])
            part = radii_of(*problem.stack(seen[runs], rows[runs]), [problem.contest(outputs.leak)], contest, known)
            _take_shorter(best, part, runs, mine)
    return best


def _take_shorter(best: RobustRadii, part: RobustRadii, runs: Tensor, mine: Tensor) -> None:
    """Let in what was found of the points `mine` [S, N] of some runs."""
    counts = mine[runs]
    best.lower[runs] = torch.where(counts, torch.minimum(best.lower[runs], part.lower), best.lower[runs])
    shorter = counts & (part.upper < best.upper[runs])
    best.upper[runs] = torch.where(shorter, part.upper, best.upper[runs])
    best.perturbation[runs] = torch.where(shorter.unsqueeze(-1), part.perturbation, best.perturbation[runs])


@dataclass(frozen=True, eq=False)
class _Problem:
    """Own groups of w neurons each and q opposing ones, as neurons of K runs and what they are weighed by."""

    neurons: Tensor  # [K, g w + q] long
    weights: Tensor  # [K, g w + q]
    own_groups: int
    opposing: int

    def stack(self, seen: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Pre-activations [K, N, g w + q] and rows [K, g w + q, D], of [K, N, M + 1] and [K, M + 1, D]."""
        index = self.neurons.unsqueeze(1).expand(-1, seen.shape[1], -1)
        chosen = rows.gather(1, self.neurons.unsqueeze(2).expand(-1, -1, rows.shape[2]))
        return seen.gather(2, index) * self.weights.unsqueeze(1), chosen * self.weights.unsqueeze(2)

    def contest(self, leak: float) -> Contest:
        """Of its neurons, in order."""
        order = torch.arange(self.neurons.shape[1], device=self.neurons.device)
        own = len(order) - self.opposing
        return Contest(order[:own], order[own:], self.own_groups, 1, leak, rounded=True)


def _alike(left: Tensor, right: Tensor) -> list[tuple[Tensor, _Problem]]:
    """(runs [K], their problem) for runs that need equally many neurons, of weights [S, g, M + 1] and [S, M + 1]; a
    neuron without weight is left out."""
    wide, many = (left > 0).sum(2).amax(1).clamp_min(1), (right > 0).sum(1).clamp_min(1)  # [S] each
    found = []
    for width, opposing in sorted(set(zip(wide.tolist(), many.tolist(), strict=True))):
        runs = ((wide == width) & (many == opposing)).nonzero().squeeze(1)
        own, own_weights = _heavy(left[runs], width)  # [K, g, w]
        against, against_weights = _heavy(right[runs], opposing)  # [K, q]
        neurons = torch.cat([own.flatten(1), against], 1)
        weights = torch.cat([own_weights.flatten(1), against_weights], 1)
        found.append((runs, _Problem(neurons, weights, left.shape[1], opposing)))
    return found


def _heavy(weights: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """(the first `count` neurons [..., count] of those with a weight before the others, their weights), of [..., M]."""
    order = (weights <= 0).long().argsort(dim=-1, stable=True)[..., :count]
    return order, weights.gather(-1, order)
