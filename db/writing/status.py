"""Statuses of experiments: set by users' verbs, or settled by what has landed."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import case, func, select, update
from sqlalchemy.orm import Session

from phaselab.db.schema.clock import database_time
from phaselab.db.schema.tables import Want, experiment_runs, experiments
from phaselab.db.writing.notices import announce
from phaselab.db.writing.refining import let_go
from phaselab.domain.results.states import ExperimentStatus


def status_of(session: Session, experiment_id: int) -> ExperimentStatus | None:
    """The experiment's status; None when there is none of this id."""
    found = session.execute(select(experiments.c.status).where(experiments.c.id == experiment_id)).scalar_one_or_none()
    return ExperimentStatus(found) if found else None


def set_status(session: Session, experiment_id: int, status: ExperimentStatus) -> None:
    """Set the status and the times that go with it; an end is announced to whom the spec says."""
    now = database_time(session)
    changes: dict[str, Any] = {"status": status, "finished_at": now if status.is_finished else None}
    if status is ExperimentStatus.RUNNING:
        changes["started_at"] = func.coalesce(experiments.c.started_at, now)
    session.execute(update(experiments).where(experiments.c.id == experiment_id).values(changes))
    if status.is_finished:
        announce(session, experiment_id, now)


def settle(session: Session, experiment_ids: Sequence[int]) -> None:
    """Let refinements let go what follows from what has landed; end every one of the experiments that has nothing
    pending then; start those whose first outcome has landed.

    A cancelled experiment stays cancelled, and one that has finished lets nothing go.
    """
    table = experiments.c
    counted = (table.done, table.cached, table.failed, table.cancelled, table.held)
    query = select(table.id, table.status, table.total, *counted).where(
        table.id.in_(experiment_ids), table.status != ExperimentStatus.CANCELLED
    )
    for row in session.execute(query).all():
        status = ExperimentStatus(row.status)
        held = row.held
        if held and not status.is_finished:
            held -= let_go(session, row.id)
        if row.done + row.failed + row.cancelled + held == row.total:
            whole = row.done + held == row.total
            settled = ExperimentStatus.FINISHED if whole else ExperimentStatus.FINISHED_WITH_FAILURES
        elif status is ExperimentStatus.QUEUED and row.done + row.failed > row.cached:
            settled = ExperimentStatus.RUNNING
        else:
            settled = status
        if settled is not status:
            set_status(session, row.id, settled)


def recount(session: Session, experiment_id: int) -> None:
    """Count the experiment's wants anew."""
    want = experiment_runs.c.want
    ends = (Want.DONE, Want.FAILED, Want.CANCELLED, Want.HELD)
    query = select(func.count(), *(func.coalesce(func.sum(case((want == end, 1), else_=0)), 0) for end in ends)).where(
        experiment_runs.c.experiment_id == experiment_id
    )
    total, done, failed, cancelled, held = session.execute(query).one()
    counted = {"total": total, "done": done, "failed": failed, "cancelled": cancelled, "held": held}
    changes = counted | {"revision": experiments.c.revision + 1}
    session.execute(update(experiments).where(experiments.c.id == experiment_id).values(changes))
