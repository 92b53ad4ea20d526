"""Sparse regression: inputs N(0, I_d) with the response <beta, x> + noise, beta having few equal coordinates.

For everything that asks for classes they are the signs of the response.
"""

import math

import torch
from torch import Tensor

from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.settings import Data
from phaselab.workers.base.streams import Stream, generator, normal
from phaselab.workers.data.training_set import Centers, TrainingSet, precision_of


def truth(data: Data) -> Tensor:
    """beta [d] float64, of length 1. Inputs look the same in every order of coordinates, so the first ones are it."""
    count = data.nonzeros
    beta = torch.zeros(data.d, dtype=torch.float64)
    beta[:count] = count**-0.5
    return beta


def draw(run: Run, stream: Stream, points: int) -> tuple[Tensor, Tensor]:
    """Inputs [points, d] and responses [points], both float64."""
    data = run.settings.data
    random = generator(run.data_seed, stream)
    inputs = normal(random, (points, data.d), torch.float64)
    noise = normal(random, (points,), torch.float64) * data.response_noise
    return inputs, inputs @ truth(data) + noise


def draw_training_set(run: Run) -> TrainingSet:
    """n inputs around the mean inputs of the two signs, sqrt(2 / pi) beta / sqrt(1 + noise^2) and its opposite."""
    data, precision = run.settings.data, precision_of(run)
    inputs, responses = draw(run, Stream.TRAINING, data.n)
    mean = truth(data) * math.sqrt(2 / math.pi) / math.hypot(1, data.response_noise)
    centers = Centers.means(torch.stack([mean, -mean]).to(precision))
    return TrainingSet(inputs.to(precision), _cluster(responses), centers)


def draw_test_points(run: Run) -> tuple[Tensor, Tensor]:
    """Clusters [N] and inputs [N, d] of fresh test points."""
    inputs, responses = draw(run, Stream.TEST, run.settings.attack.test_points)
    return _cluster(responses), inputs.to(precision_of(run))


def _cluster(responses: Tensor) -> Tensor:
    """[n] long: 0 for a response above 0, else 1."""
    return (responses <= 0).long()
