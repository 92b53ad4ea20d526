"""States of runs that follow from who wants them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import case, exists, update
from sqlalchemy.orm import Session

from phaselab.db.schema.bulk import among, chunks
from phaselab.db.schema.tables import PENDING, Want, experiment_runs, runs
from phaselab.domain.results.states import RunState

WANTED = exists().where(experiment_runs.c.run_id == runs.c.id, PENDING)
"""That an experiment waits for a run."""
HELD = exists().where(experiment_runs.c.run_id == runs.c.id, experiment_runs.c.want == Want.HELD)
"""That a refinement holds a run."""


def queue_again(session: Session, run_ids: Sequence[int]) -> None:
    """Queue runs that had ended without a result, or were held, with all their attempts before them."""
    changes = {"state": RunState.QUEUED, "attempts": 0, "reason": None, "traceback": None, "landed_at": None}
    for some in chunks(run_ids):
        session.execute(update(runs).where(among(session, runs.c.id, some)).values(changes))


def without_result() -> Any:
    """The state of a run without a result that nobody works on: as its wants are."""
    return case((WANTED, RunState.QUEUED.value), (HELD, RunState.HELD.value), else_=RunState.CANCELLED.value)


def let_wait(session: Session, run_ids: Sequence[int]) -> None:
    """Bring the states of those of the runs that nobody works on, and that have not failed, up to date with their
    wants."""
    idle = (RunState.QUEUED, RunState.HELD, RunState.CANCELLED)
    for some in chunks(run_ids):
        waiting = update(runs).where(
            among(session, runs.c.id, some), runs.c.state.in_(idle), runs.c.leased_by.is_(None)
        )
        session.execute(waiting.values(state=without_result()))
