"""Robustness curves: robust accuracy against radius, grouped by parameters, with an interval over seeds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from domain.conditions import Condition
from domain.intervals import t_quantile
from domain.parameters import Value
from domain.results import READOUTS, Readout
from domain.settings import METHODS, Method, Settings
from domain.theory import TheoryRadius, flip_radius


@dataclass(frozen=True)
class CurveQuery:
    """What curves are asked for: one group for every combination of values of the `by` parameters."""

    experiments: tuple[int, ...]
    by: tuple[str, ...] = ()
    where: tuple[Condition, ...] = ()
    methods: tuple[Method, ...] = METHODS
    readouts: tuple[Readout, ...] = READOUTS


@dataclass(frozen=True)
class RunCurve:
    """One curve of one run: the values of its group, its settings, radii [E] and accuracy [E]."""

    group: Mapping[str, Value]
    settings: Settings
    readout: Readout
    method: Method
    radii: npt.NDArray[np.float64]
    accuracy: npt.NDArray[np.float64]


@dataclass(frozen=True)
class GroupCurve:
    """The mean curve of a group over its runs, with a 95 % interval where there are two runs or more."""

    group: Mapping[str, Value]
    readout: Readout
    method: Method
    n: int
    radii: tuple[float, ...]
    mean: tuple[float, ...]
    ci_low: tuple[float, ...] | None
    ci_high: tuple[float, ...] | None
    theory: TheoryRadius | None


@dataclass(frozen=True)
class Curves:
    """The curves of a query, groups in order of their values; `sources` are the data sources of their runs."""

    query: CurveQuery
    curves: tuple[GroupCurve, ...]
    revision: int = 0
    names: tuple[str, ...] = ()
    sources: frozenset[str] = frozenset()


def group_curves(runs: Sequence[RunCurve]) -> tuple[GroupCurve, ...]:
    """Mean curves of the runs, one for each group, readout, method and set of radii, in order of first sight."""
    grouped: dict[object, list[RunCurve]] = {}
    for run in runs:
        key = (tuple(run.group.items()), run.readout, run.method, run.radii.tobytes())
        grouped.setdefault(key, []).append(run)
    return tuple(_mean_curve(same) for same in grouped.values())


def _mean_curve(runs: Sequence[RunCurve]) -> GroupCurve:
    first = runs[0]
    accuracy = np.stack([run.accuracy for run in runs])  # [n, E]
    mean = accuracy.mean(axis=0)
    low = high = None
    if len(runs) > 1:
        half = t_quantile(len(runs) - 1) * accuracy.std(axis=0, ddof=1) / np.sqrt(len(runs))
        low, high = np.clip(mean - half, 0, 1), np.clip(mean + half, 0, 1)
    radii = {flip_radius(run.settings, first.readout) for run in runs}
    return GroupCurve(
        first.group,
        first.readout,
        first.method,
        len(runs),
        tuple(first.radii.tolist()),
        tuple(mean.tolist()),
        None if low is None else tuple(low.tolist()),
        None if high is None else tuple(high.tolist()),
        radii.pop() if len(radii) == 1 else None,
    )
