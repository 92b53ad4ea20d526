"""Reading points, for diagrams and curves."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, exists, select
from sqlalchemy.orm import Session

from db import arrays, packing
from db.bulk import among
from db.summaries import DEFAULT_THRESHOLDS, MEASURE_COLUMNS, sum_up
from db.tables import experiment_runs, points, run_arrays, runs, settings
from domain.parameters import Value
from domain.phases import Thresholds
from domain.states import RunState


@dataclass(frozen=True)
class PointRow:
    """A point as stored; `values` are its axis values as submitted, `summary` is read by `db.packing`."""

    experiment_id: int
    position: int
    settings_id: int
    values: Mapping[str, Value]
    summary: bytes


def read_points(session: Session, experiment_ids: Sequence[int]) -> list[PointRow]:
    """Every point of the experiments, in order."""
    query = (
        select(points.c.experiment_id, points.c.position, points.c.settings_id, points.c.axis_values, points.c.summary)
        .where(points.c.experiment_id.in_(experiment_ids))
        .order_by(points.c.experiment_id, points.c.position)
    )
    return [PointRow(*row) for row in session.execute(query).all()]


def read_settings(session: Session, settings_ids: Sequence[int]) -> Mapping[int, str]:
    """Canonical texts of settings by their ids."""
    query = select(settings.c.id, settings.c.canonical).where(among(session, settings.c.id, settings_ids))
    return dict(session.execute(query).all())


def sum_up_union(
    session: Session,
    experiment_ids: Sequence[int],
    settings_ids: Sequence[int],
    thresholds: Thresholds = DEFAULT_THRESHOLDS,
) -> Mapping[int, packing.Floats]:
    """For each of the settings, a summary [WIDTH] of its runs in any of the experiments, each run once."""
    place = {settings_id: i for i, settings_id in enumerate(settings_ids)}
    summed = packing.empty(len(place))
    query = (
        select(runs.c.settings_id, runs.c.trust, *MEASURE_COLUMNS)
        .where(runs.c.state == RunState.DONE, _claimed(session, experiment_ids, settings_ids))
        .execution_options(yield_per=20_000)
    )
    for rows in session.execute(query).partitions(20_000):
        measures = [dict(zip(packing.NAMES, row[2:], strict=True)) for row in rows]
        suspect = [row.trust == "suspect" for row in rows]
        dealt = [place[row.settings_id] for row in rows]
        summed = packing.merge(summed, sum_up(measures, suspect, dealt, len(place), thresholds))
    return {settings_id: summed[i] for settings_id, i in place.items()}


def read_arrays(
    session: Session, experiment_ids: Sequence[int], settings_ids: Sequence[int]
) -> Iterator[tuple[int, arrays.RunArrays]]:
    """(settings, arrays) of every finished run of the settings in any of the experiments, each run once."""
    query = (
        select(runs.c.settings_id, run_arrays.c.content)
        .join(run_arrays, run_arrays.c.run_id == runs.c.id)
        .where(_claimed(session, experiment_ids, settings_ids))
        .order_by(runs.c.settings_id, runs.c.seed)
        .execution_options(yield_per=2_000)
    )
    for settings_id, content in session.execute(query):
        yield settings_id, arrays.decode(content)


def _claimed(session: Session, experiment_ids: Sequence[int], settings_ids: Sequence[int]) -> ColumnElement[bool]:
    """That a run has one of the settings and belongs to one of the experiments."""
    claimed = exists().where(experiment_runs.c.run_id == runs.c.id, experiment_runs.c.experiment_id.in_(experiment_ids))
    return and_(among(session, runs.c.settings_id, settings_ids), claimed)
