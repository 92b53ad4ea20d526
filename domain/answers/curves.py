"""Robustness curves: robust accuracy against radius, grouped by parameters, with an interval over seeds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from phaselab.domain.answers.conditions import Condition
from phaselab.domain.answers.theory import TheoryRadius, flip_radius
from phaselab.domain.results.draws import Draws, draws_of
from phaselab.domain.results.intervals import interval_ends
from phaselab.domain.results.measures import MEASURES
from phaselab.domain.results.over import Over
from phaselab.domain.results.results import READOUTS, Readout
from phaselab.domain.settings.parameters import Value
from phaselab.domain.settings.settings import METHODS, Method, Settings


@dataclass(frozen=True)
class CurveQuery:
    """What curves are asked for: one group for every combination of values of the `by` parameters."""

    experiments: tuple[int, ...]
    by: tuple[str, ...] = ()
    where: tuple[Condition, ...] = ()
    methods: tuple[Method, ...] = METHODS
    readouts: tuple[Readout, ...] = READOUTS


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

    @property
    def is_open(self) -> bool:
        """Whether it is a bracket whose bounds do not meet at every radius."""
        return self.mean_upper is not None and self.mean_upper != self.mean


@dataclass(frozen=True)
class Curves:
    """The curves of a query, groups in order of their values; `sources` say what their inputs are."""

    query: CurveQuery
    curves: tuple[GroupCurve, ...]
    revision: int = 0
    names: tuple[str, ...] = ()
    sources: frozenset[str] = frozenset()


def group_curves(curves: Sequence[RunCurves]) -> tuple[GroupCurve, ...]:
    """Mean curves over runs, one for each group, readout, method and set of radii, in order of first sight."""
    grouped: dict[object, list[RunCurves]] = {}
    for alike in curves:
        key = (tuple(alike.group.items()), alike.readout, alike.method, alike.radii.tobytes())
        grouped.setdefault(key, []).append(alike)
    return tuple(_mean_curve(same) for same in grouped.values())


def _mean_curve(curves: Sequence[RunCurves]) -> GroupCurve:
    first = curves[0]
    accuracy = np.concatenate([alike.accuracy for alike in curves])  # [runs, E]
    upper = [alike.accuracy_upper for alike in curves if alike.accuracy_upper is not None]
    seeds = [np.concatenate([getattr(alike, name) for alike in curves]) for name in ("data_seeds", "seeds")]
    draws = draws_of(seeds[0], seeds[1])
    of_draws = _of_draws(accuracy, draws)  # [n, E]
    mean = of_draws.mean(axis=0)
    mean_upper = _of_draws(np.concatenate(upper), draws).mean(axis=0) if len(upper) == len(curves) else None
    low, high = _interval(curves, of_draws, mean) if draws.n > 1 else (None, None)
    return GroupCurve(
        first.group,
        first.readout,
        first.method,
        draws.n,
        len(accuracy),
        draws.over,
        tuple(first.radii.tolist()),
        tuple(mean.tolist()),
        None if mean_upper is None else tuple(mean_upper.tolist()),
        low,
        high,
        _theory(curves, first.readout),
    )


def _of_draws(accuracy: npt.NDArray[np.float64], draws: Draws) -> npt.NDArray[np.float64]:
    """[n, E]: the mean of each draw, of the accuracies [runs, E] of its runs."""
    summed = np.zeros((draws.n, accuracy.shape[1]))
    np.add.at(summed, draws.index, accuracy)
    return summed / np.bincount(draws.index)[:, None]


def _interval(
    curves: Sequence[RunCurves], of_draws: npt.NDArray[np.float64], mean: npt.NDArray[np.float64]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The ends of the interval at every radius, from the accuracies [n, E] of draws: shares of the test points."""
    known = [alike.settings.attack.test_points for alike in curves if alike.settings is not None]
    points = min(known) if len(known) == len(curves) else np.inf
    squares = np.square(of_draws - mean).sum(axis=0)  # [E]
    low, high = interval_ends(MEASURES["test_accuracy"], len(of_draws), mean, squares, points)
    return tuple(low.tolist()), tuple(high.tolist())


def _theory(curves: Sequence[RunCurves], readout: Readout) -> TheoryRadius | None:
    """The radius that theory gives all runs of a group; None of settings that this version cannot read."""
    read = [alike.settings for alike in curves]
    radii = {flip_radius(settings, readout) for settings in read if settings is not None}
    if None in read or not radii:
        return None
    return radii.pop() if len(radii) == 1 else TheoryRadius(readout, reason="the settings of the group differ in it")
