"""Database files of every released schema, and of an older recipe, are upgraded and go on where they were."""

import sqlite3
from pathlib import Path

import pytest

from phaselab.db.care.check import check
from phaselab.db.queue import leases
from phaselab.db.reading.experiments import list_experiments
from phaselab.db.schema.upgrade import current_revision, head_revision
from phaselab.domain.answers.diagram import DiagramQuery
from phaselab.service.base.configuration import Configuration
from phaselab.service.base.storage import open_database
from phaselab.service.verbs import diagrams
from tests.db.rows import finish

OLD = sorted((Path(__file__).parent / "old").glob("*.sql"))


@pytest.mark.parametrize("dump", OLD, ids=lambda path: path.stem)
def test_an_old_file_is_upgraded_and_goes_on(dump: Path, tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    connection = sqlite3.connect(path)
    connection.executescript(dump.read_text())
    connection.close()
    database = open_database(Configuration(database_url=f"sqlite:///{path}"))
    assert current_revision(database) == head_revision()
    with database.transaction() as session:
        assert check(session) == []
        assert leases.release(session) == 1
        newest, oldest = list_experiments(session)[0]
    assert [(row.name, row.status, row.failed) for row in (oldest, newest)] == [
        ("finished", "finished", 0),
        ("half way", "running", 1),
    ]
    found = diagrams.diagram(database, DiagramQuery((oldest.id,), "data.k", "network.init_scale", "averaging_index"))
    assert {cell.n for line in found.cells for cell in line} == {2}
    assert len(finish(database, newest.id)) == 5
    database.close()
