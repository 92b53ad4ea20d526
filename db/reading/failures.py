"""Reading failures: why an experiment's runs failed, and which they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import case, exists, func, select
from sqlalchemy.orm import Session

from phaselab.db.schema.clock import database_time
from phaselab.db.schema.tables import FAILED, Want, experiment_runs, runs
from phaselab.db.schema.types import UtcDateTime
from phaselab.domain.answers.failures import Failure

_FAILED = experiment_runs.c.want == Want.FAILED


class FailedRun(NamedTuple):
    """A run that failed in an experiment."""

    experiment_id: int
    settings_id: int
    run_id: int


def read_failures(session: Session, experiment_id: int, limit: int) -> list[Failure]:
    """The `limit` most frequent reasons of the experiment's failed runs, each with its count and the least key."""
    count = func.count().label("count")
    query = (
        select(runs.c.reason, count, func.min(runs.c.key))
        .join(experiment_runs, experiment_runs.c.run_id == runs.c.id)
        .where(experiment_runs.c.experiment_id == experiment_id, _FAILED)
        .group_by(runs.c.reason)
        .order_by(count.desc(), runs.c.reason)
        .limit(limit)
    )
    return [Failure(reason, number, key) for reason, number, key in session.execute(query).all()]


def read_failed_runs(session: Session, experiment_ids: Sequence[int]) -> list[FailedRun]:
    """Every run that failed in one of the experiments and is not being tried again for another of them."""
    query = (
        select(experiment_runs.c.experiment_id, runs.c.settings_id, runs.c.id)
        .join(runs, runs.c.id == experiment_runs.c.run_id)
        .where(experiment_runs.c.experiment_id.in_(experiment_ids), _FAILED)
    )
    if len(experiment_ids) > 1:
        other = experiment_runs.alias()
        here = (other.c.run_id == experiment_runs.c.run_id, other.c.experiment_id.in_(experiment_ids))
        query = query.where(~exists().where(*here, other.c.want == Want.PENDING))
    return [FailedRun(*row) for row in session.execute(query).all()]


@dataclass(frozen=True)
class Lately:
    """A reason, how many runs failed for it in the last hour, the last day and the whole time that was looked at, and
    the newest of them."""

    reason: str | None
    hour: int
    day: int
    count: int
    key: str
    at: datetime


def read_lately(session: Session, days: int, most: int) -> Sequence[Lately]:
    """The reasons of the runs that failed in the last `days`, whoever wanted them, by the newest `most` of them."""
    now = database_time(session)
    newest = (
        select(runs.c.id, runs.c.key, runs.c.reason, runs.c.landed_at)
        .where(FAILED, runs.c.landed_at > now - timedelta(days=days))
        .order_by(runs.c.landed_at.desc())
        .limit(most)
        .subquery()
    )
    of = newest.c
    count, last = func.count().label("count"), func.max(of.landed_at, type_=UtcDateTime()).label("last")
    hour, day = (func.sum(case((of.landed_at > now - timedelta(hours=hours), 1), else_=0)) for hours in (1, 24))
    query = select(of.reason, hour, day, count, last).group_by(of.reason).order_by(count.desc(), of.reason)
    found = session.execute(query).all()
    keys = {row.reason: row.key for row in session.execute(select(of.reason, of.key).order_by(of.landed_at))}
    return [Lately(reason, int(hour), int(day), number, keys[reason], at) for reason, hour, day, number, at in found]
