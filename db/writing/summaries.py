"""Summaries of points, from run rows: at landing by adding what is new, at any time by doing all over."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from phaselab.db.schema.bulk import update_many
from phaselab.db.schema.tables import experiment_runs, experiments, points, runs
from phaselab.domain.results import packing
from phaselab.domain.results.measures import MEASURES, Measures
from phaselab.domain.results.phases import Phase, Thresholds, phase
from phaselab.domain.results.states import RunState

MEASURE_COLUMNS = [runs.c[name] for name in MEASURES]
_PLACE: dict[Phase | None, int] = {name: i for i, name in enumerate(packing.PHASES)} | {None: -1}
DEFAULT_THRESHOLDS = Thresholds()
"""The thresholds by which a point's stored counts of phases were made."""

SUMMARY_AT = ([points.c.summary], [points.c.experiment_id, points.c.position])
"""The column that holds a point's summary, and those that name the point."""


def sum_up(
    measures: Sequence[Measures],
    suspect: Sequence[bool],
    point: Sequence[int],
    points_count: int,
    thresholds: Thresholds = DEFAULT_THRESHOLDS,
) -> packing.Floats:
    """Summaries [points, WIDTH] of runs, given each run's measures, trust and point in 0..points_count-1."""
    values = np.array([[run.get(name) for name in packing.NAMES] for run in measures], dtype=np.float64)
    labels = np.array([_PLACE[phase(run, thresholds)] for run in measures], dtype=np.int64)
    flat = values.reshape(len(measures), len(packing.NAMES))
    dealt = np.array(point, dtype=np.int64)
    return packing.of_runs(flat, np.array(suspect, dtype=np.bool_), labels, dealt, points_count)


def rebuild_summaries(session: Session, experiment_ids: Sequence[int] | None = None) -> int:
    """Recompute the summaries of every point of the experiments (of all, when not told which) from run rows.

    Gives the number of points.
    """
    if experiment_ids is None:
        experiment_ids = session.execute(select(experiments.c.id)).scalars().all()
    return sum(_rebuild(session, experiment_id) for experiment_id in experiment_ids)


def summaries_from_runs(session: Session, experiment_id: int) -> dict[int, packing.Floats]:
    """The summary [WIDTH] of every point of an experiment by position, computed from run rows."""
    query = select(points.c.position, points.c.settings_id).where(points.c.experiment_id == experiment_id)
    places = session.execute(query).all()
    kinds = sorted({settings_id for _, settings_id in places})
    by_kind = dict(zip(kinds, range(len(kinds)), strict=True))
    summed = packing.empty(len(kinds))
    for rows in _done_runs(session, experiment_id).partitions(20_000):
        measures = [dict(zip(packing.NAMES, row[2:], strict=True)) for row in rows]
        suspect = [row.trust == "suspect" for row in rows]
        more = sum_up(measures, suspect, [by_kind[row.settings_id] for row in rows], len(kinds))
        summed = packing.merge(summed, more)
    return {position: summed[by_kind[settings_id]] for position, settings_id in places}


def _rebuild(session: Session, experiment_id: int) -> int:
    summed = summaries_from_runs(session, experiment_id)
    rows = ((row.astype("<f8").tobytes(), experiment_id, position) for position, row in summed.items())
    update_many(session, *SUMMARY_AT, rows)
    return len(summed)


def _done_runs(session: Session, experiment_id: int) -> Any:
    query = (
        select(runs.c.settings_id, runs.c.trust, *MEASURE_COLUMNS)
        .join(experiment_runs, experiment_runs.c.run_id == runs.c.id)
        .where(experiment_runs.c.experiment_id == experiment_id, runs.c.state == RunState.DONE)
        .execution_options(yield_per=20_000)
    )
    return session.execute(query)
