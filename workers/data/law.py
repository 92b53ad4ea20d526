"""The law of the draw: training points and initial weights with the distribution of the literal draw, in a basis
adapted to them, so that the cost does not grow with d.

Gaussian vectors look the same in every orthonormal basis. Take the span of the centres first (k coordinates), then
the directions that the noise of the training points adds one by one (Gram-Schmidt), then those that the initial
weights add. In it point i's noise has normals in the earlier coordinates, its own remaining length (a chi variable
with as many degrees of freedom as dimensions are left) in the next, and zeros after: Bartlett's decomposition.
Derivation: docs/methods/law.md.
"""

import numpy as np
import torch
from torch import Tensor

from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.settings import Data
from phaselab.workers.base.streams import Precision, Stream, chi, generator, normal
from phaselab.workers.data.training_set import (
    Centers,
    TrainingSet,
    center_coordinates,
    draw_clusters,
    precision_of,
    training_clusters,
)

BLOCK = 128
"""Rows drawn at a time; part of the recipe."""


def draw_training_set(run: Run) -> TrainingSet:
    """n points mu_j + N(0, I_d) in k + min(n, d - k) coordinates."""
    data, precision = run.settings.data, precision_of(run)
    random = generator(run.data_seed, Stream.TRAINING)
    cluster = training_clusters(random, data)  # [n]
    centers = center_coordinates(data).to(precision)  # [k, k]
    along = normal(random, (data.n, data.k), precision).add_(centers[cluster])  # [n, k]
    across = draw_trapezoid(random, data.n, data.d - data.k, precision)  # [n, min(n, d - k)]
    return TrainingSet(torch.cat([along, across], dim=1), cluster, Centers.known(data, centers))


def draw_weights(run: Run, neurons: int) -> Tensor:
    """[M, e + min(M, d - e)] initial weights of unit standard deviation; e is the training set's columns."""
    data, precision = run.settings.data, precision_of(run)
    columns = data_columns(data)
    random = generator(run.seed, Stream.WEIGHTS)
    within = normal(random, (neurons, columns), precision)  # [M, e]
    return torch.cat([within, draw_trapezoid(random, neurons, data.d - columns, precision)], dim=1)


def draw_test_points(run: Run, neurons: int) -> tuple[Tensor, Tensor]:
    """Clusters [N] and standard normals [M, N] of fresh test points.

    The noise is independent of the trained weights, so the part of it that they see is W xi = L z for any L with
    L L^T = W W^T and z ~ N(0, I_M).
    """
    points = run.settings.attack.test_points
    random = generator(run.data_seed, Stream.TEST)
    cluster = draw_clusters(random, run.settings.data.k, points)  # [N]
    return cluster, normal(random, (neurons, points), torch.float64)


def data_columns(data: Data) -> int:
    """e = k + min(n, d - k): coordinates that training points need."""
    return data.k + min(data.n, data.d - data.k)


def draw_trapezoid(random: np.random.Generator, rows: int, dimension: int, precision: Precision) -> Tensor:
    """[rows, min(rows, dimension)]: standard normal vectors of R^dimension in their own Gram-Schmidt basis.

    Row i: normals left of the diagonal, on it a chi variable with dimension - i degrees of freedom, zeros right of it.
    """
    columns = min(rows, dimension)
    trapezoid = torch.zeros(rows, columns, dtype=precision)
    for first in range(0, rows, BLOCK):  # nothing is drawn far right of the diagonal
        last = min(first + BLOCK, rows)
        trapezoid[first:last, :last] = normal(random, (last - first, min(last, columns)), precision).tril_(first - 1)
    diagonal = chi(random, dimension - np.arange(columns), precision)  # [columns]
    trapezoid.diagonal().copy_(diagonal)
    return trapezoid
