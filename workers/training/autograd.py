"""The reference engine: plain PyTorch training, one run at a time, with automatic differentiation."""

import math
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import repeat

import torch
from torch import Tensor
from torch.nn import functional

from phaselab.domain.results.states import Stage
from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.settings import Training
from phaselab.workers.base.progress import each, tell
from phaselab.workers.base.stop import Stop, check
from phaselab.workers.networks.groups import mean_loss
from phaselab.workers.networks.two_layer import outputs
from phaselab.workers.training.adversarial import FirstLayer, OnInputs
from phaselab.workers.training.training import Fitted, Start, batches, finish


def train(starts: Sequence[Start], stop: Stop | None = None) -> list[Fitted]:
    """Train every run of every start for its steps. Raises Stopped."""
    return each(starts, lambda start: _train(start, stop))


def _train(start: Start, stop: Stop | None) -> Fitted:
    trained = each(range(len(start.runs)), lambda i: _train_one(start, i, stop))
    weights = torch.stack([weights for weights, _ in trained])  # [S, M, e'']
    bias = torch.stack([bias for _, bias in trained])  # [S, M]
    left = weights.new_tensor([left_of_start(run.settings.training) for run in start.runs])  # [S]
    return finish(start, weights, bias, preactivations_of(start.data.inputs, weights, bias), left)


def left_of_start(training: Training) -> float:
    """The factor a that is left of the initial weights: what the optimizer makes of 1 where the loss has no slope.

    All of torch's SGD are linear in weights and gradients, so that W = a W0 + V, and V does not depend on W0 but by the
    gradients. Adam with weight decay is not, and in adversarial training a is a matrix, which is not asked for here:
    nan.
    """
    if training.adversarial_radius:
        return math.nan
    if not training.weight_decay:
        return 1.0
    if training.optimizer == "adam":
        return math.nan
    share = torch.ones((), dtype=torch.float64, requires_grad=True)
    share.grad = torch.zeros_like(share)
    optimizer = optimizer_of(training, [share])
    for _ in range(training.steps):
        optimizer.step()
    return share.item()


@torch.enable_grad()
def _train_one(start: Start, i: int, stop: Stop | None) -> tuple[Tensor, Tensor]:
    run = start.runs[i]
    weights = start.weights[i].clone().requires_grad_()  # [M, e'']
    bias = start.bias[i].clone().requires_grad_(start.network.biased)  # [M]
    optimizer = optimizer_of(run.settings.training, [weights, bias] if start.network.biased else [weights])
    steps, above = run.settings.training.steps, partial(outputs, layout=start.network.layout)
    attack = OnInputs(run, start.data.inputs, start.network.layout.outputs, start.network.positive_groups)
    for step, rows in zip(range(steps), rows_of(run), strict=False):
        check(stop)
        tell(Stage.TRAINING, step, steps)
        inputs, label = (start.data.inputs, start.label) if rows is None else _take(start, rows)
        inputs = attack(inputs, label, FirstLayer(weights, bias, above, start.network.loss, start.network.biased), stop)
        preactivations = preactivations_of(inputs, weights, bias)  # [M, batch]
        optimizer.zero_grad()
        mean_loss(above(preactivations), label, start.network.loss).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return weights.detach(), bias.detach()


def optimizer_of(training: Training, parameters: list[Tensor]) -> torch.optim.Optimizer:
    """The optimizer of canonical settings."""
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
