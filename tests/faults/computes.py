"""Computing code that misbehaves on order: what a run does is told by its seed. Loaded by trials by its name."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from domain.results import Outcome, RunFailure, RunResult
from domain.stacks import Stack

DIES, RAISES, FAILS, IGNORES_STOP = 1300, 1301, 1302, 1303
LOG = "PHASELAB_TEST_COMPUTED"
"""Environment variable: the file that every computed run key is written to."""
SECONDS = "PHASELAB_TEST_SECONDS"
"""Environment variable: how long a run takes."""


def ready(device: str, threads: int) -> Callable[[Stack, str, Callable[[], bool]], list[Outcome]]:
    return compute


def compute(stack: Stack, device: str, stop: Callable[[], bool]) -> list[Outcome]:
    seeds = {run.seed for run in stack.runs}
    if DIES in seeds:
        os._exit(1)
    if RAISES in seeds:
        raise ZeroDivisionError("ordered by the test")
    while IGNORES_STOP in seeds:
        time.sleep(0.05)
    outcomes: list[Outcome] = []
    for run in stack.runs:
        if stop():
            raise InterruptedError("told to stop")
        time.sleep(float(os.environ.get(SECONDS, "0.002")))
        if run.seed == FAILS:
            outcomes.append(RunFailure(run.key, "ordered by the test", "no trace"))
        else:
            outcomes.append(RunResult(run.key, {"test_accuracy": 1.0}, (), np.zeros((2, 2), np.float32)))
    _write_down(outcomes)
    return outcomes


def _write_down(outcomes: list[Outcome]) -> None:
    if LOG in os.environ:
        with Path(os.environ[LOG]).open("a", encoding="ascii") as log:
            log.write("".join(f"{outcome.key}\n" for outcome in outcomes))
