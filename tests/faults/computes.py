"""Computing code that misbehaves on order: what a run does is told by its seed. Loaded by trials by its name.

ResNets are computed by the real code, slowed down and with a checkpoint after every step.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from phaselab.domain.results.results import Outcome, RunFailure, RunResult
from phaselab.domain.settings.settings import Settings
from phaselab.domain.settings.stacks import Stack
from phaselab.workers.base.checkpoint import Checkpoint, State
from phaselab.workers.trial.run_stack import run_stack

DIES, RAISES, FAILS, IGNORES_STOP = 1300, 1301, 1302, 1303
LOG = "PHASELAB_TEST_COMPUTED"
"""Environment variable: the file that every computed run key is written to."""
STEPS = "PHASELAB_TEST_STEPS"
"""Environment variable: the file that every step of a ResNet's training is written to."""
SECONDS = "PHASELAB_TEST_SECONDS"
"""Environment variable: how long a run takes."""

_really_save = Checkpoint.save


def ready(device: str, threads: int) -> Callable[[Stack, str, Callable[[], bool]], list[Outcome]]:
    Checkpoint.due = property(lambda checkpoint: True)  # type: ignore[assignment, method-assign]
    Checkpoint.save = _save  # type: ignore[method-assign]
    return compute


def _save(checkpoint: Checkpoint, state: State) -> None:
    """Save, write it down, and take some time."""
    _really_save(checkpoint, state)
    if "step" in state:  # of training
        with Path(os.environ[STEPS]).open("a", encoding="ascii") as log:
            log.write(f"{state['step']}\n")
        time.sleep(0.05)


def compute(stack: Stack, device: str, stop: Callable[[], bool]) -> list[Outcome]:
    if stack.runs[0].settings.network.kind == "resnet18":
        return run_stack(stack, device, stop)
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
            outcomes.append(RunResult(run.key, _measures(run.settings), (), np.zeros((2, 2), np.float32)))
    _write_down(outcomes)
    return outcomes


def _measures(settings: Settings) -> dict[str, float | None]:
    """A lazy network above a line through the plane of snr and scale, an averaging one below."""
    lazy = -np.log10(settings.network.init_scale) < settings.data.snr * 0.7
    shares = {"start_share": 0.9, "noise_share": 0.0} if lazy else {"start_share": 0.1, "noise_share": 0.1}
    return {"test_accuracy": 1.0, "train_accuracy": 1.0, "averaging_index": 0.9, **shares}


def _write_down(outcomes: list[Outcome]) -> None:
    if LOG in os.environ:
        with Path(os.environ[LOG]).open("a", encoding="ascii") as log:
            log.write("".join(f"{outcome.key}\n" for outcome in outcomes))
