"""Keeping a database in order: backup, vacuum, mending what is kept twice."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session

from phaselab.db.schema.database import Database
from phaselab.db.schema.database_file import OWNER_ALONE
from phaselab.db.schema.tables import experiment_runs, experiments, points, run_arrays, runs, settings
from phaselab.db.schema.upgrade import current_revision
from phaselab.db.writing.status import recount, settle
from phaselab.db.writing.summaries import rebuild_summaries
from phaselab.domain.settings.faults import OperatorFault


class NoBackup(OperatorFault):
    """A backup cannot be made here; the message says what would be right."""


def backup(database: Database, target: Path) -> None:
    """Copy a SQLite database, as it is at one moment, to a new file; the service may run meanwhile.

    Raises NoBackup for a file that exists or cannot be made, for a database that holds nothing of Phaselab, and for a
    server, which has better means of its own.
    """
    if not database.is_sqlite:
        raise NoBackup("a server is backed up by its own means: pg_dump --format=custom --file=FILE DATABASE_URL")
    if current_revision(database) is None:
        raise NoBackup(
            f"{database.url.database} holds no database of Phaselab; PHASELAB_DATABASE_URL names which to copy"
        )
    try:
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_RDWR, OWNER_ALONE))
    except FileExistsError:
        raise NoBackup(f"{target} exists already; name a new file") from None
    except OSError as error:
        raise NoBackup(f"{target} cannot be made: {error.strerror}") from None
    with database.driver() as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy)


def vacuum(database: Database) -> int:
    """Remove the runs and settings that no experiment has, give their space back and bring the planner's statistics
    up to date; how many runs were removed."""
    with database.transaction() as session:
        removed = _prune(session)
    with database.driver() as driver:
        if database.is_sqlite:
            driver.execute("VACUUM")
            driver.execute("ANALYZE")
        else:
            driver.autocommit = True
            driver.execute("VACUUM ANALYZE")
            driver.autocommit = False
    return removed


def rebuild(session: Session) -> int:
    """Make counts, statuses and summaries anew from wants and runs; how many points were summed up."""
    ids = session.execute(select(experiments.c.id)).scalars().all()
    for experiment_id in ids:
        recount(session, experiment_id)
    settle(session, ids)
    return rebuild_summaries(session, ids)


def _prune(session: Session) -> int:
    """Delete what nobody has: runs that are not handed out, then settings."""
    wanted = exists().where(experiment_runs.c.run_id == runs.c.id)
    alone = select(runs.c.id).where(runs.c.leased_by.is_(None), ~wanted)
    session.execute(delete(run_arrays).where(run_arrays.c.run_id.in_(alone)))
    removed = session.execute(delete(runs).where(runs.c.id.in_(alone)).returning(runs.c.id)).all()
    used = exists().where(runs.c.settings_id == settings.c.id) | exists().where(points.c.settings_id == settings.c.id)
    session.execute(delete(settings).where(~used))
    return len(removed)
