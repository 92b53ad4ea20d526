"""The stacks that are measured, and the clock they are measured with."""

import statistics
import time
from collections.abc import Callable
from typing import Any

from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.stacks import Stack
from phaselab.domain.specs.points import plan
from phaselab.domain.specs.spec import parse_spec

PUBLISHED: dict[str, dict[str, Any]] = {
    "data": {"k": 10, "d": 3072, "n": 1000, "snr": 1.0},
    "network": {"init_scale": 1e-5},
    "training": {"learning_rate": 1e-3, "steps": 100},
    "attack": {
        "radii": {"start": 0, "stop": 60, "num": 13},
        "test_points": 1000,
        "steps": 40,
        "methods": ["pgd", "exact"],
    },
}
"""The published setting: 13 radii, 1000 points, 40 steps, both readouts, and exact."""


def runs(seeds: int, shared: int = 1, **changes: object) -> tuple[Run, ...]:
    """`seeds` data sets times `shared` settings that share each; `changes` by `group__name` keys."""
    spec = {"name": "benchmark"} | {group: dict(values) for group, values in PUBLISHED.items()}
    for key, value in changes.items():
        group, name = key.split("__")
        spec[group][name] = value  # type: ignore[index]
    spec["sweep"] = {"training.learning_rate": [1e-3 * (1 + i / 100) for i in range(shared)]}
    points = plan(parse_spec(spec)).points
    return tuple(Run.of(point.settings, seed) for seed in range(seeds) for point in points)


def stack(seeds: int, shared: int = 1, **changes: object) -> Stack:
    """The same as one stack."""
    return Stack(runs(seeds, shared, **changes))


def seconds(call: Callable[[], object], repeats: int = 3) -> float:
    """Median seconds of a call, after one that is not counted."""
    call()
    return statistics.median(_timed(call) for _ in range(repeats))


def _timed(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
