"""Experiments as files over HTTP: out of one server, into another."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from phaselab.api.routes.portable import MEDIA_TYPE
from phaselab.db.schema.database import Database
from phaselab.service.base.configuration import Configuration
from tests.api.conftest import serving

KIND = {"Content-Type": MEDIA_TYPE}


@pytest.fixture
def elsewhere(sqlite_url: str) -> Iterator[httpx.Client]:
    """A client of another lab's server, whose database is empty."""
    database = Database(sqlite_url)
    with (
        serving(Configuration(database_url=sqlite_url, max_import_bytes=100_000), database) as url,
        httpx.Client(base_url=f"{url}/api/v1", timeout=30) as client,
    ):
        yield client
    database.close()


@pytest.fixture
def file(read: httpx.Client) -> bytes:
    answer = read.get("/experiments/1/portable")
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert answer.headers["content-disposition"] == 'attachment; filename="experiment-1.phaselab"'
    return answer.raise_for_status().content


def test_a_file_moves_an_experiment_and_moving_it_twice_changes_nothing(
    read: httpx.Client, elsewhere: httpx.Client, file: bytes
) -> None:
    first = elsewhere.post("/experiments/import", content=file, headers=KIND)
    assert first.status_code == 201, first.text
    assert first.headers["location"] == "/api/v1/experiments/1"
    assert first.json() == {"experiment": 1, "created": True, "new": 23, "known": 0, "conflicts": [], "trusted": True}
    moved = elsewhere.get("/experiments/1").json()
    assert (moved["status"], moved["counts"]["done"], moved["counts"]["queued"]) == ("paused", 23, 1)
    query = {"experiment": 1, "x": "data.k", "y": "network.labels", "measure": "averaging_index"}
    here, there = (client.get("/diagrams", params=query).json() for client in (read, elsewhere))
    here, there = ({name: one[name] for name in one if name not in ("revision", "failed")} for one in (here, there))
    assert here == there
    again = elsewhere.post("/experiments/import", content=file, headers=KIND)
    assert (again.status_code, again.json()["new"], again.json()["known"]) == (200, 0, 23)
    assert elsewhere.get("/experiments/1").json()["revision"] == moved["revision"]


def test_a_conflict_is_told_and_overwrites_nothing(elsewhere: httpx.Client, file: bytes) -> None:
    elsewhere.post("/experiments/import", content=file, headers=KIND).raise_for_status()
    lines = [json.loads(line) for line in gzip.decompress(file).splitlines()]
    key, before = lines[1]["key"], lines[1]["measures"]["train_loss"]
    lines[1]["measures"]["train_loss"] = before + 1
    changed = gzip.compress(b"\n".join(json.dumps(line).encode() for line in lines))
    answer = elsewhere.post("/experiments/import", content=changed, headers=KIND)
    assert answer.json()["conflicts"] == [key]
    assert elsewhere.get(f"/runs/{key}").json()["measures"]["train_loss"] == before


def test_what_is_no_file_of_an_experiment_is_refused(elsewhere: httpx.Client, file: bytes) -> None:
    line = gzip.decompress(file).splitlines()
    twice = gzip.compress(b"\n".join([*line[:2], line[1]]))
    for content in (b"", b"nonsense", file[:-40], twice):
        answer = elsewhere.post("/experiments/import", content=content, headers=KIND)
        assert answer.status_code == 422
        assert answer.headers["content-type"] == "application/problem+json"
    other = elsewhere.post("/experiments/import", content=file, headers={"Content-Type": "text/plain"})
    assert other.status_code == 415
    large = elsewhere.post("/experiments/import", content=bytes(100_001), headers=KIND)
    assert large.status_code == 413
    assert "PHASELAB_MAX_IMPORT_BYTES" in large.json()["detail"]


def test_there_is_no_file_of_no_experiment(read: httpx.Client) -> None:
    assert read.get("/experiments/99/portable").status_code == 404


def test_the_file_of_a_waiting_experiment_holds_its_spec(read: httpx.Client) -> None:
    (head,) = gzip.decompress(read.get("/experiments/2/portable").content).splitlines()
    assert json.loads(head)["name"] == "waiting"


def test_no_file_is_left_behind(
    elsewhere: httpx.Client, file: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    elsewhere.post("/experiments/import", content=file, headers=KIND).raise_for_status()
    assert list(folder.iterdir()) == []
