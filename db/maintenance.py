"""Keeping a database in order: backup, vacuum, mending what is kept twice."""

import sqlite3
from pathlib import Path

from sqlalchemy import case, delete, exists, func, select, update
from sqlalchemy.orm import Session

from db.database import Database
from db.status import settle
from db.summaries import rebuild_summaries
from db.tables import Claim, experiment_runs, experiments, points, run_arrays, runs, settings
from domain.states import RunState


class NoBackup(ValueError):
    """A backup cannot be made here; the message says what would be right."""


def backup(database: Database, target: Path) -> None:
    """Copy a SQLite database, as it is at one moment, to a new file; the service may run meanwhile.

    Raises NoBackup for a file that exists, and for a server, which has better means of its own.
    """
    if not database.is_sqlite:
        raise NoBackup("a server is backed up by its own means: pg_dump --format=custom --file=FILE DATABASE_URL")
    if target.exists():
        raise NoBackup(f"{target} exists already; name a new file")
    source = database.engine.raw_connection()
    copy = sqlite3.connect(target)
    try:
        driver = source.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        driver.backup(copy)
    finally:
        copy.close()
        source.close()


def vacuum(database: Database) -> int:
    """Remove the runs and settings that no experiment has, give their space back and bring the planner's statistics
    up to date; how many runs were removed."""
    with database.transaction() as session:
        removed = _prune(session)
    connection = database.engine.raw_connection()
    try:
        driver = connection.driver_connection
        assert driver is not None
        if database.is_sqlite:
            driver.execute("VACUUM")
            driver.execute("ANALYZE")
        else:
            driver.autocommit = True
            driver.execute("VACUUM ANALYZE")
            driver.autocommit = False
    finally:
        connection.close()
    return removed


def rebuild(session: Session) -> int:
    """Make counts, statuses and summaries anew from claims and runs; how many points were summed up."""
    ids = session.execute(select(experiments.c.id)).scalars().all()
    for experiment_id in ids:
        recount(session, experiment_id)
    settle(session, ids)
    return rebuild_summaries(session, ids)


def recount(session: Session, experiment_id: int) -> None:
    """Count the experiment's claims anew."""
    claim = experiment_runs.c.claim
    kinds = (Claim.DONE, Claim.FAILED, Claim.CANCELLED)
    query = select(
        func.count(), *(func.coalesce(func.sum(case((claim == kind, 1), else_=0)), 0) for kind in kinds)
    ).where(experiment_runs.c.experiment_id == experiment_id)
    total, done, failed, cancelled = session.execute(query).one()
    counted = {"total": total, "done": done, "failed": failed, "cancelled": cancelled}
    changes = counted | {"revision": experiments.c.revision + 1}
    session.execute(update(experiments).where(experiments.c.id == experiment_id).values(changes))


def _prune(session: Session) -> int:
    """Delete what nobody has: runs that are not handed out, then settings."""
    claimed = exists().where(experiment_runs.c.run_id == runs.c.id)
    alone = select(runs.c.id).where(runs.c.state != RunState.LEASED, ~claimed)
    session.execute(delete(run_arrays).where(run_arrays.c.run_id.in_(alone)))
    removed = session.execute(delete(runs).where(runs.c.id.in_(alone)).returning(runs.c.id)).all()
    used = exists().where(runs.c.settings_id == settings.c.id) | exists().where(points.c.settings_id == settings.c.id)
    session.execute(delete(settings).where(~used))
    return len(removed)
