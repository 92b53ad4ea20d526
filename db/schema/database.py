"""The database: one engine, one way to write, one way to read."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session as Session

from phaselab.db.schema.network_files import refuse_network_files
from phaselab.domain.settings.faults import OperatorFault

BUSY_SECONDS = 60
"""How long a writer waits for another one before it gives up."""
WRITE_LOCK = 0x7068_6173  # "phas"
"""The PostgreSQL advisory lock that every writing transaction holds."""


class DatabaseAway(OperatorFault):
    """The database cannot be reached, or stays locked; nothing was stored. Worth trying again."""

    passes = True


class BadDatabaseUrl(OperatorFault):
    """The database URL cannot be used; the message says what would be right."""


class Database:
    """A database by its URL: `sqlite:///var/phaselab.db` or `postgresql://user:password@host/name`.

    Raises BadDatabaseUrl. Connects only when it is used, so that a server that is away does no harm before that.
    """

    def __init__(self, url: str, pool_size: int = 5, max_overflow: int = 10, pool_timeout: float = 30.0) -> None:
        self.url = _parsed(url)
        self.engine = _engine(self.url, pool_size, max_overflow, pool_timeout)
        self._writer = self.engine.execution_options(phaselab_writes=True)

    @property
    def is_sqlite(self) -> bool:
        """True for a file of one's own, False for a server."""
        return self.url.get_backend_name() == "sqlite"

    @contextmanager
    def transaction(self, alone: bool = True) -> Iterator[Session]:
        """A transaction that writes: stored when the block ends, undone when it raises. One at a time in the whole
        database, so what it reads stays true until it ends. Raises DatabaseAway.

        `alone=False` is for what touches a single row of its own, such as the leader lock: on PostgreSQL it does not
        wait for the others.
        """
        with _told_plainly(), Session(self._writer) as session:
            if alone and not self.is_sqlite:
                session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": WRITE_LOCK})
            yield session
            session.commit()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A transaction that only reads and sees one moment of the database throughout. Raises DatabaseAway."""
        with _told_plainly(), Session(self.engine) as session:
            if not self.is_sqlite:
                session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
            yield session

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


def _parsed(text_url: str) -> URL:
    try:
        url = make_url(text_url)
    except ArgumentError:
        raise BadDatabaseUrl("the database URL is not a URL; sqlite:///var/phaselab.db is one") from None
    if url.get_backend_name() == "postgresql":
        return url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() != "sqlite":
        raise BadDatabaseUrl(f"no {url.get_backend_name()} here: use sqlite:///path or postgresql://...")
    if not url.database or url.database == ":memory:":
        raise BadDatabaseUrl("SQLite needs a file that processes can share: sqlite:///var/phaselab.db")
    return url.set(drivername="sqlite+pysqlite")


def _engine(url: URL, pool_size: int, max_overflow: int, pool_timeout: float) -> Engine:
    # Last in, first out: what few connections can do is done by few, and each has a cache of its own.
    sizes = {
        "pool_size": pool_size,
        "max_overflow": max_overflow,
        "pool_timeout": pool_timeout,
        "pool_use_lifo": True,
    }
    if url.get_backend_name() == "postgresql":
        given = {"connect_timeout": 5, "application_name": "phaselab"} | dict(url.query)
        return create_engine(url, pool_pre_ping=True, connect_args=given, **sizes)
    path = Path(str(url.database)).absolute()
    path.parent.mkdir(parents=True, exist_ok=True)
    refuse_network_files(path)
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS}, **sizes)
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver's own BEGIN comes late and is never IMMEDIATE
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA wal_autocheckpoint = 16000")  # pages; hot ones are written back less often
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA mmap_size = 1073741824")


def _begin_sqlite(connection: Connection) -> None:
    # A writer that starts as a reader cannot wait its turn: SQLite answers "locked" at once when another has written.
    writes = connection.get_execution_options().get("phaselab_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def _told_plainly() -> Iterator[None]:
    """Turns the driver's errors about a missing or busy database into DatabaseAway."""
    try:
        yield
    except PoolTimeout as error:
        raise DatabaseAway("every connection to the database is in use; try again") from error
    except DBAPIError as error:
        if error.connection_invalidated or _is_away(error.orig):
            raise DatabaseAway(f"the database cannot be reached: {_first_line(error.orig)}") from error
        raise
    except (psycopg.Error, sqlite3.Error) as error:  # from the driver itself, which `db.bulk` uses
        if _is_away(error):
            raise DatabaseAway(f"the database cannot be reached: {_first_line(error)}") from error
        raise


def _is_away(error: BaseException | None) -> bool:
    if isinstance(error, psycopg.Error):
        # No SQLSTATE: the connection itself failed. 08: connection, 53: out of resources, 57: shut down.
        code = str(error.sqlstate or "")
        return code[:2] in ("08", "53", "57") or (isinstance(error, psycopg.OperationalError) and not code)
    return any(told in str(error) for told in ("database is locked", "unable to open", "disk I/O error", "is full"))


def _first_line(error: BaseException | None) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
