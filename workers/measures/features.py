"""Measures of what hidden layers make of test points: alignment with clusters and classes, variance, rank.

Derivations: docs/methods/measures.md.
"""

import torch
from torch import Tensor

from phaselab.workers.measures.functions import of_layer
from phaselab.workers.measures.layer import Layer, trace
from phaselab.workers.networks.past import Moments


@of_layer
def cluster_alignment(layer: Layer) -> Tensor:
    """Linear CKA of H and the clusters."""
    return _alignment(layer, layer.of_cluster)


@of_layer
def class_alignment(layer: Layer) -> Tensor:
    """Linear CKA of H and the classes: y y^T is half of what the classes' unit vectors give, which changes nothing."""
    return _alignment(layer, layer.of_class)


def _alignment(layer: Layer, groups: Moments) -> Tensor:
    """[S]: |Y^T J H|^2 / (|H^T J H| |Y^T J Y|), Y the groups' unit vectors and J = I - 1 1^T / n; nan for a layer that
    gives the same at all points."""
    points = groups.points  # [S, g]
    count = points.sum(dim=1, keepdim=True)  # [S, 1]
    crossed = groups.sums - (points / count).unsqueeze(-1) * groups.sums.sum(dim=1, keepdim=True)  # [S, g, M]
    kernel = torch.diag_embed(points) - points.unsqueeze(2) * points.unsqueeze(1) / count.unsqueeze(2)  # [S, g, g]
    size = _norm(layer.scatter) * _norm(kernel)
    share: Tensor = crossed.square().sum(dim=(1, 2)) / size.where(size > 0, torch.nan)
    return share.clamp_max(1.0)


def _norm(matrix: Tensor) -> Tensor:
    norm: Tensor = matrix.flatten(1).norm(dim=1)
    return norm


@of_layer
def subclass_variance(layer: Layer) -> Tensor:
    """Variance of H between the clusters of a class over all of it; nan where no class has two clusters with points."""
    clusters, classes = layer.of_cluster, layer.of_class
    inside = _between(clusters) - _between(classes)  # [S]
    total = trace(layer.scatter)
    there = (clusters.points > 0).double()  # [S, k]
    member = torch.nn.functional.one_hot(torch.tensor(layer.class_of_cluster, device=there.device), 2).double()
    several = (there @ member > 1).any(dim=1)
    return inside.clamp_min(0).where(several & (total > 0), torch.nan) / total


def _between(groups: Moments) -> Tensor:
    """[S]: sum over groups of |sum of points|^2 / points."""
    of_groups: Tensor = groups.sums.square().sum(dim=-1) / groups.points.clamp_min(1)
    return of_groups.sum(dim=-1)


@of_layer
def stable_rank_features(layer: Layer) -> Tensor:
    """|H|_F^2 / |H|_2^2."""
    return _stable_rank(layer.products)


@of_layer
def stable_rank_weights(layer: Layer) -> Tensor:
    """|W|_F^2 / |W|_2^2."""
    assert layer.weight_products is not None
    return _stable_rank(layer.weight_products)


def _stable_rank(products: Tensor) -> Tensor:
    """[S], from products [S, M, M]; nan for zeros."""
    largest = torch.linalg.eigvalsh(products)[..., -1]
    rank: Tensor = trace(products) / largest.where(largest > 0, torch.nan)
    return rank
