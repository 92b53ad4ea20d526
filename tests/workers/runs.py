"""Small runs for the tests of the workers."""

from collections.abc import Sequence
from typing import Any

from phaselab.domain.families.resolve import resolve
from phaselab.domain.results.results import Outcome, RunResult
from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.settings import Settings
from phaselab.domain.settings.stacks import Stack

SMALL: dict[str, dict[str, Any]] = {
    "data": {"k": 4, "d": 30, "n": 25},
    "network": {"init_scale": 0.1},
    "training": {"learning_rate": 0.05, "steps": 30},
    "attack": {"test_points": 60, "radii": [0.0, 1.0, 2.0, 3.0, 4.0, 6.0]},
}


def small_run(seed: int = 0, **changes: Any) -> Run:
    """A small run; changes are dotted paths with `__` for the dot: `small_run(data__k=2)`."""
    groups = {name: dict(values) for name, values in SMALL.items()}
    for path, value in changes.items():
        group, name = path.split("__")
        groups[group][name] = value
    return Run.of(resolve(Settings.model_validate(groups)), seed)


def results(outcomes: Sequence[Outcome]) -> list[RunResult]:
    """The outcomes, all of which must be results."""
    finished = [outcome for outcome in outcomes if isinstance(outcome, RunResult)]
    assert len(finished) == len(outcomes), outcomes
    return finished


def stack(*runs: Run) -> Stack:
    """A stack of runs."""
    return Stack(tuple(runs))
