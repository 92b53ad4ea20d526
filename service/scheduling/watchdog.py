"""The watchdog: ends the process when a part of it that must be alive has gone silent.

A driver whose raylet has died can hang for ever inside Ray. Nothing is lost by ending: what was leased goes back to
the queue when the supervisor starts the next scheduler.
"""

import os
import sys
import threading
import time

from phaselab.service.base.exit_codes import SILENT

LOOK_SECONDS = 0.5


class Watchdog:
    """Parts sign on with the longest silence they are allowed, and beat."""

    def __init__(self) -> None:
        self._limits: dict[str, float] = {}
        self._beats: dict[str, float] = {}
        self._lock = threading.Lock()

    def start(self) -> None:
        """Watch from now on, in a thread of its own."""
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def expect(self, part: str, seconds: float) -> None:
        """From now on `part` has to beat at least every `seconds`."""
        with self._lock:
            self._limits[part], self._beats[part] = seconds, time.monotonic()

    def beat(self, part: str) -> None:
        """A sign of life; ignored from a part that was forgotten."""
        with self._lock:
            if part in self._beats:
                self._beats[part] = time.monotonic()

    def forget(self, part: str) -> None:
        """`part` has ended as it should."""
        with self._lock:
            self._limits.pop(part, None)
            self._beats.pop(part, None)

    def silent(self) -> str | None:
        """A part that has been silent for too long, if any."""
        now = time.monotonic()
        with self._lock:
            return next((part for part, seen in self._beats.items() if now - seen > self._limits[part]), None)

    def _watch(self) -> None:
        while True:
            time.sleep(LOOK_SECONDS)
            part = self.silent()
            if part is not None:
                try:
                    print(f"scheduler {os.getpid()} ends: {part} has gone silent", file=sys.stderr, flush=True)
                finally:  # also when nobody reads standard error any more
                    os._exit(SILENT)
