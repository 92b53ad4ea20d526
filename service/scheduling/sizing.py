"""Sizing: how many runs make a stack of about the wanted computing time."""

import math
from collections import Counter
from collections.abc import Hashable, Sequence

from phaselab.domain.families.cost import estimate_seconds, estimate_together, training_seconds
from phaselab.domain.families.registry import family_of
from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.settings import Settings
from phaselab.domain.settings.stacks import shape, training_key

MOST_RUNS = 512
"""Most runs of a stack, whatever it costs: its arrays and its transaction stay small."""
MAX_GROWTH = 4.0
"""A stack is at most this many times larger than the largest of its shape that was measured."""
SMOOTHING = 0.5
"""Weight of the newest measurement."""
WORTH = 4.0
"""How many times as long as their training the looks at it take in a stack, before others wait for the next stack and
train once more: for a fifth of the time at most."""


class Pace:
    """Learned computing time, for every shape that was measured, as the factor by which the estimate of
    `domain/families/cost.py` was off.

    Of a shape that was not, the factor is that of runs of the same program. Computing a run in a larger stack is
    cheaper, so a size is approached in steps of at most MAX_GROWTH. A stack that takes more than half of
    `limit_seconds`, after which a worker is taken for stuck, is filled no further.
    """

    def __init__(self, target_seconds: float, limit_seconds: float = math.inf) -> None:
        self._target = target_seconds
        self._limit = limit_seconds / 2
        self._off: dict[str, float] = {}
        self._off_of_program: dict[tuple[str, ...], float] = {}
        self._largest: dict[str, int] = {}

    def note(self, runs: Sequence[Run], seconds: float) -> None:
        """A stack of these runs, all of one shape, took `seconds`."""
        alike, program = shape(runs[0].settings), _program(runs[0].settings)
        off = max(seconds, 1e-6) / estimate_together(runs)
        self._off[alike] = _smoothed(self._off.get(alike), off)
        self._off_of_program[program] = _smoothed(self._off_of_program.get(program), off)
        self._largest[alike] = max(len(runs), self._largest.get(alike, 0))

    def size(self, settings: Settings) -> int:
        """How many runs of these settings make a stack, each a training of its own."""
        expected = estimate_seconds(settings) * self._factor(settings)
        return clamp(self._target / max(expected, 1e-9), self._most(settings))

    def load(self, settings: Settings, most: int) -> "Load":
        """A stack of at most `most` runs that begins with a run of these settings, to be filled."""
        return Load(self._target, self._limit, min(most, self._most(settings)), self._factor(settings))

    def _factor(self, settings: Settings) -> float:
        return self._off.get(shape(settings), self._off_of_program.get(_program(settings), 1.0))

    def _most(self, settings: Settings) -> int:
        largest = self._largest.get(shape(settings))
        return MOST_RUNS if largest is None else min(MOST_RUNS, math.ceil(MAX_GROWTH * largest))


class Load:
    """A stack that is filled, run after run, in the order in which they wait.

    It is full at `most` runs, or where it comes nearest to `target` seconds. Then only runs of its own trainings go
    along, as long as training them once more would cost much: until looking at what was trained takes WORTH times as
    long as training, and while all take less than `limit` seconds. `factor`: seconds for each that is estimated.
    """

    def __init__(self, target: float, limit: float, most: int, factor: float) -> None:
        self._target, self._limit, self._most, self._factor = target, limit, most, factor
        self._trained: dict[Hashable, float] = {}  # seconds of each training
        self._looks: Counter[Hashable] = Counter()
        self._runs, self._seconds = 0, 0.0

    def takes(self, run: Run) -> bool:
        """Whether the stack takes this run, too, after those before."""
        training = self._factor * training_seconds(run.settings)
        looking = self._factor * estimate_seconds(run.settings) - training
        key = training_key(run)
        added = looking + max(0.0, training - self._trained.get(key, 0.0))
        if self._runs and not self._has_room(added) and not self._goes_along(key, training, looking, added):
            return False
        self._runs, self._seconds = self._runs + 1, self._seconds + added
        self._trained[key] = max(training, self._trained.get(key, 0.0))
        self._looks[key] += 1
        return True

    def _has_room(self, added: float) -> bool:
        return self._runs < self._most and self._seconds + added / 2 <= self._target

    def _goes_along(self, key: Hashable, training: float, looking: float, added: float) -> bool:
        worth = self._looks[key] * looking < WORTH * training
        return key in self._trained and worth and self._runs < MOST_RUNS and self._seconds + added <= self._limit


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


def stacks_of(runs: int, trainings: int, training: float, looking: float, target: float) -> int:
    """About how many stacks so many runs of one shape make, of so many trainings, before anything is measured: from the
    seconds that all trainings take, and all looks at them."""
    along = WORTH * (training / trainings) / (looking / runs)
    size = clamp(runs * target / (training + looking), MOST_RUNS)
    return math.ceil(runs / max(size, min(along, runs / trainings, MOST_RUNS)))
