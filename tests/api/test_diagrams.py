"""Phase diagrams over HTTP: the contract's JSON, tables, pictures, ETags, and queries that have no answer."""

import csv
import io

import httpx
import pyarrow.parquet as pq
import pytest

QUERY = {"experiment": "1", "x": "data.k", "y": "network.labels", "measure": "averaging_index"}


def test_a_diagram_has_the_axes_and_matrices_of_the_contract(read: httpx.Client) -> None:
    diagram = read.get("/diagrams", params=QUERY).json()
    assert diagram["x"]["parameter"] == "data.k"
    assert diagram["x"]["values"] == [4, 6, 8]
    assert diagram["y"]["values"] == ["binary", 4, "clusters"]
    assert diagram["measure"] == "averaging_index"
    assert diagram["names"] == ["labels against clusters"]
    for name in ("n", "mean", "sd", "ci_low", "ci_high", "phase", "phase_share"):
        assert [len(row) for row in diagram[name]] == [3, 3, 3], name
    assert diagram["n"] == [[3, 3, 3], [3, 3, 2], [3, 3, 3]], "one run of k = 8 with 4 labels failed"
    assert diagram["mean"][0][0] == pytest.approx(0.971)
    assert diagram["sd"][0][0] == pytest.approx(0.001)
    assert diagram["ci_low"][0][0] < 0.971 < diagram["ci_high"][0][0]
    assert diagram["phase"] == [
        ["feature_averaging"] * 3,
        ["feature_learning", "mixed", "mixed"],
        ["feature_learning"] * 3,
    ]
    assert diagram["phase_share"][0][0] == 1
    assert {tuple(line["between"]) for line in diagram["boundaries"]} >= {("feature_averaging", "mixed")}
    assert diagram["revision"] > 1


def test_a_statistic_is_chosen_by_name(read: httpx.Client) -> None:
    mean = read.get("/diagrams", params=QUERY).json()
    assert (mean["statistic"], mean["value"]) == ("mean", mean["mean"])
    for statistic, matrix in (("sd", "sd"), ("min", "low"), ("max", "high")):
        found = read.get("/diagrams", params=QUERY | {"statistic": statistic}).json()
        assert found["value"] == mean[matrix]
        assert found["mean"] == mean["mean"]
    median = read.get("/diagrams", params=QUERY | {"statistic": "median"})
    assert median.json()["value"][0] == [pytest.approx(0.971)] * 3, "seeds 0, 1, 2 give 0.970, 0.971, 0.972"
    rows = list(csv.DictReader(io.StringIO(read.get("/diagrams.csv", params=QUERY | {"statistic": "q25"}).text)))
    assert float(rows[0]["value"]) == pytest.approx(0.9705)
    refused = read.get("/diagrams", params=QUERY | {"statistic": "mode"})
    assert refused.json()["errors"][0]["pointer"] == "/statistic"
    assert "median" in refused.json()["errors"][0]["detail"]


def test_thresholds_are_given_and_told(read: httpx.Client) -> None:
    usual = read.get("/diagrams", params=QUERY).json()
    assert usual["thresholds"] == {
        "trained_accuracy": 0.9,
        "lazy_share": 0.5,
        "memory_share": 0.5,
        "averaging_from": 0.8,
        "learning_up_to": 0.2,
    }
    given = QUERY | {"threshold": ["averaging_from:0.99", "memory_share:0.3"]}
    found = read.get("/diagrams", params=given).json()
    assert found["thresholds"] == usual["thresholds"] | {"averaging_from": 0.99, "memory_share": 0.3}
    assert (usual["phase"][0], found["phase"][0]) == (["feature_averaging"] * 3, ["mixed"] * 3)
    assert found["phase_share"][0] == [1, 1, 1], "runs are counted by the same thresholds"
    notes = pq.read_schema(io.BytesIO(read.get("/diagrams.parquet", params=given).content)).metadata
    assert b"averaging_from:0.99" in notes[b"thresholds"]
    svg = read.get("/diagrams.svg", params=given).text
    assert "averaging_from 0.99" in svg
    assert "memory_share 0.3" in svg
    refused = read.get("/diagrams", params=QUERY | {"threshold": ["lazy_share:0.4", "lazy:0.5"]})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/threshold/1")
    assert "memory_share" in refused.json()["errors"][0]["detail"]


def test_nothing_measured_is_null_everywhere(read: httpx.Client) -> None:
    diagram = read.get("/diagrams", params=QUERY | {"experiment": "2"}).json()
    assert diagram["n"] == [[0] * 3] * 3
    for name in ("mean", "sd", "ci_low", "ci_high", "phase", "phase_share"):
        assert diagram[name] == [[None] * 3] * 3
    picture = read.get("/diagrams.png", params=QUERY | {"experiment": "2"})
    assert picture.status_code == 200


def test_csv_and_parquet_hold_the_same_cells(read: httpx.Client) -> None:
    diagram = read.get("/diagrams", params=QUERY).json()
    text = read.get("/diagrams.csv", params=QUERY)
    assert text.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(text.text)))
    table = pq.read_table(io.BytesIO(read.get("/diagrams.parquet", params=QUERY).content)).to_pylist()
    assert len(rows) == len(table) == 9
    for row, cell in zip(rows, table, strict=True):
        i, j = diagram["x"]["values"].index(int(row["x"])), [str(v) for v in diagram["y"]["values"]].index(row["y"])
        assert (cell["x"], cell["y"]) == (int(row["x"]), row["y"])
        for name in ("n", "mean", "sd", "ci_low", "ci_high", "phase", "phase_share"):
            value = diagram[name][j][i]
            assert cell[name] == value
            assert row[name] == ("" if value is None else str(value))


@pytest.mark.parametrize(
    ("suffix", "media", "magic"),
    [("png", "image/png", b"\x89PNG"), ("svg", "image/svg+xml", b"<?xml"), ("pdf", "application/pdf", b"%PDF")],
)
def test_pictures(read: httpx.Client, suffix: str, media: str, magic: bytes) -> None:
    by_suffix = read.get(f"/diagrams.{suffix}", params=QUERY)
    assert by_suffix.headers["content-type"] == media
    assert by_suffix.content.startswith(magic)
    by_accept = read.get("/diagrams", params=QUERY, headers={"Accept": f"{media}, */*;q=0.1"})
    assert by_accept.content == by_suffix.content
    if suffix == "svg":
        for word in ("averaging index", "data.k", "network.labels", "feature averaging"):
            assert word in by_suffix.text


@pytest.mark.parametrize("suffix", ["json", "csv", "parquet", "png", "svg", "pdf"])
def test_a_strong_etag_saves_what_has_not_changed(read: httpx.Client, suffix: str) -> None:
    first = read.get(f"/diagrams.{suffix}", params=QUERY)
    tag = first.headers["ETag"]
    assert tag.startswith('"')
    for sent in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        again = read.get(f"/diagrams.{suffix}", params=QUERY, headers={"If-None-Match": sent})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["ETag"] == (tag.replace("-gzip", "") if sent == "*" else tag)  # of no one form
    other = read.get(f"/diagrams.{suffix}", params=QUERY | {"measure": "train_loss"}, headers={"If-None-Match": tag})
    assert other.status_code == 200
    assert other.headers["ETag"] != tag


def test_forms_have_different_etags(read: httpx.Client) -> None:
    tags = {read.get(f"/diagrams.{suffix}", params=QUERY).headers["ETag"] for suffix in ("json", "csv", "png")}
    assert len(tags) == 3


def test_conditions_and_marginalisation(read: httpx.Client) -> None:
    one = read.get("/diagrams", params=QUERY | {"where": ["data.k>=6", "network.labels!=4"]}).json()
    assert one["x"]["values"] == [6, 8]
    assert one["y"]["values"] == ["binary", "clusters"]
    merged = read.get("/diagrams", params=QUERY | {"y": "data.n", "marginalize": ["network.labels"]}).json()
    assert merged["runs"] == [[6, 9, 8]], "4 and clusters are the same runs for k = 4, counted once"
    assert merged["n"] == [[3, 3, 3]], "runs of one seed share data, whatever their labels"
    assert merged["interval_over"] == [["data"] * 3]
    assert merged["interval_over_words"].startswith("over data seeds")


@pytest.mark.parametrize(
    ("change", "pointer", "words"),
    [
        ({"x": "data.q"}, "/x", "data.q"),
        ({"measure": "nope"}, "/measure", "averaging_index"),
        ({"where": "data.k~3"}, "/where/0", "path=value"),
        ({"where": ["data.k=4", "data.z=4"]}, "/where/1", "data.z"),
        ({"y": "data.d"}, "/marginalize", "network.labels"),
        ({"marginalize": "data.q"}, "/marginalize/0", "data.q"),
        ({"wher": "data.k=4"}, "/wher", "unknown query parameter"),
        ({"experiment": "one"}, "/experiment/0", "a whole number is written in digits, not 'one'"),
        ({"experiment": []}, "/experiment", "required"),
    ],
)
def test_a_query_without_an_answer_is_refused_with_its_place(
    read: httpx.Client, change: dict[str, str], pointer: str, words: str
) -> None:
    answer = read.get("/diagrams", params=QUERY | change)
    assert answer.status_code == 422
    fault = answer.json()["errors"][0]
    assert fault["pointer"] == pointer
    assert words in fault["detail"]
    assert "value error" not in fault["detail"].lower()


def test_unknown_experiments_and_forms_are_not_found(read: httpx.Client) -> None:
    assert read.get("/diagrams", params=QUERY | {"experiment": "99"}).status_code == 404
    assert read.get("/diagrams.docx", params=QUERY).status_code == 404
    assert read.get("/diagrams", params=QUERY, headers={"Accept": "text/html"}).status_code == 406
