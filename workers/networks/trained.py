"""What a trained first layer is: its weights as tensors, and how it sees its test points."""

from dataclasses import dataclass, fields
from functools import cached_property

import torch
from torch import Tensor

from phaselab.domain.results.results import READOUTS, Decision
from phaselab.workers.base import nested
from phaselab.workers.networks.factor import span_factor
from phaselab.workers.networks.groups import Sided, label_margin, read_out
from phaselab.workers.networks.past import Past

VANISHES = 1e-13
"""Eigenvalues of W W^T below this share of the largest are rounding: their square roots would pass for directions."""


@dataclass(frozen=True, eq=False)
class Geometry:
    """What the measures and the attacks need of the weights: their inner products with the centres and each other."""

    center_products: Tensor
    """A [S, M, k] float64"""
    weight_products: Tensor
    """W W^T [S, M, M] float64"""


def geometry(weights: Tensor, centers: Tensor) -> Geometry:
    """From weights [S, M, e''] and centres [k, e'] on the same coordinates, of which e' may leave out the last."""
    exact = weights.double()  # [S, M, e'']
    return Geometry(exact[..., : centers.shape[1]] @ centers.double().T, exact @ exact.mT)


@dataclass(frozen=True, eq=False)
class Networks:
    """The first layers of the trained networks of S runs, and how they see their test points."""

    weights: Tensor
    """W [S, M, e'']"""
    bias: Tensor
    """[S, M]"""
    loss: Tensor
    """[S] mean training loss"""
    accuracy: Tensor
    """[S] training accuracy"""
    center_products: Tensor
    """[S, M, k] float64"""
    weight_products: Tensor
    """W W^T [S, M, M] float64"""
    center_norms: Tensor
    """[S, k] float64"""
    feature_fraction: Tensor
    """[S] float64: share of the squared weights in the span of the centres"""
    start_share: Tensor
    """[S] float64: share of the squared weights that is what is left of their start; nan where that is not known"""
    noise_share: Tensor
    """[S] float64: share of the squared weights that was learned outside the span of the centres"""
    dead_outputs: Tensor
    """[S] float64: share of outputs that are 0 at every training point; nan where outputs may be negative"""
    coefficients: Tensor
    """[S, M, k] float64: what the neurons hold of the centres (`features_held`)"""
    factor: Tensor
    """L [S, M, M] float64, L L^T = W W^T"""
    preactivations: Tensor
    """[S, M, N] of the test points, in the training's number format"""
    side: Tensor
    """[S, N] long, +1 or -1: the test points' classes"""
    label: Tensor
    """[S, N] long: the test points' label groups"""
    cluster: Tensor
    """[S, N] long: the test points' clusters"""
    averaged: Tensor
    """[S, M] float64: <w, u>, u being the averaged direction, sum_j y_j mu_j over its length; nan where that is 0"""
    past: Past
    """What is kept of training"""

    @property
    def geometry(self) -> Geometry:
        """What the measures look at."""
        return Geometry(self.center_products, self.weight_products)

    @cached_property
    def spanned(self) -> Tensor:
        """L [S, M, min(M, e'')] float64 with W = L Q, Q of orthonormal rows: of coordinates in the span of the weights.
        Right to rounding of every row, which `factor` is not (docs/methods/exact.md)."""
        return span_factor(self.weights)

    @cached_property
    def coordinates(self) -> Tensor:
        """[S, min(M, e''), M] float64: of perturbations in the coordinates of `factor`, those in the coordinates of
        `spanned`; transposed, the other way round."""
        inverse: Tensor = torch.linalg.pinv(self.factor, hermitian=True, rtol=1e-8)  # [S, M, M]
        return self.spanned.mT @ inverse

    def take(self, index: Tensor | slice) -> "Networks":
        """Some of the networks."""
        return Networks(*(nested.taken(getattr(self, field.name), index) for field in fields(self)))


def weight_factor(weight_products: Tensor) -> Tensor:
    """[S, M, M] W W^T -> its symmetric square root L.

    Of all L with L L^T = W W^T the only one that depends continuously on W, so that rounding cannot change
    which test points a draw of pre-activations L z stands for.
    """
    values, vectors = torch.linalg.eigh(weight_products)  # [S, M], [S, M, M]
    values = torch.where(values > VANISHES * values[:, -1:], values, 0.0)
    root: Tensor = vectors @ (values.sqrt().unsqueeze(-1) * vectors.mT)
    return root


def clean_accuracy(of_groups: Tensor, network: Sided, side: Tensor, label: Tensor) -> dict[Decision, Tensor]:
    """[S] per decision: share of test points, of outputs [S, c, N], whose readout has strictly the sign of their class
    [S, N], or whose own label [S, N] strictly the largest output."""
    margins: dict[Decision, Tensor] = {readout: read_out(of_groups, network, readout) * side for readout in READOUTS}
    margins["label"] = label_margin(of_groups, label)
    return {decision: (margin > 0).double().mean(dim=-1) for decision, margin in margins.items()}
