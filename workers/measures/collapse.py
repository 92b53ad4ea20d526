"""Measures of how training points of one group come together, layer after layer, and of what tells groups apart.

Derivations: docs/methods/measures.md.
"""

import torch
from torch import Tensor

from phaselab.workers.measures.functions import measure, of_layer
from phaselab.workers.measures.layer import Layer
from phaselab.workers.measures.shown import Shown
from phaselab.workers.networks.past import ROUNDING, Moments


@of_layer
def compression(layer: Layer) -> Tensor:
    """Of label groups, at the training points."""
    return layer.past.of_label.compression


@of_layer
def class_compression(layer: Layer) -> Tensor:
    """Of classes, at the training points."""
    return layer.past.of_cluster.grouped(layer.class_of_cluster, 2).compression


@of_layer
def discrimination(layer: Layer) -> Tensor:
    """1 less the largest cosine of two label groups' means; nan where one is 0, and for a single group."""
    groups = layer.past.of_label
    length = groups.means.norm(dim=-1, keepdim=True)  # [S, c, 1], nan without points
    directions = torch.where(length > 0, groups.means / length, torch.nan)  # [S, c, M]
    cosine = directions @ directions.mT  # [S, c, c]
    absent = groups.points == 0  # [S, c]
    alone = absent.unsqueeze(1) | absent.unsqueeze(2) | torch.eye(absent.shape[1], device=absent.device).bool()
    largest = cosine.masked_fill(alone, -torch.inf).amax(dim=(1, 2))  # nan where one of them is
    return 1 - largest.clamp_max(1.0)


@measure
def compression_rate(shown: Shown) -> Tensor:
    """e to the slope of log compression against the layer, the training points themselves being layer 0."""
    return _fitted(shown)[0].exp()


@measure
def compression_fit(shown: Shown) -> Tensor:
    """R^2 of that line; nan for fewer than three layers, and where there is nothing to explain."""
    slope, logarithms = _fitted(shown)  # [S], [S, L + 1]
    if logarithms.shape[1] < 3:
        return torch.full_like(slope, torch.nan)
    around = logarithms - logarithms.mean(dim=1, keepdim=True)
    left = around - slope.unsqueeze(1) * _centred_layers(logarithms)
    total = around.square().sum(dim=1)
    return 1 - left.square().sum(dim=1) / total.where(total > 0, torch.nan)


def _fitted(shown: Shown) -> tuple[Tensor, Tensor]:
    """[S] the slope, [S, L + 1] log compression of the inputs and of every layer; nan where one is 0 or none.

    Without hidden layers there is neither."""
    if shown.inputs is None:
        return torch.full_like(shown.loss, torch.nan), shown.loss.unsqueeze(1)
    values = torch.stack([shown.inputs, *(compression(layer) for layer in shown.layers)], dim=1)
    logarithms = torch.where((values > 0) & values.isfinite(), values, torch.nan).log()
    layers = _centred_layers(logarithms)
    return (logarithms @ layers) / layers.square().sum(), logarithms


def _centred_layers(like: Tensor) -> Tensor:
    """[L + 1]: the layers' numbers less their mean."""
    numbers = torch.arange(like.shape[1], dtype=like.dtype, device=like.device)
    return numbers - numbers.mean()


@of_layer
def probe_class(layer: Layer) -> Tensor:
    """By the nearest class mean."""
    classes = torch.tensor(layer.class_of_cluster, device=layer.cluster.device)[layer.cluster]  # [S, N]
    return _probed(layer, layer.past.of_cluster.grouped(layer.class_of_cluster, 2), classes)


@of_layer
def probe_cluster(layer: Layer) -> Tensor:
    """By the nearest cluster mean."""
    return _probed(layer, layer.past.of_cluster, layer.cluster)


def _probed(layer: Layer, trained: Moments, group: Tensor) -> Tensor:
    """[S]: share of test points [S, M, N] that are nearest to the mean of their own group [S, N]; nan where all means
    are one. A group without training points is nobody's."""
    absent = (trained.points == 0).unsqueeze(-1)  # [S, g, 1]
    means = trained.means.masked_fill(absent, 0.0)  # [S, g, M]
    squares = means.square().sum(dim=-1, keepdim=True)  # [S, g, 1]
    distance = (squares - 2 * means @ layer.given).masked_fill(absent, torch.inf)  # [S, g, N], less |h|^2
    right = (distance.argmin(dim=1) == group).double().mean(dim=1)  # [S]
    there = (~absent).double()
    centre = (means * there).sum(dim=1, keepdim=True) / there.sum(dim=1, keepdim=True)  # [S, 1, M]
    apart = ((means - centre) * there).square().sum(dim=(1, 2))
    return right.where(apart > ROUNDING * squares.sum(dim=(1, 2)), torch.nan)
