"""Databases full of made-up results, filled the way the service fills them: submit, hand out, land."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from phaselab.db.queue import leases
from phaselab.db.schema.database import Database
from phaselab.db.writing import landing
from phaselab.domain.results.measures import MEASURES
from phaselab.domain.results.results import READOUTS, Curve, RunResult
from phaselab.domain.results.trust import Trust
from phaselab.domain.settings.radii import radii
from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.settings import METHODS
from phaselab.service.verbs.submit import submit

SIDE = 20
"""Values of each of the two axes."""
CLUSTERS = list(range(4, 4 + SIDE))
STACK = 500
PROVENANCE = {"engine": "gram", "device": "cpu", "torch": "made up"}


@dataclass
class Clock:
    """Wall time and this process's CPU time, in seconds, spent on `runs` runs."""

    runs: int = 0
    wall: float = 0.0
    cpu: float = 0.0

    def __enter__(self) -> "Clock":
        self._wall, self._cpu = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.wall += time.perf_counter() - self._wall
        self.cpu += time.process_time() - self._cpu

    @property
    def rate(self) -> str:
        """Runs a second, of wall time and of CPU time."""
        return f"{self.runs / self.wall:,.0f} runs/s ({self.runs / self.cpu:,.0f} of CPU time)"


@dataclass
class Pace:
    """What filling took, by verb."""

    submitted: Clock
    handed_out: Clock
    landed: Clock

    @classmethod
    def none(cls) -> "Pace":
        return cls(Clock(), Clock(), Clock())


def spec(number: int, runs: int) -> dict[str, Any]:
    """An experiment of about `runs` runs on 20 x 20 points; `number` makes its settings its own."""
    return {
        "name": f"benchmark {number}",
        "data": {"d": 1000 + number},
        "sweep": {"data.k": CLUSTERS, "network.init_scale": {"logspace": [1e-6, 1e-1, SIDE]}},
        "seeds": max(1, runs // SIDE**2),
    }


def fill(database: Database, number: int, runs: int, pace: Pace, stack: int = STACK) -> int:
    """Submit one experiment of about `runs` runs and land a result for each; its id."""
    with pace.submitted as clock:
        done = submit(database, spec(number, runs), "benchmark")
    clock.runs += done.runs
    land_all(database, done.id, pace, stack)
    return done.id


def land_all(database: Database, experiment_id: int, pace: Pace, stack: int = STACK) -> None:
    """Land a result for every run that the experiment waits for."""
    draw = np.random.default_rng(experiment_id)
    for handed in _stacks(database, experiment_id, stack, pace.handed_out):
        results = made_up(handed, draw)
        with pace.landed as clock, database.transaction() as session:
            clock.runs += landing.land(session, results).done


def _stacks(database: Database, experiment_id: int, most: int, clock: Clock) -> Iterator[Sequence[Run]]:
    while True:
        with clock, database.transaction() as session:
            leased = leases.take_stack(session, experiment_id, lambda _: most, "benchmark", 600.0)
        if leased is None:
            return
        clock.runs += len(leased.stack.runs)
        yield leased.stack.runs


def made_up(runs: Sequence[Run], draw: np.random.Generator) -> list[RunResult]:
    """Results of the size and spread of real ones, drawn many at a time."""
    low = np.array([entry.low or 0.0 for entry in MEASURES.values()])
    high = np.array([entry.high or 40.0 for entry in MEASURES.values()])
    values = low + (high - low) * draw.random((len(runs), len(MEASURES)))
    suspect = draw.random(len(runs)) < 0.05
    return [
        _result(run, dict(zip(MEASURES, row, strict=True)), Trust(("more_steps_win",) if odd else ()), draw)
        for run, row, odd in zip(runs, values.tolist(), suspect.tolist(), strict=True)
    ]


def _result(run: Run, measures: dict[str, float | None], trust: Trust, draw: np.random.Generator) -> RunResult:
    points, k = run.settings.attack.test_points, run.settings.data.k
    fall = np.sort(draw.integers(0, points + 1, (len(READOUTS) * len(METHODS), len(radii(run.settings.attack)))))
    names = [(readout, method) for readout in READOUTS for method in METHODS]
    curves = tuple(Curve(*name, line[::-1] / points) for name, line in zip(names, fall, strict=True))
    cosines = draw.random((k, k), dtype=np.float32)
    return RunResult(run.key, measures, curves, cosines, trust, 0.05, PROVENANCE)
