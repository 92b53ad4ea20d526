"""Diagonal networks in training: all runs on the same inputs at once, with the gradient in closed form.

f(x) = <u^D - v^D, x> and the loss is half the mean squared error of the responses. With g = X^T (X beta - y) / n the
gradient by u is D u^(D - 1) g, that by v the opposite with v in place of u.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from phaselab.domain.results.states import Stage
from phaselab.domain.settings.runs import Run
from phaselab.workers.base.progress import tell
from phaselab.workers.base.stop import Stop, check
from phaselab.workers.training.in_span import Descent


@dataclass(frozen=True, eq=False)
class Diagonals:
    """The networks of S trainings at L looks, look after look; R = L * S."""

    start: Tensor
    """[S, 2, d]: u^D and v^D before the first step"""
    weights: Tensor
    """[R, 2, d]: u^D and v^D"""
    loss: Tensor
    """[R] half the mean squared error"""
    steps: Tensor
    """[R] steps that were taken"""


def train(
    runs: Sequence[Run], looks: Sequence[int], inputs: Tensor, responses: Tensor, stop: Stop | None = None
) -> Diagonals:
    """Train runs on the same inputs [n, d] and responses [n], of one depth, up to the last of the steps after which
    they are looked at, ascending. Raises Stopped."""
    depth, trainings = runs[0].settings.network.depth, [run.settings.training for run in runs]
    scales = inputs.new_tensor([run.settings.network.init_scale for run in runs]).view(1, -1, 1, 1)
    parts = scales.expand(1, len(runs), 2, inputs.shape[1]).clone()  # u and v [1, S, 2, d]
    move, began = Descent([trainings], parts), parts[0] ** depth
    target = inputs.new_tensor([training.stop_loss or -1.0 for training in trainings])  # [S], never reached below 0
    taken = torch.zeros(len(runs), dtype=torch.long, device=inputs.device)
    sign = inputs.new_tensor([1.0, -1.0]).view(2, 1)
    seen: list[tuple[Tensor, Tensor]] = []
    for step in range(looks[-1]):
        check(stop)
        if step == looks[len(seen)]:
            seen.append((parts[0] ** depth, taken.clone()))
        residual = _residual(parts[0] ** depth, sign, inputs, responses)  # [S, n]
        running = ~(_loss(residual) <= target)
        if not bool(running.any()):
            break
        tell(Stage.TRAINING, step, looks[-1])
        move.hold(~running.unsqueeze(0))
        slope = residual @ inputs / len(inputs)  # [S, d]
        move(depth * parts ** (depth - 1) * (sign * slope.unsqueeze(1)))
        taken += running
    seen += [(parts[0] ** depth, taken)] * (len(looks) - len(seen))
    weights, steps = (torch.cat(column) for column in zip(*seen, strict=True))
    return Diagonals(began, weights, _loss(_residual(weights, sign, inputs, responses)), steps)


def _residual(weights: Tensor, sign: Tensor, inputs: Tensor, responses: Tensor) -> Tensor:
    """X beta - y [S, n], from u^D and v^D [S, 2, d]."""
    return (sign * weights).sum(dim=1) @ inputs.T - responses


def _loss(residual: Tensor) -> Tensor:
    """[S, n] -> [S]"""
    return residual.square().mean(dim=-1) / 2
