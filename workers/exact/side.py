"""Points of one class as the exact method sees them: their own neurons against the opposing ones.

A point of class -1 is a point of class +1 of the network with its sides swapped, so one class is all that the
solvers know: a perturbation u flips the point when own value <= opposing value.
"""

from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from phaselab.workers.networks.layout import GroupLayout

Readout = Literal["sum", "max"]
ROUNDING = 1e-12  # of the sum of the terms: what double precision may leave of a readout that is zero
SCALES = (1.0, 1 + 1e-9, 1 + 1e-7, 1 + 1e-5, 1 + 1e-3, 1.03)  # how far a perturbation is stretched until it flips


@dataclass(frozen=True, eq=False)
class OneSide:
    """B points of one class, of S runs of equal shape; double precision.

    Neurons are sorted by group. The value of a side is the largest of its groups' sums of relu; under the `sum`
    readout a side is one group.
    """

    own: Tensor  # [B, R] pre-activations of the neurons of the points' own side
    opposing: Tensor  # [B, Q] of the other side
    run: Tensor  # [B] long, the run of each point
    own_factor: Tensor  # [S, R, D] rows of L
    opposing_factor: Tensor  # [S, Q, D]
    own_groups: int
    opposing_groups: int

    def take(self, rows: Tensor) -> "OneSide":
        """The points `rows`, which may repeat."""
        return replace(self, own=self.own[rows], opposing=self.opposing[rows], run=self.run[rows])

    def margin(self, own: Tensor, opposing: Tensor) -> Tensor:
        """Own value less opposing value of pre-activations [..., R] and [..., Q]; flipped where not positive."""
        return side_value(own, self.own_groups) - side_value(opposing, self.opposing_groups)


def one_side(
    preactivations: Tensor, run: Tensor, factor: Tensor, layout: GroupLayout, side: int, readout: Readout
) -> OneSide:
    """Points [B, M] of class `side` (+1 or -1) with `factor` [S, M, D]; a group's mean counts as its sum."""
    own, opposing = layout.neurons_of_side(side), layout.neurons_of_side(-side)  # [R], [Q]
    return OneSide(
        own=preactivations[:, own],
        opposing=preactivations[:, opposing],
        run=run,
        own_factor=factor[:, own],
        opposing_factor=factor[:, opposing],
        own_groups=1 if readout == "sum" else layout.groups_of_side(side),
        opposing_groups=1 if readout == "sum" else layout.groups_of_side(-side),
    )


def side_value(preactivations: Tensor, groups: int) -> Tensor:
    """The largest of the groups' sums of relu, [...] of [..., groups * h]."""
    active = preactivations.clamp_min(0)
    if groups == 1:
        return active.sum(-1)
    if groups == active.shape[-1]:
        return active.amax(-1)
    return active.reshape(*active.shape[:-1], groups, active.shape[-1] // groups).sum(-1).amax(-1)


def apply_rows(matrix: Tensor, run: Tensor, vectors: Tensor) -> Tensor:
    """matrix[run] @ vector: [B, R] of [S, R, D], [B] and [B, D]."""
    if matrix.shape[0] == 1:
        return vectors @ matrix[0].T
    return (matrix[run] * vectors.unsqueeze(1)).sum(-1)


def combine_rows(matrix: Tensor, run: Tensor, weights: Tensor) -> Tensor:
    """matrix[run].T @ weights: [B, D] of [S, R, D], [B] and [B, R]."""
    if matrix.shape[0] == 1:
        return weights @ matrix[0]
    return (matrix[run] * weights.unsqueeze(2)).sum(1)


def attain(points: OneSide, perturbations: Tensor) -> tuple[Tensor, Tensor]:
    """Stretch each perturbation [B, D] until it is seen to flip its point, by at most the last of `SCALES`.

    Returns (length [B], inf where it does not flip; the stretched perturbation [B, D]). Flipped means a margin of at
    most `ROUNDING` times the sum of its terms.
    """
    scale = torch.full_like(points.own[:, 0], torch.inf)  # [B]
    own_step = apply_rows(points.own_factor, points.run, perturbations)  # [B, R]
    opposing_step = apply_rows(points.opposing_factor, points.run, perturbations)  # [B, Q]
    size = (points.own.abs() + own_step.abs()).sum(1) + (points.opposing.abs() + opposing_step.abs()).sum(1)  # [B]
    open_rows = torch.arange(len(scale), device=scale.device)
    for factor in SCALES:
        own = points.own[open_rows] + factor * own_step[open_rows]
        opposing = points.opposing[open_rows] + factor * opposing_step[open_rows]
        flips = points.margin(own, opposing) <= ROUNDING * size[open_rows]
        scale[open_rows[flips]] = factor
        open_rows = open_rows[~flips]
        if len(open_rows) == 0:
            break
    stretched = perturbations * torch.where(scale.isfinite(), scale, 0.0).unsqueeze(1)
    return torch.where(scale.isfinite(), stretched.norm(dim=1), torch.inf), stretched
