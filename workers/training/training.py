"""What the engines share: what they start from, what they return, when they stop, and the order of mini-batches."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from phaselab.domain.settings.runs import Run
from phaselab.workers.base.streams import Stream, generator
from phaselab.workers.data.training_set import TrainingSet
from phaselab.workers.networks.groups import label_margin, mean_loss
from phaselab.workers.networks.two_layer import TwoLayer, outputs


@dataclass(frozen=True, eq=False)
class Start:
    """S runs of one shape on one training set."""

    runs: Sequence[Run]
    data: TrainingSet
    label: Tensor
    """[n] long"""
    network: TwoLayer
    weights: Tensor
    """[S, M, e''] with e'' >= e: columns past those of the inputs meet only zeros."""
    bias: Tensor
    """[S, M]; zeros, and left so, where the network has none."""


@dataclass(frozen=True, eq=False)
class Fitted:
    """The networks of S runs after the last step, with the loss and accuracy on the training set."""

    weights: Tensor
    """[S, M, e'']"""
    bias: Tensor
    """[S, M]"""
    loss: Tensor
    """[S] mean training loss"""
    accuracy: Tensor
    """[S] share of training points whose own label has strictly the largest output"""
    left: Tensor
    """[S] the factor a that is left of the initial weights, the rest of W = a W0 + V being learned; in adversarial
    training a matrix [S, M, M]; nan where that is not known"""
    dead: Tensor
    """[S] share of outputs that are 0 at every training point"""


def finish(start: Start, weights: Tensor, bias: Tensor, preactivations: Tensor, left: Tensor) -> Fitted:
    """Fitted networks from the weights, the final pre-activations [S, M, n] of the training points, and what is left
    of the start."""
    of_groups = outputs(preactivations, start.network.layout)  # [S, c, n]
    accuracy = (label_margin(of_groups, start.label) > 0).double().mean(dim=-1)  # [S]
    dead = (of_groups.amax(dim=-1) <= 0).double().mean(dim=-1)  # [S]
    return Fitted(weights, bias, mean_loss(of_groups, start.label, start.network.loss), accuracy, left, dead)


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
