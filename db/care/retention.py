"""Retention: what is old enough to go by the rules of whoever runs the service, and how it goes, piece by piece.

Everything that goes is named before, and noted. Each piece is a transaction of its own: others write in between, and
what is broken off goes on the next time.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, exists, func, select
from sqlalchemy.orm import Session

from phaselab.db.schema.account_tables import accounts, audit, logins, tokens
from phaselab.db.schema.bulk import among, chunks
from phaselab.db.schema.clock import database_time
from phaselab.db.schema.database import Database
from phaselab.db.schema.kept_tables import kept_answers
from phaselab.db.schema.tables import experiment_runs, experiments, run_arrays, runs
from phaselab.db.writing.audit import note
from phaselab.db.writing.kept import KEPT, forget_over
from phaselab.db.writing.verbs import remove_alone
from phaselab.domain.results.states import ExperimentStatus

PIECE = 1_000
"""Rows that go in one transaction."""
ENDED = tuple(status.value for status in ExperimentStatus if status.is_finished)


@dataclass(frozen=True)
class Rules:
    """After how many days things may go; null: never."""

    archived_days: float | None = None
    runs_days: float | None = None
    tokens_days: float | None = None
    audit_days: float | None = None


@dataclass(frozen=True)
class Leaving:
    """An experiment that may go, with so many runs that only it has, and the bytes of their curves and cosines."""

    id: int
    name: str
    owner: str
    runs: int
    bytes: int


@dataclass(frozen=True)
class Count:
    """So many rows, and the bytes of what they hold, less numbers and names."""

    rows: int
    bytes: int


def experiments_leaving(session: Session, days: float) -> Sequence[Leaving]:
    """The archived experiments that ended so long ago, and that nobody has done anything to since, oldest first."""
    of = experiments.c
    query = select(of.id, of.name, of.owner).where(*_left(session, days)).order_by(of.id)
    return [Leaving(*row, *_own(session, row.id)) for row in session.execute(query).all()]


def _left(session: Session, days: float) -> tuple[ColumnElement[bool], ...]:
    of, since = experiments.c, database_time(session) - timedelta(days=days)
    touched = exists().where(audit.c.experiment_id == of.id, audit.c.at > since)
    return (of.archived, of.status.in_(ENDED), of.finished_at < since, ~touched)


def _own(session: Session, experiment_id: int) -> tuple[int, int]:
    """How many runs only this experiment has, and the bytes of their arrays."""
    mine, others = experiment_runs.c, experiment_runs.alias("others").c
    shared = exists().where(others.run_id == mine.run_id, others.experiment_id != experiment_id)
    query = (
        select(func.count(), func.coalesce(func.sum(func.length(run_arrays.c.content)), 0))
        .select_from(experiment_runs.outerjoin(run_arrays, run_arrays.c.run_id == mine.run_id))
        .where(mine.experiment_id == experiment_id, ~shared)
    )
    rows, held = session.execute(query).one()
    return int(rows), int(held)


def remove_experiment(database: Database, leaving: Leaving, days: float) -> bool:
    """Remove an experiment, if it may still go, and its runs that nobody else has."""
    with database.transaction() as session:
        found = session.execute(select(experiments.c.id).where(experiments.c.id == leaving.id, *_left(session, days)))
        if found.first() is None:
            return False
        mine = select(experiment_runs.c.run_id).where(experiment_runs.c.experiment_id == leaving.id)
        run_ids = session.execute(mine).scalars().all()
        session.execute(delete(experiments).where(experiments.c.id == leaving.id))
        note(session, "delete", leaving.id, owner=leaving.owner, name=leaving.name, archived_for_days=days)
    for some in chunks(run_ids, PIECE):
        with database.transaction() as session:
            remove_alone(session, some)
    return True


def _alone(session: Session, days: float) -> Select[Any]:
    """The runs that no experiment has, and that landed so long ago, or never."""
    since = database_time(session) - timedelta(days=days)
    wanted = exists().where(experiment_runs.c.run_id == runs.c.id)
    old = (runs.c.landed_at < since) | runs.c.landed_at.is_(None)
    return select(runs.c.id).where(~wanted, runs.c.leased_by.is_(None), old).order_by(runs.c.id)


def runs_leaving(session: Session, days: float) -> Count:
    """The runs that no experiment has, of so long ago."""
    ids = _alone(session, days).subquery()
    held = func.coalesce(func.sum(func.length(run_arrays.c.content)), 0)
    query = select(func.count(), held).select_from(ids.outerjoin(run_arrays, run_arrays.c.run_id == ids.c.id))
    return Count(*map(int, session.execute(query).one()))


def remove_runs(database: Database, days: float) -> int:
    """Remove them; how many."""
    removed, after = 0, 0
    while True:
        with database.transaction() as session:
            found = session.execute(_alone(session, days).where(runs.c.id > after).limit(PIECE)).scalars().all()
            if not found:
                return removed
            remove_alone(session, found)
        removed, after = removed + len(found), found[-1]


def tokens_leaving(session: Session, days: float) -> Sequence[tuple[int, str, str]]:
    """The tokens that ran out so long ago: id, account and name."""
    since = database_time(session) - timedelta(days=days)
    query = select(tokens.c.id, accounts.c.name, tokens.c.name.label("called")).join(accounts)
    return [(row.id, row.name, row.called) for row in session.execute(query.where(tokens.c.expires_at < since))]


def remove_tokens(database: Database, days: float, named: Collection[int]) -> int:
    """Remove those of them that were named by their ids, each with a note; how many."""
    with database.transaction() as session:
        found = [one for one in tokens_leaving(session, days) if one[0] in named]
        session.execute(delete(tokens).where(among(session, tokens.c.id, [one for one, _, _ in found])))
        for _, account, name in found:
            note(session, "revoke token", subject=account, token=name, ended_for_days=days)
    return len(found)


def over(session: Session) -> Mapping[str, Count]:
    """What counts for nothing any more, whatever the rules are."""
    counted = func.count(), func.coalesce(func.sum(func.length(kept_answers.c.body)), 0)
    answers = session.execute(select(*counted).where(_is_over(session))).one()
    ended = select(func.count()).where(logins.c.expires_at <= database_time(session))
    return {
        "answers that were kept for a day": Count(*map(int, answers)),
        "logins that have ended": Count(int(session.execute(ended).scalar_one()), 0),
    }


def _is_over(session: Session) -> ColumnElement[bool]:
    return kept_answers.c.at <= database_time(session) - KEPT


def remove_over(database: Database) -> None:
    """Remove it."""
    with database.transaction() as session:
        session.execute(delete(logins).where(logins.c.expires_at <= database_time(session)))
    removed = 1
    while removed:
        with database.transaction() as session:
            removed = forget_over(session)
