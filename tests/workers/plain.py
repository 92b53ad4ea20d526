"""Measures of layers and directions once more, from inputs and weights, in plain loops of numpy."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]
Outputs = Callable[[Floats], Floats]
"""Inputs [N, d] -> outputs of the label groups [N, c]."""


@dataclass(frozen=True)
class Seen:
    """A layer at some points: pre-activations and what it gives, [N, M]."""

    before: Floats
    after: Floats


@dataclass(frozen=True)
class Dealt:
    """Sides and label groups of clusters [k], and which groups are of side +1."""

    side: Sequence[int]
    label: Sequence[int]
    positive_groups: int

    @property
    def groups(self) -> int:
        return max(self.label) + 1


def alignment(features: Floats, group: Whole) -> float:
    """CKA by n x n kernels."""
    n = len(features)
    centring = np.eye(n) - np.ones((n, n)) / n
    kernel = centring @ features @ features.T @ centring
    other = centring @ (group[:, None] == group[None, :]).astype(float) @ centring
    return float(np.sum(kernel * other) / (np.linalg.norm(kernel) * np.linalg.norm(other)))


def subclass_variance(features: Floats, cluster: Whole, side: Sequence[int]) -> float:
    between, total = 0.0, float(np.sum((features - features.mean(axis=0)) ** 2))
    for j in set(cluster.tolist()):
        mates = np.array([side[i] == side[j] for i in cluster])
        own = cluster == j
        between += own.sum() * float(np.sum((features[own].mean(axis=0) - features[mates].mean(axis=0)) ** 2))
    return between / total


def stable_rank(matrix: Floats) -> float:
    singular = np.linalg.svd(matrix, compute_uv=False)
    return float(np.sum(singular**2) / singular[0] ** 2)


def compression(features: Floats, group: Whole) -> float:
    means = {g: features[group == g].mean(axis=0) for g in sorted(set(group.tolist()))}
    within = np.mean([np.sum((row - means[g]) ** 2) for row, g in zip(features, group.tolist(), strict=True)])
    centre = np.mean(list(means.values()), axis=0)
    return float(within / np.mean([np.sum((mean - centre) ** 2) for mean in means.values()]))


def discrimination(features: Floats, group: Whole) -> float:
    means = [features[group == g].mean(axis=0) for g in sorted(set(group.tolist()))]
    lengths = [float(np.linalg.norm(mean)) for mean in means]
    if not all(lengths):
        return math.nan
    pairs = [(i, j) for i in range(len(means)) for j in range(i)]
    return 1 - max(float(means[i] @ means[j]) / (lengths[i] * lengths[j]) for i, j in pairs)


def probe(trained: Floats, trained_group: Whole, features: Floats, group: Whole) -> float:
    means = {g: trained[trained_group == g].mean(axis=0) for g in sorted(set(trained_group.tolist()))}
    named = [min(means, key=lambda g: float(np.sum((row - means[g]) ** 2))) for row in features]
    return float(np.mean([one == own for one, own in zip(named, group.tolist(), strict=True)]))


def subclass_selectivity(before: Floats, cluster: Whole, side: Sequence[int]) -> float:
    found = []
    for j in sorted(set(cluster.tolist())):
        own = cluster == j
        rest = np.array([side[i] == side[j] and i != j for i in cluster])
        if not rest.any():
            continue
        values = []
        for neuron in before.T:
            spread = neuron[own].std() + neuron[rest].std()
            values.append((neuron[own].mean() - neuron[rest].mean()) / spread if neuron.max() > 0 else 0.0)
        found.append(max(values))
    return float(np.median(found))


def intraclass_spread(before: Floats, classes: Whole) -> float:
    means = []
    for one in (1, -1):
        ratios = sorted(
            (neuron[classes == one].std() / neuron.std() if neuron.max() > 0 else 0.0 for neuron in before.T),
            reverse=True,
        )
        means.append(np.mean(ratios[: max(1, round(len(ratios) / 2))]))
    return float(np.mean(means))


def words(features: Floats, label: Whole, groups: int, signed: bool) -> list[tuple[bool, ...]]:
    means = np.array([features[label == g].mean(axis=0) for g in range(groups)])  # [c, M]
    bound = 0.0 if signed else max(means.max(), 0.0) / 2
    return [tuple(bool(value > bound) for value in column) for column in means.T]


def silent_fraction(found: Sequence[tuple[bool, ...]]) -> float:
    return sum(not any(word) for word in found) / len(found)


def code_entropy(found: Sequence[tuple[bool, ...]]) -> float:
    shares = [count / len(found) for count in Counter(found).values()]
    return -sum(share * math.log(share) for share in shares) / (len(found[0]) * math.log(2))


def neuron_participation(readout: Floats, features: Floats, label: Whole) -> float:
    found = []
    for g, weights in enumerate(readout):
        carried = [max(a * mean, 0.0) for a, mean in zip(weights, features[label == g].mean(axis=0), strict=True)]
        if any(carried):
            found.append(sum(carried) ** 2 / (len(carried) * sum(one**2 for one in carried)))
    return float(np.mean(found))


def readout_participation(readout: Floats) -> float:
    largest = [max(a**2 for a in column) for column in readout.T]
    return sum(largest) ** 2 / (len(largest) * sum(one**2 for one in largest))


def pattern_flips(before: Floats, start: Floats) -> float:
    return float(np.mean([(a > 0) != (b > 0) for a, b in zip(before.flat, start.flat, strict=True)]))


def read(outputs: Floats, dealt: Dealt, readout: str) -> Floats:
    """[N, c] -> [N]"""
    plus, minus = outputs[:, : dealt.positive_groups], outputs[:, dealt.positive_groups :]
    if readout == "sum":
        return plus.sum(axis=1) - minus.sum(axis=1)
    return plus.max(axis=1) - minus.max(axis=1)


def slopes(outputs: Outputs, inputs: Floats, dealt: Dealt, readout: str, step: float = 1e-6) -> Floats:
    """[N, d]: the readout's gradient, by differences."""
    found = np.zeros_like(inputs)
    for i in range(inputs.shape[1]):
        move = np.zeros(inputs.shape[1])
        move[i] = step
        ahead, behind = (read(outputs(inputs + way), dealt, readout) for way in (move, -move))
        found[:, i] = (ahead - behind) / (2 * step)
    return found


def gradient_averaging(gradient: Floats, margin: Floats, parts: Floats, classes: Whole, side: Sequence[int]) -> float:
    """From gradients [N, d], margins, and what takes gradients apart [d, k]."""
    above, below = 0.0, 0.0
    for g, right, own in zip(gradient, margin, classes, strict=True):
        held = [max(part, 0.0) for part, one in zip(g @ parts, side, strict=True) if one == own]
        if right <= 0 or len(held) < 2 or not any(held):
            continue
        squares = [one**2 for one in held]
        ratio = sum(squares) ** 2 / sum(one**2 for one in squares)
        above += g @ g * (ratio - 1) / (len(held) - 1)
        below += g @ g
    return float(above / below)


def offspan_radius(gradient: Floats, margin: Floats, spanning: Floats) -> float:
    """From gradients [N, d], margins, and what spans the data [n + k, d]."""
    basis = np.linalg.svd(spanning.T, full_matrices=False)[0]  # [d, n + k]
    outside = gradient - gradient @ basis @ basis.T
    pairs = zip(margin, np.linalg.norm(outside, axis=1), strict=True)
    return float(np.median([right / length if right > 0 else 0.0 for right, length in pairs]))


def falls(
    outputs: Outputs, inputs: Floats, classes: Whole, along: Floats, dealt: Dealt, readout: str, most: float
) -> Floats:
    """[N]: the first fall along -y u, on a fine grid, then halved; infinite where there is none up to `most`."""
    moves = [t * classes[:, None] * along for t in np.linspace(0, most, 1001)]
    margin = [read(outputs(inputs - move), dealt, readout) * classes for move in moves]
    found = np.full(len(inputs), np.inf)
    for i, values in enumerate(np.array(margin).T):
        wrong = np.flatnonzero(values <= 0)
        if len(wrong) == 0:
            continue
        high = most * wrong[0] / 1000
        low = max(high - most / 1000, 0.0)
        for _ in range(60):
            middle = (low + high) / 2
            here = outputs(inputs[i : i + 1] - middle * classes[i] * along)
            low, high = (low, middle) if read(here, dealt, readout)[0] * classes[i] <= 0 else (middle, high)
        found[i] = high
    return found
