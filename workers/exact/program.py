"""The convex program at the heart of the exact method, many at once.

    least |u|  such that  value(own + L u) <= constant + slope . u

where value is the largest of the groups' sums of max(p, leak p), relu without a leak. The value is the largest of
finitely many linear functions (cuts), one for every choice of a group and of the neurons that are on in it. Any convex
combination of cuts, that is any dual weights t, proves a lower bound; the first cut, the largest at u = 0, mostly
suffices, and the others are left to the active-set method (docs/methods/exact.md).
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from phaselab.workers.exact.rounding import LIGHTEST, LOWEST
from phaselab.workers.exact.side import OneSide, apply_rows, combine_lengths, combine_rows, side_value


@dataclass(frozen=True, eq=False)
class Programs:
    """B convex programs over S runs; see the head of this file."""

    own: Tensor  # [B, R]
    run: Tensor  # [B] long
    own_factor: Tensor  # [S, R, D]
    own_length: Tensor  # [S, R]
    groups: int
    constant: Tensor  # [B]
    slope: Tensor  # [B, D]
    constant_terms: Tensor  # [B] sum of the sizes of what `constant` was summed from
    slope_terms: Tensor  # [B] sum of the lengths of the rows that `slope` was summed from
    rounding: float
    leak: float = 0.0

    @classmethod
    def of(cls, points: OneSide, slope: Tensor, lift: Tensor | None = None) -> "Programs":
        """Of B points, with slope * q + lift, [B, Q] >= 0 each, in place of the relu of every opposing q."""
        heights = slope * points.opposing  # [B, Q]
        constant, terms = heights.sum(1), heights.abs().sum(1)
        if lift is not None:
            raised = lift.sum(1)
            constant, terms = constant + raised, terms + raised
        return cls(
            own=points.own,
            run=points.run,
            own_factor=points.own_factor,
            own_length=points.own_length,
            groups=points.own_groups,
            constant=constant,
            slope=combine_rows(points.opposing_factor, points.run, slope),
            constant_terms=terms,
            slope_terms=combine_lengths(points.opposing_length, points.run, slope),
            rounding=points.rounding,
            leak=points.leak,
        )

    def take(self, rows: Tensor) -> "Programs":
        """The programs `rows`."""
        return replace(
            self,
            own=self.own[rows],
            run=self.run[rows],
            constant=self.constant[rows],
            slope=self.slope[rows],
            constant_terms=self.constant_terms[rows],
            slope_terms=self.slope_terms[rows],
        )

    def preactivations(self, u: Tensor) -> Tensor:
        """Own pre-activations [B, R] at u [B, D]."""
        return self.own + apply_rows(self.own_factor, self.run, u)

    def excess(self, own: Tensor, u: Tensor) -> Tensor:
        """[B] by how much value exceeds constant + slope . u, given the pre-activations at u; feasible where <= 0."""
        return side_value(own, self.groups, self.leak) - self.constant - (self.slope * u).sum(1)

    def halfspaces(self, weights: Tensor) -> "Halfspaces":
        """What the dual weights t [B, R] prove."""
        height = (weights * self.own).sum(1) - self.constant
        size = (weights * self.own.abs()).sum(1) + self.constant_terms
        terms = combine_lengths(self.own_length, self.run, weights) + self.slope_terms
        return Halfspaces(
            height=height - self.rounding * size,
            normal=combine_rows(self.own_factor, self.run, weights) - self.slope,
            slack=self.rounding * terms,
        )

    def cuts(self, on: Tensor) -> "Cuts":
        """The cuts that weigh the own neurons by `on` [B, R]."""
        proof = self.halfspaces(on)
        length = proof.normal.norm(dim=1)
        flat = length <= proof.slack
        scale = 1 / torch.where(flat, 1.0, length)
        normal, height = proof.normal * scale.unsqueeze(1), proof.height * scale
        return Cuts(on * scale.unsqueeze(1), normal, height, scale, flat, flat & (proof.height > 0))


@dataclass(frozen=True, eq=False)
class Halfspaces:
    """B halfspaces that hold every u of their programs: height + normal . u <= slack |u|, rounding conceded."""

    height: Tensor  # [B]
    normal: Tensor  # [B, D]
    slack: Tensor  # [B] by how much the normal may be off

    def take(self, rows: Tensor) -> "Halfspaces":
        """The halfspaces `rows`."""
        return Halfspaces(self.height[rows], self.normal[rows], self.slack[rows])

    def distance(self, rounding: float) -> Tensor:
        """[B] certified lower bound of |u|; inf only where the normal is zero without any rounding."""
        length = self.normal.norm(dim=1) * (1 + rounding) + self.slack
        return torch.where(self.height > LOWEST, self.height / length * (1 - rounding), 0.0)


@dataclass(frozen=True, eq=False)
class Cuts:
    """One cut per program, height + normal . u <= 0, scaled to a unit normal so that heights are distances."""

    on: Tensor  # [B, R] scaled weights of the own neurons
    normal: Tensor  # [B, D]
    height: Tensor  # [B]
    scale: Tensor  # [B] one over the length of the normal before
    flat: Tensor  # [B] bool: the normal is nothing but rounding, and nothing was scaled
    contradicts: Tensor  # [B] bool: flat, and violated wherever u is


@dataclass(eq=False)
class Solutions:
    """What the solver found for each program."""

    lower: Tensor  # [B] certified lower bound
    perturbation: Tensor  # [B, D] the minimiser where solved, any point otherwise
    weights: Tensor  # [B, R] the dual weights t that prove the bound
    proof: "Halfspaces"  # how they do


def on_mask(own: Tensor, groups: int, leak: float = 0.0) -> Tensor:
    """The cut that is largest at pre-activations [B, R]: in the largest group 1 for the positive neurons, the leak for
    the others."""
    on = slopes(own, leak)
    if groups == 1:
        return on
    on = on.reshape(len(own), groups, on.shape[1] // groups)  # [B, groups, h]
    value = (on * own.reshape(on.shape)).sum(2)  # [B, groups]
    best = torch.zeros_like(value).scatter_(1, value.argmax(1, keepdim=True), 1.0)
    return (on * best.unsqueeze(2)).flatten(1)


def slopes(preactivations: Tensor, leak: float) -> Tensor:
    """The slope of max(p, leak p) at every pre-activation."""
    on = (preactivations > 0).to(preactivations)
    return torch.where(on > 0, on, leak) if leak else on


def dual_weights(weights: Tensor, groups: int, rounding: float, leak: float = 0.0) -> Tensor:
    """The weights [B, R] brought back into the dual weights T, which they have left by rounding at most.

    T: leak * level <= t_r <= level of r's group, levels >= 0 that add up to 1, or without a leak to at most 1.
    """
    if leak:
        return _leaky_weights(weights, groups, leak)
    inside = torch.where(weights > LIGHTEST, weights, 0.0).clamp_max(1)
    if groups == 1:
        return inside
    level = inside.reshape(len(inside), groups, inside.shape[1] // groups).amax(2).sum(1, keepdim=True)  # [B, 1]
    return inside / (level * (1 + rounding)).clamp_min(1)


def _leaky_weights(weights: Tensor, groups: int, leak: float) -> Tensor:
    """The same with a leak. Levels may lie between a group's largest weight and its least over the leak: as far up, for
    all groups alike, as makes them add up to 1."""
    if groups == 1:
        return weights.clamp(leak, 1.0)
    of_groups = weights.clamp(0.0, 1.0).reshape(len(weights), groups, weights.shape[1] // groups)  # [B, groups, h]
    low, high = of_groups.amax(2), (of_groups.amin(2) / leak).clamp_max(1.0)  # [B, groups]
    room = (high - low).sum(1, keepdim=True)  # [B, 1]
    share = torch.where(room > 0, (1 - low.sum(1, keepdim=True)) / room, 0.0).clamp(0.0, 1.0)
    level = low + share * (high - low)
    level = (level / level.sum(1, keepdim=True)).unsqueeze(2)  # [B, groups, 1]
    return torch.minimum(torch.maximum(of_groups, leak * level), level).flatten(1)
