"""Who waits: the experiments whose runs have not all ended, paused ones among them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from phaselab.db.reading.experiments import running_of
from phaselab.db.schema.tables import accounts, experiments
from phaselab.domain.results.states import ExperimentStatus

UNFINISHED = (ExperimentStatus.QUEUED, ExperimentStatus.RUNNING, ExperimentStatus.PAUSED)
_LEFT = (
    experiments.c.total - experiments.c.done - experiments.c.failed - experiments.c.cancelled - experiments.c.held
).label("left")


@dataclass(frozen=True)
class Waiting:
    """An experiment with runs that wait: how many, how many are `running` (handed out), and what decides whose turn it
    is. `ended` counts runs that were computed for it. `weight` and `trials` are its owner's."""

    id: int
    name: str
    owner: str
    priority: int
    status: ExperimentStatus
    created_at: datetime
    started_at: datetime | None
    waiting: int
    running: int
    ended: int
    weight: float
    trials: int | None

    @property
    def left(self) -> int:
        """Runs that have not ended."""
        return self.waiting + self.running


def waiting(session: Session) -> Sequence[Waiting]:
    """The experiments that have runs left, oldest first; paused ones among them."""
    of = experiments.c
    columns = (of.id, of.name, of.owner, of.priority, of.status, of.created_at, of.started_at, _LEFT)
    ended = (of.done + of.failed - of.cached).label("ended")
    weight = func.coalesce(accounts.c.weight, 1.0).label("weight")
    query = (
        select(*columns, ended, weight, accounts.c.trials)
        .outerjoin_from(experiments, accounts, accounts.c.name == of.owner)
        .where(of.status.in_(UNFINISHED), _LEFT > 0)
        .order_by(of.id)
    )
    rows = session.execute(query).all()
    running = running_of(session, [row.id for row in rows])
    return [_of(dict(row._mapping), running.get(row.id, 0)) for row in rows]


def _of(values: dict[str, Any], running: int) -> Waiting:
    left, status = values.pop("left"), ExperimentStatus(values.pop("status"))
    return Waiting(status=status, waiting=max(0, left - running), running=running, **values)
