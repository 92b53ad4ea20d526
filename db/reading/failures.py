"""Reading failures: why an experiment's runs failed, and which they are."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from phaselab.db.schema.tables import Want, experiment_runs, runs
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
