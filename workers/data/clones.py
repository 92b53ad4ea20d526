"""Clones: training points drawn anew from a Gaussian that has the first moments of the points of their label.

Of clusters the moments are those of their law, so that clones have a law, too; of images those of the training images,
channel by channel, as in arXiv 2211.11567. Derivation: docs/methods/sources.md.
"""

import math

import numpy as np
import torch
from torch import Tensor

from phaselab.domain.settings.labels import label_groups
from phaselab.domain.settings.runs import Run
from phaselab.workers.base.streams import Stream, generator, normal

RIDGE = 1e-3
"""Variance that a Gaussian clone of images has besides in every direction, as published."""


def placed(run: Run, cluster: Tensor, centers: Tensor) -> tuple[Tensor, Tensor]:
    """Where the training points of clusters [n] lie without their noise, [n, e'] around centres [k, e'], and the
    standard deviation [n, 1] of that noise; of clones those of their label.

    A label of g clusters has the mean m of their centres and, besides that of the noise, the covariance of the centres
    around m: that of sum_j z_j (mu_j - m) / sqrt(g) with standard normals z, which `gaussian` adds. `mean` has its
    trace, R^2 (1 - c) (1 - 1 / g), spread over all d directions.
    """
    data = run.settings.data
    if data.clone == "none":
        return centers[cluster], centers.new_ones(1, 1)
    group = torch.tensor(label_groups(run.settings).group_of_cluster)  # [k]
    same = (group.unsqueeze(1) == group).double()  # [k, k]
    share = (same / same.sum(dim=1, keepdim=True))[cluster]  # [n, k]: 1 / g in the point's own group
    if data.clone == "mean":
        spread = data.snr**2 * (1 - data.center_cosine) * (1 - share.amax(dim=1, keepdim=True))
        return share.to(centers) @ centers, (1 + spread).sqrt().to(centers)
    random = generator(run.data_seed, Stream.CLONE)
    normals = normal(random, (len(cluster), data.k), torch.float64)  # [n, k]
    around = (normals - (normals * share).sum(dim=1, keepdim=True)) * share.sqrt()  # [n, k]
    return (share + around).to(centers) @ centers, centers.new_ones(1, 1)


def of_images(run: Run, cluster: Tensor, images: Tensor, channels: int) -> Tensor:
    """[n, d]: as many draws for images [n, d] of clusters [n], label by label; not kept inside any box."""
    group = torch.tensor(label_groups(run.settings).group_of_cluster)[cluster]  # [n]
    planes = images.double().view(len(images), channels, -1)  # [n, channels, pixels]
    drawn = torch.empty_like(planes)
    random = generator(run.data_seed, Stream.CLONE)
    for label in sorted(set(group.tolist())):
        rows = group == label
        for channel in range(channels):
            drawn[rows, channel] = _like(random, planes[rows, channel], run.settings.data.clone == "gaussian")
    return drawn.flatten(1).to(images)


def _like(random: np.random.Generator, points: Tensor, shaped: bool) -> Tensor:
    """[n, p]: n draws of the Gaussian that has the mean of points [n, p] and their covariance, or its trace alone."""
    mean, normals = points.mean(dim=0), normal(random, (len(points), points.shape[1]), torch.float64)
    away, degrees = points - mean, max(1, len(points) - 1)
    if not shaped:
        return mean + normals * math.sqrt(float(away.square().sum()) / degrees / points.shape[1])
    covariance = away.T @ away / degrees + RIDGE * torch.eye(points.shape[1], dtype=torch.float64)
    factor: Tensor = torch.linalg.cholesky(covariance)  # [p, p]
    return mean + normals @ factor.T
