"""Lines along layers over HTTP, as JSON, table and picture."""

import io

import httpx
import pyarrow.parquet as pq
import pytest

BY_LABELS = {"experiment": "1", "x": "data.k", "measure": "probe_cluster", "by": "network.labels", "where": "data.k=4"}


def test_a_measure_of_layers_against_the_layer(read: httpx.Client) -> None:
    """Networks of one hidden layer have their number there."""
    asked = BY_LABELS | {"x": "layer"}
    found = read.get("/lines", params=asked).json()
    numbers = read.get("/lines", params=BY_LABELS).json()
    assert (found["x"]["parameter"], found["x"]["values"], found["x"]["title"]) == ("layer", [1], "hidden layer")
    for line, other in zip(found["lines"], numbers["lines"], strict=True):
        assert line["group"] == other["group"]
        for name in ("n", "runs", "defined", "mean", "sd", "ci_low", "ci_high", "low", "high", "failed", "state"):
            assert line[name] == pytest.approx(other[name]), name
    table = pq.read_table(io.BytesIO(read.get("/lines.parquet", params=asked).content))
    assert table.column("x").to_pylist() == [1, 1, 1]
    assert "hidden layer" in read.get("/lines.svg", params=asked).text
    refused = read.get("/lines", params=asked | {"measure": "train_loss"}).json()["errors"]
    assert refused[0]["pointer"] == "/measure"
