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
from phaselab.workers.data.clones import placed
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
    """n points mu_j + N(0, I_d) in k + min(n, d - k) coordinates; or clones of their labels, which have other places
    in the span of the centres and noise of another size."""
    data, precision = run.settings.data, precision_of(run)
    random = generator(run.data_seed, Stream.TRAINING)
    cluster = training_clusters(random, data)  # [n]
    centers = center_coordinates(data).to(precision)  # [k, k]
    place, spread = placed(run, cluster, centers)  # [n, k], [n, 1]
    if data.noise_dims is None:
        place = normal(random, (data.n, data.k), precision).mul_(spread).add_(place)
    across = draw_trapezoid(random, data.n, _noise_dims(data), precision).mul_(spread)  # [n, min(n, noise dims)]
    return TrainingSet(torch.cat([place, across], dim=1), cluster, Centers.known(data, centers))


def draw_weights(run: Run, neurons: int) -> Tensor:
    """[M, e''] initial weights of unit standard deviation: in the e columns of the training set, in min(M, q) for the q
    dimensions of noise that its points do not fill, and in min(M, rest) for the others."""
    data, precision = run.settings.data, precision_of(run)
    columns, left = data_columns(data), _noise_left(data)
    random = generator(run.seed, Stream.WEIGHTS)
    within = normal(random, (neurons, columns), precision)  # [M, e]
    others = draw_trapezoid(random, neurons, data.d - columns - left, precision)
    return torch.cat([within, draw_trapezoid(random, neurons, left, precision), others], dim=1)


def draw_test_points(run: Run, factor: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Clusters [N] of fresh test points, and how first layers of weights [S, M, e''] see their noise, [S, M, N].

    The noise is independent of the trained weights, so what they see of it is W xi = L z for any L with L L^T = W W^T,
    the `factor` [S, M, M], and z ~ N(0, I_M). Where some directions have no noise, it is the product with normals in
    those columns that have.
    """
    data, points = run.settings.data, run.settings.attack.test_points
    random = generator(run.data_seed, Stream.TEST)
    cluster = draw_clusters(random, data.k, points)  # [N]
    if data.noise_dims is not None:
        last = data_columns(data) + min(_noise_left(data), weights.shape[1])
        factor = weights[..., data.k : last].double()
    noise = normal(random, (factor.shape[-1], points), torch.float64)
    return cluster, factor @ noise.to(factor.device)


def data_columns(data: Data) -> int:
    """e = k + min(n, noise dims): coordinates that training points need."""
    return data.k + min(data.n, _noise_dims(data))


def _noise_dims(data: Data) -> int:
    """Dimensions orthogonal to the centres that have noise."""
    return data.d - data.k if data.noise_dims is None else data.noise_dims


def _noise_left(data: Data) -> int:
    """Those that are told apart and that training points leave over; where every direction has noise, all that are left
    over are alike."""
    return 0 if data.noise_dims is None else max(0, data.noise_dims - data.n)


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
