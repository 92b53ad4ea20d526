"""References for the exact radii: brute force over the signs of all neurons, trained networks, and how to ask."""

import itertools
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from phaselab.workers.exact import exact
from phaselab.workers.exact.exact import Readout, RobustRadii, robust_radii
from phaselab.workers.networks.layout import GroupLayout

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Case:
    """A network in the span of its weights and some points of it."""

    preactivations: Array  # [N, M]
    factor: Array  # [M, M]
    group: NDArray[np.int64]  # [M]
    side_of_group: tuple[int, ...]
    side: NDArray[np.int64]  # [N]

    @property
    def width(self) -> int:
        return len(self.group) // len(self.side_of_group)

    def tensors(self) -> tuple[Tensor, Tensor, GroupLayout, Tensor]:
        layout = GroupLayout.build(self.side_of_group, self.width)
        return torch.tensor(self.preactivations), torch.tensor(self.factor), layout, torch.tensor(self.side)


def random_case(rng: np.random.Generator, most_neurons: int, points: int = 3) -> Case:
    """A small random network, at times with biases, dead, parallel or nearly equal neurons, and of any rank."""
    groups, width = int(rng.integers(2, 7)), int(rng.integers(1, 5))
    while groups * width > most_neurons:
        groups, width = int(rng.integers(2, 7)), int(rng.integers(1, 5))
    neurons = groups * width
    positive = int(rng.integers(1, groups))
    weights = rng.normal(size=(neurons, int(rng.integers(1, neurons + 3))))
    kind = rng.integers(5)
    if kind == 1:
        weights[rng.integers(neurons)] = 0
    elif kind == 2:
        weights[rng.integers(neurons)] = weights[rng.integers(neurons)] * rng.uniform(0.5, 2)
    elif kind == 3:
        weights = weights[np.arange(neurons) // 2 * 2] + 1e-3 * weights
    elif kind == 4:
        weights[rng.integers(neurons)] = weights[rng.integers(neurons)]
    bias = rng.integers(2) * 0.5 * rng.normal(size=neurons)
    x = rng.uniform(0.5, 3) * rng.normal(size=(points, weights.shape[1]))
    sides = (1,) * positive + (-1,) * (groups - positive)
    side = rng.choice([-1, 1], size=points)
    return Case(x @ weights.T + bias, factor_of(weights), np.arange(neurons) // width, sides, side)


def factor_of(weights: Array) -> Array:
    """L with W W^T = L L^T, from the eigenvectors; eigenvalues that are rounding are set to zero."""
    values, vectors = np.linalg.eigh(weights @ weights.T)
    values[values < 1e-13 * values.max()] = 0
    return vectors * np.sqrt(values)


def group_values(case: Case, preactivations: Array) -> Array:
    """Sums of relu over every group, [c] of [M]."""
    return np.array([np.maximum(preactivations[case.group == i], 0).sum() for i in range(len(case.side_of_group))])


def readout_value(case: Case, preactivations: Array, readout: str) -> float:
    """The readout, up to the width, of pre-activations [M]."""
    sides, values = np.array(case.side_of_group), group_values(case, preactivations)
    combine = np.sum if readout == "sum" else np.max
    return float(combine(values[sides == 1]) - combine(values[sides == -1]))


def brute_force_radius(case: Case, point: int, readout: str, only_sure: bool = False) -> float:
    """Least flip over all sign patterns of all neurons, one quadratic program per pattern (and opposing group).

    Programs that are infeasible but for rounding fail; they are left out where flips that are `only_sure` are wanted.
    """
    p, own_side = case.preactivations[point], case.side[point]
    groups = range(len(case.side_of_group))
    own = [i for i in groups if case.side_of_group[i] == own_side]
    opposing = [i for i in groups if case.side_of_group[i] != own_side]
    best = np.inf
    for signs in itertools.product((-1, 1), repeat=len(p)):
        sign = np.array(signs)
        masks = np.stack([(case.group == i) * (sign > 0) for i in groups]).astype(float)
        if readout == "sum":
            flips = [[masks[opposing].sum(0) - masks[own].sum(0)]]
        else:
            flips = [[masks[j] - masks[i] for i in own] for j in opposing]
        for flip in flips:
            rows = np.concatenate([np.diag(sign), np.array(flip)])
            best = min(best, least_norm(rows @ case.factor, -rows @ p, best, only_sure))
    return best


def least_norm(rows: Array, sides: Array, enough: float, only_sure: bool) -> float:
    """Least |u| with rows @ u >= sides (Lawson & Hanson 1974, chapter 23); inf where none is below `enough`."""
    length = np.linalg.norm(rows, axis=1)
    dead = length < 1e-12
    if (sides[dead] > 1e-10).any():
        return np.inf
    rows, sides = rows[~dead] / length[~dead, None], sides[~dead] / length[~dead]
    scale = sides.max(initial=0.0)  # the farthest halfspace: |u| is at least that
    if scale >= enough:
        return np.inf
    if scale <= 0:
        return 0.0
    matrix, target = np.vstack([rows.T, sides / scale]), np.zeros(rows.shape[1] + 1)
    target[-1] = 1
    rest = matrix @ nonnegative_least_squares(matrix, target) - target
    if np.linalg.norm(rest) < 1e-8 or rest[-1] == 0:
        return np.inf
    u = -rest[:-1] / rest[-1] * scale
    holds = (rows @ u - sides).min() > -1e-6 * (1 + np.abs(sides).max() + np.linalg.norm(u))
    if only_sure and not holds:
        return np.inf
    assert holds
    return float(np.linalg.norm(u))


def nonnegative_least_squares(matrix: Array, target: Array) -> Array:
    """Lawson and Hanson's active-set method; a column that rounding alone would admit is passed over."""
    count = matrix.shape[1]
    x, active, barred = np.zeros(count), np.zeros(count, bool), np.zeros(count, bool)
    slope = matrix.T @ target
    for _ in range(50 * count):
        candidates = np.where(active | barred, -np.inf, slope)
        best = candidates.argmax()
        if candidates[best] <= 1e-12:
            break
        trial = active.copy()
        trial[best] = True
        s = solve_on(matrix, target, trial)
        if s[best] <= 1e-14:
            barred[best] = True
            continue
        active, barred[:] = trial, False
        while s[active].min() <= 0:
            negative = active & (s <= 0)
            x = x + (x[negative] / (x[negative] - s[negative])).min() * (s - x)
            active &= x > 1e-14
            x[~active] = 0
            s = solve_on(matrix, target, active)
        x = s
        slope = matrix.T @ (target - matrix @ x)
    return x


def solve_on(matrix: Array, target: Array, active: NDArray[np.bool_]) -> Array:
    """Least squares on the active columns, zero elsewhere."""
    s = np.zeros(matrix.shape[1])
    s[active] = np.linalg.lstsq(matrix[:, active], target, rcond=1e-12)[0]
    return s


def trained_case(
    groups: int, width: int, bias: bool, seed: int, k: int = 10, d: int = 3072, n: int = 1000, init: float = 1e-5
) -> Case:
    """A network after 100 steps of gradient descent on Gaussian clusters, as published, with 1,000 test points."""
    rng = torch.Generator().manual_seed(seed)
    centers = torch.eye(k, d) * d**0.5
    group_of_cluster = torch.arange(k) * groups // k
    sides = tuple(1 if 2 * i < groups else -1 for i in range(groups))
    cluster = torch.randint(k, (n,), generator=rng)
    x, label = centers[cluster] + torch.randn(n, d, generator=rng), group_of_cluster[cluster]
    group = torch.arange(groups).repeat_interleave(width)
    weights = torch.randn(len(group), d, generator=rng) * init
    biases = torch.randn(len(group), generator=rng) * init * bias
    for _ in range(100):
        p = x @ weights.T + biases
        values = p.clamp_min(0) @ torch.nn.functional.one_hot(group).float() / width
        if bias:  # logistic loss on the difference
            residual = torch.sigmoid(values[:, 0] - values[:, 1]) - (label == 0).float()
            slope = torch.stack([residual, -residual], 1)
        else:
            slope = torch.softmax(values, 1) - torch.nn.functional.one_hot(label, groups)
        gradient = slope[:, group] * (p > 0) / (width * n)
        weights, biases = weights - 1e-3 * gradient.T @ x, biases - 1e-3 * gradient.sum(0) * bias
    test_cluster = torch.randint(k, (1000,), generator=rng)
    test = centers[test_cluster] + torch.randn(1000, d, generator=rng)
    w = weights.double()
    side = np.array(sides)[group_of_cluster[test_cluster].numpy()]
    p = (test.double() @ w.T + biases.double()).numpy()
    return Case(p, factor_of(w.numpy()), group.numpy(), sides, side)


@cache
def trained(name: str, seed: int = 0) -> Case:
    """Published networks: averaging (`binary`), decoupled (`clusters`); `wide`: 20 opposing neurons of many kinds."""
    if name == "wide":
        return trained_case(groups=2, width=20, bias=True, seed=seed, init=1e-3)
    return trained_case(2, 5, bias=True, seed=seed) if name == "binary" else trained_case(10, 1, bias=False, seed=seed)


def radii_of(case: Case, readout: Readout, budget: int | None = None) -> RobustRadii:
    return robust_radii(*case.tensors(), readout, budget)


def branch_and_bound_of(case: Case, readout: Readout, budget: int | None = None) -> RobustRadii:
    """The same without any enumeration."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exact, "PATTERNS", 0)
        patch.setattr(exact, "REPEATED", 0)
        return radii_of(case, readout, budget)


def orthogonal_case(weights: np.ndarray, sides: tuple[int, ...], width: int, points: np.ndarray) -> Case:
    """A network without bias from explicit weights and points of class +1."""
    group = np.arange(len(weights)) // width
    return Case(points @ weights.T, factor_of(weights), group, sides, np.ones(len(points), dtype=np.int64))
