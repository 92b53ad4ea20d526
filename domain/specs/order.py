"""The order in which an experiment's runs are handed out: coarse to fine, so that a picture appears early."""

from collections.abc import Mapping, Sequence

import numpy as np

from phaselab.domain.settings.parameters import Value
from phaselab.domain.specs.points import Plan


def point_ranks(plan: Plan) -> list[int]:
    """The rank of every point of a plan, 0 first: ends of the axes, then their middles, then finer and finer."""
    levels = {path: dict(zip(values, _levels(len(values)), strict=True)) for path, values in plan.axes.items()}
    keys = [(_coarseness(point.values, levels), point.index) for point in plan.points]
    ranks = [0] * len(keys)
    for rank, (_, index) in enumerate(sorted(keys)):
        ranks[index] = rank
    return ranks


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
