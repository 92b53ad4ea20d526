"""Presets trajectory, adversarial and depths at a small size, against networks that a plain torch loop trains on points
of its own, and moves along the averaged direction."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from phaselab.workers.trial.run_stack import run_stack
from tests.workers.runs import results, small_run, stack

K, D, N = 6, 300, 120
R = D**0.5
SIDE = torch.tensor([1.0, 1.0, 1.0, -1.0, -1.0, -1.0], dtype=torch.float64)
ATTACK_STEPS = 7


class Plain:
    """A relu network of two labels whose output is fixed, `width` neurons a side in every hidden layer."""

    def __init__(self, width: int, depth: int, init_scale: float, rate: float, epsilon: float = 0.0) -> None:
        self.draw, self.rate, self.epsilon = torch.Generator().manual_seed(1), rate, epsilon
        neurons = 2 * width
        self.sign = torch.tensor([1.0, -1.0], dtype=torch.float64).repeat_interleave(width)
        shapes = [(neurons, D), *[(neurons, neurons)] * (depth - 2), (neurons,)]
        scales = [init_scale, *[(2 / neurons) ** 0.5] * (depth - 2), init_scale]
        self.parts = [scale * self.normal(*shape) for shape, scale in zip(shapes, scales, strict=True)]
        self.scale = 1 / width
        self.x, self.y = self.points(torch.arange(N) % K)

    def normal(self, *shape: int) -> Tensor:
        return torch.randn(*shape, generator=self.draw, dtype=torch.float64)

    def points(self, cluster: Tensor) -> tuple[Tensor, Tensor]:
        """Around the first axes, with their classes."""
        x = self.normal(len(cluster), D)
        x[torch.arange(len(cluster)), cluster] += R
        return x, SIDE[cluster]

    def outputs(self, x: Tensor) -> Tensor:
        """[..., D] -> [...]"""
        first, *hidden, bias = self.parts
        active = torch.relu(x @ first.T + bias)
        for weights in hidden:
            active = torch.relu(active @ weights.T)
        return active @ self.sign * self.scale

    def moved(self) -> Tensor:
        """Training points, each moved inside its ball to the worst place of an attack."""
        if not self.epsilon:
            return self.x
        moves, scores, move = [], [], torch.zeros_like(self.x)
        for _ in range(ATTACK_STEPS + 1):
            move = move.detach().requires_grad_()
            score = self.y * self.outputs(self.x + move)
            (gradient,) = torch.autograd.grad(score.sum(), move)
            moves.append(move.detach())
            scores.append(score.detach())
            step = gradient / gradient.norm(dim=1, keepdim=True).clamp_min(1e-300)
            move = moves[-1] - 2.5 * self.epsilon / ATTACK_STEPS * step
            move = move * (self.epsilon / move.norm(dim=1, keepdim=True)).clamp_max(1.0)
        worst = torch.stack(scores).argmin(dim=0)
        return self.x + torch.stack(moves)[worst, torch.arange(N)]

    def train(self, steps: int, margin: float = np.inf) -> None:
        for _ in range(steps):
            if float((self.y * self.outputs(self.x)).min()) >= margin:
                return
            x = self.moved()
            self.parts = [part.detach().requires_grad_() for part in self.parts]
            loss = torch.nn.functional.softplus(-self.y * self.outputs(x)).mean()
            gradients = torch.autograd.grad(loss, self.parts)
            self.parts = [(part - self.rate * of).detach() for part, of in zip(self.parts, gradients, strict=True)]

    def index(self) -> float:
        """Of two layers: participation of a neuron's own features, weighted by squared length."""
        first = self.parts[0]
        held = (first[:, :K] * (self.sign[:, None] == SIDE)).clamp_min(0)
        ratio = held.square().sum(1) ** 2 / held.pow(4).sum(1)
        weight = first.square().sum(1)
        return float(((ratio - 1) / (K / 2 - 1) * weight).nansum() / weight.sum())

    def radius(self) -> float:
        """Median over test points of the least length, over R, along the averaged direction at which they are wrong."""
        x, y = self.points(torch.randint(K, (300,), generator=self.draw))
        direction = torch.nn.functional.pad(SIDE, (0, D - K)) / K**0.5
        lengths = torch.linspace(0, 1.5 * R, 301, dtype=torch.float64)
        wrong = torch.stack([y * self.outputs(x - length * y[:, None] * direction) <= 0 for length in lengths])
        assert bool(wrong.any(dim=0).all())
        return float(lengths[wrong.to(torch.uint8).argmax(dim=0)].median() / R)


def measured(*names: str, **changes: Any) -> list[float]:
    """Measures of a run at that size."""
    sized = {"data__k": K, "data__d": D, "data__n": N, "data__balance": "exact"}
    run = small_run(**sized | {"attack__methods": [], "attack__test_points": 300} | changes)
    (result,) = results(run_stack(stack(run)))
    found = [result.measures[name] for name in names]
    return [value for value in found if value is not None]


@pytest.mark.parametrize("steps", [1, 3, 30])
def test_averaging_sets_in_with_the_first_steps(steps: int) -> None:
    """The random start is still there after one step, and gone after a few."""
    plain = Plain(20, 2, 1e-4, 0.01)
    plain.train(steps)
    given = {"network__width": 20, "network__init_scale": 1e-4, "training__learning_rate": 0.01}
    index, radius = measured("averaging_index", "averaged_radius_max_relative", training__steps=steps, **given)
    assert index == pytest.approx(plain.index(), abs=0.1)
    assert radius == pytest.approx(plain.radius(), rel=0.1)
    assert index > 0.9 or steps < 30


def test_adversarial_training_decouples() -> None:
    given = {"network__width": 8, "network__init_scale": 1e-4, "training__learning_rate": 0.03, "training__steps": 120}
    indices, radii = [], []
    for epsilon in (0.0, 0.25 * R):
        plain = Plain(8, 2, 1e-4, 0.03, epsilon)
        plain.train(120)
        index, radius = measured(
            "averaging_index", "averaged_radius_max_relative", training__adversarial_radius=epsilon, **given
        )
        assert index == pytest.approx(plain.index(), abs=0.15)
        assert radius == pytest.approx(plain.radius(), rel=0.08)
        indices.append(index)
        radii.append(radius)
    assert indices[0] > 0.95
    assert indices[1] < 0.6
    assert radii[1] > 1.2 * radii[0]


@pytest.mark.parametrize("depth", [2, 3])
def test_deeper_networks_of_two_labels_are_flipped_along_the_averaged_direction(depth: int) -> None:
    plain = Plain(6, depth, 1e-4, 0.03)
    plain.train(3000, margin=2.0)
    (radius,) = measured(
        "averaged_radius_max_relative",
        network__kind="mlp",
        network__depth=depth,
        network__width=6,
        network__init_scale=1e-4,
        training__learning_rate=0.03,
        training__steps=3000,
        training__stop_margin=2.0,
    )
    assert radius == pytest.approx(plain.radius(), rel=0.08)
    assert radius == pytest.approx(K**-0.5, rel=0.12)
