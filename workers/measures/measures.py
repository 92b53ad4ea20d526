"""Measures of trained two-layer networks. Meaning: domain/results/measures.py; derivations: docs/methods/measures.md.

They take the centre products A [S, M, k], A[r, j] = <w_r, mu_j>, in float64, and a mask [M, k] of each neuron's own
side.
"""

import torch
from torch import Tensor

from phaselab.domain.settings.labels import label_groups
from phaselab.domain.settings.settings import Settings
from phaselab.workers.data.training_set import center_coordinates, center_norm
from phaselab.workers.networks.layout import GroupLayout
from phaselab.workers.networks.trained import Geometry


def own_side(settings: Settings, layout: GroupLayout) -> Tensor:
    """[M, k] bool: whether the cluster is on the neuron's side."""
    side = torch.tensor(label_groups(settings).side_of_cluster, device=layout.group_of_neuron.device)  # [k]
    return layout.side_of_neuron.unsqueeze(1) == side


def averaging_index(shape: Geometry, own: Tensor) -> Tensor:
    """[S] in [0, 1], nan where undefined: participation ratios PR of the positive coefficients on the own side.

    Mean over neurons of (PR - 1) / (clusters on the side - 1), weighted by |w|^2; neurons without a positive
    coefficient have no PR and are left out. The scale of the centres cancels.
    """
    coefficients = shape.center_products.clamp_min(0) * own  # [S, M, k]
    largest = coefficients.amax(dim=-1, keepdim=True)  # [S, M, 1]
    coefficients = coefficients / largest.where(largest > 0, 1.0)  # no overflow in the fourth power
    squares = coefficients.square()
    ratio = squares.sum(dim=-1).square() / squares.square().sum(dim=-1)  # [S, M], nan without positive ones
    share = (ratio - 1) / (own.sum(dim=-1) - 1)  # [S, M], not finite where the side has one cluster
    weight = shape.weight_products.diagonal(dim1=-2, dim2=-1).where(largest.squeeze(-1) > 0, 0.0)  # [S, M]
    index = (share.where(weight > 0, 0.0) * weight).sum(dim=-1) / weight.sum(dim=-1)
    one_cluster = (own.sum(dim=-1) == 1).any()
    return torch.where(one_cluster, torch.nan, index)


def feature_fraction(shape: Geometry, settings: list[Settings]) -> Tensor:
    """[S] in [0, 1]: squared norm of the weights' projection onto the span of the centres over |W|^2; nan for W = 0.

    With centres M = F Q, F the Cholesky factor of their inner products and Q orthonormal, the projection has the
    coordinates A F^-T; for orthogonal centres that is A / R.
    """
    factor = torch.stack([center_coordinates(one.data) for one in settings]).to(shape.center_products)  # [S, k, k]
    coordinates: Tensor = torch.linalg.solve_triangular(factor, shape.center_products.mT, upper=False)  # [S, k, M]
    total = shape.weight_products.diagonal(dim1=-2, dim2=-1).sum(dim=-1)  # [S]
    return (coordinates.square().sum(dim=(-2, -1)) / total).clamp_max(1.0)


def of_centers(settings: Settings, shape: Geometry, centers: Tensor) -> tuple[Tensor, Tensor]:
    """Norms [k] of the centres [k, e'] and feature_fraction [S], float64, of networks trained on the same data.

    Centred class means depend on each other, so for images the projection onto their span takes the pseudo-inverse
    of their inner products, A (M M^T)^+ A^T.
    """
    if settings.data.source == "clusters":
        norms = shape.center_products.new_full((settings.data.k,), center_norm(settings.data))
        return norms, feature_fraction(shape, [settings] * len(shape.center_products))
    exact = centers.double()  # [k, e']
    inverse = torch.linalg.pinv(exact @ exact.T, hermitian=True, rtol=1e-10)  # [k, k]
    within = ((shape.center_products @ inverse) * shape.center_products).sum(dim=(-2, -1))  # [S]
    total = shape.weight_products.diagonal(dim1=-2, dim2=-1).sum(dim=-1)  # [S]
    return exact.norm(dim=1), (within / total).clamp(0.0, 1.0)


def coefficient_ratio(shape: Geometry, own: Tensor) -> Tensor:
    """[S]: median over neurons of max / min of A on the own side; inf where that neuron's min is not positive."""
    largest = shape.center_products.masked_fill(~own, -torch.inf).amax(dim=-1)  # [S, M]
    smallest = shape.center_products.masked_fill(~own, torch.inf).amin(dim=-1)  # [S, M]
    ratio = torch.where(smallest > 0, largest / smallest, torch.inf)
    return median(ratio)


def cosines(shape: Geometry, center_norms: Tensor) -> Tensor:
    """[S, k, M]: cos(mu_j, w_r) from the norms [S, k] of the centres, 0 for a neuron without weights."""
    norm = shape.weight_products.diagonal(dim1=-2, dim2=-1).sqrt()  # [S, M]
    length = center_norms.where(center_norms > 0, 1.0).unsqueeze(1) * norm.where(norm > 0, 1.0).unsqueeze(-1)
    cosine = shape.center_products / length  # [S, M, k]
    return cosine.mT.clamp(-1, 1)


def median(values: Tensor) -> Tensor:
    """[..., n] -> [...]: the mean of the two middle values of an even count; right for infinities."""
    ordered = values.sort(dim=-1).values
    n = values.shape[-1]
    low, high = ordered[..., (n - 1) // 2], ordered[..., n // 2]
    return torch.where(low == high, low, (low + high) / 2)  # inf - safe: inf == inf
