"""Old notes of the audit: written to a file, and only then taken out of the database, which refuses it otherwise."""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import Text, cast, delete, func, select, text
from sqlalchemy.orm import Session

from phaselab.db.care.retention import PIECE, Count
from phaselab.db.schema.account_tables import audit
from phaselab.db.schema.clock import database_time
from phaselab.db.schema.database import Database
from phaselab.db.schema.database_file import OWNER_ALONE
from phaselab.db.writing.audit import note
from phaselab.domain.settings.faults import OperatorFault


class NoArchive(OperatorFault):
    """The file for old notes cannot be made; the message says why."""


def notes_leaving(session: Session, days: float) -> Count:
    """How many notes are so old, and the bytes of what they tell."""
    told = func.coalesce(func.sum(func.length(audit.c.subject) + func.length(cast(audit.c.content, Text))), 0)
    return Count(*map(int, session.execute(select(func.count(), told).where(audit.c.at < _since(session, days))).one()))


def _since(session: Session, days: float) -> datetime:
    return database_time(session) - timedelta(days=days)


def move_notes(database: Database, days: float, file: Path) -> int:
    """Write the notes that are so old to a new file, a line of JSON each, and remove them; how many. What is removed is
    what stands in the file, on the disk. Raises NoArchive."""
    digest, last, rows = hashlib.sha256(), 0, 0
    with _new(file) as written, database.reading() as session:
        found = session.execute(select(audit).where(audit.c.at < _since(session, days)).order_by(audit.c.id))
        for row in found.yield_per(PIECE):
            told = {name: value.isoformat() if name == "at" else value for name, value in row._mapping.items()}
            line = (json.dumps(told, ensure_ascii=False) + "\n").encode()
            written.write(line)
            digest.update(line)
            last, rows = row.id, rows + 1
    with database.transaction() as session:
        note(session, "retain audit", subject=file.name, notes=rows, last=last, sha256=digest.hexdigest())
    while _remove(database, days, last):
        pass
    return rows


@contextmanager
def _new(file: Path) -> Iterator[BinaryIO]:
    """A new file for its owner alone, which is on the disk when the block ends."""
    try:
        made = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, OWNER_ALONE)
    except OSError as error:
        raise NoArchive(f"{file} cannot be made: {error.strerror}; name a new file with --audit-file") from None
    with os.fdopen(made, "wb") as written:
        yield written
        written.flush()
        os.fsync(made)


def _remove(database: Database, days: float, last: int) -> bool:
    """Remove the oldest PIECE of the notes up to this one; whether there were any."""
    with database.transaction() as session:
        old = select(audit.c.id).where(audit.c.id <= last, audit.c.at < _since(session, days))
        ids = session.execute(old.order_by(audit.c.id).limit(PIECE)).scalars().all()
        if ids:
            with _unguarded(session):
                session.execute(delete(audit).where(audit.c.id.in_(ids)))
        return bool(ids)


@contextmanager
def _unguarded(session: Session) -> Iterator[None]:
    """Without the trigger that keeps notes, which is back when the transaction ends, however it ends."""
    if session.get_bind().dialect.name != "sqlite":
        session.execute(text("ALTER TABLE audit DISABLE TRIGGER audit_keeps"))
        yield
        session.execute(text("ALTER TABLE audit ENABLE TRIGGER audit_keeps"))
        return
    query = text("SELECT sql FROM sqlite_master WHERE type = 'trigger' AND name = 'audit_keeps_delete'")
    made = session.execute(query).scalar_one()
    session.execute(text("DROP TRIGGER audit_keeps_delete"))
    yield
    session.connection().exec_driver_sql(made)
