"""The course of training of the idealised network, step by step: what its weights hold at the end.

In the idealised network every neuron of a label group weighs the features of its group alike, so five numbers follow
the optimizer's own rule (docs/methods/theory.md): how far the own centres and the noise of single training points
have lifted a neuron, how far other centres have been pushed down, and the share of the random start that is left.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.integrate import solve_ivp

from phaselab.domain.settings.labels import group_count
from phaselab.domain.settings.radii import center_norm
from phaselab.domain.settings.settings import Settings

EXACT_STEPS = 1000
"""Steps that are taken one by one; the rest is gradient flow at the optimizer's lasting rate."""
MOST_MOMENTUM = 0.999
"""Largest momentum that has settled to its lasting rate within a few thousand steps."""
_LARGEST = 700.0
"""Beyond it exp overflows."""

State = tuple[float, float, float, float, float]


@dataclass(frozen=True)
class Course:
    """Where training ends, as pre-activations of a neuron but for the last.

    `own`: at a centre of its own group; `pushed`: how far below 0 at any other centre; `clean`, `flipped`: what the
    neuron remembers of the noise of one training point of its group, with its right label and with a flipped one;
    `start`: the share of the initial weights that is left.
    """

    own: float
    pushed: float
    clean: float
    flipped: float
    start: float


@dataclass(frozen=True)
class Energies:
    """Squared norm of all weights, in parts, per neuron of an output: `features` in the span of the centres, `memory`
    of training noise, and `start`, of the random start."""

    features: float
    memory: float
    start: float

    def share(self, part: float) -> float:
        """A part over the whole; 0 of nothing."""
        whole = self.features + self.memory + self.start
        return part / whole if whole else 0.0


def first_step(settings: Settings) -> float:
    """How far the first step moves the own output at a centre: learning_rate R^2 / (h k) * (c - 1) / c."""
    groups = group_count(settings.network.labels, settings.data.k)
    return settings.training.learning_rate * _Given.of(settings, 1.0).center_rate * (groups - 1) / groups


@lru_cache(maxsize=4096)
def course(settings: Settings, points: float = 1.0) -> Course:
    """The end of training of canonical settings, by any optimizer but Adam, with momentum up to MOST_MOMENTUM.

    `points` is the number of training points of a cluster over n / k; all clusters have as many. Mini-batches are
    taken for what they are on average. May hold infinities where training diverges.
    """
    given, training = _Given.of(settings, points), settings.training
    momentum = training.momentum or 0.0
    exact = min(training.steps, EXACT_STEPS + math.ceil(10 / (1 - momentum)))
    state = _by_steps(given, training.learning_rate, momentum, training.optimizer == "nesterov", exact)
    if training.steps > exact and all(map(math.isfinite, state)):
        rate = training.learning_rate / (1 - momentum)
        state = _by_flow(given.slope, state, rate * (training.steps - exact))
    own, clean, flipped, pushed, start = state
    return Course(own, max(pushed, 0.0), clean, flipped, start)


def energies(settings: Settings, found: Course) -> Energies:
    """What the weights hold, of all c groups of one neuron each.

    A centre of the own group holds own^2 / R^2, any other pushed^2 / R^2; a remembered point r^2 / d.
    """
    data = settings.data
    groups = group_count(settings.network.labels, data.k)
    features = data.k * (found.own**2 + (groups - 1) * found.pushed**2) / center_norm(settings.data) ** 2
    remembered = (1 - data.label_noise) * found.clean**2 + data.label_noise * found.flipped**2
    start = groups * (settings.network.init_scale * found.start) ** 2 * data.d
    return Energies(features, remembered * data.n / data.d, start)


@dataclass(frozen=True)
class _Given:
    """What the slope of the loss depends on."""

    center_rate: float
    """R^2 / (h k): what a unit of the loss's derivative moves at a centre."""
    noise_rate: float
    """d / (h n): what it moves at a training point through that point's own noise."""
    others: int
    """c - 1"""
    flips: float
    decay: float
    noise: Callable[[float, float, float, float], float]
    """Standard deviation of a neuron's pre-activation at the points of a cluster, from own, clean, flipped, start."""

    @classmethod
    def of(cls, settings: Settings, points: float) -> "_Given":
        data, width = settings.data, settings.network.width
        if not isinstance(width, int):
            raise ValueError("the course of training needs canonical settings")
        groups = group_count(settings.network.labels, data.k)
        size, square, flips = data.k / groups, center_norm(settings.data) ** 2, data.label_noise
        drawn = settings.network.init_scale**2 * data.d

        def noise(own: float, clean: float, flipped: float, start: float) -> float:
            remembered = ((1 - flips) * clean**2 + flips * flipped**2) * data.n / data.k / data.d
            return math.sqrt(size * (own**2 / square + remembered) + drawn * start**2)

        rates = square / (width * data.k) * points, data.d / (width * data.n)
        return cls(*rates, groups - 1, flips, settings.training.weight_decay, noise)

    def slope(self, state: State) -> State:
        """The gradient of the loss along each number of the state, weight decay included."""
        own, clean, flipped, pushed, start = state
        right = self.others / (_exp(own + clean) + self.others)  # of a point with its right label
        wrong = 1 - self.others / (_exp(own - flipped) + self.others) if self.flips else 0.0
        lift = self.center_rate * ((1 - self.flips) * right - self.flips * wrong)
        spread = self.noise(own, clean, flipped, start)
        on, other_on = _share_on(own, spread), _share_on(-pushed, spread)  # of points of a cluster
        decay = self.decay
        return (
            decay * own - on * lift,
            decay * clean - on * self.noise_rate * right,
            decay * flipped - on * self.noise_rate * wrong,
            decay * pushed - other_on * lift / self.others,
            decay * start,
        )


def _share_on(mean: float, spread: float) -> float:
    """The chance that a normal variable is above 0."""
    return math.erfc(-mean / spread / math.sqrt(2)) / 2 if spread else 0.0


def _exp(value: float) -> float:
    return math.exp(min(value, _LARGEST))


def _by_steps(given: _Given, rate: float, momentum: float, nesterov: bool, steps: int) -> State:
    """The state after so many steps of the optimizer, as training.md has it."""
    state: State = (0.0, 0.0, 0.0, 0.0, 1.0)
    speed: State = (0.0, 0.0, 0.0, 0.0, 0.0)
    for _ in range(steps):
        slope = given.slope(state)
        speed = tuple(momentum * v + g for v, g in zip(speed, slope, strict=True))  # type: ignore[assignment]
        ahead = [g + momentum * v for v, g in zip(speed, slope, strict=True)] if nesterov else speed
        own, clean, flipped, pushed, start = (x - rate * v for x, v in zip(state, ahead, strict=True))
        state = (own, clean, flipped, max(pushed, 0.0), start)
        if not all(map(math.isfinite, state)):
            break
    return state


def _by_flow(slope: Callable[[State], State], state: State, time: float) -> State:
    """Gradient flow from a state for a time."""

    def field(_: float, at: np.ndarray) -> list[float]:
        own, clean, flipped, pushed, start = at.tolist()
        return [-g for g in slope((own, clean, flipped, max(pushed, 0.0), start))]

    found = solve_ivp(field, (0.0, time), state, method="LSODA", rtol=1e-6, atol=1e-9)
    own, clean, flipped, pushed, start = found.y[:, -1].tolist()
    return own, clean, flipped, pushed, start
