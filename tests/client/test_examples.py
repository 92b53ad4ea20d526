"""The notebook of examples, run cell by cell against a server: it shows what it was written with."""

import copy
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from phaselab.db.queue.leases import take_stack
from phaselab.db.schema.database import Database
from phaselab.db.writing.landing import land
from tests import notebook
from tests.api.conftest import result_of, served_copy

WRITTEN: dict[str, Any] = json.loads(notebook.NOTEBOOK.read_text())


@pytest.fixture
def busy_url(migrated_sqlite: Path, tmp_path: Path) -> Iterator[str]:
    """The URL of a server without experiments, whose runs land as they are submitted, with made-up results."""
    with served_copy(migrated_sqlite, tmp_path) as (url, database), working(database):
        yield url


class working:  # noqa: N801 - a context manager
    """While a worker lands made-up results of whatever waits."""

    def __init__(self, database: Database) -> None:
        self._database, self._stop = database, threading.Event()
        self._thread = threading.Thread(target=self._work)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _work(self) -> None:
        number = 1
        while not self._stop.wait(0.02):
            with self._database.transaction() as session:
                leased = take_stack(session, number, lambda _: 50, "test", 60.0)
                if leased is not None:
                    land(session, [result_of(run) for run in leased.stack.runs])  # type: ignore[misc]


def kinds(of: dict[str, Any]) -> list[list[tuple[str, tuple[str, ...]]]]:
    """Of every cell the kinds of its outputs, and the forms of each."""
    cells = notebook.code_cells(of)
    return [[(one["output_type"], tuple(sorted(one.get("data", ())))) for one in cell["outputs"]] for cell in cells]


def test_the_notebook_runs_and_shows_what_it_was_written_with(busy_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHASELAB_URL", busy_url)
    monkeypatch.delenv("PHASELAB_TOKEN", raising=False)
    again = copy.deepcopy(WRITTEN)
    for cell in notebook.code_cells(again):
        cell["outputs"] = []
    notebook.run(again)["client"].close()
    assert kinds(again) == kinds(WRITTEN)
    assert [cell["execution_count"] for cell in notebook.code_cells(WRITTEN)] == [
        cell["execution_count"] for cell in notebook.code_cells(again)
    ]


def test_the_notebook_is_small_and_shows_real_numbers_and_pictures() -> None:
    text = notebook.NOTEBOOK.read_text()
    assert len(text) < 400_000
    assert {"image/png", "text/html"} <= {form for cell in kinds(WRITTEN) for _, forms in cell for form in forms}
    shown = "".join("".join(one.get("text", "")) for cell in notebook.code_cells(WRITTEN) for one in cell["outputs"])
    assert shown.count("holds: ") == 2
