"""Sizing: how many runs make a stack of about the wanted computing time."""

import math

MOST_RUNS = 512
"""Most runs of a stack, whatever it costs: its arrays and its transaction stay small."""
MAX_GROWTH = 4.0
"""A stack is at most this many times larger than the largest of its kind that was measured."""
SMOOTHING = 0.5
"""Weight of the newest measurement."""


class Pace:
    """Learned computing time per run, for every kind of run.

    A kind is whatever the caller takes for alike (an experiment, a shape). Computing a run in a larger stack is
    cheaper, so a size is approached in steps of at most MAX_GROWTH.
    """

    def __init__(self, target_seconds: float) -> None:
        self._target = target_seconds
        self._seconds_per_run: dict[str, float] = {}
        self._largest: dict[str, int] = {}

    def note(self, kind: str, runs: int, seconds: float) -> None:
        """A stack of `runs` runs of this kind took `seconds`."""
        measured = max(seconds, 1e-6) / runs
        known = self._seconds_per_run.get(kind, measured)
        self._seconds_per_run[kind] = known + SMOOTHING * (measured - known)
        self._largest[kind] = max(runs, self._largest.get(kind, 0))

    def seconds_per_run(self, kind: str) -> float | None:
        """The learned computing time of a run; None before the first of its kind."""
        return self._seconds_per_run.get(kind)

    def size(self, kind: str, estimated_seconds_per_run: float) -> int:
        """How many runs of this kind make a stack; the estimate serves until one of its kind was measured."""
        learned = self._seconds_per_run.get(kind)
        if learned is None:
            return clamp(self._target / max(estimated_seconds_per_run, 1e-9), MOST_RUNS)
        return clamp(self._target / learned, min(MOST_RUNS, math.ceil(MAX_GROWTH * self._largest[kind])))


def clamp(runs: float, most: int) -> int:
    """A whole number of runs in 1..most."""
    return max(1, min(most, round(runs)))


def share(queued: int, trials: int) -> int:
    """Most runs of a stack when `queued` runs wait: few are shared out among all trials."""
    return max(1, math.ceil(queued / max(trials, 1)))
