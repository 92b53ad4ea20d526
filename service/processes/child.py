"""A process that the supervisor keeps alive, and renews without a gap when it is asked to."""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TextIO

from phaselab.domain.settings.faults import OperatorFault
from phaselab.service.base.exit_codes import UNFIT
from phaselab.service.processes import processes

LONGEST_PAUSE_SECONDS = 15.0
STEADY_SECONDS = 60.0
"""A child that lived as long is started again without a pause."""


class NoStart(Exception):
    """The machine starts no process just now: it has too many, or too little memory or open files."""


@dataclass(frozen=True)
class _Successor:
    """A process that has been started to take a child's place, and what it tells in that it has started."""

    process: subprocess.Popen[bytes]
    told: int

    def has_started(self) -> bool:
        """Whether it has told so."""
        return bool(select.select([self.told], [], [], 0)[0]) and os.read(self.told, 1) != b""


class Child:
    """A process that is kept alive; the pause before each start doubles while it keeps dying young."""

    def __init__(
        self, name: str, command: Sequence[str], environment: Mapping[str, str], files: Sequence[int] = ()
    ) -> None:
        self.name = name
        self._command = command
        self._environment = environment
        self._files = files
        self._pause = 0.0
        self._start_at = 0.0
        self._started_at = 0.0
        self.process: subprocess.Popen[bytes] | None = None
        self._successor: _Successor | None = None
        self._leaving: list[tuple[subprocess.Popen[bytes], float]] = []
        self._leave_seconds = 0.0

    def keep_alive(self) -> bool:
        """Start the process if it is down and its pause is over. Returns whether a dead one was found. Raises NoStart
        when the machine cannot start it, which is tried again after a pause."""
        now = time.monotonic()
        self._see_them_off(now)
        if self._successor is not None:
            self._look_after(self._successor)
        if self.process is None:
            if now >= self._start_at and self._successor is None:
                self._start(now)
            return False
        code = self.process.poll()
        if code is None:
            return False
        if code == UNFIT:
            raise OperatorFault(f"the {self.name} cannot run, see above")
        self._wait(now, longer=now - self._started_at < STEADY_SECONDS)
        self.process = None
        tell(f"{self.name} ended ({_how(code)}); it is started again")
        return True

    def renew(self, leave_seconds: float) -> None:
        """Start another one, which takes the place of the one that runs once it has started; that one is then asked to
        end, by SIGUSR1, and killed where it takes longer than `leave_seconds`. The command takes `--tell FILE`. Raises
        NoStart."""
        if self.process is None or self._successor is not None:
            return  # there is a new one on its way already
        self._leave_seconds = leave_seconds
        told, telling = os.pipe()
        try:
            started = self._process([*self._command, "--tell", str(telling)], [*self._files, telling])
        except NoStart:
            os.close(told)
            raise
        finally:
            os.close(telling)
        self._successor = _Successor(started, told)

    def _look_after(self, successor: _Successor) -> None:
        """Let a successor take its place, or forget one that has ended."""
        if successor.has_started():
            if self.process is not None:  # it may have died meanwhile
                self.process.send_signal(signal.SIGUSR1)
                self._leaving.append((self.process, time.monotonic() + self._leave_seconds))
            self.process, self._started_at = successor.process, time.monotonic()
            tell(f"{self.name} renewed")
        elif (code := successor.process.poll()) is not None:
            tell(f"the new {self.name} ended ({_how(code)}) before it had started; the old one goes on")
        else:
            return
        os.close(successor.told)
        self._successor = None

    def _see_them_off(self, now: float) -> None:
        """Forget who has left, and kill who takes too long."""
        for process, until in self._leaving:
            if process.poll() is None and now > until:
                process.kill()
        self._leaving = [(process, until) for process, until in self._leaving if process.poll() is None]

    def _start(self, now: float) -> None:
        try:
            self.process = self._process(self._command, self._files)
        except NoStart:
            self._wait(now, longer=True)
            raise
        self._started_at = now

    def _process(self, command: Sequence[str], files: Sequence[int]) -> subprocess.Popen[bytes]:
        try:
            return processes.start(command, self._environment, files)
        except (OSError, subprocess.SubprocessError) as error:
            raise NoStart(f"the {self.name} cannot be started just now: {error}; it is tried again") from None

    def _wait(self, now: float, longer: bool) -> None:
        """Set the pause before the next start."""
        self._pause = min(max(2 * self._pause, 0.25), LONGEST_PAUSE_SECONDS) if longer else 0.0
        self._start_at = now + self._pause

    def alive(self) -> Iterator[subprocess.Popen[bytes]]:
        """Its processes: the one that runs, one that will take its place, and those that are leaving."""
        if self.process is not None:
            yield self.process
        if self._successor is not None:
            yield self._successor.process
        yield from (process for process, _ in self._leaving)

    def end(self) -> None:
        """Ask its processes to end."""
        for process in self.alive():
            if process.poll() is None:
                process.terminate()

    def wait(self, until: float) -> None:
        """Wait for their end until a moment of the monotonic clock, then kill them."""
        for process in self.alive():
            try:
                process.wait(max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _how(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"


def tell(line: str, place: TextIO | None = None) -> None:
    """Say what happens, on standard error if nowhere else, whether or not anybody is there to read it."""
    with suppress(OSError):
        print(line, file=place or sys.stderr, flush=True)
