"""A real server over a real SQLite database, filled through db.landing with made-up results."""

import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from phaselab.api.app import create_app
from phaselab.db.queue.leases import take_stack
from phaselab.db.schema.database import Database
from phaselab.db.writing.create import create_experiment
from phaselab.db.writing.landing import land
from phaselab.domain.settings.runs import Run
from phaselab.domain.specs.points import plan
from phaselab.domain.specs.spec import parse_spec
from phaselab.service.base.configuration import Configuration
from tests.api.described import judge
from tests.results import failure, made_up

SPEC = {
    "name": "labels against clusters",
    "data": {"d": 64, "n": 20},
    "attack": {"radii": [0, 2, 4, 6], "test_points": 10},
    "sweep": {"data.k": [4, 6, 8], "network.labels": ["binary", 4, "clusters"]},
    "seeds": 3,
    "claims": [
        {
            "text": "two labels average",
            "source": "<here>",
            "measure": "averaging_index",
            "where": ["network.labels=binary"],
            "expect": {"above": 0.9},
        },
        {
            "text": "four labels do so by halves",
            "source": "nowhere",
            "measure": "averaging_index",
            "where": ["network.labels=4", "data.k=8"],
            "expect": {"above": 0.5},
        },
    ],
}
"""Experiment 1 of a filled database: finished, with one failed run. Experiment 2 is queued, and has no result."""
NEW_SPEC = SPEC | {"name": "new", "data": {"d": 70, "n": 20}, "claims": []}
"""A spec that is not in a filled database."""


def result_of(run: Run) -> object:
    """Averaging for binary labels, learning for one label a cluster, in between mixed; one run fails."""
    labels = run.settings.network.labels
    if labels == 4 and run.settings.data.k == 8 and run.seed == 2:
        return failure(run)
    index = 0.97 if labels == "binary" else 0.03 if labels == run.settings.data.k else 0.5
    return made_up(run, test_accuracy=1.0, start_share=0.0, noise_share=0.1, averaging_index=index + run.seed / 1000)


def fill(database: Database) -> None:
    with database.transaction() as session:
        first = create_experiment(session, plan(parse_spec(SPEC)), "local")
    while True:
        with database.transaction() as session:
            leased = take_stack(session, first, lambda _: 10, "test", 60.0)
            if leased is None:
                break
            land(session, [result_of(run) for run in leased.stack.runs])  # type: ignore[misc]
    with database.transaction() as session:
        waiting = SPEC | {"name": "waiting", "data": {"d": 65, "n": 20}}
        create_experiment(session, plan(parse_spec(waiting)), "local")


@pytest.fixture(scope="session")
def filled_sqlite(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with two experiments; to be copied, never opened."""
    path = tmp_path_factory.mktemp("filled") / "filled.db"
    shutil.copy(migrated_sqlite, path)
    database = Database(f"sqlite:///{path}")
    fill(database)
    database.close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return path


@contextmanager
def serving(
    configuration: Configuration, database: Database, app: FastAPI | None = None, **options: Any
) -> Iterator[str]:
    """The URL of a real server in a thread of this process."""
    config = uvicorn.Config(
        app or create_app(configuration, database),
        port=0,
        log_level="error",
        timeout_graceful_shutdown=1,
        lifespan="off",
        **options,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        threading.Event().wait(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=60)
        assert not thread.is_alive()


@contextmanager
def served_copy(filled: Path, folder: Path) -> Iterator[tuple[str, Database]]:
    """(URL, database) of a server over a copy of a filled database."""
    path = folder / "phaselab.db"
    shutil.copy(filled, path)
    configuration = Configuration(database_url=f"sqlite:///{path}", max_runs=100_000)
    database = Database(configuration.database_url)
    with serving(configuration, database) as url:
        yield url, database
    database.close()


@pytest.fixture(scope="session")
def filled_url(filled_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a server that tests only read from."""
    with served_copy(filled_sqlite, tmp_path_factory.mktemp("read")) as (url, _):
        yield url


@pytest.fixture(scope="session")
def read(filled_url: str) -> Iterator[httpx.Client]:
    """A client of the server that tests only read from; it fails for an answer that is not as described."""
    with httpx.Client(base_url=f"{filled_url}/api/v1", event_hooks={"response": [judge(filled_url)]}) as client:
        yield client


@pytest.fixture
def own_server(filled_sqlite: Path, tmp_path: Path) -> Iterator[tuple[str, Database]]:
    """(URL, database) of a server of the test's own."""
    with served_copy(filled_sqlite, tmp_path) as served:
        yield served


@pytest.fixture
def http(own_server: tuple[str, Database]) -> Iterator[httpx.Client]:
    """A client of a server of the test's own; it fails for an answer that is not as described."""
    hooks = {"response": [judge(own_server[0])]}
    with httpx.Client(base_url=f"{own_server[0]}/api/v1", timeout=30, event_hooks=hooks) as client:
        yield client
