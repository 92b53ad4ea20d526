"""Databases of every released schema go on where they were, under this code and under code that has grown."""

import os
import re
import shutil
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from phaselab.db.schema.upgrade import head_revision
from tests.db.old.going_on import goes_on
from tests.postgresql import PostgresServer

ROOT = Path(__file__).parents[2]
OLD = Path(__file__).parent / "old"
SCHEMAS = sorted({path.name.partition(".")[0] for path in OLD.glob("*.sql")})
PASSED = tuple(f"{number:04}" for number in range(11, 17))
"""Schemas that came and went between two states of the main branch: nobody has a database of one."""
SOME = [SCHEMAS[0], SCHEMAS[-1]]
ALIKE = ("0002", "0003", "0009")
"""Schemas whose migrations say nothing of their own to PostgreSQL, and are passed on the way from the one before."""
DEPTH = '    depth: Annotated[int, {entry}("depth")] = 2\n    """Weight layers."""\n'
MEASURE = '    Measure("invented", "i", 0, 1, "", "Made up.", ""),\n'

Restore = Callable[[str, str], str]


@pytest.fixture
def restore(tmp_path: Path, postgresql_server: PostgresServer) -> Iterator[Restore]:
    """Puts the dump of a schema into a database of its own; its URL."""
    made: list[str] = []

    def put(schema: str, backend: str) -> str:
        script = (OLD / f"{schema}.{backend}.sql").read_text()
        name = f"t{uuid.uuid4().hex}"
        if backend == "sqlite":
            connection = sqlite3.connect(tmp_path / name)
            connection.executescript(script)
            connection.close()
            return f"sqlite:///{tmp_path / name}"
        with psycopg.connect(postgresql_server.get_uri(), autocommit=True) as admin:
            admin.execute(f"CREATE DATABASE {name}".encode())
        made.append(name)
        with psycopg.connect(postgresql_server.get_uri(name), autocommit=True) as connected:
            connected.execute(script.encode())
        return postgresql_server.get_uri(name)

    yield put
    with psycopg.connect(postgresql_server.get_uri(), autocommit=True) as admin:
        for name in made:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def test_there_is_a_dump_of_every_schema_that_people_have() -> None:
    numbers = (f"{number:04}" for number in range(1, int(head_revision()) + 1))
    assert [number for number in numbers if number not in PASSED] == SCHEMAS


OLD_ONES = [
    (schema, backend)
    for schema in SCHEMAS
    for backend in ("sqlite", "postgresql")
    if backend == "sqlite" or schema not in ALIKE
]


@pytest.mark.parametrize(("schema", "backend"), OLD_ONES)
def test_an_old_database_goes_on(schema: str, backend: str, restore: Restore) -> None:
    goes_on(restore(schema, backend))


def grown(folder: Path, **changes: tuple[str, str]) -> Path:
    """A copy of the code in which the lines that match a pattern are followed by more, by the file's name."""
    ignored = shutil.ignore_patterns(".*", "var", "build", "__pycache__", "docs", "golden", "benchmarks")
    shutil.copytree(ROOT, folder, symlinks=True, ignore=ignored)
    for name, (pattern, more) in changes.items():
        (path,) = (folder / "domain").rglob(f"{name}.py")
        changed, times = re.subn(f"(?m)({pattern})", lambda found, more=more: found[1] + more, path.read_text())
        assert times == 1, f"{pattern} is not once in {path}"
        path.write_text(changed)
    return folder


NETWORK = r"^class Network\(Group\):\n    \"\"\"[^\"]*\"\"\"\n\n"
ENTRIES = r"^_ENTRIES = \(\n"


@pytest.mark.parametrize(
    ("how", "found", "schemas"),
    [
        ({"settings": (NETWORK, DEPTH.format(entry="Entry")), "measures": (ENTRIES, MEASURE)}, "found", SOME),
        ({"settings": (NETWORK, DEPTH.format(entry="_first"))}, "lost", ["0004"]),
        ({"settings": (NETWORK, DEPTH.format(entry="_first")), "runs": (r"^RECIPE = ", "4 + ")}, "found", ["0004"]),
    ],
    ids=["a parameter and a measure", "a parameter that older keys do not know", "such a one, and a new recipe"],
)
def test_an_old_database_goes_on_when_the_code_has_grown(
    how: dict[str, tuple[str, str]], found: str, schemas: list[str], restore: Restore, tmp_path: Path
) -> None:
    """A new parameter, as one entry, and a new measure, as one entry, in the very files; then the same tests."""
    copy = grown(tmp_path / "grown", **how)
    urls = [restore(schema, backend) for schema in schemas for backend in ("sqlite", "postgresql")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(copy / "src"), str(copy)])}
    command = [sys.executable, "-W", "ignore", "-P", "-m", "tests.db.old.going_on", found, *urls]
    done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
