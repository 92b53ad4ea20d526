"""Robustness curves: robust accuracy against radius, grouped by parameters, with an interval over seeds."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from phaselab.domain.answers.conditions import Condition
from phaselab.domain.answers.theory import TheoryRadius, flip_on_curve
from phaselab.domain.results.draws import Draws, draws_of
from phaselab.domain.results.intervals import interval_ends
from phaselab.domain.results.measures import MEASURES
from phaselab.domain.results.over import Over
from phaselab.domain.results.results import READOUTS, Readout
from phaselab.domain.settings.parameters import Value
from phaselab.domain.settings.settings import METHODS, Method, RadiiIn, Settings

SEED = "seed"
"""The name of a run's seed among what tells groups apart."""


@dataclass(frozen=True)
class CurveQuery:
    """What curves are asked for: one group for every combination of values of the `by` parameters, or with `per_seed`
    one for every seed of each."""

    experiments: tuple[int, ...]
    by: tuple[str, ...] = ()
    where: tuple[Condition, ...] = ()
    methods: tuple[Method, ...] = METHODS
    readouts: tuple[Readout, ...] = READOUTS
    per_seed: bool = False

    @property
    def apart(self) -> tuple[str, ...]:
        """What tells groups apart."""
        return (*self.by, SEED) if self.per_seed else self.by


@dataclass(frozen=True)
class RunCurves:
    """One curve of each of some runs with equal settings (null where this version cannot read them): the values of
    their group, radii [E], accuracy [runs, E], of each run the seed of its data and its own [runs], and the upper
    curves of brackets [runs, E] (null for attacks, and where not every run has one)."""

    group: Mapping[str, Value]
    settings: Settings | None
    readout: Readout
    method: Method
    radii: npt.NDArray[np.float64]
    accuracy: npt.NDArray[np.float64]
    data_seeds: npt.NDArray[np.int64]
    seeds: npt.NDArray[np.int64]
    accuracy_upper: npt.NDArray[np.float64] | None = None
    radii_in: RadiiIn = "absolute"

    def of_seeds(self) -> "Iterator[RunCurves]":
        """The same, each run's by itself, its seed in its group."""
        for i, seed in enumerate(self.seeds.tolist()):
            one, upper = slice(i, i + 1), self.accuracy_upper
            yield replace(
                self,
                group={**self.group, SEED: seed},
                accuracy=self.accuracy[one],
                data_seeds=self.data_seeds[one],
                seeds=self.seeds[one],
                accuracy_upper=None if upper is None else upper[one],
            )


@dataclass(frozen=True)
class GroupCurve:
    """The mean curve of a group over its `n` independent draws, with a 95 % interval where there are two or more, and
    the mean of the upper curves where every run has one."""

    group: Mapping[str, Value]
    readout: Readout
    method: Method
    n: int
    runs: int
    interval_over: Over
    radii: tuple[float, ...]
    mean: tuple[float, ...]
    mean_upper: tuple[float, ...] | None
    ci_low: tuple[float, ...] | None
    ci_high: tuple[float, ...] | None
    theory: TheoryRadius | None
    radii_in: RadiiIn = "absolute"

    @property
    def is_open(self) -> bool:
        """Whether it is a bracket whose bounds do not meet at every radius."""
        return self.mean_upper is not None and self.mean_upper != self.mean


@dataclass(frozen=True)
class Curves:
    """The curves of a query, groups in order of their values. Of all their runs, `sources` say what the inputs are, and
    `units` what a radius of 1 is in data units."""

    query: CurveQuery
    curves: tuple[GroupCurve, ...]
    revision: int = 0
    names: tuple[str, ...] = ()
    sources: frozenset[str] = frozenset()
    units: frozenset[float] = frozenset()

    @property
    def radii_in(self) -> RadiiIn:
        """The unit of the radii, which all curves of an answer share."""
        return self.curves[0].radii_in if self.curves else "absolute"


def group_curves(curves: Sequence[RunCurves]) -> tuple[GroupCurve, ...]:
    """Mean curves over runs, one for each group, readout, method and set of radii, in order of first sight."""
    grouped: dict[object, list[RunCurves]] = {}
    for alike in curves:
        key = (tuple(alike.group.items()), alike.readout, alike.method, alike.radii_in, alike.radii.tobytes())
        grouped.setdefault(key, []).append(alike)
    groups = [_Group.of(same) for same in grouped.values()]
    return tuple(one.curve(ends) for one, ends in zip(groups, _intervals(groups), strict=True))


Along = tuple[float, ...]
"""A number at every radius."""


@dataclass(frozen=True, eq=False)
class _Group:
    """The curves of a group, and the accuracies [n, E] of its draws."""

    curves: Sequence[RunCurves]
    draws: Draws
    of_draws: npt.NDArray[np.float64]

    @classmethod
    def of(cls, curves: Sequence[RunCurves]) -> "_Group":
        data_seeds, seeds = (np.concatenate([getattr(one, name) for one in curves]) for name in ("data_seeds", "seeds"))
        draws = draws_of(data_seeds, seeds)
        return cls(curves, draws, _of_draws(np.concatenate([one.accuracy for one in curves]), draws))

    @cached_property
    def mean(self) -> npt.NDArray[np.float64]:
        """[E]"""
        return self.of_draws.mean(axis=0)  # type: ignore[no-any-return]

    @property
    def points(self) -> float:
        """The fewest test points of a run; infinitely many where that is unknown."""
        known = [alike.settings.attack.test_points for alike in self.curves if alike.settings is not None]
        return min(known) if len(known) == len(self.curves) else np.inf

    def curve(self, ends: tuple[Along, Along] | None) -> GroupCurve:
        """The mean curve, with the ends of its interval."""
        first = self.curves[0]
        upper = [alike.accuracy_upper for alike in self.curves if alike.accuracy_upper is not None]
        whole = len(upper) == len(self.curves)
        return GroupCurve(
            first.group,
            first.readout,
            first.method,
            self.draws.n,
            len(self.draws.index),
            self.draws.over,
            tuple(first.radii.tolist()),
            tuple(self.mean.tolist()),
            tuple(_of_draws(np.concatenate(upper), self.draws).mean(axis=0).tolist()) if whole else None,
            ends[0] if ends else None,
            ends[1] if ends else None,
            _theory(self.curves, first.readout),
            first.radii_in,
        )


def _intervals(groups: Sequence[_Group]) -> list[tuple[Along, Along] | None]:
    """The ends of the interval at every radius of every group, all at once: shares of the test points. None for one
    draw."""
    several = [one for one in groups if one.draws.n > 1]
    if not several:
        return [None] * len(groups)
    sizes = [one.of_draws.shape[1] for one in several]
    n = np.repeat([float(one.draws.n) for one in several], sizes)
    points = np.repeat([one.points for one in several], sizes)
    mean = np.concatenate([one.mean for one in several])
    squares = np.concatenate([np.square(one.of_draws - one.mean).sum(axis=0) for one in several])
    low, high = interval_ends(MEASURES["test_accuracy"], n, mean, squares, points)
    starts = np.cumsum(sizes)[:-1]
    found = zip(np.split(low, starts), np.split(high, starts), strict=True)
    ends = {id(one): (tuple(a.tolist()), tuple(b.tolist())) for one, (a, b) in zip(several, found, strict=True)}
    return [ends.get(id(one)) for one in groups]


def _of_draws(accuracy: npt.NDArray[np.float64], draws: Draws) -> npt.NDArray[np.float64]:
    """[n, E]: the mean of each draw, of the accuracies [runs, E] of its runs."""
    if draws.n == len(accuracy):
        return accuracy[np.argsort(draws.index)]
    order = np.argsort(draws.index, kind="stable")
    count = np.bincount(draws.index)
    summed = np.add.reduceat(accuracy[order], np.cumsum(count) - count)
    return np.asarray(summed / count[:, None])


def _theory(curves: Sequence[RunCurves], readout: Readout) -> TheoryRadius | None:
    """The radius that theory gives all runs of a group; None of settings that this version cannot read."""
    read = [alike.settings for alike in curves]
    radii = {flip_on_curve(settings, readout) for settings in read if settings is not None}
    if None in read or not radii:
        return None
    return radii.pop() if len(radii) == 1 else TheoryRadius(readout, reason="the settings of the group differ in it")
