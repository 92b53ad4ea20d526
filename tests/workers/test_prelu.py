"""Presets powers and prelu at a small size, against a network that plain numpy trains, draws points for, and moves."""

import numpy as np
import pytest
from numpy.typing import NDArray

from phaselab.workers.trial.run_stack import run_stack
from tests.workers.runs import results, small_run, stack

Points = NDArray[np.float64]
K, D, N, M, MARGIN = 6, 150, 120, 8, 2.0
SIGN = np.repeat([1.0, -1.0], M)
SIDE = np.repeat([1.0, -1.0], K // 2)


class Plain:
    """relu(z)^p / (|w| R)^(p-1), M neurons a side, at a signal-to-noise ratio."""

    def __init__(self, power: float, snr: float, seed: int) -> None:
        self.power, self.norm, self.draw = power, snr * np.sqrt(D), np.random.default_rng(seed)
        self.weights = 1e-4 * self.draw.standard_normal((2 * M, D))
        self.train()

    def points(self, cluster: NDArray[np.int64]) -> Points:
        """Around the first axes."""
        x = self.draw.standard_normal((len(cluster), D))
        x[np.arange(len(cluster)), cluster] += self.norm
        return x

    def outputs(self, x: Points) -> Points:
        """[N, D] -> [N]"""
        scale = (np.linalg.norm(self.weights, axis=1) * self.norm) ** (self.power - 1)
        found: Points = (np.maximum(x @ self.weights.T, 0) ** self.power / scale) @ SIGN / M
        return found

    def train(self) -> None:
        """To the margin, by full gradients of the logistic loss."""
        cluster = np.arange(N) % K
        x, y = self.points(cluster), SIDE[cluster]
        for _ in range(20_000):
            margin = y * self.outputs(x)
            if margin.min() >= MARGIN:
                return
            pull = y / (1 + np.exp(margin)) / N  # [N]
            seen, length = np.maximum(x @ self.weights.T, 0), np.linalg.norm(self.weights, axis=1)
            scale = (length * self.norm) ** (self.power - 1)
            along = (pull[:, None] * self.power * seen ** (self.power - 1) / scale * SIGN / M).T @ x
            shrinks = (self.power - 1) * (pull @ (seen**self.power / scale)) * SIGN / M / length**2
            self.weights = self.weights + M / self.norm**2 * (along - shrinks[:, None] * self.weights)
        raise AssertionError("it did not come to the margin")

    def index(self) -> float:
        """Participation of a neuron's own features, weighted by squared length."""
        held = np.maximum(self.weights[:, :K], 0) * (SIGN[:, None] == SIDE)
        ratio = (held**2).sum(1) ** 2 / (held**4).sum(1)
        return float(np.average((ratio - 1) / (K / 2 - 1), weights=(self.weights**2).sum(1)))

    def radius(self, directions: Points) -> float:
        """Median over test points of the least length, over R, along any of the directions [C, K] that turn a point of
        class +1; a point of class -1 goes their opposite."""
        cluster = self.draw.integers(K, size=200)
        x, own, lengths = self.points(cluster), SIDE[cluster], np.linspace(0, 1.2 * self.norm, 241)
        least = np.full(200, np.inf)
        for direction in directions / np.linalg.norm(directions, axis=1, keepdims=True):
            step = own[:, None] * np.pad(direction, (0, D - K))
            margins = np.stack([own * self.outputs(x + length * step) for length in lengths])
            wrong = (margins <= 0).any(axis=0)
            least = np.minimum(least, np.where(wrong, lengths[(margins <= 0).argmax(axis=0)], np.inf))
        return float(np.median(least) / self.norm)


AVERAGED = -SIDE[None]
PAIRS = np.array([np.eye(K)[j] - np.eye(K)[i] for i in range(K // 2) for j in range(K // 2, K)])


@pytest.mark.parametrize(("power", "directions"), [(1.5, AVERAGED), (3.0, PAIRS)])
@pytest.mark.parametrize("snr", [0.8, 2.0])
def test_powers_below_two_average_and_from_three_on_hold_one_feature(
    power: float, directions: Points, snr: float
) -> None:
    plain = Plain(power, snr, 0)
    run = small_run(
        data__k=K,
        data__d=D,
        data__n=N,
        data__snr=snr,
        data__balance="exact",
        network__kind="mlp",
        network__activation="power",
        network__power=power,
        network__width=M,
        network__bias="none",
        network__init_scale=1e-4,
        training__learning_rate=M / (snr**2 * D),
        training__steps=20_000,
        training__stop_margin=MARGIN,
        attack__methods=["pgd"],
        attack__radii=np.linspace(0, snr * D**0.5, 21).tolist(),
        attack__steps=20,
        attack__test_points=200,
    )
    (result,) = results(run_stack(stack(run)))
    index, radius = result.measures["averaging_index"], result.measures["attacked_radius_sum_relative"]
    assert index is not None
    assert radius is not None
    assert (index > 0.85) if power < 2 else (index < 0.15)
    assert index == pytest.approx(plain.index(), abs=0.1)
    assert radius == pytest.approx(plain.radius(directions), rel=0.08)
    assert radius < 0.5**0.5
