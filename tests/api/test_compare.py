"""Comparing experiments: differences of cells that both have, and the page that shows experiments beside each other."""

import html
import math
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest

from phaselab.api.pictures.differences import difference_values, draw_differences
from phaselab.db.schema.database import Database
from phaselab.domain.answers.cell_queries import DiagramQuery
from phaselab.service.verbs.diagrams import differences
from tests.api.conftest import SPEC, served_copy
from tests.api.described import judge
from tests.api.test_pages import Links
from tests.api.test_pictures import texts

ASKED = {"experiment": ["1", "3"], "x": "data.k", "y": "network.labels", "measure": "averaging_index"}
OTHER = SPEC | {"name": "$x^2$ <b>fewer</b>", "seeds": 2, "sweep": SPEC["sweep"] | {"data.k": [6, 8, 10]}, "claims": []}  # type: ignore[operator]


@pytest.fixture(scope="module")
def two(filled_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A server whose experiment 3 shares two columns of cells with experiment 1, and has two of its three seeds; what
    experiment 4 sweeps has nothing in common with them. Tests only read from it."""
    far = SPEC | {"sweep": {"network.init_scale": [0.1, 0.2]}, "claims": []}
    with served_copy(filled_sqlite, tmp_path_factory.mktemp("two")) as (url, _):
        hooks = {"response": [judge(url)]}
        with httpx.Client(base_url=f"{url}/api/v1", timeout=60, event_hooks=hooks) as client:
            assert [client.post("/experiments", json=spec).json()["id"] for spec in (OTHER, far)] == [3, 4]
            yield client


def test_a_difference_is_the_second_mean_less_the_first_with_an_interval(two: httpx.Client) -> None:
    found = two.get("/differences", params=ASKED).json()
    assert (found["x"]["values"], found["y"]["values"]) == ([6, 8], ["binary", 4, "clusters"])
    first, second = (two.get("/diagrams", params=ASKED | {"experiment": number}).json() for number in (1, 3))
    places = [(first["x"]["values"].index(k), second["x"]["values"].index(k)) for k in (6, 8)]
    for row in range(3):
        for column, (before, after) in enumerate(places):
            less, more = (
                {name: one[name][row][at] for name in ("mean", "ci_low", "ci_high")}
                for one, at in ((first, before), (second, after))
            )
            value = found["value"][row][column]
            assert value == more["mean"] - less["mean"]
            low = value - math.hypot(more["mean"] - more["ci_low"], less["ci_high"] - less["mean"])
            high = value + math.hypot(more["ci_high"] - more["mean"], less["mean"] - less["ci_low"])
            assert found["ci_low"][row][column] == pytest.approx(low)
            assert found["ci_high"][row][column] == pytest.approx(high)
            assert found["n"][row][column] == 2
    assert found["reason"] == [[None] * 2] * 3


def test_what_one_of_them_has_not_measured_has_no_difference(two: httpx.Client) -> None:
    found = two.get("/differences", params=ASKED | {"experiment": ["2", "1"]}).json()
    assert found["value"] == [[None] * 3] * 3
    assert {reason for row in found["reason"] for reason in row} == {"no run has a result yet"}
    assert two.get("/differences.svg", params=ASKED | {"experiment": ["2", "1"]}).status_code == 200


def test_differences_are_a_table_and_a_picture(two: httpx.Client) -> None:
    lines = two.get("/differences.csv", params=ASKED).text.splitlines()
    assert lines[0] == "x,y,value,ci_low,ci_high,n,first,second,reason"
    assert len(lines) == 7
    drawn = two.get("/differences.svg", params=ASKED).text
    assert "$x^2$ &lt;b&gt;fewer&lt;/b&gt;, less labels against clusters" in drawn
    apart = two.get("/differences.svg", params=ASKED | {"where": "data.k=4", "experiment": ["1", "2"]})
    assert apart.status_code == 200


@pytest.mark.parametrize(
    ("changed", "pointer", "words"),
    [
        ({"experiment": "1"}, "/experiment", "at least 2"),
        ({"experiment": ["1", "1"]}, "/experiment", "name two experiments"),
        ({"y": "data.k"}, "/y", "name two"),
        ({"measure": "nothing"}, "/measure", "no measure"),
        ({"experiment": ["1", "4"], "marginalize": "network.init_scale"}, "/x", "no value of data.k in common"),
        ({"where": "data.k=10"}, "/where/0", "of experiment 1: no point meets data.k=10"),
    ],
)
def test_faults_of_differences_name_their_place(
    two: httpx.Client, changed: dict[str, str], pointer: str, words: str
) -> None:
    refused = two.get("/differences", params=ASKED | changed)
    assert refused.status_code == 422
    (fault,) = refused.json()["errors"]
    assert fault["pointer"] == pointer
    assert words in fault["detail"]


def test_the_map_hatches_what_is_not_told_apart_from_nothing(own_server: tuple[str, Database]) -> None:
    url, database = own_server
    httpx.post(f"{url}/api/v1/experiments", json=OTHER).raise_for_status()
    found = differences(database, DiagramQuery((1, 3), "data.k", "network.labels", "averaging_index"))
    assert np.isfinite(difference_values(found)).all()
    assert not any(cell.is_sure for row in found.cells for cell in row), "both have the same runs"
    assert "no interval, or one that holds 0" in texts(draw_differences(found))


def test_the_page_shows_lines_curves_differences_and_what_differs_in_the_specs(
    own_server: tuple[str, Database],
) -> None:
    url, _ = own_server
    with httpx.Client(base_url=url, headers={"Accept": "text/html"}, timeout=60) as site:
        site.post("/api/v1/experiments", json=OTHER).raise_for_status()
        text = site.get("/compare?experiment=1&experiment=3").text
        links = Links(text).found
        for call in ("differences", "lines", "curves"):
            shown = next(link for link in links if f"/{call}.png" in link)
            assert site.get(shown, headers={"Accept": "*/*"}).status_code == 200, shown
        rows = [re.sub("<[^>]*>", " ", row).split() for row in re.findall('<tr><th scope="row">.*?</tr>', text)]
        assert [row[0] for row in rows] == ["data.k", "seeds", "claims"]
        assert rows[0] == ["data.k", "[4,", "6,", "8]", "[6,", "8,", "10]"]
        assert rows[1] == ["seeds", "3", "2"]
        assert "<b>fewer" not in text
        alternatives = re.findall('alt="([^"]*)"', text)
        assert len(alternatives) == 3
        assert html.unescape(alternatives[0]).startswith(
            "Map of averaging index of experiment 3 ($x^2$ <b>fewer</b>) less that of experiment 1"
        )
        chosen = site.get("/compare?experiment=1&experiment=3&x=network.labels&fix.data.k=8&measure=train_loss").text
        lines = next(link for link in Links(chosen).found if "/lines.png" in link)
        assert "x=network.labels&by=experiment&measure=train_loss&where=data.k%3D8" in lines


def test_experiments_with_nothing_in_common_are_compared_as_far_as_they_go(own_server: tuple[str, Database]) -> None:
    url, _ = own_server
    with httpx.Client(base_url=url, headers={"Accept": "text/html"}, timeout=60) as site:
        alone = {"name": "one point", "data": {"d": 64, "n": 20}, "seeds": 1}
        far = SPEC | {"sweep": {"data.k": [20, 30]}, "claims": []}
        for spec in (alone, far):
            site.post("/api/v1/experiments", json=spec).raise_for_status()
        for pair in ("1&experiment=3", "1&experiment=4", "3&experiment=4", "1&experiment=2&experiment=3&experiment=4"):
            page = site.get(f"/compare?experiment={pair}")
            assert page.status_code == 200
            for link in Links(page.text).found:
                if ".json?" in link:
                    answer = site.get(link, headers={"Accept": "*/*"})
                    assert answer.status_code == 200, (link, answer.text)


def test_the_page_says_how_many_experiments_it_compares(site: httpx.Client) -> None:
    for asked in ("", "?experiment=1", "?experiment=1&experiment=1"):
        refused = site.get(f"/compare{asked}")
        assert refused.status_code == 422
        assert "choose from 2 to 8 experiments" in refused.text
    assert site.get("/compare?experiment=1&experiment=99").status_code == 404
    form = site.get("/").text
    assert 'action="/compare"' in form
    assert '<input type="checkbox" name="experiment" value="1"' in form


@pytest.fixture(scope="module")
def site(filled_url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=filled_url, headers={"Accept": "text/html"}) as client:
        yield client
