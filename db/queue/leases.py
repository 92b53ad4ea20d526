"""Leases: handing queued runs out as stacks, and taking them back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from sqlalchemy import ColumnElement, case, exists, func, select, update
from sqlalchemy.orm import Session

from phaselab.db.reading.experiments import running_of
from phaselab.db.schema.bulk import among, chunks
from phaselab.db.schema.clock import database_time
from phaselab.db.schema.tables import PENDING, accounts, experiment_runs, experiments, runs, settings
from phaselab.db.writing.status import set_status
from phaselab.domain.results.states import ExperimentStatus, RunState
from phaselab.domain.settings.runs import RECIPE, Run
from phaselab.domain.settings.settings import Settings
from phaselab.domain.settings.stacks import Stack

WINDOW = 8
"""A stack is chosen among this many times the runs that it may hold."""

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


@dataclass(frozen=True)
class _Row:
    run_id: int
    key: str
    settings_id: int
    seed: int
    shape: int
    data: int


def take_stack(session: Session, experiment_id: int, most: int, holder: str, lease_seconds: float) -> Stack | None:
    """Lease the experiment's next queued runs to `holder`: the first by rank and, up to `most` in all, others of the
    same shape, those on the same data first. None when nothing is queued or the experiment is not active."""
    status = session.execute(select(experiments.c.status).where(experiments.c.id == experiment_id)).scalar_one_or_none()
    if status not in ACTIVE:
        return None
    first = _queued(session, experiment_id, 1)
    if not first:
        return None
    near = _queued(session, experiment_id, most * WINDOW, first[0].shape)
    chosen = _same_data_together(near, first[0].data, most)
    expires = database_time(session) + timedelta(seconds=lease_seconds)
    changes = {
        "state": RunState.LEASED,
        "attempts": runs.c.attempts + 1,
        "leased_by": holder,
        "lease_expires_at": expires,
        "stage": None,
        "stage_share": None,
    }
    session.execute(update(runs).where(among(session, runs.c.id, [row.run_id for row in chosen])).values(changes))
    if status == ExperimentStatus.QUEUED:
        set_status(session, experiment_id, ExperimentStatus.RUNNING)
    return Stack(tuple(_runs(session, chosen)))


def next_settings(session: Session, experiment_id: int) -> Settings | None:
    """The settings of the experiment's first queued run by rank; None when nothing is queued."""
    first = _queued(session, experiment_id, 1)
    return _runs(session, first)[0].settings if first else None


def _queued(session: Session, experiment_id: int, most: int, shape: int | None = None) -> list[_Row]:
    """The experiment's first queued runs by rank, of one shape when it is given."""
    claims = experiment_runs.c
    query = (
        select(claims.run_id, runs.c.key, runs.c.settings_id, runs.c.seed, claims.shape, claims.data)
        .join(runs, runs.c.id == claims.run_id)
        .where(
            claims.experiment_id == experiment_id,
            PENDING,
            runs.c.state == RunState.QUEUED,
            runs.c.recipe == RECIPE,
        )
        .order_by(claims.rank)
        .limit(most)
    )
    if shape is not None:
        query = query.where(claims.shape == shape)
    return [_Row(*row) for row in session.execute(query).all()]


def _same_data_together(near: Sequence[_Row], data: int, most: int) -> list[_Row]:
    """At most `most` of the rows: those on `data` first, then in order, and those on equal data side by side."""
    chosen = sorted(near, key=lambda row: row.data != data)[:most]
    first_seen: dict[int, int] = {}
    for row in chosen:
        first_seen.setdefault(row.data, len(first_seen))
    return sorted(chosen, key=lambda row: first_seen[row.data])


def _runs(session: Session, rows: Sequence[_Row]) -> list[Run]:
    texts: dict[int, str] = {}
    for some in chunks(sorted({row.settings_id for row in rows})):
        query = select(settings.c.id, settings.c.canonical).where(settings.c.id.in_(some))
        texts |= dict(session.execute(query).all())
    return [Run(settings_from(texts[row.settings_id]), row.seed, row.key) for row in rows]


@lru_cache(maxsize=2_000)  # 7 kB each
def settings_from(text: str) -> Settings:
    """The settings of a canonical text."""
    return Settings.model_validate_json(text)


def extend_leases(session: Session, holder: str, keys: Sequence[str], seconds: float) -> int:
    """Let the holder's leases on these runs end `seconds` from now; how many it still holds."""
    expires = database_time(session) + timedelta(seconds=seconds)
    mine = update(runs).where(among(session, runs.c.key, keys), runs.c.leased_by == holder)
    return len(session.execute(mine.values(lease_expires_at=expires).returning(runs.c.id)).all())


def release(
    session: Session, keys: Sequence[str] | None = None, holder: str | None = None, expired: bool = False
) -> int:
    """Take back leases: of these runs, of this holder, or those that have run out (all conditions that are given);
    every lease there is when no condition is given.

    What is still wanted is queued again, the rest is cancelled. Gives the number of runs.
    """
    conditions: list[ColumnElement[bool]] = []
    if holder is not None:
        conditions.append(runs.c.leased_by == holder)
    if expired:
        conditions.append(runs.c.lease_expires_at < database_time(session))
    if keys is not None:
        conditions.append(among(session, runs.c.key, keys))
    wanted = exists().where(experiment_runs.c.run_id == runs.c.id, PENDING)
    state = case((wanted, RunState.QUEUED.value), else_=RunState.CANCELLED.value)
    changed = (
        update(runs)
        .where(runs.c.leased_by.is_not(None), *conditions)
        .values(state=state, leased_by=None, lease_expires_at=None, stage=None, stage_share=None)
        .returning(runs.c.id)
    )
    return len(session.execute(changed).all())


def unwanted(session: Session, holder: str | None = None) -> Sequence[str]:
    """The keys of runs that are handed out although no active experiment waits for them (it was paused, cancelled or
    deleted)."""
    wanted = exists().where(
        experiment_runs.c.run_id == runs.c.id,
        PENDING,
        experiments.c.id == experiment_runs.c.experiment_id,
        experiments.c.status.in_(ACTIVE),
    )
    query = select(runs.c.key).where(runs.c.leased_by.is_not(None), ~wanted)
    if holder is not None:
        query = query.where(runs.c.leased_by == holder)
    return session.execute(query).scalars().all()


def attempts_of(session: Session, keys: Sequence[str]) -> Mapping[str, int]:
    """How many times each run has been handed out since it was last asked for."""
    query = select(runs.c.key, runs.c.attempts).where(among(session, runs.c.key, keys))
    return dict(session.execute(query).all())


def queued_experiments(session: Session) -> Sequence[Candidate]:
    """The active experiments that have queued runs, oldest first."""
    pending = experiments.c.total - experiments.c.done - experiments.c.failed - experiments.c.cancelled
    query = (
        select(
            experiments.c.id,
            experiments.c.owner,
            experiments.c.priority,
            experiments.c.created_at,
            pending.label("pending"),
            func.coalesce(accounts.c.weight, 1.0).label("weight"),
            accounts.c.trials,
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
            found.append(Candidate(*ranks, row.pending - busy, busy, row.weight, row.trials))
    return found
