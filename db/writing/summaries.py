"""Summaries of points, from run rows: at landing by adding what is new, at any time by doing all over."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from phaselab.db.schema.bulk import chunks, update_many
from phaselab.db.schema.tables import experiment_runs, experiments, points, runs
from phaselab.db.writing.described import measure_list_ids
from phaselab.domain.results import summaries
from phaselab.domain.results.measures import MEASURES, Measures
from phaselab.domain.results.phases import DEFAULT_THRESHOLDS, Phase, Thresholds, phase
from phaselab.domain.results.states import RunState

MEASURE_COLUMNS = [runs.c[name] for name in MEASURES]
_PLACE: dict[Phase | None, int] = {name: i for i, name in enumerate(summaries.PHASES)} | {None: -1}
MANY = 20_000
"""Runs that are summed up at a time."""

Place = tuple[int, int]
"""A point: its experiment and its position."""


def sum_up(
    measures: Sequence[Measures],
    suspect: Sequence[bool],
    point: Sequence[int],
    points_count: int,
    thresholds: Thresholds = DEFAULT_THRESHOLDS,
) -> summaries.Floats:
    """Summaries [points, WIDTH] of runs, given each run's measures, trust and point in 0..points_count-1."""
    values = np.array([[run.get(name) for name in summaries.NAMES] for run in measures], dtype=np.float64)
    labels = np.array([_PLACE[phase(run, thresholds)] for run in measures], dtype=np.int64)
    flat = values.reshape(len(measures), len(summaries.NAMES))
    dealt = np.array(point, dtype=np.int64)
    return summaries.of_runs(flat, np.array(suspect, dtype=np.bool_), labels, dealt, points_count)


def sum_up_runs(
    session: Session,
    which: Select[Any],
    settings_ids: Sequence[int],
    thresholds: Thresholds = DEFAULT_THRESHOLDS,
) -> Mapping[int, summaries.Floats]:
    """For each of the settings the summary [WIDTH] of its finished runs among those that `which` selects from `runs`,
    each run once."""
    place = {settings_id: i for i, settings_id in enumerate(settings_ids)}
    summed = summaries.empty(len(place))
    columns = (runs.c.settings_id, runs.c.trust, *MEASURE_COLUMNS)
    query = which.with_only_columns(*columns).where(runs.c.state == RunState.DONE)
    for rows in session.execute(query.execution_options(yield_per=MANY)).partitions(MANY):
        measures = [dict(zip(summaries.NAMES, row[2:], strict=True)) for row in rows]
        suspect = [row.trust == "suspect" for row in rows]
        dealt = [place[row.settings_id] for row in rows]
        summed = summaries.merge(summed, sum_up(measures, suspect, dealt, len(place), thresholds))
    return {settings_id: summed[i] for settings_id, i in place.items()}


def store_summaries(session: Session, places: Sequence[Place], rows: summaries.Floats) -> None:
    """Write the summaries [points, WIDTH] of points, in today's layout."""
    layout = measure_list_ids(session, [summaries.LAYOUT])[summaries.LAYOUT]
    at = [points.c.experiment_id, points.c.position]
    given = ((content, *place) for content, place in zip(summaries.to_bytes(rows), places, strict=True))
    update_many(session, [points.c.summary], at, given, {points.c.measure_list_id: layout})


def rebuild_summaries(session: Session, experiment_ids: Sequence[int] | None = None) -> int:
    """Recompute the summaries of every point of the experiments (of all, when not told which) from run rows.

    Gives the number of points.
    """
    if experiment_ids is None:
        experiment_ids = session.execute(select(experiments.c.id)).scalars().all()
    rebuilt = 0
    for experiment_id in experiment_ids:
        summed = summaries_from_runs(session, experiment_id)
        _store(session, experiment_id, summed)
        rebuilt += len(summed)
    return rebuilt


def rebuild_points(session: Session, settings_ids: Sequence[int]) -> None:
    """Recompute the summaries of every point with one of the settings, in whatever experiment."""
    for some in chunks(sorted(set(settings_ids))):
        query = select(points.c.experiment_id).where(points.c.settings_id.in_(some)).distinct()
        for experiment_id in session.execute(query).scalars().all():
            _store(session, experiment_id, summaries_from_runs(session, experiment_id, some))


def summaries_from_runs(
    session: Session, experiment_id: int, settings_ids: Sequence[int] | None = None
) -> Mapping[int, summaries.Floats]:
    """The summary [WIDTH] of every point of an experiment (with one of the settings, when told which) by position,
    computed from run rows."""
    query = select(points.c.position, points.c.settings_id).where(points.c.experiment_id == experiment_id)
    which = select(runs.c.id).join(experiment_runs, experiment_runs.c.run_id == runs.c.id)
    which = which.where(experiment_runs.c.experiment_id == experiment_id)
    if settings_ids is not None:
        query = query.where(points.c.settings_id.in_(settings_ids))
        which = which.where(runs.c.settings_id.in_(settings_ids))
    places: dict[int, int] = dict(session.execute(query).all())
    summed = sum_up_runs(session, which, sorted(set(places.values())))
    return {position: summed[settings_id] for position, settings_id in places.items()}


def _store(session: Session, experiment_id: int, summed: Mapping[int, summaries.Floats]) -> None:
    rows = np.array(list(summed.values())).reshape(len(summed), summaries.WIDTH)
    store_summaries(session, [(experiment_id, position) for position in summed], rows)
