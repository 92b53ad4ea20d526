"""Lines over HTTP: a measure against one axis, as JSON, tables and pictures."""

import csv
import io

import httpx
import pyarrow.parquet as pq
import pytest

from phaselab.api.pictures.lines import alone, silence
from phaselab.domain.answers.diagram_fields import CELL
from phaselab.domain.answers.theory_lines import TheoryLine

QUERY = {"experiment": "1", "x": "data.k", "measure": "averaging_index"}
BY_LABELS = QUERY | {"by": "network.labels"}
PLANE = QUERY | {"y": "network.labels"}


def test_lines_are_the_rows_of_a_diagram(read: httpx.Client) -> None:
    lines = read.get("/lines", params=BY_LABELS).json()
    diagram = read.get("/diagrams", params=PLANE).json()
    assert lines["x"] == diagram["x"]
    assert [line["group"] for line in lines["lines"]] == [{"network.labels": one} for one in ("binary", 4, "clusters")]
    for row, line in enumerate(lines["lines"]):
        for name in CELL.names:
            assert line[name] == diagram[name][row], name
    assert lines["revision"] == diagram["revision"]


def test_one_line_of_all_that_meets_the_conditions(read: httpx.Client) -> None:
    found = read.get("/lines", params=QUERY | {"where": "network.labels=binary"}).json()
    (line,) = found["lines"]
    assert (line["group"], line["n"]) == ({}, [3, 3, 3])
    assert line["mean"][0] == pytest.approx(0.971)
    assert line["ci_low"][0] < 0.971 < line["ci_high"][0]


def test_theory_says_why_it_is_silent_and_has_nothing_of_other_measures(read: httpx.Client) -> None:
    binary = {"where": "network.labels=binary"}
    found = {
        measure: read.get("/lines", params=QUERY | binary | {"measure": measure}).json()["lines"][0]["theory"]
        for measure in ("averaging_index", "robust_radius_max", "robust_radius_max_relative", "train_loss")
    }
    assert found.pop("train_loss") is None
    for theory in found.values():
        assert theory["values"] == [None] * 3
        assert "theory holds from" in theory["reason"], "of five points a cluster it does not speak"


def test_csv_and_parquet_hold_the_same_values(read: httpx.Client) -> None:
    lines = read.get("/lines", params=BY_LABELS).json()
    rows = list(csv.DictReader(io.StringIO(read.get("/lines.csv", params=BY_LABELS).text)))
    table = pq.read_table(io.BytesIO(read.get("/lines.parquet", params=BY_LABELS).content))
    assert len(rows) == table.num_rows == 9
    assert table.schema.metadata[b"x"] == b"data.k"
    means = [value for line in lines["lines"] for value in line["mean"]]
    assert table.column("mean").to_pylist() == means
    assert [float(row["mean"]) for row in rows] == means
    assert [row["network.labels"] for row in rows[::3]] == ["binary", "4", "clusters"]


@pytest.mark.parametrize(
    ("more", "shown"),
    [
        ({}, ("network.labels = clusters", "95 % interval", "mean of averaging index", "1 failed")),
        ({"statistic": "median"}, ("median of averaging index",)),
        ({"measure": "train_loss"}, ("mean of train loss",)),
        ({"experiment": "2"}, ("no run has finished yet",)),
    ],
)
def test_what_a_picture_says(read: httpx.Client, more: dict[str, str], shown: tuple[str, ...]) -> None:
    picture = read.get("/lines.svg", params=BY_LABELS | more)
    assert picture.status_code == 200
    for words in shown:
        assert words in " ".join(picture.text.split()), words


@pytest.mark.parametrize("suffix", ["png", "pdf"])
def test_pictures_have_a_strong_tag(read: httpx.Client, suffix: str) -> None:
    tag = read.get(f"/lines.{suffix}", params=BY_LABELS).headers["ETag"]
    assert read.get(f"/lines.{suffix}", params=BY_LABELS, headers={"If-None-Match": tag}).status_code == 304


@pytest.mark.parametrize(
    ("more", "pointer", "said"),
    [
        ({}, "/marginalize", "by=network.labels"),
        ({"by": "data.k"}, "/by/0", "the same parameter"),
        ({"by": "data.q"}, "/by/0", "data.q"),
        ({"by": "network.labels", "marginalize": "network.labels"}, "/marginalize/0", "leave it out"),
        ({"by": "network.labels", "measure": "beauty"}, "/measure", "averaging_index"),
        ({"by": "network.labels", "y": "data.d"}, "/y", "unknown query parameter"),
    ],
)
def test_lines_that_have_no_answer(read: httpx.Client, more: dict[str, str], pointer: str, said: str) -> None:
    answer = read.get("/lines", params=QUERY | more)
    assert answer.status_code == 422
    (fault,) = answer.json()["errors"]
    assert fault["pointer"] == pointer
    assert said in fault["detail"]


def test_theory_at_a_single_value_is_drawn_though_no_line_leads_there() -> None:
    nan = float("nan")
    assert str(alone([1.0, nan, 2.0, 3.0, nan, 4.0])) == str([1.0, nan, nan, nan, nan, 4.0])
    assert alone([5.0]) == [5.0]


def test_theory_that_is_silent_of_some_values_is_told_so() -> None:
    assert silence(TheoryLine((0.5, 0.4), "1/√k")) is None
    assert silence(TheoryLine((None, None), None, "noise is not small")) == "no theory: noise is not small"
    assert silence(TheoryLine((0.5, None), None, "noise is not small")) == "no theory of the rest: noise is not small"
