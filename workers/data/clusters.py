"""The literal draw of Gaussian clusters: every coordinate of every point and weight in R^d."""

import torch
from torch import Tensor

from phaselab.domain.settings.runs import Run
from phaselab.workers.base.streams import Stream, generator, normal
from phaselab.workers.data.training_set import (
    Centers,
    TrainingSet,
    center_coordinates,
    draw_clusters,
    precision_of,
    training_clusters,
)


def draw_training_set(run: Run) -> TrainingSet:
    """n points mu_j + N(0, I_d), j uniform, around centres in random directions."""
    data, precision = run.settings.data, precision_of(run)
    centers = draw_centers(run)  # [k, d]
    random = generator(run.data_seed, Stream.TRAINING)
    cluster = training_clusters(random, data)  # [n]
    inputs = normal(random, (data.n, data.d), precision).add_(centers[cluster])  # [n, d]
    return TrainingSet(inputs, cluster, Centers.known(data, centers))


def draw_centers(run: Run) -> Tensor:
    """[k, d]: the centres along k random orthonormal directions."""
    data, precision = run.settings.data, precision_of(run)
    random = generator(run.data_seed, Stream.CENTERS)
    directions: Tensor = torch.linalg.qr(normal(random, (data.d, data.k), torch.float64)).Q  # [d, k]
    return (center_coordinates(data) @ directions.T).to(precision)


def draw_weights(run: Run, neurons: int) -> Tensor:
    """[M, d] initial weights of unit standard deviation."""
    random = generator(run.seed, Stream.WEIGHTS)
    return normal(random, (neurons, run.settings.data.d), precision_of(run))


def draw_test_points(run: Run, centers: Tensor) -> tuple[Tensor, Tensor]:
    """Clusters [N] and inputs [N, d] of fresh test points."""
    data, points = run.settings.data, run.settings.attack.test_points
    random = generator(run.data_seed, Stream.TEST)
    cluster = draw_clusters(random, data.k, points)  # [N]
    return cluster, normal(random, (points, data.d), precision_of(run)).add_(centers[cluster])
