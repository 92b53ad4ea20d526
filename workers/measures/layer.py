"""What a hidden layer of trained networks shows to measures, and where gradients at the test points lead."""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from phaselab.domain.settings.labels import LabelGroups
from phaselab.workers.networks.past import ROUNDING, LayerPast, Moments, SeenLayer


@dataclass(frozen=True, eq=False)
class Layer:
    """A hidden layer of S networks at their test points, and what is kept of it from training."""

    seen: SeenLayer
    """[S, M, N]; of a layer whose pre-activations nobody sees, what it gives in their place"""
    cluster: Tensor
    """[S, N] long"""
    dealt: LabelGroups
    """How the clusters are dealt to sides and label groups"""
    past: LayerPast
    """At the training points"""
    weight_products: Tensor | None = None
    """W W^T [S, M, M] float64 of the layer's weights; null where they are no matrix"""
    signed: bool = False
    """Whether neurons give negative values as readily as positive ones"""
    linear: bool = False
    """Whether neurons give their pre-activation as it is"""

    @property
    def class_of_cluster(self) -> tuple[int, ...]:
        """[k]: 0 for the clusters of side +1, 1 for those of side -1."""
        return tuple(int(side < 0) for side in self.dealt.side_of_cluster)

    @cached_property
    def given(self) -> Tensor:
        """H [S, M, N] float64: what the neurons give."""
        return self.seen.after.double()

    @cached_property
    def of_cluster(self) -> Moments:
        """Of H, by cluster."""
        return Moments.of(self.given, self.cluster, len(self.dealt.group_of_cluster))

    @cached_property
    def of_class(self) -> Moments:
        """Of H, by class."""
        return self.of_cluster.grouped(self.class_of_cluster, 2)

    @cached_property
    def of_label(self) -> Moments:
        """Of H, by label group."""
        return self.of_cluster.grouped(self.dealt.group_of_cluster, len(self.dealt.side_of_group))

    @cached_property
    def before_of_cluster(self) -> Moments:
        """Of the pre-activations, by cluster."""
        if self.seen.before is self.seen.after:
            return self.of_cluster
        return Moments.of(self.seen.before, self.cluster, len(self.dealt.group_of_cluster))

    @cached_property
    def alive(self) -> Tensor:
        """[S, M] bool: whether the neuron's pre-activation is above 0 at a test point."""
        return self.seen.before.amax(dim=-1) > 0

    @cached_property
    def products(self) -> Tensor:
        """H H^T [S, M, M] float64."""
        return self.given @ self.given.mT

    @cached_property
    def scatter(self) -> Tensor:
        """[S, M, M] float64: H H^T of what is left of H once every neuron's mean is taken away; zeros for a layer that
        gives the same at all points."""
        count, sums = self.of_cluster.points.sum(dim=1), self.of_cluster.sums.sum(dim=1)  # [S], [S, M]
        around = self.products - sums.unsqueeze(2) * sums.unsqueeze(1) / count.view(-1, 1, 1)
        constant = trace(around) <= ROUNDING * trace(self.products)
        return around.masked_fill(constant.view(-1, 1, 1), 0.0)


@dataclass(frozen=True, eq=False)
class Gradients:
    """The gradients g of y times a readout by the inputs, at the test points of S networks."""

    margin: Tensor
    """[S, N] float64: y times the readout"""
    square: Tensor
    """[S, N] float64: |g|^2"""
    held: Tensor
    """[S, k, N] float64: what g holds of each centre, as neurons do (`features_held`)"""
    outside: Tensor | None = None
    """[S, N] float64: |Q g|^2, Q projecting off the span of training points and centres; null for a family that does
    not tell, nan where nothing is off it"""


def trace(matrix: Tensor) -> Tensor:
    """[..., M, M] -> [...]"""
    return matrix.diagonal(dim1=-2, dim2=-1).sum(dim=-1)


def participation(values: Tensor) -> Tensor:
    """[..., n] of what is not negative -> [...]: (sum v)^2 / sum v^2, how many of them count; nan where all are 0."""
    largest = values.amax(dim=-1, keepdim=True)
    shares = values / largest.where(largest > 0, 1.0)  # no overflow in the squares
    ratio: Tensor = shares.sum(dim=-1).square() / shares.square().sum(dim=-1)
    return ratio


def middle(values: Tensor, known: Tensor) -> Tensor:
    """[..., n] -> [...]: the median of the known ones, the mean of the two in the middle; nan where none is known."""
    return torch.nanquantile(values.masked_fill(~known, torch.nan), 0.5, dim=-1)
