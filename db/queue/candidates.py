"""Candidates: the experiments that have runs to hand out, as fairness chooses among them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from phaselab.db.reading.experiments import running_of
from phaselab.db.schema.tables import accounts, experiments
from phaselab.domain.results.states import ExperimentStatus

ACTIVE = (ExperimentStatus.QUEUED, ExperimentStatus.RUNNING)
"""The statuses of experiments whose runs are handed out."""


@dataclass(frozen=True)
class Candidate:
    """An experiment with queued runs, as fairness looks at it; `queued` and `leased` count runs. `weight` and `trials`
    are its owner's: the part in the fair share, and the most trials at a time (None: the service's own limit)."""

    id: int
    owner: str
    priority: int
    created_at: datetime
    queued: int
    leased: int
    weight: float
    trials: int | None
    request: str = ""
    """The request that submitted it."""


def queued_experiments(session: Session) -> Sequence[Candidate]:
    """The active experiments that have queued runs, oldest first."""
    table = experiments.c
    pending = table.total - table.done - table.failed - table.cancelled - table.held
    query = (
        select(
            experiments.c.id,
            experiments.c.owner,
            experiments.c.priority,
            experiments.c.created_at,
            pending.label("pending"),
            func.coalesce(accounts.c.weight, 1.0).label("weight"),
            accounts.c.trials,
            experiments.c.request,
        )
        .outerjoin_from(experiments, accounts, accounts.c.name == experiments.c.owner)
        .where(experiments.c.status.in_(ACTIVE))
        .order_by(experiments.c.id)
    )
    rows = session.execute(query).all()
    leased = running_of(session, [row.id for row in rows])
    found = []
    for row in rows:
        busy = leased.get(row.id, 0)
        if row.pending > busy:
            ranks = (row.id, row.owner, row.priority, row.created_at)
            found.append(Candidate(*ranks, row.pending - busy, busy, row.weight, row.trials, row.request))
    return found
