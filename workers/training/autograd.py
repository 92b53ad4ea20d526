"""The reference engine: plain PyTorch training, one run at a time, with automatic differentiation."""

import math
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import repeat
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from phaselab.domain.results.states import Stage
from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.settings import Training
from phaselab.workers.base.progress import each, tell
from phaselab.workers.base.stop import Stop, check
from phaselab.workers.networks.groups import lead, mean_loss
from phaselab.workers.networks.two_layer import outputs
from phaselab.workers.training.adversarial import FirstLayer, OnInputs
from phaselab.workers.training.training import Fitted, Start, batches, by_look, finish


def train(starts: Sequence[Start], stop: Stop | None = None) -> list[Fitted]:
    """Train every run of every start. Raises Stopped."""
    return each(starts, lambda start: _train(start, stop))


def _train(start: Start, stop: Stop | None) -> Fitted:
    trained = each(range(len(start.runs)), lambda i: _train_one(start, i, stop))
    weights = by_look([weights for weights, _ in trained])  # [R, M, e'']
    bias = by_look([bias for _, bias in trained])  # [R, M]
    left = [weights.new_tensor(left_of_start(run.settings.training, start.looks)) for run in start.runs]  # [L] each
    return finish(start, weights, bias, preactivations_of(start.data.inputs, weights, bias), by_look(left))


def left_of_start(training: Training, looks: Sequence[int]) -> list[float]:
    """The factor a that is left of the initial weights after so many steps, ascending: what the optimizer makes of 1
    where the loss has no slope.

    All of torch's SGD are linear in weights and gradients, so that W = a W0 + V, and V does not depend on W0 but by the
    gradients. Adam with weight decay is not, and in adversarial training a is a matrix, which is not asked for here:
    nan.
    """
    if training.adversarial_radius:
        return [math.nan] * len(looks)
    if not training.weight_decay:
        return [1.0] * len(looks)
    if training.optimizer == "adam":
        return [math.nan] * len(looks)
    share = torch.ones((), dtype=torch.float64, requires_grad=True)
    share.grad = torch.zeros_like(share)
    optimizer, left = optimizer_of(training, [share]), []
    for step in range(looks[-1] + 1):
        left += [share.item()] * looks.count(step)
        optimizer.step()
    return left


@torch.enable_grad()
def _train_one(start: Start, i: int, stop: Stop | None) -> tuple[Tensor, Tensor]:
    """[L, M, e''] and [L, M]: the weights and biases of the training of that number at its looks."""
    run, looks = start.runs[i], start.looks
    weights = start.weights[i].clone().requires_grad_()  # [M, e'']
    bias = start.bias[i].clone().requires_grad_(start.network.biased)  # [M]
    optimizer = optimizer_of(run.settings.training, [weights, bias] if start.network.biased else [weights])
    above = partial(outputs, layout=start.network.layout)
    attack = OnInputs(run, start.data.inputs, start.network.layout.outputs, start.network.positive_groups)
    seen: list[tuple[Tensor, Tensor]] = []
    for step, rows in zip(range(looks[-1]), rows_of(run), strict=False):
        check(stop)
        tell(Stage.TRAINING, step, looks[-1])
        seen += [(weights.detach().clone(), bias.detach().clone())] * looks.count(step)
        inputs, label = (start.data.inputs, start.label) if rows is None else _take(start, rows)
        inputs = attack(inputs, label, FirstLayer(weights, bias, above, lead), stop)
        preactivations = preactivations_of(inputs, weights, bias)  # [M, batch]
        optimizer.zero_grad()
        mean_loss(above(preactivations), label, start.network.loss).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    seen += [(weights.detach(), bias.detach())] * looks.count(looks[-1])
    return torch.stack([weights for weights, _ in seen]), torch.stack([bias for _, bias in seen])


def optimizer_of(training: Training, parameters: Iterable[Any]) -> torch.optim.Optimizer:
    """The optimizer of canonical settings, of tensors or of groups of them as torch has them."""
    if training.optimizer == "adam":
        return torch.optim.Adam(parameters, lr=training.learning_rate, weight_decay=training.weight_decay)
    return torch.optim.SGD(
        parameters,
        lr=training.learning_rate,
        momentum=training.momentum or 0.0,
        weight_decay=training.weight_decay,
        nesterov=training.optimizer == "nesterov" and bool(training.momentum),
    )


def rows_of(run: Run) -> Iterator[Tensor | None]:
    """The training points of every step, [batch_size] numbers; null for all of them."""
    return repeat(None) if run.settings.training.batch_size is None else batches(run)


def _take(start: Start, rows: Tensor) -> tuple[Tensor, Tensor]:
    rows = rows.to(start.label.device)
    return start.data.inputs[rows], start.label[rows]


def preactivations_of(inputs: Tensor, weights: Tensor, bias: Tensor) -> Tensor:
    """Inputs [n, e], weights [..., M, e''] and biases [..., M] -> pre-activations [..., M, n]."""
    columns = inputs.shape[1]
    return functional.linear(weights[..., :columns], inputs) + bias.unsqueeze(-1)
