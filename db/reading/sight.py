"""Sight: who sees which experiments and runs. The one place that decides it, in SQL and of a row that is there.

An experiment is seen by its owner and, if its `visibility` is `everyone`, by everyone. A run is seen by whoever sees an
experiment that has it; and one that serves everyone, once it has a result, by whoever knows its whole key. A session
knows for whom it reads (`Database.seen_by`): everything that reads an experiment or a run by a number or a key that
somebody gave passes here.
"""

from sqlalchemy import ColumnElement, and_, exists, or_, true
from sqlalchemy.orm import Session

from phaselab.db.schema.database import SEER
from phaselab.db.schema.tables import experiment_runs, experiments, runs
from phaselab.db.writing.pools import COMMON
from phaselab.domain.results.states import RunState
from phaselab.domain.specs.visibility import Visibility


def sees(seer: str | None, owner: str, visibility: Visibility) -> bool:
    """Whether somebody sees an owner's experiment; None sees everything."""
    return seer is None or seer == owner or visibility is Visibility.EVERYONE


def seen(session: Session) -> ColumnElement[bool]:
    """That an experiment is seen by whoever the session reads for."""
    seer = session.info.get(SEER)
    return true() if seer is None else or_(_open(), experiments.c.owner == seer)


def seen_run(session: Session, by_whole_key: bool) -> ColumnElement[bool]:
    """That a run is seen, by its whole key or by the beginning of it, which may be a guess."""
    if session.info.get(SEER) is None:
        return true()
    wanted = exists().where(
        experiment_runs.c.run_id == runs.c.id, experiments.c.id == experiment_runs.c.experiment_id, seen(session)
    )
    served = and_(runs.c.pool == COMMON, runs.c.recipe > 0, runs.c.state == RunState.DONE)
    return or_(wanted, served) if by_whole_key else wanted


def _open() -> ColumnElement[bool]:
    return experiments.c.visibility == Visibility.EVERYONE
