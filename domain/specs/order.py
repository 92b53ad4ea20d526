"""The order in which an experiment's runs are handed out: coarse to fine, so that a picture appears early."""

from collections.abc import Mapping, Sequence

import numpy as np

from phaselab.domain.settings.parameters import Value
from phaselab.domain.settings.stacks import goes_on
from phaselab.domain.specs.points import Plan, Point

STEPS = "training.steps"


def point_ranks(plan: Plan) -> list[int]:
    """The rank of every point of a plan, 0 first: ends of the axes, then their middles, then finer and finer. Points
    that are one training, differing only in its steps, come side by side, where the first of them does."""
    levels = {path: dict(zip(values, _levels(len(values)), strict=True)) for path, values in plan.axes.items()}
    keys = _keys(plan.points, levels)
    ranks = [0] * len(keys)
    for rank, (*_, index) in enumerate(sorted(keys)):
        ranks[index] = rank
    return ranks


def _keys(points: Sequence[Point], levels: Mapping[str, Mapping[Value, int]]) -> list[tuple[int, int, int, int]]:
    """What points are sorted by: how coarse the point of their training is and the first of its points, then how coarse
    their steps are, and their number."""
    keys, first_seen = [], dict[tuple[tuple[str, Value], ...], int]()
    for point in points:
        if STEPS in point.values and goes_on(point.settings):
            others = {path: value for path, value in point.values.items() if path != STEPS}
            first = first_seen.setdefault(tuple(others.items()), point.index)
            steps = levels[STEPS][point.values[STEPS]]
            keys.append((_coarseness(others, levels), first, steps, point.index))
        else:
            keys.append((_coarseness(point.values, levels), point.index, 0, point.index))
    return keys


def run_rank(point_rank: int, seed_position: int, points: int) -> int:
    """The rank of a run: the first seed of every point comes before the second seed of any."""
    return seed_position * points + point_rank


def _coarseness(values: Mapping[str, Value], levels: Mapping[str, Mapping[Value, int]]) -> int:
    """The level at which a grid refined on all axes at once first holds the point."""
    return max((levels[path][value] for path, value in values.items()), default=0)


def _levels(count: int) -> Sequence[int]:
    """For each of `count` places on an axis, the refinement that first visits it: both ends 0, the middle 1, ..."""
    levels = np.full(count, -1)
    level, parts = 0, 1
    while (levels < 0).any():
        visited = np.unique(np.rint(np.linspace(0, count - 1, parts + 1)).astype(int))
        levels[visited[levels[visited] < 0]] = level
        level, parts = level + 1, parts * 2
    return [int(value) for value in levels]
