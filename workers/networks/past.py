"""What is kept of training when networks are looked at: what training points look like in every layer, and how far the
network has come from its start. Named tuples, whose first dimension is runs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor


class Moments(NamedTuple):
    """Sums over the points of each of g groups, in float64."""

    points: Tensor
    """[S, g] how many"""
    sums: Tensor
    """[S, g, M] of what neurons give"""
    squares: Tensor
    """[S, g, M] of its squares"""

    @classmethod
    def of(cls, values: Tensor, group: Tensor, groups: int) -> "Moments":
        """From values [S, M, N] and groups [S, N] or [N]."""
        exact, member = values.double(), torch.nn.functional.one_hot(group, groups).double()  # [S, M, N], [..., N, g]
        member = member.expand(len(values), -1, -1)
        sums, squares = ((exact @ member).mT, (exact.square() @ member).mT)  # [S, g, M]
        return cls(member.sum(dim=1), sums.contiguous(), squares.contiguous())

    def grouped(self, into: Sequence[int], groups: int) -> "Moments":
        """Those of groups of groups: the one of number j becomes part of number into[j]."""
        member = torch.nn.functional.one_hot(torch.tensor(into, device=self.points.device), groups).double()  # [g, g']
        return Moments(self.points @ member, member.T @ self.sums, member.T @ self.squares)

    @property
    def means(self) -> Tensor:
        """[S, g, M]; nan for a group without points."""
        return self.sums / self.points.unsqueeze(-1)

    @property
    def within(self) -> Tensor:
        """[S, g]: sum of squared distances of a group's points from their mean; 0 without points, and for points that
        are one but for rounding."""
        squares = self.squares.sum(dim=-1)  # [S, g]
        around = squares - self.sums.square().sum(dim=-1) / self.points.clamp_min(1)
        return around.where(around > ROUNDING * squares, 0.0)

    @property
    def spread(self) -> Tensor:
        """[S, g, M]: variance over a group's points; nan without points, 0 where they are one but for rounding."""
        square = self.squares / self.points.unsqueeze(-1)  # [S, g, M]
        variance = square - self.means.square()
        return variance.where(~(variance <= ROUNDING * square), 0.0)

    @property
    def compression(self) -> Tensor:
        """[S]: `compression` of the groups."""
        return compression(self.points, self.means, self.within)


ROUNDING = 1e-13
"""Of squares: what is smaller than this share of what it is a difference of is rounding."""


def compression(points: Tensor, means: Tensor, within: Tensor) -> Tensor:
    """[S]: tr Sigma_W / tr Sigma_B of the groups that have points (arXiv 2311.02960): the mean squared distance of
    points from the mean of their group over that of the groups' means from their own mean. Not finite where groups
    have one mean, and for a single group. From points [S, g], means [S, g, M] and `within` [S, g] of each group.
    """
    there = (points > 0).unsqueeze(-1)  # [S, g, 1]
    groups = there.sum(dim=1)  # [S, 1]
    means = means.where(there, 0.0)
    apart = (means - (means.sum(dim=1) / groups).unsqueeze(1)).where(there, 0.0)  # [S, g, M]
    between = apart.square().sum(dim=(-2, -1)) / groups.squeeze(-1)
    of_points: Tensor = within.sum(dim=-1) / points.sum(dim=-1)
    seen = means.square().sum(dim=(-2, -1)) / groups.squeeze(-1)
    return of_points / between.where(between > ROUNDING * seen, 0.0)


class LayerPast(NamedTuple):
    """Of a hidden layer of S networks."""

    of_cluster: Moments
    """What training points of each cluster look like behind the layer"""
    of_label: Moments
    """Of each label group, by the labels that the network was trained on"""
    change: Tensor
    """[S] float64: |W - W0| / |W0| of the layer's weights; not finite for W0 = 0"""
    flips: Tensor
    """[S] float64: share of (training point, neuron) whose pre-activation has another sign than at the start"""


class Past(NamedTuple):
    """Of S networks."""

    layers: tuple[LayerPast, ...]
    """From the first hidden layer to the last"""
    inputs: Tensor
    """[S] float64: the compression of the training points themselves, by the labels trained on"""
    margin: Tensor
    """[S] float64: the least margin of a training point over |theta|^q; nan for a network that is not homogeneous"""
    frozen: Tensor
    """[S, M, M] float64: W Q W^T of the first layer, Q projecting off the span of training points and centres; nan
    where nothing is off it, or that is not known"""


@dataclass(frozen=True, eq=False)
class SeenLayer:
    """A hidden layer of S networks at some points."""

    before: Tensor
    """[S, M, N] pre-activations"""
    after: Tensor
    """[S, M, N] what the neurons give"""


def change(weights: Tensor, start: Tensor) -> Tensor:
    """[S]: |W - W0| / |W0| of weights [S, ...]."""
    moved, began = (one.double().flatten(1).norm(dim=1) for one in (weights.double() - start.double(), start))
    ratio: Tensor = moved / began
    return ratio


def flips(before: Tensor, start: Tensor) -> Tensor:
    """[S]: share of pre-activations [S, M, n] whose being above 0 is another than at the start [S, M, n]."""
    return ((before > 0) != (start > 0)).double().mean(dim=(1, 2))
