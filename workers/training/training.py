"""What the engines share: what they start from, what they return, when they stop, and the order of mini-batches.

A training is looked at on its way: of S trainings with L looks each, what engines return has L * S rows, look after
look. Each row is what the run of so many steps has alone (docs/methods/training.md).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor

from phaselab.domain.settings.runs import Run
from phaselab.workers.base.streams import Stream, generator
from phaselab.workers.data.training_set import TrainingSet
from phaselab.workers.networks.groups import label_margin, mean_loss
from phaselab.workers.networks.two_layer import TwoLayer, outputs


@dataclass(frozen=True, eq=False)
class Start:
    """S trainings of one shape on one training set."""

    runs: Sequence[Run]
    """Those in which the trainings end"""
    looks: Sequence[int]
    """[L] the steps after which every training is looked at, ascending, up to its last one"""
    data: TrainingSet
    label: Tensor
    """[n] long"""
    network: TwoLayer
    weights: Tensor
    """[S, M, e''] with e'' >= e: columns past those of the inputs meet only zeros."""
    bias: Tensor
    """[S, M]; zeros, and left so, where the network has none."""

    def alone(self, i: int) -> Self:
        """The training of that number alone."""
        this = slice(i, i + 1)
        return replace(self, runs=[self.runs[i]], weights=self.weights[this], bias=self.bias[this])

    @property
    def each_look(self) -> Self:
        """The start of every network that is looked at, look after look, S being L * S."""
        looks = len(self.looks)
        if looks == 1:
            return self
        weights, bias = self.weights.repeat(looks, 1, 1), self.bias.repeat(looks, 1)
        return replace(self, runs=[*self.runs] * looks, weights=weights, bias=bias)


@dataclass(frozen=True, eq=False)
class Fitted:
    """The networks of S trainings at L looks, with the loss and accuracy on the training set; R = L * S."""

    weights: Tensor
    """[R, M, e'']"""
    bias: Tensor
    """[R, M]"""
    loss: Tensor
    """[R] mean training loss"""
    accuracy: Tensor
    """[R] share of training points whose own label has strictly the largest output"""
    left: Tensor
    """[R] the factor a that is left of the initial weights, the rest of W = a W0 + V being learned; in adversarial
    training a matrix [R, M, M]; nan where that is not known"""
    dead: Tensor
    """[R] share of outputs that are 0 at every training point"""


def finish(start: Start, weights: Tensor, bias: Tensor, preactivations: Tensor, left: Tensor) -> Fitted:
    """Fitted networks from the weights, their pre-activations [R, M, n] of the training points, and what is left
    of the start."""
    of_groups = outputs(preactivations, start.network.layout)  # [R, c, n]
    accuracy = (label_margin(of_groups, start.label) > 0).double().mean(dim=-1)  # [R]
    dead = (of_groups.amax(dim=-1) <= 0).double().mean(dim=-1)  # [R]
    return Fitted(weights, bias, mean_loss(of_groups, start.label, start.network.loss), accuracy, left, dead)


def by_look(of_trainings: Sequence[Tensor]) -> Tensor:
    """[L * S, ...], look after look, of S trainings' own [L, ...]."""
    return torch.stack(list(of_trainings), dim=1).flatten(0, 1)


def batches(run: Run) -> Iterator[Tensor]:
    """Endless mini-batches of row numbers [batch_size]: a fresh permutation an epoch, its short rest dropped."""
    size, n = run.settings.training.batch_size, run.settings.data.n
    if size is None:
        raise ValueError("the run trains on the whole training set")
    random = generator(run.seed, Stream.BATCHES)
    while True:
        order = torch.from_numpy(random.permutation(n))
        for first in range(0, n - size + 1, size):
            yield order[first : first + size]
