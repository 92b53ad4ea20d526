"""Databases for tests: both kinds, made by the migrations, fresh for every test."""

import shutil
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from phaselab.db.schema.database import Database
from phaselab.db.schema.upgrade import upgrade
from phaselab.db.writing.audit import ACTOR, NOBODY
from tests.postgresql import PostgresServer, running_postgresql

BACKENDS = ("sqlite", "postgresql")


@pytest.fixture(autouse=True)
def _nobody_acts() -> None:
    """A command that a test has run in this process acts no longer: a process of its own would have ended."""
    ACTOR.set(NOBODY)


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file that the migrations have made; to be copied, never opened."""
    path = tmp_path_factory.mktemp("sqlite") / "migrated.db"
    database = Database(f"sqlite:///{path}")
    upgrade(database)
    database.close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return path


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgresServer]:
    """A real PostgreSQL server with a database `migrated` that the migrations have made; to be copied."""
    with running_postgresql() as server:
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute("CREATE DATABASE migrated")
        database = Database(server.get_uri("migrated"))
        upgrade(database)
        database.close()
        yield server


@pytest.fixture
def sqlite_url(migrated_sqlite: Path, tmp_path: Path) -> str:
    """A fresh SQLite database with the schema."""
    path = tmp_path / "phaselab.db"
    shutil.copy(migrated_sqlite, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgresql_url(postgresql_server: PostgresServer) -> Iterator[str]:
    """A fresh PostgreSQL database with the schema."""
    with fresh_postgresql(postgresql_server) as url:
        yield url


@contextmanager
def fresh_postgresql(server: PostgresServer, template: str = "migrated") -> Iterator[str]:
    """The URL of a PostgreSQL database with the schema (of an empty one by `template0`), there until the block ends."""
    name = f"t{uuid.uuid4().hex}"
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
        yield server.get_uri(name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture(params=BACKENDS)
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of a fresh database with the schema: SQLite, then PostgreSQL."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A fresh database with the schema: SQLite, then PostgreSQL."""
    opened = Database(database_url)
    yield opened
    opened.close()


@pytest.fixture
def sqlite_database(sqlite_url: str) -> Iterator[Database]:
    """A fresh SQLite database with the schema."""
    opened = Database(sqlite_url)
    yield opened
    opened.close()
