"""Stacks: runs whose tensors have equal shapes, computed together as one batched program.

Time is an axis: runs that differ only in `training.steps` are one training, looked at on the way (a `Trajectory`).
"""

import hashlib
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter

from phaselab.domain.settings.parameters import parameters
from phaselab.domain.settings.radii import unit
from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.settings import Settings

_shape = attrgetter(*(path for path, parameter in parameters().items() if not parameter.entry.varies))
_DATA_GROUPS = ("data.", "features.")
_data = attrgetter(*(path for path in parameters() if path.startswith(_DATA_GROUPS) and path != "data.seed"))
_but_steps = attrgetter(*(path for path in parameters() if path != "training.steps"))
_GOES_ON = (None, "constant")
_MASK = 2**63 - 1
_ODD = 0x9E3779B97F4A7C15  # spreads neighbouring seeds over all bits


@dataclass(frozen=True)
class Stack:
    """Runs that are trained and attacked together; all have the same shape."""

    runs: tuple[Run, ...]

    def __post_init__(self) -> None:
        distinct = {id(run.settings): run.settings for run in self.runs}  # runs that differ in seed share one object
        if len({shape(settings) for settings in distinct.values()}) != 1:
            raise ValueError("a stack holds at least one run, all of the same shape")


def shape(settings: Settings) -> str:
    """What the runs of a stack have in common, as text: the canonical settings less the parameters that may vary; the
    length of their radii, which depends on the snr where they are in norms of centres; and the steps, where a longer
    training is another one."""
    return repr((_shape(settings), unit(settings), None if goes_on(settings) else settings.training.steps))


def goes_on(settings: Settings) -> bool:
    """Whether training for more steps goes on from where these settings end: not where the step size at a step depends
    on how many there are in all."""
    return settings.training.schedule in _GOES_ON


@dataclass(frozen=True)
class Trajectory:
    """Runs of one training, those of fewer steps first: equal in all but `training.steps`, and in the seed."""

    runs: tuple[Run, ...]

    @property
    def longest(self) -> Run:
        """The run in which the training ends."""
        return self.runs[-1]

    @cached_property
    def looks(self) -> tuple[int, ...]:
        """The steps after which the training is looked at, one for each run."""
        return tuple(run.settings.training.steps for run in self.runs)


def training_of(settings: Settings) -> Hashable:
    """What decides the training but its steps and the seed, where a longer one goes on from a shorter one."""
    return _but_steps(settings), None if goes_on(settings) else settings.training.steps


def training_key(run: Run) -> Hashable:
    """Runs with equal training key are of one training."""
    return training_of(run.settings), run.seed


def trajectories(runs: Iterable[Run]) -> list[Trajectory]:
    """The trainings of runs, in order of first sight."""
    found: dict[Hashable, list[Run]] = {}
    for run in runs:
        found.setdefault(training_key(run), []).append(run)
    by_steps = attrgetter("settings.training.steps")
    return [Trajectory(tuple(sorted(same, key=by_steps))) for same in found.values()]


def training_data(settings: Settings) -> str:
    """What decides the training data but their seed, as text: the settings of data and features, and the precision; of
    clones, which are drawn label by label, the labels, too."""
    labels = () if settings.data.clone == "none" else (settings.network.labels,)
    return repr((_data(settings), settings.training.precision, *labels))


def data_key(run: Run) -> str:
    """Runs with equal data key train on the same data."""
    return f"{training_data(run.settings)}@{run.data_seed}"


def number(text: str) -> int:
    """63 bits, equal where the texts are equal."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) & _MASK


def data_number(of_settings: int, data_seed: int) -> int:
    """63 bits, equal for runs with equal data key: of the number of their `training_data`, and of their data seed."""
    return (of_settings + data_seed * _ODD) & _MASK


def cut_stacks(runs: Iterable[Run], most: int) -> Sequence[Stack]:
    """Cut runs into stacks of at most `most` runs, those that share data side by side, in order of first sight."""
    by_shape: dict[str, list[Run]] = {}
    for run in runs:
        by_shape.setdefault(shape(run.settings), []).append(run)
    stacks = []
    for same in by_shape.values():
        first_seen = {key: i for i, key in reversed(list(enumerate(data_key(run) for run in same)))}
        same.sort(key=lambda run: first_seen[data_key(run)])
        stacks += [Stack(tuple(same[i : i + most])) for i in range(0, len(same), most)]
    return stacks
