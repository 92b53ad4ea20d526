"""The convex program at the heart of the exact method, many at once.

    least |u|  such that  value(own + L u) <= constant + slope . u

where value is the largest of the groups' sums of relu. The value is the largest of finitely many linear functions
(cuts), one for every choice of a group and of the neurons that are on in it. Any convex combination of cuts, that is
any dual weights t, proves a lower bound; the first cut, the largest at u = 0, mostly suffices, and the others are left
to the active-set method (docs/methods/exact.md).
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from phaselab.workers.exact.side import apply_rows, combine_rows, side_value

SLACK = 1e-14  # relative rounding that the certified lower bound concedes
VANISHES = 1e-12  # a combination of rows shorter than this part of its terms counts as zero


@dataclass(frozen=True, eq=False)
class Programs:
    """B convex programs over S runs; see the head of this file."""

    own: Tensor  # [B, R]
    run: Tensor  # [B] long
    own_factor: Tensor  # [S, R, D]
    groups: int
    constant: Tensor  # [B]
    slope: Tensor  # [B, D]

    def take(self, rows: Tensor) -> "Programs":
        """The programs `rows`."""
        return replace(
            self, own=self.own[rows], run=self.run[rows], constant=self.constant[rows], slope=self.slope[rows]
        )

    def preactivations(self, u: Tensor) -> Tensor:
        """Own pre-activations [B, R] at u [B, D]."""
        return self.own + apply_rows(self.own_factor, self.run, u)

    def excess(self, own: Tensor, u: Tensor) -> Tensor:
        """[B] by how much value exceeds constant + slope . u, given the pre-activations at u; feasible where <= 0."""
        return side_value(own, self.groups) - self.constant - (self.slope * u).sum(1)

    def cuts(self, on: Tensor) -> "Cuts":
        """The cuts that weigh the own neurons by `on` [B, R]."""
        normal = combine_rows(self.own_factor, self.run, on) - self.slope
        height = (on * self.own).sum(1) - self.constant
        length = normal.norm(dim=1)
        terms = combine_rows(self.own_factor.abs(), self.run, on).norm(dim=1) + self.slope.norm(dim=1)
        flat = length <= VANISHES * terms
        scale = 1 / torch.where(flat, 1.0, length)
        size = self.own.abs().sum(1) + self.constant.abs()
        contradicts = flat & (height > VANISHES * size)
        return Cuts(on * scale.unsqueeze(1), normal * scale.unsqueeze(1), height * scale, scale, flat, contradicts)


@dataclass(frozen=True, eq=False)
class Cuts:
    """One cut per program, height + normal . u <= 0, scaled to a unit normal so that heights are distances."""

    on: Tensor  # [B, R] scaled weights of the own neurons
    normal: Tensor  # [B, D]
    height: Tensor  # [B]
    scale: Tensor  # [B] one over the length of the normal before
    flat: Tensor  # [B] bool: the normal vanishes, and nothing was scaled
    contradicts: Tensor  # [B] bool: flat, and violated wherever u is


@dataclass(eq=False)
class Solutions:
    """What the solver found for each program."""

    lower: Tensor  # [B] certified lower bound, inf where infeasible
    perturbation: Tensor  # [B, D] the minimiser where solved, an infeasible point otherwise
    weights: Tensor  # [B, R] the dual weights t that prove the bound


def on_mask(own: Tensor, groups: int) -> Tensor:
    """The cut that is largest at pre-activations [B, R]: 1 for the positive neurons of the largest group."""
    on = (own > 0).to(own)
    if groups == 1:
        return on
    on = on.reshape(len(own), groups, on.shape[1] // groups)  # [B, groups, h]
    value = (on * own.reshape(on.shape)).sum(2)  # [B, groups]
    best = torch.zeros_like(value).scatter_(1, value.argmax(1, keepdim=True), 1.0)
    return (on * best.unsqueeze(2)).flatten(1)


def certify(programs: Programs, weights: Tensor) -> Tensor:
    """Certified lower bound [B] that the dual weights t [B, R] prove, less an allowance for rounding."""
    size = programs.own.abs().sum(1) + programs.constant.abs()
    height = (weights * programs.own).sum(1) - programs.constant - SLACK * size
    vector = combine_rows(programs.own_factor, programs.run, weights) - programs.slope
    terms = combine_rows(programs.own_factor.abs(), programs.run, weights).norm(dim=1) + programs.slope.norm(dim=1)
    length = vector.norm(dim=1) + SLACK * terms
    return torch.where(height > 0, height / length.clamp_min(torch.finfo(length.dtype).tiny), 0.0)
