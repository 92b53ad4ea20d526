"""A backup is made to be restored: both kinds of database, copied while results land, counted row by row, gone on
with."""

import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from phaselab.db.care.check import check
from phaselab.db.care.maintenance import backup
from phaselab.db.queue import leases
from phaselab.db.reading.experiments import get_experiment
from phaselab.db.schema.database import Database
from phaselab.db.schema.tables import metadata
from phaselab.domain.results.states import ExperimentStatus, RunState
from tests.conftest import fresh_postgresql
from tests.db.rows import finish, land, store, take
from tests.postgresql import PROGRAMS, PostgresServer
from tests.results import made_up

SEEDS, STACK = 20, 5

Restore = Callable[[Path], AbstractContextManager[str]]


@contextmanager
def restore_file(backup: Path) -> Iterator[str]:
    """Put a SQLite file in its place."""
    shutil.copy(backup, backup.with_suffix(".db"))
    yield f"sqlite:///{backup.with_suffix('.db')}"


def restore_dump(server: PostgresServer) -> Restore:
    """Read a dump into an empty database."""

    @contextmanager
    def restored(backup: Path) -> Iterator[str]:
        with fresh_postgresql(server, template="template0") as url:
            run("pg_restore", "--exit-on-error", f"--dbname={url}", str(backup))
            yield url

    return restored


def run(program: str, *arguments: str) -> None:
    subprocess.run([PROGRAMS / program, *arguments], check=True)


def rows(database: Database) -> dict[str, dict[Any, Any]]:
    """Every table's rows, by primary key."""
    with database.reading() as session:
        return {
            table.name: {
                tuple(row[column.name] for column in table.primary_key): dict(row)
                for row in session.execute(select(table)).mappings()
            }
            for table in metadata.sorted_tables
        }


def backed_up_half_way(database: Database, experiment: int, back_up: Callable[[], None]) -> None:
    """Land all results of an experiment, and back up while they land."""
    some, all_of_them = threading.Event(), threading.Event()

    def work() -> None:
        while stack := take(database, experiment, STACK):
            land(database, [made_up(run) for run in stack])
            some.set()
        all_of_them.set()

    worker = threading.Thread(target=work)
    worker.start()
    assert some.wait(60)
    back_up()
    early = not all_of_them.is_set()
    worker.join()
    assert early, "the backup has to end before the results do: give it more of them"


def goes_on(copy: Database, experiment: int) -> None:
    """As after a start of the scheduler: what was handed out is queued again, and computed."""
    with copy.transaction() as session:
        leases.release(session)
    finish(copy, experiment)
    with copy.reading() as session:
        row = get_experiment(session, experiment)
    assert row
    assert row.status is ExperimentStatus.FINISHED


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_what_was_backed_up_while_results_landed_is_whole_and_goes_on(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    url: str = request.getfixturevalue(f"{kind}_url")
    restore: Restore = restore_file
    if kind == "postgresql":
        restore = restore_dump(request.getfixturevalue("postgresql_server"))
    file = tmp_path / "backup"
    with closing(Database(url)) as database:
        experiment = store(database, seeds=SEEDS)
        if kind == "sqlite":
            backed_up_half_way(database, experiment, lambda: backup(database, file))
        else:
            dump = ("--format=custom", f"--file={file}", url)
            backed_up_half_way(database, experiment, lambda: run("pg_dump", *dump))
        source = rows(database)
    with restore(file) as restored, closing(Database(restored)) as copy:
        found = rows(copy)
        assert {name: len(of) for name, of in found.items()} == {name: len(of) for name, of in source.items()} | {
            "run_arrays": len(found["run_arrays"])  # which results bring
        }
        done = {key: row for key, row in found["runs"].items() if row["state"] == RunState.DONE}
        assert 0 < len(done) == len(found["run_arrays"]) < len(source["runs"])
        assert done == {key: source["runs"][key] for key in done}
        assert found["run_arrays"] == {key: source["run_arrays"][key] for key in found["run_arrays"]}
        with copy.reading() as session:
            assert list(check(session)) == []
        goes_on(copy, experiment)
        assert rows(copy)["run_arrays"].keys() == source["run_arrays"].keys()
