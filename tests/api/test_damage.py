"""A row that cannot be read fails alone: a 503 that says which, and the others are answered as ever."""

import httpx
import pytest
from sqlalchemy import text

from phaselab.db.queue.leases import take_stack
from phaselab.db.schema.database import Database
from phaselab.db.writing.landing import land
from tests.api.conftest import result_of
from tests.api.test_errors import assert_problem

DIAGRAM = {"experiment": 1, "x": "data.k", "y": "network.labels", "measure": "averaging_index"}
CURVES = "/curves?experiment=1&by=network.labels"


def run_keys(database: Database) -> list[str]:
    """Keys of the runs that are done, in order of submission; the first one is of data.k=4."""
    with database.reading() as session:
        return list(session.execute(text("SELECT key FROM runs WHERE state = 'done' ORDER BY id")).scalars())


def change(database: Database, statement: str, **values: object) -> None:
    with database.transaction() as session:
        assert session.execute(text(statement), values).rowcount == 1  # type: ignore[attr-defined]


@pytest.mark.parametrize("content", [b"", b"x", b"\x78\x9c", b"\xff" * 100, bytes(4000)])
def test_damaged_arrays_are_told_where_they_are_asked_for(
    http: httpx.Client, own_server: tuple[str, Database], content: bytes
) -> None:
    database = own_server[1]
    first, *others = run_keys(database)
    where = "run_id = (SELECT id FROM runs WHERE key = :key)"
    change(database, f"UPDATE run_arrays SET content = :content WHERE {where}", content=content, key=first)
    for path in (f"/runs/{first}", f"/runs/{first}/cosines", f"/runs/{first}/curves.svg", f"{CURVES}&where=data.k=4"):
        detail = assert_problem(http.get(path), 503)["detail"]
        assert f"the curves and cosines of run {first} are damaged" in detail, path
        assert "restore the last backup" in detail
    for path in (f"/runs/{others[0]}", f"{CURVES}&where=data.k=6", "/experiments/1/runs", "/experiments/1/runs.csv"):
        assert http.get(path).status_code == 200, path
    assert http.get("/diagrams", params=DIAGRAM).status_code == 200
    file = http.get("/experiments/1/portable").content
    http.delete("/experiments/1").raise_for_status()
    kind = {"Content-Type": "application/gzip"}
    merged = http.post("/experiments/import", content=file, headers=kind).json()
    assert merged["new"] == len(others), "the file has all others"


@pytest.mark.parametrize("content", [b"", b"x" * 12, bytes(8)])
def test_a_damaged_summary_is_made_anew_from_runs(
    http: httpx.Client, own_server: tuple[str, Database], content: bytes
) -> None:
    database = own_server[1]
    before = [http.get("/diagrams", params=DIAGRAM | {"experiment": number}).json() for number in (1, 2)]
    for number in (1, 2):
        place = f"experiment_id = {number} AND position = 0"
        change(database, f"UPDATE points SET summary = :content WHERE {place}", content=content)
    assert [http.get("/diagrams", params=DIAGRAM | {"experiment": number}).json() for number in (1, 2)] == before
    with database.transaction() as session:
        while (taken := take_stack(session, 2, lambda _: 10, "test", 60.0)) is not None:
            land(session, [result_of(run) for run in taken.stack.runs])  # type: ignore[misc]
    landed = http.get("/diagrams", params=DIAGRAM | {"experiment": 2}).json()
    assert landed["runs"] == before[0]["runs"]
    with database.reading() as session:
        stored = session.execute(text("SELECT summary FROM points WHERE experiment_id = 2 AND position = 0")).scalar()
    assert stored != content, "landing has mended it"


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("settings", "canonical", "{"),
        ("settings", "canonical", "[]"),
        ("settings", "canonical", "{}"),
        ("runs", "flags", "{"),
        ("runs", "landed_at", "yesterday"),
        ("runs", "reason", b"\xff"),  # no UTF-8
        ("experiments", "spec", "{"),
        ("experiments", "created_at", "yesterday"),
        ("points", "axis_values", "{"),
    ],
)
def test_a_damaged_value_is_told_and_no_error_of_the_server(
    http: httpx.Client, own_server: tuple[str, Database], table: str, column: str, value: object
) -> None:
    database = own_server[1]
    first, *others = run_keys(database)
    here = {"settings": f"id = (SELECT settings_id FROM runs WHERE key = '{first}')", "runs": f"key = '{first}'"}
    where = here.get(table, "id = 1" if table == "experiments" else "experiment_id = 1 AND position = 0")
    change(database, f"UPDATE {table} SET {column} = CAST(:value AS TEXT) WHERE {where}", value=value)
    told = 0
    for path in (f"/runs/{first}", "/experiments/1", "/experiments/1/runs", f"{CURVES}&where=data.k=4", "/experiments"):
        answer = http.get(path)
        assert answer.status_code in (200, 503), (path, answer.text)
        told += answer.status_code == 503 and "damaged" in answer.json()["detail"]
    assert told
    for path in (f"/runs/{others[-1]}", "/experiments/2", "/health", "/ready"):
        assert http.get(path).status_code == 200, path
