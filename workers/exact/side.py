"""Points of one class as the exact method sees them: their own neurons against the opposing ones.

A point of class -1 is a point of class +1 of the network with its sides swapped, so one class is all that the
solvers know: a perturbation u flips the point when own value <= opposing value.
"""

from dataclasses import dataclass, replace
from math import fsum
from typing import Literal

import torch
from torch import Tensor

from phaselab.workers.exact.rounding import rounding_of

Readout = Literal["sum", "max"]
SHARING = 16  # points a run on average, from which on their products are taken run by run


@dataclass(frozen=True, eq=False)
class OneSide:
    """B points of one class, of S runs of equal shape; double precision.

    Neurons are sorted by group. The value of a side is the largest of its groups' sums of max(p, leak p), which is relu
    without a leak; under the `sum` readout a side is one group.
    """

    own: Tensor  # [B, R] pre-activations of the neurons of the points' own side
    opposing: Tensor  # [B, Q] of the other side
    run: Tensor  # [B] long, the run of each point, ascending
    own_factor: Tensor  # [S, R, D] rows of L
    opposing_factor: Tensor  # [S, Q, D]
    own_length: Tensor  # [S, R] lengths of the rows, rounded up
    opposing_length: Tensor  # [S, Q]
    own_groups: int
    opposing_groups: int
    leak: float = 0.0  # slope below 0, in [0, 1]
    rounded: bool = False  # whether the numbers are themselves products, right to rounding

    @property
    def rounding(self) -> float:
        """Relative rounding of every sum that is taken over neurons or dimensions."""
        plain = rounding_of(self.own_factor.shape[1], self.opposing_factor.shape[1], self.own_factor.shape[2])
        return 2 * plain if self.leak or self.rounded else plain

    def take(self, rows: Tensor) -> "OneSide":
        """The points `rows`, which may repeat."""
        return replace(self, own=self.own[rows], opposing=self.opposing[rows], run=self.run[rows])

    def farthest(self, slight: float) -> Tensor:
        """[B] the largest distance to a hyperplane of a neuron with a row longer than `slight`, at least 1."""
        far = torch.ones_like(self.own[:, 0])
        for values, lengths in ((self.own, self.own_length), (self.opposing, self.opposing_length)):
            length = lengths[self.run]
            far = torch.maximum(far, torch.where(length > slight, values.abs() / length, 0.0).amax(1))
        return far

    def alone(self, run: int) -> "OneSide":
        """The points, all of `run`, as those of a stack of one run."""
        one = slice(run, run + 1)
        return replace(
            self,
            run=torch.zeros_like(self.run),
            own_factor=self.own_factor[one],
            opposing_factor=self.opposing_factor[one],
            own_length=self.own_length[one],
            opposing_length=self.opposing_length[one],
        )


def right(points: OneSide) -> Tensor:
    """[B] bool: whether own value > opposing value at u = 0, decided without rounding; with a leak, or of rounded
    numbers, whether that is possible."""
    if points.leak or points.rounded:
        return _possibly_right(points)
    own, opposing = side_value(points.own, points.own_groups), side_value(points.opposing, points.opposing_groups)
    larger: Tensor = own > opposing
    unsure = ((own - opposing).abs() <= points.rounding * (own + opposing)) & (own + opposing > 0)
    for i in unsure.nonzero().squeeze(1).tolist():
        larger[i] = _exactly_right(points.own[i], points.own_groups, points.opposing[i], points.opposing_groups)
    return larger


def _exactly_right(own: Tensor, own_groups: int, opposing: Tensor, opposing_groups: int) -> bool:
    """The same for one point, [R] and [Q]: a sum that is rounded once has the sign of the exact sum."""
    rivals = (-opposing.clamp_min(0)).view(opposing_groups, -1).tolist()
    return any(
        all(fsum(group + rival) > 0 for rival in rivals) for group in own.clamp_min(0).view(own_groups, -1).tolist()
    )


def _possibly_right(points: OneSide) -> Tensor:
    """The same up to the rounding of sums. Where every term is 0, for certain not."""
    leak, slack = points.leak, points.rounding
    own, opposing = points.own, points.opposing
    most = side_value(own + slack * own.abs(), points.own_groups, leak)
    least = side_value(opposing - slack * opposing.abs(), points.opposing_groups, leak)
    return most > least


def leaky(preactivations: Tensor, leak: float) -> Tensor:
    """max(p, leak p) of every pre-activation p."""
    return torch.maximum(preactivations, leak * preactivations) if leak else preactivations.clamp_min(0)


def side_value(preactivations: Tensor, groups: int, leak: float = 0.0) -> Tensor:
    """The largest of the groups' sums of max(p, leak p), [...] of [..., groups * h]."""
    active = leaky(preactivations, leak)
    if groups == 1:
        return active.sum(-1)
    if groups == active.shape[-1]:
        return active.amax(-1)
    return active.reshape(*active.shape[:-1], groups, active.shape[-1] // groups).sum(-1).amax(-1)


def apply_rows(matrix: Tensor, run: Tensor, vectors: Tensor) -> Tensor:
    """matrix[run] @ vector: [B, R] of [S, R, D], [B] ascending and [B, D]."""
    if _shared(run, matrix):
        return _run_by_run(run, matrix.mT, vectors)
    return (matrix[run] * vectors.unsqueeze(1)).sum(-1)


def combine_rows(matrix: Tensor, run: Tensor, weights: Tensor) -> Tensor:
    """matrix[run].T @ weights: [B, D] of [S, R, D], [B] ascending and [B, R]."""
    if _shared(run, matrix):
        return _run_by_run(run, matrix, weights)
    return (matrix[run] * weights.unsqueeze(2)).sum(1)


def _shared(run: Tensor, matrix: Tensor) -> bool:
    """Whether so many points share the matrices [S, ...] that taking one at a time costs less than a copy a point."""
    return len(matrix) == 1 or len(run) >= SHARING * len(matrix)


def _run_by_run(run: Tensor, matrix: Tensor, vectors: Tensor) -> Tensor:
    """vector @ matrix[run]: [B, ...] of [S, M, ...], [B] ascending and [B, M]; without a copy of the matrix a point."""
    if len(matrix) == 1:
        return vectors @ matrix[0]
    counts = torch.bincount(run, minlength=len(matrix)).tolist()
    return torch.cat([part @ of_run for part, of_run in zip(torch.split(vectors, counts), matrix, strict=True)])


def combine_lengths(lengths: Tensor, run: Tensor, weights: Tensor) -> Tensor:
    """lengths[run] . weights: [B] of [S, R], [B] ascending and [B, R] >= 0, how long the rows are that weights
    combine."""
    if _shared(run, lengths):
        return _run_by_run(run, lengths, weights)
    return (lengths[run] * weights).sum(1)
