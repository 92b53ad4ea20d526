"""Experiments told apart in one answer: each has the lines and curves that it has by itself, also of runs that both
have."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.conftest import SPEC, served_copy
from tests.api.described import judge

TWO = {"experiment": ["1", "3"], "by": ["experiment", "network.labels"]}
LINES = TWO | {"x": "data.k", "measure": "averaging_index"}
CURVES = TWO | {"where": "data.k=6", "method": "exact"}


@pytest.fixture(scope="module")
def two(filled_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A server whose experiment 3 has two of the three seeds of experiment 1, and computes nothing; experiment 4 sweeps
    one of its axes. Tests only read from it."""
    other = SPEC | {"name": "other", "sweep": {"network.labels": ["binary"]}, "claims": []}
    with served_copy(filled_sqlite, tmp_path_factory.mktemp("apart")) as (url, _):
        hooks = {"response": [judge(url)]}
        with httpx.Client(base_url=f"{url}/api/v1", timeout=60, event_hooks=hooks) as client:
            made = client.post("/experiments", json=SPEC | {"name": "fewer seeds", "seeds": 2}).json()
            assert (made["id"], made["status"]) == (3, "finished")
            client.post("/experiments", json=other)
            yield client


def apart(found: dict[str, Any], kind: str, number: int) -> list[dict[str, Any]]:
    """The lines or curves of one experiment, as they would be told of it alone."""
    return [
        one | {"group": {path: value for path, value in one["group"].items() if path != "experiment"}}
        for one in found[kind]
        if one["group"]["experiment"] == number
    ]


@pytest.mark.parametrize("more", [{}, {"threshold": "averaging_from:0.7"}], ids=["stored", "counted anew"])
def test_lines_of_experiments_are_those_of_each_alone(two: httpx.Client, more: dict[str, str]) -> None:
    found = two.get("/lines", params=LINES | more).json()
    for number, n in ((1, 3), (3, 2)):
        alone = two.get("/lines", params=LINES | more | {"experiment": number, "by": "network.labels"}).json()
        assert apart(found, "lines", number) == alone["lines"]
        assert alone["lines"][0]["n"] == [n] * 3
    together = two.get("/lines", params=LINES | {"by": "network.labels"}).json()
    assert together["lines"][0]["n"] == [3] * 3, "a run that both have counts once"


def test_curves_of_experiments_are_those_of_each_alone(two: httpx.Client) -> None:
    found = two.get("/curves", params=CURVES).json()
    for number, n in ((1, 3), (3, 2)):
        alone = two.get("/curves", params=CURVES | {"experiment": number, "by": "network.labels"}).json()
        assert apart(found, "curves", number) == alone["curves"]
        assert {curve["n"] for curve in alone["curves"]} == {n}
    each = two.get("/curves", params=CURVES | {"per": "seed"}).json()
    assert {(one["group"]["experiment"], one["group"]["seed"]) for one in each["curves"]} == {
        (number, seed) for number, seeds in ((1, 3), (3, 2)) for seed in range(seeds)
    }


def test_tables_and_pictures_tell_experiments_apart(two: httpx.Client) -> None:
    assert two.get("/lines.csv", params=LINES).text.splitlines()[0].startswith("experiment,network.labels,x,n,")
    assert two.get("/curves.parquet", params=CURVES).status_code == 200
    drawn = two.get("/lines.svg", params=LINES).text
    assert "network.labels = binary" in drawn
    assert "3: fewer seeds" in drawn
    assert "1: labels against clusters" in two.get("/curves.svg", params=CURVES).text


def test_a_fault_says_of_which_experiment_it_is(two: httpx.Client) -> None:
    asked = {"experiment": ["1", "4"], "by": "experiment", "x": "network.labels", "measure": "train_loss"}
    wrong = two.get("/lines", params=asked | {"where": "data.k=4"})
    assert wrong.status_code == 422
    (fault,) = wrong.json()["errors"]
    assert fault["pointer"] == "/where/0"
    assert "of experiment 4: no point meets data.k=4; data.k is one of 10" in fault["detail"]
    hidden = two.get("/curves", params={"experiment": ["1", "4"], "by": "experiment"}).json()["errors"]
    assert [fault["detail"].split(" varies")[0] for fault in hidden] == [
        "of experiment 1: data.k",
        "of experiment 1: network.labels",
    ]
