"""What users do to experiments: cancel, pause, resume, retry, delete. Each is safe at any moment and idempotent."""

from sqlalchemy import delete as sql_delete
from sqlalchemy import exists, func, select, update
from sqlalchemy.orm import Session

from phaselab.db.schema.bulk import chunks
from phaselab.db.schema.tables import PENDING, Claim, experiment_runs, experiments, run_arrays, runs
from phaselab.db.writing.create import queue_again
from phaselab.db.writing.status import set_status, settle, status_of
from phaselab.domain.results.states import ExperimentStatus, RunState

_ENDED_CLAIMS = (Claim.FAILED.value, Claim.CANCELLED.value)


def cancel(session: Session, experiment_id: int) -> bool:
    """Give up what is pending; what has landed stays. False when the experiment has finished otherwise."""
    status = status_of(session, experiment_id)
    if status is None or status.is_finished:
        return status is ExperimentStatus.CANCELLED
    _give_up_claims(session, experiment_id)
    set_status(session, experiment_id, ExperimentStatus.CANCELLED)
    return True


def pause(session: Session, experiment_id: int) -> bool:
    """Hand nothing more out until it is resumed. False when the experiment has finished."""
    status = status_of(session, experiment_id)
    if status is None or status.is_finished:
        return False
    set_status(session, experiment_id, ExperimentStatus.PAUSED)
    return True


def resume(session: Session, experiment_id: int) -> bool:
    """Go on after a pause. False when the experiment has finished."""
    status = status_of(session, experiment_id)
    if status is None or status.is_finished:
        return False
    if status is ExperimentStatus.PAUSED:
        _start_again(session, experiment_id)
    return True


def retry(session: Session, experiment_id: int) -> int:
    """Ask again for every run that failed or was cancelled; how many. A paused experiment stays paused."""
    here = experiment_runs.c.experiment_id == experiment_id
    query = select(experiment_runs.c.run_id).where(here, experiment_runs.c.claim.in_(_ENDED_CLAIMS))
    again = session.execute(query).scalars().all()
    if not again:
        return 0
    for some in chunks(again):
        ended = select(runs.c.id).where(runs.c.id.in_(some), runs.c.state.in_((RunState.FAILED, RunState.CANCELLED)))
        queue_again(session, session.execute(ended).scalars().all())
        claims = update(experiment_runs).where(here, experiment_runs.c.run_id.in_(some))
        session.execute(claims.values(claim=Claim.PENDING.value))
    counted = {"failed": 0, "cancelled": 0, "revision": experiments.c.revision + 1}
    session.execute(update(experiments).where(experiments.c.id == experiment_id).values(counted))
    if status_of(session, experiment_id) is not ExperimentStatus.PAUSED:
        _start_again(session, experiment_id)
    return len(again)


def delete(session: Session, experiment_id: int) -> bool:
    """Remove the experiment, and of its runs those that no other experiment has; False when there is none."""
    if status_of(session, experiment_id) is None:
        return False
    _give_up_claims(session, experiment_id)
    mine = select(experiment_runs.c.run_id).where(experiment_runs.c.experiment_id == experiment_id)
    run_ids = session.execute(mine).scalars().all()
    session.execute(sql_delete(experiments).where(experiments.c.id == experiment_id))
    shared = exists().where(experiment_runs.c.run_id == runs.c.id)
    for some in chunks(run_ids):
        # A run that is handed out stays until it is given back or lands.
        alone = select(runs.c.id).where(runs.c.id.in_(some), runs.c.leased_by.is_(None), ~shared)
        ids = session.execute(alone).scalars().all()
        session.execute(sql_delete(run_arrays).where(run_arrays.c.run_id.in_(ids)))
        session.execute(sql_delete(runs).where(runs.c.id.in_(ids)))
    return True


def _give_up_claims(session: Session, experiment_id: int) -> None:
    """Cancel the pending claims, and the queued runs that nobody else waits for."""
    here = experiment_runs.c.experiment_id == experiment_id
    given_up = update(experiment_runs).where(here, PENDING).values(claim=Claim.CANCELLED.value)
    run_ids = session.execute(given_up.returning(experiment_runs.c.run_id)).scalars().all()
    wanted = exists().where(experiment_runs.c.run_id == runs.c.id, PENDING)
    for some in chunks(run_ids):
        unwanted = update(runs).where(runs.c.id.in_(some), runs.c.state == RunState.QUEUED, ~wanted)
        session.execute(unwanted.values(state=RunState.CANCELLED.value))
    counted = {"cancelled": experiments.c.cancelled + len(run_ids), "revision": experiments.c.revision + 1}
    session.execute(update(experiments).where(experiments.c.id == experiment_id).values(counted))


def _start_again(session: Session, experiment_id: int) -> None:
    started = select(func.count()).where(experiments.c.id == experiment_id, experiments.c.started_at.is_not(None))
    running = bool(session.execute(started).scalar_one())
    set_status(session, experiment_id, ExperimentStatus.RUNNING if running else ExperimentStatus.QUEUED)
    settle(session, [experiment_id])
