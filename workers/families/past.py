"""What families on a linear first layer keep of training: how training points look now, and what is left of the start.

Derivations: docs/methods/measures.md.
"""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from phaselab.domain.settings.labels import label_groups
from phaselab.workers.data.law import data_columns
from phaselab.workers.networks.past import ROUNDING, LayerPast, Moments, Past, SeenLayer, compression, flips
from phaselab.workers.training.in_span import Started, gram_of

INDEPENDENT = 1e-5
"""Pivots of a Gram matrix above this share of its largest: its points do not depend on each other."""


class LabelledStart(Started, Protocol):
    """S runs before their first step, with their labels."""

    @property
    def label(self) -> Tensor:
        """[n] long"""


def past_of(
    start: LabelledStart,
    layers: Sequence[SeenLayer],
    began: Sequence[Tensor],
    changes: Sequence[Tensor],
    margin: Tensor,
    frozen: Tensor,
) -> Past:
    """From every hidden layer at the training points, its pre-activations [S, M, n] before the first step and the
    change [S] of its weights, the normalized margin [S], and W Q W^T [S, M, M] of the first layer."""
    settings, cluster = start.runs[0].settings, start.data.cluster
    groups = len(label_groups(settings).side_of_group)
    each_layer = [
        LayerPast(
            Moments.of(layer.after, cluster, settings.data.k),
            Moments.of(layer.after, start.label, groups),
            moved,
            flips(layer.before, before),
        )
        for layer, before, moved in zip(layers, began, changes, strict=True)
    ]
    of_inputs = input_compression(start.data.inputs, start.label, groups)  # [1]
    return Past(tuple(each_layer), of_inputs.expand(len(start.runs)), margin, frozen)


def input_compression(inputs: Tensor, label: Tensor, groups: int) -> Tensor:
    """[1]: the compression of inputs [n, e]; sums over points stay in their number format.

    Distances are taken from the means, not as a difference of squares: of that float32 leaves nothing where centres are
    far from 0."""
    member = torch.nn.functional.one_hot(label, groups).to(inputs)  # [n, g]
    points, sums = member.sum(dim=0), member.T @ inputs  # [g], [g, e]
    means = sums / points.unsqueeze(1)
    away = (inputs - means[label]).square().sum(dim=1)  # [n]
    around = away.where(away > ROUNDING * inputs.square().sum(dim=1), 0.0)
    within = member.double().T @ around.double()  # [g]
    return compression(points.double().unsqueeze(0), means.double().unsqueeze(0), within.unsqueeze(0))


def frozen_products(start: Started, weights: Tensor, left: Tensor) -> Tensor:
    """[S, M, M] float64: W Q W^T, Q projecting off the span of training points and centres, of weights [S, M, e''] of
    which `left` [S, M, e''] is left of the start.

    Coordinates past those of the inputs are off it. Within them something is off it only where there are more than
    points and centres, or than centres and directions of noise: there, what a gradient adds to weights is none of it,
    so Q is taken of what is left of the start; of the weights themselves where that is not known, and by Adam, whose
    steps are no gradients. nan where nothing is off the span.
    """
    columns = start.data.inputs.shape[1]
    beyond = weights[..., columns:].double()  # [S, M, e'' - e]
    products = beyond @ beyond.mT
    if data_columns(start.runs[0].settings.data) < columns:
        adam = start.runs[0].settings.training.optimizer == "adam"
        own = torch.where(left.isfinite() & (not adam), left, weights)[..., :columns].double()  # [S, M, e]
        within = own - _projected(own, start)
        products = products + within @ within.mT
    elif beyond.shape[-1] == 0:
        products = torch.full_like(products, torch.nan)
    return products


def _projected(weights: Tensor, start: Started) -> Tensor:
    """[S, M, e]: the projection of weights onto the span of training points and centres."""
    inputs, centers = start.data.inputs, start.data.centers.points  # [n, e], [k, e']
    centers = torch.nn.functional.pad(centers, (0, inputs.shape[1] - centers.shape[1])).to(inputs)  # [k, e]
    matrix = gram_of(start).matrix
    of_points = inputs @ inputs.T if matrix is None else matrix  # [n, n]
    across = inputs @ centers.T  # [n, k]
    of_all = torch.cat([torch.cat([of_points, across], 1), torch.cat([across.T, centers @ centers.T], 1)]).double()
    spanning = torch.cat([inputs, centers]).double()  # [n + k, e]
    products = spanning @ weights.flatten(0, 1).T  # [n + k, S M]
    factor, fault = torch.linalg.cholesky_ex(of_all)
    pivots = factor.diagonal().square()
    if bool(fault) or float(pivots.min()) <= INDEPENDENT * float(pivots.max()):
        shares = torch.linalg.pinv(of_all, hermitian=True, rtol=INDEPENDENT) @ products
    else:
        shares = torch.cholesky_solve(products, factor)
    projected: Tensor = shares.T @ spanning
    return projected.view_as(weights)
