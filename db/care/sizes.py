"""How large a database is: in bytes, by kind of row, day by day, and how much room its disk has left."""

import os
import shutil
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from phaselab.db.schema.account_tables import audit
from phaselab.db.schema.clock import database_time
from phaselab.db.schema.database import Database
from phaselab.db.schema.tables import sizes

BACKUP = "back up"
"""The deed of the audit that a backup is noted as."""
KINDS: Mapping[str, tuple[str, ...]] = {
    "runs": ("runs", "settings", "provenances", "measure_lists", "imports"),
    "arrays": ("run_arrays",),
    "experiments": ("experiments", "experiment_runs", "points", "notices"),
    "audit": ("audit",),
}
"""Which tables hold which kind of row; what is in none of these is `other`."""


@dataclass(frozen=True)
class Size:
    """How large the database was at the end of a day (2026-01-31, UTC): bytes, and by kind where that was found out."""

    day: str
    bytes: int
    parts: Mapping[str, int] | None


def bytes_of(database: Database, session: Session) -> int:
    """Bytes on the disk: of a SQLite file with its log, or of the database on its server."""
    if not database.is_sqlite:
        return int(session.execute(text("SELECT pg_database_size(current_database())")).scalar_one())
    path, found = _path(database), 0
    for name in (path, path.with_name(f"{path.name}-wal")):
        with suppress(OSError):
            found += os.stat(name).st_size
    return found


def free_bytes(database: Database) -> int | None:
    """Bytes that are free on the disk of a SQLite file; null for a server, whose disk is not known here."""
    if not database.is_sqlite:
        return None
    try:
        return shutil.disk_usage(_path(database).parent).free
    except OSError:
        return None


def parts_of(database: Database, session: Session) -> Mapping[str, int] | None:
    """Bytes by kind of row, indexes among them; null where the database does not tell. SQLite reads its whole file for
    it: not for whoever waits."""
    if not database.is_sqlite:
        rows = session.execute(text("SELECT relname, pg_total_relation_size(relid) FROM pg_stat_user_tables")).all()
        return _by_kind([(name, size) for name, size in rows])
    # Its `pgsize` of a whole table overflows at 2 GB; `pageno` is the number of its pages.
    query = (
        "SELECT coalesce(m.tbl_name, s.name), sum(s.pageno) FROM dbstat AS s"
        " LEFT JOIN sqlite_master AS m ON m.name = s.name WHERE s.aggregate = 1 GROUP BY 1"
    )
    try:
        page: int = session.execute(text("PRAGMA page_size")).scalar_one()
        return _by_kind([(name, pages * page) for name, pages in session.execute(text(query)).all()])
    except OperationalError:  # a SQLite that was built without it
        return None


def note_size(database: Database) -> None:
    """Write down how large the database is today; by kind, once a day."""
    with database.reading() as session:
        day, now = f"{database_time(session):%Y-%m-%d}", bytes_of(database, session)
        there = session.execute(select(sizes.c.day).where(sizes.c.day == day)).first()
        parts = parts_of(database, session) if there is None else None
    with database.transaction(alone=False) as session:
        changed = session.execute(update(sizes).where(sizes.c.day == day).values(bytes=now).returning(sizes.c.day))
        if changed.first() is None:
            session.execute(insert(sizes).values(day=day, bytes=now, parts=parts))


def list_sizes(session: Session, days: int) -> Sequence[Size]:
    """The last so many days of which it is known, oldest first."""
    found = session.execute(select(sizes).order_by(sizes.c.day.desc()).limit(days)).all()
    return [Size(row.day, row.bytes, row.parts) for row in reversed(found)]


def last_backup(session: Session) -> datetime | None:
    """When `phaselab db backup` last made one of this database; null where it never did, as for a server."""
    query = select(audit.c.at).where(audit.c.deed == BACKUP).order_by(audit.c.id.desc()).limit(1)
    found: datetime | None = session.execute(query).scalar_one_or_none()
    return None if found is None else found.astimezone(UTC)


def _path(database: Database) -> Path:
    return Path(str(database.url.database)).absolute()


def _by_kind(tables: Sequence[tuple[str, int]]) -> Mapping[str, int]:
    kinds = {table: kind for kind, names in KINDS.items() for table in names}
    found: defaultdict[str, int] = defaultdict(int)
    for table, size in tables:
        found[kinds.get(table, "other")] += int(size)
    return dict(found)
