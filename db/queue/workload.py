"""The workload: how much waits, runs and has ended, at a glance. Reads experiments and leases, never every run."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from phaselab.db.queue.candidates import queued_experiments
from phaselab.db.queue.leadership import holder_of
from phaselab.db.reading.experiments import running_of
from phaselab.db.schema.clock import database_time
from phaselab.db.schema.tables import experiments, runs
from phaselab.db.schema.types import UtcDateTime
from phaselab.domain.results.states import ExperimentStatus, RunState


@dataclass(frozen=True)
class Workload:
    """`experiments` by status and `runs` by state, every one of them, 0 included; `leases` that are out, and for how
    many seconds one is over that nobody has taken back, 0 when none is; the age of the oldest active experiment that
    has queued runs, in seconds, 0 when nothing waits; whether a scheduler has the lead.

    Runs are counted as their experiments count them: one that two experiments want counts twice.
    """

    experiments: Mapping[ExperimentStatus, int]
    runs: Mapping[RunState, int]
    leases: int
    overdue_seconds: float
    waited_seconds: float
    led: bool


def workload(session: Session) -> Workload:
    """The workload at this moment."""
    table = experiments.c
    counted = (table.total, table.done, table.failed, table.cancelled, table.held)
    sums = (func.coalesce(func.sum(column), 0) for column in counted)
    found = session.execute(select(table.status, func.count(), *sums).group_by(table.status)).all()
    total, done, failed, cancelled, held = (sum(int(row[place]) for row in found) for place in range(2, 7))
    least = func.min(runs.c.lease_expires_at, type_=UtcDateTime())
    leases, ends = session.execute(select(func.count(), least).where(runs.c.leased_by.is_not(None))).one()
    overdue = 0.0 if ends is None else max(0.0, (database_time(session) - ends).total_seconds())
    running = sum(running_of(session, session.execute(select(table.id)).scalars().all()).values()) if leases else 0
    queued = total - done - failed - cancelled - held - running
    by_state = {
        RunState.HELD: held,
        RunState.QUEUED: queued,
        RunState.LEASED: running,
        RunState.DONE: done,
        RunState.FAILED: failed,
        RunState.CANCELLED: cancelled,
    }
    by_status = dict.fromkeys(ExperimentStatus, 0) | {ExperimentStatus(row[0]): row[1] for row in found}
    return Workload(by_status, by_state, leases, overdue, _waited(session), holder_of(session) is not None)


def _waited(session: Session) -> float:
    waiting = [candidate.created_at for candidate in queued_experiments(session)]
    return (database_time(session) - min(waiting)).total_seconds() if waiting else 0.0
