"""Orthonormal inputs in classes: there is no law behind them, so the inputs come again as test points."""

import torch
from torch import Tensor

from phaselab.domain.settings.runs import Run
from phaselab.workers.base.streams import Stream, generator, normal
from phaselab.workers.data.training_set import Centers, TrainingSet, precision_of


def draw_training_set(run: Run) -> TrainingSet:
    """n orthonormal inputs, dealt to k classes in turn, plus a normal matrix of the Frobenius norm asked for. Centres
    are the means of classes before that: orthogonal, of norm 1 over the root of their inputs' number."""
    data, precision = run.settings.data, precision_of(run)
    frame, cluster = _frame(run), torch.arange(data.n) % data.k  # [n, d], [n]
    noise = normal(generator(run.data_seed, Stream.TRAINING), (data.n, data.d), torch.float64)
    inputs = frame + noise * (data.perturbation / noise.norm())
    sums = frame.new_zeros(data.k, data.d).index_add_(0, cluster, frame)  # [k, d]
    means = sums / torch.bincount(cluster).unsqueeze(1)
    return TrainingSet(inputs.to(precision), cluster, Centers.means(means.to(precision)))


def draw_test_points(run: Run) -> tuple[Tensor, Tensor]:
    """Clusters [N] and inputs [N, d] of test points: inputs drawn evenly, each perturbed anew by about as much."""
    data, points = run.settings.data, run.settings.attack.test_points
    random = generator(run.data_seed, Stream.TEST)
    number = torch.from_numpy(random.integers(data.n, size=points))  # [N]
    noise = normal(random, (points, data.d), torch.float64) * (data.perturbation / (data.n * data.d) ** 0.5)
    return number % data.k, (_frame(run)[number] + noise).to(precision_of(run))


def _frame(run: Run) -> Tensor:
    """[n, d] float64: random orthonormal rows."""
    data = run.settings.data
    random = generator(run.data_seed, Stream.CENTERS)
    columns: Tensor = torch.linalg.qr(normal(random, (data.d, data.n), torch.float64)).Q  # [d, n]
    return columns.T
