"""The literal draw of Gaussian clusters: every coordinate of every point and weight in R^d."""

import numpy as np
import torch
from torch import Tensor

from phaselab.domain.settings.runs import Run
from phaselab.workers.base.streams import Stream, generator, normal
from phaselab.workers.data.clones import placed
from phaselab.workers.data.training_set import (
    Centers,
    TrainingSet,
    center_coordinates,
    draw_clusters,
    precision_of,
    training_clusters,
)


def draw_training_set(run: Run) -> TrainingSet:
    """n points mu_j + N(0, I_d), j uniform, around centres in random directions; or clones of their labels."""
    data = run.settings.data
    centers = draw_centers(run)  # [k, d]
    random = generator(run.data_seed, Stream.TRAINING)
    cluster = training_clusters(random, data)  # [n]
    place, spread = placed(run, cluster, centers)  # [n, d], [n, 1]
    inputs = _noise(random, run, data.n).mul_(spread).add_(place)  # [n, d]
    return TrainingSet(inputs, cluster, Centers.known(data, centers))


def draw_centers(run: Run) -> Tensor:
    """[k, d]: the centres along k random orthonormal directions."""
    data = run.settings.data
    return (center_coordinates(data) @ _directions(run, data.k).T).to(precision_of(run))


def _directions(run: Run, count: int) -> Tensor:
    """[d, count] float64: random orthonormal directions, the first k along the centres."""
    data = run.settings.data
    random = generator(run.data_seed, Stream.CENTERS)
    normals = [normal(random, (data.d, many), torch.float64) for many in (data.k, count - data.k) if many]
    directions: Tensor = torch.linalg.qr(torch.cat(normals, dim=1)).Q  # [d, count]
    return directions


def _noise(random: np.random.Generator, run: Run, points: int) -> Tensor:
    """[points, d]: standard normals, in the directions that have noise."""
    data, precision = run.settings.data, precision_of(run)
    if data.noise_dims is None:
        return normal(random, (points, data.d), precision)
    across = _directions(run, data.k + data.noise_dims)[:, data.k :]  # [d, noise_dims]
    return normal(random, (points, data.noise_dims), precision) @ across.T.to(precision)


def draw_weights(run: Run, neurons: int) -> Tensor:
    """[M, d] initial weights of unit standard deviation."""
    random = generator(run.seed, Stream.WEIGHTS)
    return normal(random, (neurons, run.settings.data.d), precision_of(run))


def draw_test_points(run: Run, centers: Tensor) -> tuple[Tensor, Tensor]:
    """Clusters [N] and inputs [N, d] of fresh test points."""
    data, points = run.settings.data, run.settings.attack.test_points
    random = generator(run.data_seed, Stream.TEST)
    cluster = draw_clusters(random, data.k, points)  # [N]
    return cluster, _noise(random, run, points).add_(centers[cluster])
