"""Where the service of `load` keeps what it knows: a file, or a server that can be killed."""

import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from phaselab.service.processes import processes
from tests.postgresql import PostgresServer, get_server


class Store(Protocol):
    """Where the service keeps what it knows."""

    name: str
    url: str

    def kill(self) -> None:
        """End it as if the machine had failed."""

    def start_again(self) -> None:
        """After that."""


class SqliteStore:
    """A file, which has nothing to be killed."""

    name = "SQLite"

    def __init__(self, folder: Path) -> None:
        self.url = f"sqlite:///{folder}/phaselab.db"

    def kill(self) -> None:
        """Nothing runs."""

    def start_again(self) -> None:
        """Nothing has ended."""


class PostgresqlStore:
    """A server with the settings that it comes with, so that what it has acknowledged is on disk."""

    name = "PostgreSQL"

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        self.url = str(server.get_uri())

    def kill(self) -> None:
        """The server and everything under it."""
        pid = self._server.get_pid()
        assert pid is not None
        kill_all(pid)

    def start_again(self) -> None:
        """On the same files."""
        self._server.ensure_postgres_running()


@contextmanager
def postgresql() -> Iterator[Store]:
    """A server of its own, stopped and removed at the end."""
    with tempfile.TemporaryDirectory(prefix="phaselab-load-") as folder:
        server = get_server(Path(folder) / "data", cleanup_mode="stop")
        try:
            yield PostgresqlStore(server)
        finally:
            server.cleanup()


@contextmanager
def sqlite() -> Iterator[Store]:
    """A file of its own, removed at the end."""
    with tempfile.TemporaryDirectory(prefix="phaselab-load-") as folder:
        yield SqliteStore(Path(folder))


def kill_all(pid: int) -> None:
    """End a process and everything under it with signal 9, at once."""
    everything = [pid, *processes.descendants(pid)]
    for one in everything:
        try:
            os.kill(one, signal.SIGKILL)
        except ProcessLookupError:
            continue
