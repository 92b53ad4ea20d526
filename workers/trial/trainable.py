"""The trial: a Ray Tune Trainable that takes stack after stack out of the mailbox."""

import importlib
import os
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any, Protocol, cast

from ray.tune import Trainable

from phaselab.domain.results.parcels import Parcel, Progress
from phaselab.domain.results.results import Outcome, RunFailure
from phaselab.domain.settings.stacks import Stack
from phaselab.workers.base import progress
from phaselab.workers.trial.mailbox import MailboxClient
from phaselab.workers.trial.stack_log import StackLog

TAKE_SECONDS = 20.0
"""How long a trial waits for a stack before it reports that it is alive."""
LOOK_SECONDS = 0.15
"""How often a trial asks whether its stack is to be stopped."""
TELL_AFTER_SECONDS = 2.0
"""How long a stack is computed before it is told how far it is: most are done by then."""
STOP_GRACE_SECONDS = 0.75
"""How long a stack that is told to stop may go on before its worker process ends itself."""
ATTEMPTS = 3
"""How often a run is computed by itself before its exception counts as its failure."""


class StackStopped(Exception):
    """The stack was told to stop, and did."""


class Compute(Protocol):
    """Computes a stack: one outcome a run, in the order of its runs; raises something once `stop()` turns true."""

    def __call__(self, stack: Stack, device: str, stop: Callable[[], bool]) -> list[Outcome]:
        """Compute `stack` on `device` ("cpu" or "cuda")."""


class StackTrainable(Trainable):
    """A long-lived trial; each step is one stack.

    Its config: `mailbox` and `namespace` (the actor's name), `compute` (`module:function`, called with device and
    threads, gives the Compute), `device`, `threads`, `limit_seconds` (a stack that takes longer is taken for stuck),
    and `log_level`, from which on it writes to standard error, which Ray keeps in a file of its session.
    """

    def setup(self, config: dict[str, Any]) -> None:
        """Find the mailbox and load the computing code."""
        self._mailbox = MailboxClient(config["mailbox"], config["namespace"])
        self._device = str(config["device"])
        self._compute = load_compute(config["compute"], self._device, config["threads"])
        self._limit_seconds = float(config["limit_seconds"])
        self._told = StackLog(config["log_level"])

    def step(self) -> dict[str, Any]:
        """Take a stack and compute it: {"parcel": Parcel}, or {"parcel": None} when none came."""
        letter = self._mailbox.take(self.trial_id, TAKE_SECONDS)
        if letter is None:
            return {"parcel": None}
        started = time.perf_counter()
        self._told.taken(letter, self.trial_id)
        with StopWatch(self._mailbox, letter.number, self._limit_seconds) as watch, progress.heard(watch.hear):
            try:
                outcomes: list[Outcome] | None = compute_surely(self._compute, letter.stack, self._device, watch.stop)
            except StackStopped:
                outcomes = None
        seconds = time.perf_counter() - started
        self._told.ended(letter, outcomes, seconds)
        return {"parcel": Parcel(letter.number, outcomes, seconds, self._told.worker)}

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Nothing to keep: what is left to do is in the database."""


def load_compute(name: str, device: str, threads: int) -> Compute:
    """The Compute that the function `module:function` makes ready.

    Loaded by name, for the scheduler imports this file and has no use for the computing code.
    """
    module, _, function = name.partition(":")
    return cast(Compute, getattr(importlib.import_module(module), function)(device, threads))


def compute_surely(compute: Compute, stack: Stack, device: str, stop: Callable[[], bool]) -> list[Outcome]:
    """One outcome a run, whatever exception the computing raises: after one, every run is computed by itself."""
    if len(stack.runs) > 1:
        try:
            return compute(stack, device, stop)
        except Exception as error:  # noqa: BLE001 - any bug of the computing code; it is met again, and told, below
            _end_if_stopped_or_device_lost(error, stop)
    return [_compute_alone(compute, Stack((run,)), device, stop) for run in stack.runs]


def _compute_alone(compute: Compute, stack: Stack, device: str, stop: Callable[[], bool]) -> Outcome:
    """The outcome of the only run of a stack; a RunFailure after ATTEMPTS exceptions."""
    for _ in range(ATTEMPTS):
        try:
            return compute(stack, device, stop)[0]
        except Exception as error:  # noqa: BLE001 - any bug of the computing code becomes this run's failure
            _end_if_stopped_or_device_lost(error, stop)
            reason, trace = f"{type(error).__name__}: {error}", traceback.format_exc()
    return RunFailure(stack.runs[0].key, reason, trace)


def _end_if_stopped_or_device_lost(error: Exception, stop: Callable[[], bool]) -> None:
    """Raise StackStopped if that is why the computing ended. After most CUDA errors nothing works in the process any
    more: end it, so that the stack starts in a new one."""
    if stop():
        raise StackStopped from error
    if type(error).__name__ == "AcceleratorError":
        traceback.print_exception(error)
        os._exit(70)


class StopWatch:
    """While a stack is computed, tells the mailbox how far it is, asks whether it shall stop, and ends the process
    when it does not.

    `stop()` and `hear()` cost nothing: a thread of its own talks to the mailbox.
    """

    def __init__(self, mailbox: MailboxClient, number: int, limit_seconds: float) -> None:
        self._mailbox = mailbox
        self._number = number
        self._limit_seconds = limit_seconds
        self._progress: Progress | None = None
        self._stop = threading.Event()
        self._over = threading.Event()

    def stop(self) -> bool:
        """Whether the stack is to be stopped."""
        return self._stop.is_set()

    def hear(self, progress: Progress) -> None:
        """How far the stack is by now."""
        self._progress = progress

    def __enter__(self) -> "StopWatch":
        threading.Thread(target=self._look, name="stop-watch", daemon=True).start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._over.set()

    def _look(self) -> None:
        started = time.monotonic()
        while not self._over.wait(LOOK_SECONDS):
            seconds = time.monotonic() - started
            if self._mailbox.look(self._number, self._progress if seconds > TELL_AFTER_SECONDS else None):
                self._stop.set()
                break
            if seconds > self._limit_seconds:
                self._end("computes longer than stack_limit_seconds")
        if self._stop.is_set() and not self._over.wait(STOP_GRACE_SECONDS):
            # Told here, for Tune learns of a worker's death much later where many end at once.
            self._mailbox.give_up(self._number)
            self._end("did not stop between two steps")

    def _end(self, why: str) -> None:
        print(f"worker {os.getpid()} ends: stack {self._number} {why}", flush=True)
        os._exit(71)
