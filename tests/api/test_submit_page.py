"""The page that submits: cards of presets, faults at their lines, and what is said while one types."""

import html
import re
from collections.abc import Iterator

import httpx
import pytest

from phaselab.api.base.templating import FOLDER
from phaselab.db.schema.database import Database
from phaselab.domain.settings.parameters import parameters
from phaselab.service.base.presets import presets

WRONG = "name: x\ndata:\n  k: 1\nsweep:\n  data.d: [64,\n    0]\n"
CARDS = sorted((FOLDER / "static" / "presets").iterdir())


@pytest.fixture(scope="module")
def site(filled_url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=filled_url, headers={"Accept": "text/html"}, timeout=60) as client:
        yield client


def test_every_preset_has_a_card_and_pictures_are_light(site: httpx.Client) -> None:
    text = site.get("/submit").text
    for preset in presets().values():
        assert f'href="/submit?preset={preset.name}"' in text
        assert html.escape(preset.meaning, quote=False).replace("'", "&#39;") in text
    shown = set(re.findall(r'src="(/static/presets/[^"]*)"', text))
    assert {path.rpartition("/")[2] for path in shown} == {path.name for path in CARDS}
    assert {path.stem for path in CARDS} <= set(presets())
    assert len(CARDS) >= len(presets()) - 2, "docs/write_cards.py makes them from docs/pictures"
    assert sum(path.stat().st_size for path in CARDS) < 150_000
    assert all(site.get(path).headers["content-type"] == "image/png" for path in shown)


def test_the_form_has_a_field_for_every_parameter(site: httpx.Client) -> None:
    text = site.get("/submit").text
    assert all(f'data-path="{path}"' in text for path in (*parameters(), "name", "seeds", "priority", "impossible"))
    assert '<section id="fields" aria-labelledby="fields-title" hidden>' in text, "it needs a script"


def test_faults_are_told_at_their_lines(site: httpx.Client) -> None:
    refused = site.post("/submit", data={"spec": WRONG, "do": "submit"})
    assert refused.status_code == 422
    listed = re.findall(r'<li><a href="#spec" data-line="(\d+)">line \d+</a> <code>([^<]*)</code>', refused.text)
    assert listed == [("3", "/data/k")]
    unreadable = site.post("/submit", data={"spec": "name: x\ndata: [", "do": "try"}).text
    assert 'data-line="2"' in unreadable or 'data-line="3"' in unreadable


def look(site: httpx.Client, **fields: str) -> dict[str, object]:
    answer = site.post("/submit/look", data=fields)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    found: dict[str, object] = answer.json()
    assert set(found) == {"text", "fields", "faults", "told"}
    return found


def test_what_is_typed_is_looked_at_and_not_stored(site: httpx.Client) -> None:
    before = site.get("/api/v1/experiments").json()
    good = look(site, spec="name: x\ndata: {d: 70, n: 20}\nsweep: {data.k: [4, 6]}\nseeds: 2\n")
    assert good["faults"] == []
    assert str(good["told"]).startswith("2 points, 4 runs, 0 of them cached; about ")
    assert good["fields"] == {"name": "x", "seeds": "2", "data.k": "4, 6", "data.d": "70", "data.n": "20"}
    bad = look(site, spec="name: x\nsweep:\n  data.d: [64,\n    0]\n")
    assert bad["told"] is None
    assert bad["faults"] == [
        {"pointer": "/sweep/data.d/1", "detail": "Input should be greater than or equal to 2, not 0", "line": 4}
    ]
    assert look(site, spec="a: [")["fields"] == {}
    assert site.get("/api/v1/experiments").json() == before


def test_a_field_is_written_into_the_text_that_was_sent(site: httpx.Client) -> None:
    text = "name: x # mine\ndata: {d: 70, n: 20}\n"
    changed = look(site, spec=text, path="data.k", value="4, 6")
    assert changed["text"] == text + "sweep: {data.k: [4, 6]}\n"
    wrong = look(site, spec=text, path="data.k", value="4]")
    assert wrong["text"] == text
    assert wrong["fields"] == {"name": "x", "data.d": "70", "data.n": "20"}
    assert [one["pointer"] for one in wrong["faults"]] == ["/form/data.k"]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("sent", "line"), [(WRONG, 3), ("name: x\ndata: {k: 4}\nseed: 5\n", 3), ("name: x\n\n\nseeds: -1\n", 4)]
)
def test_faults_of_yaml_have_lines_over_rest_and_those_of_json_have_none(
    site: httpx.Client, sent: str, line: int
) -> None:
    headers = {"Content-Type": "application/yaml", "Accept": "*/*"}
    errors = site.post("/api/v1/experiments?dry_run=true", content=sent, headers=headers).json()["errors"]
    assert errors[0]["line"] == line
    changed = site.post("/api/v1/experiments?dry_run=true&set=seeds=0", content=sent, headers=headers).json()["errors"]
    assert all("line" not in fault for fault in changed)
    plain = site.post("/api/v1/experiments", json={"name": "x", "data": {"k": 1}}, headers={"Accept": "*/*"}).json()
    assert all("line" not in fault for fault in plain["errors"])


def test_a_text_that_is_no_yaml_has_the_line_where_it_ends_to_be(site: httpx.Client) -> None:
    headers = {"Content-Type": "application/yaml", "Accept": "*/*"}
    refused = site.post("/api/v1/experiments", content="name: x\ndata: *k\n", headers=headers)
    assert refused.status_code == 400
    assert [fault["line"] for fault in refused.json()["errors"]] == [2]


def test_an_experiment_is_edited_as_a_new_one_without_empty_groups(own_server: tuple[str, Database]) -> None:
    with httpx.Client(base_url=own_server[0]) as client:
        text = client.get("/submit?from=1").text
        assert "features: {}" not in text
