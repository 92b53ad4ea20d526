"""Reading points, for diagrams and curves."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from sqlalchemy import ColumnElement, Text, and_, cast, exists, or_, select
from sqlalchemy.orm import Session

from phaselab.db.reading.run_rows import damaged_arrays
from phaselab.db.schema.bulk import among
from phaselab.db.schema.tables import experiment_runs, points, run_arrays, runs
from phaselab.db.writing import arrays
from phaselab.db.writing.described import read_measure_lists
from phaselab.db.writing.pools import COMMON
from phaselab.db.writing.settings_rows import read_settings as read_settings
from phaselab.db.writing.summaries import sum_up_runs
from phaselab.domain.results import summaries
from phaselab.domain.results.phases import DEFAULT_THRESHOLDS, Thresholds
from phaselab.domain.results.results import Readout
from phaselab.domain.results.states import RunState
from phaselab.domain.results.summaries import MeasureList
from phaselab.domain.settings.faults import Damaged
from phaselab.domain.settings.parameters import Value
from phaselab.domain.settings.settings import Method


class SeededCurves(NamedTuple):
    """The curves of some runs: their seeds [runs], accuracies [runs, radii], and those of upper curves (null where not
    every run has one)."""

    seeds: npt.NDArray[np.int64]
    accuracy: arrays.Accuracies
    accuracy_upper: arrays.Accuracies | None


class SeededProfiles(NamedTuple):
    """A measure of every hidden layer of some runs: their seeds [runs], which of them are suspect [runs], values [runs,
    layers] with NaN where it is undefined or was not kept."""

    seeds: npt.NDArray[np.int64]
    suspect: npt.NDArray[np.bool_]
    values: npt.NDArray[np.float64]


class PointRow(NamedTuple):
    """A point as stored; `values` are its axis values as submitted, `summary` is read with its `measures` by
    `domain.results.summaries`."""

    experiment_id: int
    position: int
    settings_id: int
    values: Mapping[str, Value]
    summary: bytes
    measures: MeasureList


def read_points(session: Session, experiment_ids: Sequence[int]) -> list[PointRow]:
    """Every point of the experiments, in order."""
    values = cast(points.c.axis_values, Text)
    place = (points.c.experiment_id, points.c.position, points.c.settings_id)
    query = (
        select(*place, values, points.c.summary, points.c.measure_list_id)
        .where(points.c.experiment_id.in_(experiment_ids))
        .order_by(points.c.experiment_id, points.c.position)
    )
    lists = read_measure_lists(session)
    return [
        PointRow(experiment_id, position, settings_id, _axis_values(text), summary, lists[list_id])
        for experiment_id, position, settings_id, text, summary, list_id in session.execute(query).all()
    ]


@lru_cache(maxsize=10_000)  # half a kilobyte each
def _axis_values(text: str) -> Mapping[str, Value]:
    return MappingProxyType(json.loads(text))


def sum_up_union(
    session: Session,
    experiment_ids: Sequence[int],
    settings_ids: Sequence[int],
    thresholds: Thresholds = DEFAULT_THRESHOLDS,
) -> Mapping[int, summaries.Floats]:
    """For each of the settings, a summary [WIDTH] of its runs in any of the experiments, each run once."""
    which = select(runs.c.id).where(_wanted(session, experiment_ids, settings_ids))
    return sum_up_runs(session, which, settings_ids, thresholds)


def read_measure(
    session: Session, experiment_ids: Sequence[int], settings_ids: Sequence[int], measure: str
) -> Mapping[tuple[int, int], Mapping[int, float]]:
    """The measure of every finished run that defines it: by (experiment, settings), then by the run's id."""
    query = (
        select(experiment_runs.c.experiment_id, runs.c.settings_id, runs.c.id, runs.c[measure])
        .join(runs, runs.c.id == experiment_runs.c.run_id)
        .where(
            experiment_runs.c.experiment_id.in_(experiment_ids),
            among(session, runs.c.settings_id, settings_ids),
            runs.c.state == RunState.DONE,
            runs.c[measure].is_not(None),
            ~_stands_twice(experiment_ids),
        )
        .execution_options(yield_per=20_000)
    )
    found: defaultdict[tuple[int, int], dict[int, float]] = defaultdict(dict)
    for experiment_id, settings_id, run_id, value in session.execute(query):
        found[experiment_id, settings_id][run_id] = value
    return found


def read_seeds(
    session: Session, experiment_ids: Sequence[int], settings_ids: Sequence[int], measure: str
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Settings, seed and the measure (NaN: undefined) of every finished run of the settings in any of the experiments,
    each once, in order of settings."""
    query = (
        select(runs.c.settings_id, runs.c.seed, runs.c[measure])
        .where(runs.c.state == RunState.DONE, _wanted(session, experiment_ids, settings_ids))
        .order_by(runs.c.settings_id)
        .execution_options(yield_per=20_000)
    )
    rows = session.execute(query).all()
    settings, seeds, values = zip(*rows, strict=True) if rows else ((), (), ())
    return np.array(settings, np.int64), np.array(seeds, np.int64), np.array(values, np.float64)


def read_curves(
    session: Session, experiment_ids: Sequence[int], settings_ids: Sequence[int]
) -> Iterator[tuple[int, Mapping[tuple[Readout, Method], SeededCurves]]]:
    """(settings, curves) of every one of the settings that has finished runs in any of the experiments, each run once:
    for each readout and method the curves of those that have it. Raises Damaged."""
    query = (
        select(runs.c.settings_id, runs.c.seed, runs.c.key, run_arrays.c.content)
        .join(run_arrays, run_arrays.c.run_id == runs.c.id)
        .where(_wanted(session, experiment_ids, settings_ids))
        .order_by(runs.c.settings_id, runs.c.seed)
        .execution_options(yield_per=2_000)
    )
    rows = (tuple(row) for some in session.execute(query).partitions() for row in some)
    for settings_id, same in groupby(rows, key=itemgetter(0)):
        _, listed, keys, contents = zip(*same, strict=True)
        seeds = np.array(listed, np.int64)
        try:
            found = arrays.decode_curves(contents)
        except Damaged:
            raise _damaged(keys, contents) from None
        yield (
            settings_id,
            {name: SeededCurves(seeds[one.places], one.accuracy, one.accuracy_upper) for name, one in found.items()},
        )


def read_profiles(
    session: Session,
    experiment_ids: Sequence[int],
    settings_ids: Sequence[int],
    measure: str,
    layers: Mapping[int, int],
) -> Iterator[tuple[int, SeededProfiles]]:
    """(settings, a measure of every hidden layer) of every one of the settings that has finished runs in any of the
    experiments, each run once; `layers` tells how many there are. The number of a single one is the run's. Raises
    Damaged."""
    query = (
        select(runs.c.settings_id, runs.c.seed, runs.c.key, runs.c.trust, runs.c[measure], run_arrays.c.content)
        .join(run_arrays, run_arrays.c.run_id == runs.c.id)
        .where(runs.c.state == RunState.DONE, _wanted(session, experiment_ids, settings_ids))
        .order_by(runs.c.settings_id, runs.c.seed)
        .execution_options(yield_per=2_000)
    )
    rows = (tuple(row) for some in session.execute(query).partitions() for row in some)
    for settings_id, same in groupby(rows, key=itemgetter(0)):
        _, seeds, keys, trust, numbers, contents = zip(*same, strict=True)
        count = layers[settings_id]
        values = np.full((len(seeds), count), np.nan)
        if count == 1:
            values[:, 0] = np.array(numbers, np.float64)
        try:
            found = arrays.decode_profiles(contents, measure) if count > 1 else []
        except Damaged:
            raise _damaged(keys, contents) from None
        for row, profile in enumerate(found):
            if profile is not None and len(profile) == count:
                values[row] = profile
        yield settings_id, SeededProfiles(np.array(seeds, np.int64), np.array(trust) == "suspect", values)


def _damaged(keys: Sequence[str], contents: Sequence[bytes]) -> Damaged:
    """The first of some runs whose curves are damaged, by its key."""
    found = ((key, arrays.damage(content)) for key, content in zip(keys, contents, strict=True))
    key, damage = next((key, damage) for key, damage in found if damage)
    return damaged_arrays(key, Damaged(damage))


def _wanted(session: Session, experiment_ids: Sequence[int], settings_ids: Sequence[int]) -> ColumnElement[bool]:
    """That a run has one of the settings, belongs to one of the experiments, and is counted."""
    wanted = exists().where(experiment_runs.c.run_id == runs.c.id, experiment_runs.c.experiment_id.in_(experiment_ids))
    return and_(among(session, runs.c.settings_id, settings_ids), wanted, ~_stands_twice(experiment_ids))


def _stands_twice(experiment_ids: Sequence[int]) -> ColumnElement[bool]:
    """That a run is an imported one that stands apart (its recipe is below zero, `db.writing.imports`), or one of a
    pool (`db.writing.pools`), and one of the experiments has the same network computed here for everyone, or imported
    before: it counts once."""
    other, table = runs.alias(), experiment_runs.alias()
    same = (other.c.settings_id == runs.c.settings_id, other.c.seed == runs.c.seed)
    had = exists().where(table.c.run_id == other.c.id, table.c.experiment_id.in_(experiment_ids))
    before = and_(runs.c.recipe < 0, other.c.recipe > runs.c.recipe)
    less = and_(runs.c.pool != COMMON, other.c.recipe == runs.c.recipe, other.c.pool < runs.c.pool)
    apart = or_(runs.c.recipe < 0, runs.c.pool != COMMON)
    return and_(apart, exists().where(*same, or_(before, less), other.c.state == RunState.DONE, had))
