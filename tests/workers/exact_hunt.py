"""Random networks in few dimensions for the hunt for unsound bounds, and exact arithmetic that judges what is found.

Weights live in D dimensions, so L = W and nothing is lost to a factorization: what the bounds say can be judged in
rational arithmetic.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
READOUTS = ("sum", "max", "decision")
"""Of the two sides, or of a point's own group against every other."""


@dataclass(frozen=True)
class Stack:
    """S networks of one shape and N points of each."""

    kind: str
    preactivations: Array  # [S, N, M]
    factor: Array  # [S, M, D]
    side_of_group: tuple[int, ...]
    width: int
    side: NDArray[np.int64]  # [S, N]
    group: NDArray[np.int64]  # [S, N] a group of the point's own, mostly the largest


def drawn(kind: str, number: int) -> tuple[str, Stack]:
    """(readout, stack) of that number: always the same."""
    rng = np.random.default_rng([number, list(KINDS).index(kind)])
    readout = str(rng.choice(READOUTS))
    if readout == "sum":
        groups, width = (int(rng.integers(2, 15)), int(rng.integers(10, 15))), 1
    else:
        groups, width = [((int(rng.integers(1, 4)), 2), 5), ((int(rng.integers(1, 4)), 3), 4)][int(rng.integers(2))]
    return readout, draw(rng, kind, 3, MANY.get(kind, 16), groups, width)


def draw(rng: np.random.Generator, kind: str, networks: int, points: int, groups: tuple[int, int], width: int) -> Stack:
    """A stack of `kind`, with `groups` of the sides +1 and -1 of `width` neurons each, in two to five dimensions."""
    sides = (1,) * groups[0] + (-1,) * groups[1]
    neurons, dimensions = len(sides) * width, int(rng.integers(2, 6))
    weights = rng.normal(size=(networks, neurons, dimensions))
    bias = rng.normal(size=(networks, 1, neurons)) * rng.choice([0.0, 0.5, 1.0])
    x = rng.uniform(0.1, 2) * rng.normal(size=(networks, points, dimensions))
    weights, bias, x = KINDS[kind](rng, weights, bias, x, groups[0] * width)
    preactivations = x @ weights.swapaxes(1, 2) + bias
    if kind == "boundary":
        preactivations = _to_the_boundary(rng, preactivations, groups, width)
    value = values(preactivations, groups, width)  # [S, N, c]
    side = _sides(rng, value, groups)
    group = np.where(rng.random(side.shape) < 0.9, value.argmax(-1), rng.integers(len(sides), size=side.shape))
    scale, unit = 10.0 ** rng.uniform(*SCALES.get(kind, (0, 0)), size=2)
    return Stack(kind, preactivations * scale, weights * (scale / unit), sides, width, side, group)


Parts = tuple[Array, Array, Array]


def _plain(rng: np.random.Generator, weights: Array, bias: Array, x: Array, own: int) -> Parts:
    return weights, bias, x


def _sparse(rng: np.random.Generator, weights: Array, bias: Array, x: Array, own: int) -> Parts:
    """Few own neurons move, numbers of one digit: where an opposing side wakes up from far below."""
    moves = rng.random(weights.shape[1]) < rng.uniform(0.5, 1)
    moves[: max(1, weights.shape[1] // 2)] = rng.random(max(1, weights.shape[1] // 2)) < 0.3
    return np.round(weights * moves[:, None], 1), np.round(bias, 1), np.round(x, 1)


def _zero_rows(rng: np.random.Generator, weights: Array, bias: Array, x: Array, own: int) -> Parts:
    return weights * (rng.random(weights.shape[:2]) < 0.7)[..., None], bias, x


def _parallel(rng: np.random.Generator, weights: Array, bias: Array, x: Array, own: int) -> Parts:
    """Rows that are multiples of few directions, of both signs."""
    chosen = weights[:, rng.integers(3, size=weights.shape[1])]
    return chosen * rng.choice([-2.0, -1.0, 0.5, 1.0, 2.0], size=weights.shape[1])[:, None], bias, x


def _nearly_parallel(rng: np.random.Generator, weights: Array, bias: Array, x: Array, own: int) -> Parts:
    chosen, _, _ = _parallel(rng, weights, bias, x, own)
    return chosen + 10.0 ** rng.uniform(-14, -2) * weights, bias, x


def _duplicates(rng: np.random.Generator, weights: Array, bias: Array, x: Array, own: int) -> Parts:
    """Equal neurons, within a side and across."""
    chosen = rng.integers(weights.shape[1], size=weights.shape[1])
    return weights[:, chosen], bias[..., chosen], x


def _uneven(rng: np.random.Generator, weights: Array, bias: Array, x: Array, own: int) -> Parts:
    """Neurons of very unlike sizes."""
    size = 10.0 ** rng.uniform(-8, 8, size=weights.shape[1])
    return weights * size[:, None], bias * size, x


def _ill_conditioned(rng: np.random.Generator, weights: Array, bias: Array, x: Array, own: int) -> Parts:
    """A direction that hardly moves anything."""
    return weights * np.append(np.ones(weights.shape[2] - 1), 10.0 ** rng.uniform(-12, -2)), bias, x


def _far(rng: np.random.Generator, weights: Array, bias: Array, x: Array, own: int) -> Parts:
    """Points far away in comparison with the biases."""
    return weights, bias, x * 10.0 ** rng.uniform(1, 6)


def _asleep(rng: np.random.Generator, weights: Array, bias: Array, x: Array, own: int) -> Parts:
    """In two dimensions, a quiet side +1 and a loud side -1 that is off at every point: flips lie all around, and many
    relaxations hold at the point itself.
    """
    loud = np.arange(weights.shape[1]) >= own
    start = np.where(loud, -rng.uniform(-0.1, 1.5, size=bias.shape), rng.uniform(0.2, 2, size=bias.shape))
    moves = loud | (np.arange(weights.shape[1]) < 4)
    size = np.where(loud, rng.choice([0.5, 1.0, 2.0]), rng.uniform(0.05, 0.6)) * moves
    return weights[..., :2] * size[:, None], start * moves, 0.3 * x[..., :2]


KINDS: dict[str, Callable[[np.random.Generator, Array, Array, Array, int], Parts]] = {
    "plain": _plain,
    "sparse": _sparse,
    "zero rows": _zero_rows,
    "parallel": _parallel,
    "nearly parallel": _nearly_parallel,
    "duplicates": _duplicates,
    "uneven": _uneven,
    "ill-conditioned": _ill_conditioned,
    "boundary": _plain,
    "scaled": _plain,
    "far": _far,
    "asleep": _asleep,
}
MANY = {"asleep": 100}
"""Points of a network, where they are solved fast."""
SCALES = {"scaled": (-70.0, 70.0)}
"""Decimal exponents by which pre-activations, and lengths, are scaled."""


def values(preactivations: Array, groups: tuple[int, int], width: int) -> Array:
    """Sums of relu over every group, [..., c] of [..., M]."""
    active = np.maximum(preactivations, 0)
    return active.reshape(*active.shape[:-1], sum(groups), width).sum(-1)


def _sides(rng: np.random.Generator, value: Array, groups: tuple[int, int]) -> NDArray[np.int64]:
    """The side that one of the readouts gives the point, so that there mostly is a radius to find."""
    positive, negative = value[..., : groups[0]], value[..., groups[0] :]
    by_sum = positive.sum(-1) > negative.sum(-1)
    by_max = positive.max(-1) > negative.max(-1)
    return np.where(np.where(rng.random(by_sum.shape) < 0.5, by_sum, by_max), 1, -1)


def _to_the_boundary(rng: np.random.Generator, preactivations: Array, groups: tuple[int, int], width: int) -> Array:
    """Raise a neuron of the lower side until the readout of each point is nearly or exactly a tie."""
    value = values(preactivations, groups, width)
    gap = value[..., : groups[0]].sum(-1) - value[..., groups[0] :].sum(-1)
    first, last = preactivations[..., 0], preactivations[..., -1]
    near = 1 - 10.0 ** rng.uniform(-17, -3, size=gap.shape)
    preactivations[..., 0] = np.where(gap < 0, np.maximum(first, 0) - gap * near, first)
    preactivations[..., -1] = np.where(gap > 0, np.maximum(last, 0) + gap * near, last)
    return preactivations


def margins(stack: Stack, u: Array, readout: str) -> tuple[Array, Array]:
    """Own value less opposing value at perturbations [S, N, K, D] of every point, and the size of its terms."""
    step = u @ stack.factor[:, None].swapaxes(2, 3)  # [S, N, K, M]
    moved = stack.preactivations[:, :, None] + step
    size = np.abs(stack.preactivations).sum(-1)[..., None] + np.abs(step).sum(-1)
    value = values(moved, (len(stack.side_of_group), 0), stack.width)  # [S, N, K, c]
    if readout == "decision":
        own = np.arange(len(stack.side_of_group)) == stack.group[..., None, None]
    else:
        own = np.array(stack.side_of_group) == stack.side[..., None, None]
    mine, other = np.where(own, value, 0), np.where(own, 0, value)
    return (mine.sum(-1) - other.sum(-1) if readout == "sum" else mine.max(-1) - other.max(-1)), size


def exact_margin(stack: Stack, network: int, point: int, u: Array, readout: str) -> Fraction:
    """Own value less opposing value at p + L u, in rational arithmetic."""
    step = [Fraction(float(a)) for a in u]
    value = [Fraction(0)] * len(stack.side_of_group)
    for r, (p, row) in enumerate(zip(stack.preactivations[network, point], stack.factor[network], strict=True)):
        moved = Fraction(float(p)) + sum(Fraction(float(a)) * b for a, b in zip(row, step, strict=True))
        value[r // stack.width] += max(moved, Fraction(0))
    if readout == "decision":
        mine = stack.group[network, point]
        return value[mine] - max(v for i, v in enumerate(value) if i != mine)
    own_side = stack.side[network, point]
    own = [v for v, side in zip(value, stack.side_of_group, strict=True) if side == own_side]
    opposing = [v for v, side in zip(value, stack.side_of_group, strict=True) if side != own_side]
    return sum(own) - sum(opposing) if readout == "sum" else max(own) - max(opposing)


def longer(u: Array, length: float) -> bool:
    """Whether |u| > length, exactly."""
    return sum(Fraction(float(a)) ** 2 for a in u) > Fraction(length) ** 2
