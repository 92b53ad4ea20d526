"""Clusters on a square grid of two coordinates, in discs with gaps between them; all other coordinates decide nothing.

As in the numerical experiments of arXiv 2002.04486.
"""

import math

import torch
from torch import Tensor

from phaselab.domain.settings.runs import Run
from phaselab.workers.base.streams import Stream, generator
from phaselab.workers.data.training_set import Centers, TrainingSet, draw_clusters, precision_of


def draw_training_set(run: Run) -> TrainingSet:
    """n points around the places of the grid, whose mean is 0."""
    cluster, inputs = _draw(run, Stream.TRAINING, run.settings.data.n)
    return TrainingSet(inputs, cluster, Centers.means(_centers(run).to(inputs)))


def draw_test_points(run: Run) -> tuple[Tensor, Tensor]:
    """Clusters [N] and inputs [N, d] of fresh test points."""
    return _draw(run, Stream.TEST, run.settings.attack.test_points)


def _draw(run: Run, stream: Stream, points: int) -> tuple[Tensor, Tensor]:
    """Clusters [points] and inputs [points, d]: the place of the cluster plus a length, even in [0, Delta], in an even
    direction; the other coordinates are even in [-1/2, 1/2]."""
    data, random = run.settings.data, generator(run.data_seed, stream)
    cluster = draw_clusters(random, data.k, points)  # [points]
    angle = torch.from_numpy(random.random(points)) * (2 * math.pi)  # [points]
    length = torch.from_numpy(random.random(points)) * _gap(data.k)  # [points]
    inputs = torch.from_numpy(random.random((points, data.d))) - 0.5  # [points, d]
    shift = torch.stack([length * angle.cos(), length * angle.sin()], dim=1)  # [points, 2]
    inputs[:, :2] = _centers(run)[cluster, :2] + shift
    return cluster, inputs.to(precision_of(run))


def _centers(run: Run) -> Tensor:
    """[k, d] float64: places 3 Delta apart, from -1/2 + Delta to 1/2 - Delta, dealt to clusters in a drawn order."""
    data = run.settings.data
    place = torch.from_numpy(generator(run.data_seed, Stream.CENTERS).permutation(data.k))  # [k]
    gap, side = _gap(data.k), math.isqrt(data.k)
    centers = torch.zeros(data.k, data.d, dtype=torch.float64)
    centers[:, 0] = gap * (1 + 3 * (place % side)) - 0.5
    centers[:, 1] = gap * (1 + 3 * (place // side)) - 0.5
    return centers


def _gap(k: int) -> float:
    """Delta: the radius of a disc and the least gap between two, of side by side in the unit square."""
    return 1 / (3 * math.isqrt(k) - 1)
