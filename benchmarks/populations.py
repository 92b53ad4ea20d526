"""Populations: the measures of many runs of a setting, which intervals from a few of them must cover.

`python -m benchmarks populations` makes `populations.npz` anew; a measure that came later is simulated from then on.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.progress import track

from phaselab.domain.families.resolve import resolve
from phaselab.domain.results.measures import MEASURES
from phaselab.domain.results.results import RunResult
from phaselab.domain.settings.runs import RECIPE, Run
from phaselab.domain.settings.settings import Settings
from phaselab.domain.settings.stacks import Stack
from phaselab.workers.trial.run_stack import run_stack

FILE = Path(__file__).with_name("populations.npz")
SEEDS = 600
"""Runs of a population, each with data of its own."""
DATA_SEEDS, WEIGHTS = 100, 6
"""Data seeds of a population that shares data, and runs on each, with other initial weights."""
BATCH = 24
NAMED: Mapping[str, Mapping[str, Any]] = {
    "published": {"network.labels": "binary"},
    "published, one label a cluster": {"network.labels": "clusters"},
    "few points": {"network.labels": "binary", "data.k": 20, "data.n": 200, "data.snr": 0.6},
    "noisy labels": {
        "network.labels": 4,
        "data.k": 8,
        "data.d": 200,
        "data.n": 150,
        "data.snr": 0.5,
        "data.label_noise": 0.1,
        "network.init_scale": 1e-3,
    },
}
"""Settings, by what differs from the published ones: the two published ones and two harder ones."""
ALONE = {"attack.methods": ("exact",), "attack.radii": (0.0,)}
"""Nothing but `exact`, which gives the robust radii."""
Population = npt.NDArray[np.float64]
"""[runs, measures], or [data seeds, runs on each, measures]; NaN where a measure is undefined."""


def settings_of(name: str) -> Settings:
    """The canonical settings of a population."""
    return resolve(Settings().with_values(ALONE | NAMED[name]))


def load() -> dict[str, Population]:
    """The stored populations by name, with a column for every measure of the catalogue (NaN: not stored)."""
    stored = np.load(FILE)
    names = stored["measures"].tolist()
    found = {}
    for name in stored.files:
        if name not in ("measures", "recipe"):
            columns = [stored[name][..., names.index(one)] if one in names else None for one in MEASURES]
            blank = np.full(stored[name].shape[:-1], np.nan)
            found[name] = np.stack([blank if column is None else column for column in columns], axis=-1).astype(float)
    return found


def recipe() -> int:
    """The recipe that the stored populations were computed by."""
    return int(np.load(FILE)["recipe"])


def report(console: Console) -> None:
    """Compute and store all populations."""
    made: dict[str, npt.NDArray[np.float32]] = {}
    for name in NAMED:
        settings = settings_of(name)
        alone = [Run.of(settings, seed) for seed in range(SEEDS)]
        made[name] = _measured(alone, name, console)
        shared = [
            Run.of(resolve(settings.with_values({"data.seed": data})), seed)
            for data in range(DATA_SEEDS)
            for seed in range(WEIGHTS)
        ]
        made[f"{name}, shared data"] = _measured(shared, f"{name}, shared data", console).reshape(
            DATA_SEEDS, WEIGHTS, len(MEASURES)
        )
    np.savez_compressed(FILE, recipe=RECIPE, measures=np.array(list(MEASURES)), **made)  # type: ignore[arg-type]
    console.print(f"{FILE.name}: {FILE.stat().st_size / 1000:.0f} kB")


def _measured(runs: list[Run], name: str, console: Console) -> npt.NDArray[np.float32]:
    """[runs, measures]"""
    stacks = [Stack(tuple(runs[first : first + BATCH])) for first in range(0, len(runs), BATCH)]
    rows = [row for stack in track(stacks, name, console=console) for row in _rows(stack)]
    return np.array(rows, dtype=np.float32)


def _rows(stack: Stack) -> Iterator[list[float]]:
    for outcome in run_stack(stack):
        if not isinstance(outcome, RunResult):
            raise RuntimeError(f"a run of a population failed: {outcome.reason}")
        values = (outcome.measures.get(name) for name in MEASURES)
        yield [np.nan if value is None else value for value in values]
