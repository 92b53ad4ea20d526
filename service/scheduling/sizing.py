"""Sizing: how many runs make a stack of about the wanted computing time."""

import math

from phaselab.domain.families.cost import estimate_seconds
from phaselab.domain.families.registry import family_of
from phaselab.domain.settings.settings import Settings
from phaselab.domain.settings.stacks import shape

MOST_RUNS = 512
"""Most runs of a stack, whatever it costs: its arrays and its transaction stay small."""
MAX_GROWTH = 4.0
"""A stack is at most this many times larger than the largest of its shape that was measured."""
SMOOTHING = 0.5
"""Weight of the newest measurement."""


class Pace:
    """Learned computing time per run, for every shape that was measured.

    Of a shape that was not, the time is the estimate of `domain/families/cost.py`, times what runs of the same program
    took for each estimated second. Computing a run in a larger stack is cheaper, so a size is approached in steps of
    at most MAX_GROWTH.
    """

    def __init__(self, target_seconds: float) -> None:
        self._target = target_seconds
        self._seconds_per_run: dict[str, float] = {}
        self._seconds_per_estimate: dict[tuple[str, ...], float] = {}
        self._largest: dict[str, int] = {}

    def note(self, settings: Settings, runs: int, seconds: float) -> None:
        """A stack of `runs` runs of the shape of these settings took `seconds`."""
        alike, program, measured = shape(settings), _program(settings), max(seconds, 1e-6) / runs
        self._seconds_per_run[alike] = _smoothed(self._seconds_per_run.get(alike), measured)
        off = measured / estimate_seconds(settings)
        self._seconds_per_estimate[program] = _smoothed(self._seconds_per_estimate.get(program), off)
        self._largest[alike] = max(runs, self._largest.get(alike, 0))

    def size(self, settings: Settings) -> int:
        """How many runs of the shape of these settings make a stack."""
        alike = shape(settings)
        learned = self._seconds_per_run.get(alike)
        if learned is None:
            expected = estimate_seconds(settings) * self._seconds_per_estimate.get(_program(settings), 1.0)
            return clamp(self._target / max(expected, 1e-9), MOST_RUNS)
        return clamp(self._target / learned, min(MOST_RUNS, math.ceil(MAX_GROWTH * self._largest[alike])))


def _program(settings: Settings) -> tuple[str, ...]:
    """What decides how well the estimate does: which code computes the run."""
    return family_of(settings).name, settings.training.engine, settings.data.source


def _smoothed(known: float | None, measured: float) -> float:
    """The mean `known` so far, moved towards what was measured."""
    return measured if known is None else known + SMOOTHING * (measured - known)


def clamp(runs: float, most: int) -> int:
    """A whole number of runs in 1..most."""
    return max(1, min(most, round(runs)))


def share(queued: int, trials: int) -> int:
    """Most runs of a stack when `queued` runs wait: few are shared out among all trials."""
    return max(1, math.ceil(queued / max(trials, 1)))
