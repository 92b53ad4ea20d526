"""Runs over HTTP: pages, whole tables, one run with its cosines and curves."""

import csv
import io
from typing import Any

import httpx
import pyarrow.parquet as pq
import pytest

from phaselab.domain.results.measures import MEASURES


def every_run(read: httpx.Client, limit: int = 1000, **more: Any) -> list[dict[str, Any]]:
    items, cursor = [], {}
    while True:
        page = read.get("/experiments/1/runs", params={"limit": limit} | cursor | more).json()
        assert len(page["items"]) <= limit
        items += page["items"]
        if page["next"] is None:
            return items
        cursor = {"cursor": page["next"]}


@pytest.fixture(scope="module")
def done(read: httpx.Client) -> dict[str, Any]:
    """A finished run of a binary network, as the list shows it."""
    return next(run for run in every_run(read) if run["values"]["network.labels"] == "binary")


def test_pages_hold_every_run_once(read: httpx.Client) -> None:
    runs = every_run(read, limit=5)
    assert len({run["key"] for run in runs}) == len(runs) == 24
    assert runs == every_run(read)
    assert [run["state"] for run in runs].count("failed") == 1
    failed = next(run for run in runs if run["state"] == "failed")
    assert "diverged" in failed["reason"]
    assert failed["trust"] is None


def test_conditions_filter_runs(read: httpx.Client) -> None:
    runs = every_run(read, where=["data.k=6", "network.labels=binary"])
    assert {(run["values"]["data.k"], run["values"]["network.labels"]) for run in runs} == {(6, "binary")}
    assert len(runs) == 3
    asked = {"where": ["state!=failed", "averaging_index>0.4", "data.k!=4"], "order": ["-seed", "phase"], "limit": 4}
    first = read.get("/experiments/1/runs", params=asked).json()
    assert (first["total"], len(first["items"])) == (11, 4)
    assert [run["seed"] for run in first["items"]] == [2, 2, 2, 1]
    rows = list(csv.DictReader(io.StringIO(read.get("/experiments/1/runs.csv", params=asked | {"limit": []}).text)))
    assert [row["key"] for row in rows] == [run["key"] for run in every_run(read, **asked)]
    assert len(rows) == 11
    assert read.get("/experiments/1/runs", params={"cursor": first["next"]}).status_code == 422
    for wrong, pointer in (({"where": "colour=red"}, "/where/0"), ({"order": ["seed", "red"]}, "/order/1")):
        refused = read.get("/experiments/1/runs", params=wrong)
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, pointer)


def test_runs_are_found_by_the_beginning_of_their_key(read: httpx.Client, done: dict[str, Any]) -> None:
    begin = done["key"][:10]
    assert read.get(f"/runs/{begin}").json()["key"] == done["key"]
    assert read.get(f"/runs/{begin}/cosines").json()["key"] == done["key"]
    assert read.get(f"/runs/{begin}/curves.svg").status_code == read.get(f"/runs/{begin}.csv").status_code == 200
    assert read.get(f"/runs/{done['key'][:5]}").status_code == 404


def test_tables_hold_every_run(read: httpx.Client) -> None:
    runs = every_run(read)
    answer = read.get("/experiments/1/runs.csv")
    assert "attachment" in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    table = pq.read_table(io.BytesIO(read.get("/experiments/1/runs.parquet").content)).to_pylist()
    assert [row["key"] for row in rows] == [row["key"] for row in table] == [run["key"] for run in runs]
    for run, row, cell in zip(runs, rows, table, strict=True):
        assert cell["network.labels"] == str(run["values"]["network.labels"])
        assert cell["data.k"] == run["values"]["data.k"]
        assert cell["phase"] == run["phase"]
        for name in MEASURES:
            assert cell[name] == run["measures"][name]
            assert row[name] == ("" if run["measures"][name] is None else str(run["measures"][name]))
    assert read.get("/experiments/1/runs.csv", params={"limit": 3}).status_code == 422
    assert read.get("/experiments/9/runs.csv").status_code == 404


def test_one_run_is_whole(read: httpx.Client, done: dict[str, Any]) -> None:
    run = read.get(f"/runs/{done['key']}").json()
    assert run["settings"]["network"]["labels"] == "binary"
    assert run["settings"]["network"]["width"] == done["values"]["data.k"] // 2
    assert run["measures"] == done["measures"]
    assert run["phase"] == "feature_averaging"
    assert len(run["cosines"]) == done["values"]["data.k"]
    assert {(curve["readout"], curve["method"]) for curve in run["curves"]} >= {("sum", "pgd"), ("max", "exact")}
    for curve in run["curves"]:
        assert len(curve["radii"]) == len(curve["accuracy"]) == 4
        upper = curve["accuracy_upper"]
        assert (upper is None) == (curve["method"] != "exact")
        assert all(low <= high for low, high in zip(curve["accuracy"], upper or curve["accuracy"], strict=True))
    assert run["trust"]["verdict"] in ("ok", "suspect")
    assert run["provenance"]["engine"] == "gram"
    assert run["experiments"] == [1]
    assert read.get(f"/runs/{done['key']}.json").json() == run


def test_a_run_as_a_table_is_its_curves(read: httpx.Client, done: dict[str, Any]) -> None:
    run = read.get(f"/runs/{done['key']}").json()
    rows = list(csv.DictReader(io.StringIO(read.get(f"/runs/{done['key']}.csv").text)))
    expected = [
        (curve["readout"], curve["method"], radius, accuracy)
        for curve in run["curves"]
        for radius, accuracy in zip(curve["radii"], curve["accuracy"], strict=True)
    ]
    got = [(row["readout"], row["method"], float(row["radius"]), float(row["accuracy"])) for row in rows]
    assert got == expected
    upper = [curve["accuracy_upper"] or [None] * 4 for curve in run["curves"]]
    assert [row["accuracy_upper"] for row in rows] == [
        "" if one is None else str(one) for line in upper for one in line
    ]


def test_cosines_in_every_form(read: httpx.Client, done: dict[str, Any]) -> None:
    address = f"/runs/{done['key']}/cosines"
    matrix = read.get(address).json()["cosines"]
    rows = list(csv.DictReader(io.StringIO(read.get(f"{address}.csv").text)))
    assert [float(row["cosine"]) for row in rows] == pytest.approx([value for line in matrix for value in line])
    picture = read.get(f"{address}.png")
    assert picture.content.startswith(b"\x89PNG")
    again = read.get(f"{address}.png", headers={"If-None-Match": picture.headers["ETag"]})
    assert again.status_code == 304
    assert read.get(f"/runs/{done['key']}/curves.svg").status_code == 200


def test_what_has_no_result_says_so(read: httpx.Client) -> None:
    waiting = read.get("/experiments/2/runs", params={"limit": 1}).json()["items"][0]
    run = read.get(f"/runs/{waiting['key']}").json()
    assert (run["state"], run["curves"], run["cosines"]) == ("queued", None, None)
    answer = read.get(f"/runs/{waiting['key']}/cosines.png")
    assert answer.status_code == 404
    assert "queued" in answer.json()["detail"]
    assert read.get("/runs/" + "0" * 64).status_code == 404
