"""Leases: handing queued runs out as stacks, and taking them back."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Select, case, exists, select, update
from sqlalchemy.orm import Session

from phaselab.db.queue.candidates import ACTIVE
from phaselab.db.schema.bulk import among
from phaselab.db.schema.clock import database_time
from phaselab.db.schema.tables import PENDING, experiment_runs, experiments, runs
from phaselab.db.writing.landing import land
from phaselab.db.writing.pools import take_common_keys
from phaselab.db.writing.queueing import without_result
from phaselab.db.writing.settings_rows import read_settings
from phaselab.db.writing.status import set_status
from phaselab.domain.results.results import RunFailure
from phaselab.domain.results.states import ExperimentStatus, RunState
from phaselab.domain.settings.runs import RECIPE, Run
from phaselab.domain.settings.settings import Settings
from phaselab.domain.settings.stacks import Stack, shape
from phaselab.domain.specs.stored import misfit_of, readable_settings, stored_settings

WINDOW = 8
"""A stack is chosen among this many times the runs that it may hold,"""
NEAR = 256
"""or among as many, if they are more: runs of one training wait side by side, and go into one stack."""


@dataclass(frozen=True)
class Leased:
    """A stack that is handed out, and how often each of its runs has been, this time included, since it was last asked
    for: by the key that is stored with the run, which nothing computes anew."""

    stack: Stack
    attempts: Mapping[str, int]


class Filling(Protocol):
    """What a stack is filled by."""

    def takes(self, run: Run) -> bool:
        """Whether the stack takes this run, too, after those that it has taken. Asked in the order in which they wait,
        until it is not."""


@dataclass
class AtMost:
    """Fills a stack with so many runs."""

    most: int

    def takes(self, run: Run) -> bool:
        """Whether there is room."""
        self.most -= 1
        return self.most >= 0


@dataclass(frozen=True)
class _Row:
    run_id: int
    key: str
    settings_id: int
    seed: int
    attempts: int
    shape: int
    data: int


def take_stack(
    session: Session,
    experiment_id: int,
    most: Callable[[Settings], int],
    holder: str,
    lease_seconds: float,
    filling: Callable[[Settings], Filling] | None = None,
) -> Leased | None:
    """Lease the experiment's next queued runs to `holder`: the first by rank and others of the same shape, those on the
    same data first, as many as `filling` takes, which begins with the settings of the first; without it as many in all
    as `most` says of them. None when nothing is queued or the experiment is not active.

    Runs whose stored settings do not fit this version fail here, each with its reason.
    """
    status = session.execute(select(experiments.c.status).where(experiments.c.id == experiment_id)).scalar_one_or_none()
    if status not in ACTIVE:
        return None
    chosen = _next_runs(session, experiment_id, most, filling)
    if not chosen:
        return None
    expires = database_time(session) + timedelta(seconds=lease_seconds)
    changes = {
        # A run with a result is measured again with its result in place.
        "state": case((runs.c.state == RunState.DONE, RunState.DONE.value), else_=RunState.LEASED.value),
        "attempts": runs.c.attempts + 1,
        "leased_by": holder,
        "lease_expires_at": expires,
        "stage": None,
        "stage_share": None,
    }
    session.execute(update(runs).where(among(session, runs.c.id, [row.run_id for row, _ in chosen])).values(changes))
    if status == ExperimentStatus.QUEUED:
        set_status(session, experiment_id, ExperimentStatus.RUNNING)
    stack = Stack(tuple(Run(stored_settings(text), row.seed, row.key) for row, text in chosen))
    return Leased(stack, {row.key: row.attempts + 1 for row, _ in chosen})


def _next_runs(
    session: Session,
    experiment_id: int,
    most: Callable[[Settings], int],
    filling: Callable[[Settings], Filling] | None,
) -> Sequence[tuple[_Row, str]]:
    """The runs of the next stack, the first by rank among them, with the texts of their settings."""
    first = _with_texts(session, _queued(session, experiment_id, 1))
    if first and readable_settings(first[0][1]) is None:
        _fail_misfits(session, experiment_id)
        first = _with_texts(session, _queued(session, experiment_id, 1))
    if not first:
        return ()
    ((row, own),) = first
    settings = stored_settings(own)
    room = most(settings)
    near = _queued(session, experiment_id, max(room * WINDOW, NEAR), row.shape)
    near.sort(key=lambda one: one.data != row.data)
    filled = AtMost(room) if filling is None else filling(settings)
    return _same_data_together(list(_taken(session, near, own, filled, room + 1)))


def _taken(
    session: Session, near: Sequence[_Row], own: str, filling: Filling, at_once: int
) -> Iterator[tuple[_Row, str]]:
    """Those of the rows that make a stack with the settings `own`; so many are looked at in one query."""
    for start in range(0, len(near), at_once):
        for row, text in _with_texts(session, near[start : start + at_once]):
            # What stacks was written down at submission; another version may have seen it otherwise than this one does.
            if _shape(text) != _shape(own):
                continue
            if not filling.takes(Run(stored_settings(text), row.seed, row.key)):
                return
            yield row, text


def _with_texts(session: Session, rows: Sequence[_Row]) -> Sequence[tuple[_Row, str]]:
    """The rows, each with the text of its settings."""
    texts = read_settings(session, sorted({row.settings_id for row in rows}))
    return [(row, texts[row.settings_id]) for row in rows]


@lru_cache(maxsize=2_000)  # a kilobyte each
def _shape(text: str) -> str | None:
    """The shape of stored settings; None for those that do not fit this version."""
    found = readable_settings(text)
    return None if found is None else shape(found)


def _fail_misfits(session: Session, experiment_id: int) -> None:
    """End those of the experiment's queued runs whose settings do not fit this version; the others wait on."""
    waiting = [_Row(*row) for row in session.execute(_waiting(experiment_id)).all()]
    texts = read_settings(session, sorted({row.settings_id for row in waiting}))
    reasons = {settings_id: misfit_of(text) for settings_id, text in texts.items()}
    failed = ((row.key, reasons[row.settings_id]) for row in waiting)
    land(session, [RunFailure(key, reason) for key, reason in failed if reason is not None])


def _waiting(experiment_id: int) -> Select[Any]:
    """The experiment's queued runs, as the columns of a _Row."""
    wants = experiment_runs.c
    return (
        select(wants.run_id, runs.c.key, runs.c.settings_id, runs.c.seed, runs.c.attempts, wants.shape, wants.data)
        .join(runs, runs.c.id == wants.run_id)
        .where(
            wants.experiment_id == experiment_id,
            PENDING,
            runs.c.leased_by.is_(None),
            runs.c.recipe == RECIPE,
        )
    )


def _queued(session: Session, experiment_id: int, most: int, shape: int | None = None) -> list[_Row]:
    """The experiment's first queued runs by rank, of one shape when it is given."""
    query = _waiting(experiment_id).order_by(experiment_runs.c.rank).limit(most)
    if shape is not None:
        query = query.where(experiment_runs.c.shape == shape)
    return [_Row(*row) for row in session.execute(query).all()]


def _same_data_together(chosen: list[tuple[_Row, str]]) -> list[tuple[_Row, str]]:
    """The runs in order, those on equal data side by side."""
    first_seen: dict[int, int] = {}
    for row, _ in chosen:
        first_seen.setdefault(row.data, len(first_seen))
    return sorted(chosen, key=lambda one: first_seen[one[0].data])


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

    What is still wanted is queued again, what has a result keeps it, the rest is cancelled. Gives the number of runs.
    """
    conditions: list[ColumnElement[bool]] = []
    if holder is not None:
        conditions.append(runs.c.leased_by == holder)
    if expired:
        conditions.append(runs.c.lease_expires_at < database_time(session))
    if keys is not None:
        conditions.append(among(session, runs.c.key, keys))
    state = case((runs.c.state == RunState.DONE, RunState.DONE.value), else_=without_result())
    changed = (
        update(runs)
        .where(runs.c.leased_by.is_not(None), *conditions)
        .values(state=state, leased_by=None, lease_expires_at=None, stage=None, stage_share=None)
        .returning(runs.c.id)
    )
    given_back = session.execute(changed).scalars().all()
    if given_back:
        take_common_keys(session, given_back)
    return len(given_back)


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
