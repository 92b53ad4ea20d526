"""The database: one engine, one way to write, one way to read."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from pathlib import Path
from typing import Any, Self

from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session as Session

from phaselab.db.schema.away import (
    DRIVER_ERRORS,
    DatabaseAway,
    DatabaseDamaged,
    first_line,
    is_about_stored,
    why_away,
)
from phaselab.db.schema.database_file import DatabaseFile
from phaselab.db.schema.joined import JOINED, Joined, joined
from phaselab.db.schema.network_files import refuse_network_files
from phaselab.domain.settings.faults import Damaged, OperatorFault

BUSY_SECONDS = 60
"""How long a writer waits for another one before it gives up."""
SEER = "seer"
"""By which a session knows who sees what it reads."""
WRITE_LOCK = 0x7068_6173  # "phas"
"""The PostgreSQL advisory lock that every writing transaction holds."""


class BadDatabaseUrl(OperatorFault):
    """The database URL cannot be used; the message says what would be right."""


class Database:
    """A database by its URL: `sqlite:///var/phaselab.db` or `postgresql://user:password@host/name`.

    A SQLite file that is not there is made, unless `creates` is false. Raises BadDatabaseUrl or NoDatabase. Connects
    only when it is used, so that a server that is away does no harm before that.
    """

    def __init__(
        self,
        url: str,
        pool_size: int = 5,
        max_overflow: int = 10,
        pool_timeout: float = 30.0,
        creates: bool = True,
    ) -> None:
        self.url = _parsed(url)
        self._file = _file(self.url, creates)
        self.engine = _engine(self.url, pool_size, max_overflow, pool_timeout)
        self._writer = self.engine.execution_options(phaselab_writes=True)
        self._glancing = self.engine if self.is_sqlite else self.engine.execution_options(isolation_level="AUTOCOMMIT")
        self._info: dict[str, object] = {}

    def seen_by(self, owner: str | None) -> Self:
        """The same database, as an owner sees it (`db.reading.sight`): without what is private to others. None sees
        everything, as the database by itself does."""
        seen = copy(self)
        seen._info = {SEER: owner}
        return seen

    @property
    def seer(self) -> str | None:
        """Who sees it; None for whoever sees everything."""
        seer = self._info.get(SEER)
        return seer if isinstance(seer, str) else None

    @property
    def is_sqlite(self) -> bool:
        """True for a file of one's own, False for a server."""
        return self.url.get_backend_name() == "sqlite"

    @contextmanager
    def transaction(self, alone: bool = True, part: bool = False) -> Iterator[Session]:
        """A transaction that writes: stored when the block ends, undone when it raises. One at a time in the whole
        database, so what it reads stays true until it ends. Raises DatabaseAway.

        `alone=False` is for what touches a single row of its own, such as the leader lock: on PostgreSQL it does not
        wait for the others. `part=True` is for a deed that is too long for one transaction: for all but its last. Both
        are stored by themselves also among those that are `joined`, unless what is joined has begun.
        """
        joint = joined(self.engine)
        if joint is None or (joint.session is None and (part or not alone)):
            with self._writing(alone) as session:
                yield session
        else:
            with joint.entered() as session, self._seen(session):
                yield session

    @contextmanager
    def joined(self, first: Callable[[Session], None]) -> Iterator[Joined]:
        """Makes the transactions that this thread opens in the block one, which is stored when the block ends. `first`
        is called when it begins, by the first of them, which raises what it raises."""
        joint = Joined(self.engine, self._writing, first)
        token = JOINED.set(joint)
        try:
            with joint:
                yield joint
        finally:
            JOINED.reset(token)

    @contextmanager
    def _seen(self, session: Session) -> Iterator[None]:
        """While a session that was begun by another view of this database reads for whoever sees this one."""
        before = session.info.get(SEER)
        session.info[SEER] = self.seer
        try:
            yield
        finally:
            session.info[SEER] = before

    @contextmanager
    def _writing(self, alone: bool = True) -> Iterator[Session]:
        with self._told_plainly(), Session(self._writer, info=self._info) as session:
            if alone and not self.is_sqlite:
                session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": WRITE_LOCK})
            yield session
            session.commit()
            self._insist_on_file()  # what went into a file that is not there any more is not acknowledged

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A transaction that only reads and sees one moment of the database throughout. Raises DatabaseAway."""
        joint = joined(self.engine)
        if joint is not None and joint.session is not None:
            with self._seen(joint.session):
                yield joint.session  # which sees what is not stored yet
            return
        with self._told_plainly(), Session(self.engine, info=self._info) as session:
            if not self.is_sqlite:
                session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
            yield session

    @contextmanager
    def glance(self) -> Iterator[Session]:
        """For one statement that reads, without the cost of a transaction around it. Raises DatabaseAway."""
        with self._told_plainly(), Session(self._glancing, info=self._info) as session:
            yield session

    @contextmanager
    def driver(self) -> Iterator[Any]:
        """The driver's own connection, outside of any transaction, for what drivers do best. Raises DatabaseAway."""
        with self._told_plainly():
            connection = self.engine.raw_connection()
            try:
                yield connection.driver_connection
            finally:
                connection.close()

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()

    @contextmanager
    def _told_plainly(self) -> Iterator[None]:
        self._insist_on_file()
        with _told_plainly():
            yield

    def _insist_on_file(self) -> None:
        if self._file is not None:
            self._file.insist()


def _parsed(text_url: str) -> URL:
    try:
        url = make_url(text_url)
    except (ArgumentError, ValueError):  # the latter for a port or an IPv6 address that is none
        raise BadDatabaseUrl("the database URL is not a URL; sqlite:///var/phaselab.db is one") from None
    if url.get_backend_name() == "postgresql":
        return url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() != "sqlite":
        raise BadDatabaseUrl(f"no {url.get_backend_name()} here: use sqlite:///path or postgresql://...")
    if not url.database or url.database == ":memory:":
        raise BadDatabaseUrl("SQLite needs a file that processes can share: sqlite:///var/phaselab.db")
    return url.set(drivername="sqlite+pysqlite")


def _file(url: URL, creates: bool) -> DatabaseFile | None:
    """The file of a SQLite database. Raises NetworkFileSystem or NoDatabase."""
    if url.get_backend_name() != "sqlite":
        return None
    path = Path(str(url.database)).absolute()
    refuse_network_files(path)
    return DatabaseFile(path, creates)


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
    """Turns the driver's errors about a missing, busy, read-only or damaged database, and what cannot be read of it,
    into DatabaseAway."""
    try:
        yield
    except Damaged as damage:
        raise DatabaseDamaged(str(damage)) from damage
    except ValueError as error:
        if not is_about_stored(error):
            raise
        told = f"a stored value is damaged ({error}): run `phaselab db check`, and restore the last backup"
        raise DatabaseDamaged(told) from error
    except PoolTimeout as error:
        raise DatabaseAway("every connection to the database is in use; try again") from error
    except DBAPIError as error:
        away = why_away(error.orig)
        if away is None and error.connection_invalidated:
            away = DatabaseAway(f"the database cannot be reached: {first_line(error.orig)}")
        if away is None:
            raise
        raise away from error
    except DRIVER_ERRORS as error:  # from the driver itself, which `db.bulk` uses
        away = why_away(error)
        if away is None:
            raise
        raise away from error
