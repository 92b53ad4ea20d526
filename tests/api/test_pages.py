"""Pages for people: they show what is stored, link their data twins, and escape what users wrote."""

import html
import re
from collections.abc import Iterator
from html.parser import HTMLParser

import httpx
import pytest
import yaml

from phaselab.api.routes import pages as routes
from phaselab.api.routes import submit_page
from phaselab.db.schema.database import Database
from phaselab.domain.answers.glossary import SECTIONS
from phaselab.domain.results.measures import MEASURES
from phaselab.domain.settings.parameters import parameters
from phaselab.domain.specs.spec import parse_spec


class Links(HTMLParser):
    """The addresses that a page links or shows."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found |= {value for name, value in attrs if name in ("href", "src") and value}


@pytest.fixture(scope="module")
def site(filled_url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=filled_url, headers={"Accept": "text/html"}) as client:
        yield client


def run_key(site: httpx.Client, experiment: int = 1) -> str:
    key: str = site.get(f"/api/v1/experiments/{experiment}/runs", headers={"Accept": "*/*"}).json()["items"][0]["key"]
    return key


def pages(site: httpx.Client) -> list[str]:
    fixed = [
        "/",
        "/experiments/1",
        "/experiments/2",
        "/?name=labels&status=&tag=",
        "/experiments/1/delete",
        "/submit?from=1",
        "/experiments/1/runs",
        "/experiments/1/runs?where=state%3Dfailed&where=&order=-seed&column=seed&column=reason&column=nothing",
        "/glossary",
        "/submit",
        "/submit?preset=fig2",
        "/compare?experiment=1&experiment=2",
        "/admin",
        "/admin/accounts",
        "/admin/audit",
    ]
    averaged = "/experiments/1?x=data.k&y=data.d&fix.network.labels=average&measure=feature_fraction&by=data.k"
    lines = "/experiments/1?x=data.k&y=lines&by=network.labels&measure=train_loss"
    return [*fixed, averaged, lines, f"/runs/{run_key(site)}", f"/runs/{run_key(site, 2)}"]


def test_every_link_and_picture_of_every_page_is_there(site: httpx.Client) -> None:
    links: set[str] = set()
    for address in pages(site):
        answer = site.get(address)
        assert answer.status_code == 200, address
        assert answer.headers["content-type"].startswith("text/html")
        found = Links(answer.text).found
        inside = {link for link in found if link.startswith("#")}
        assert all(f'id="{link[1:]}"' in answer.text for link in inside), address
        links |= found - inside
    assert all(link.startswith("/") for link in links), "nothing comes from elsewhere"
    slow = re.compile(r"\.(svg|pdf)\b")  # the same drawing as the PNG
    for link in sorted(links):
        if not slow.search(link):
            answer = site.get(link, headers={"Accept": "*/*"})
            assert answer.status_code == 200, (link, answer.text)


def test_nothing_inline_runs_in_a_page(site: httpx.Client) -> None:
    for address in pages(site):
        text = site.get(address).text
        assert not re.search(r"<script(?! src=)|<style|\son\w+=|\sstyle=", text), address


def test_the_glossary_has_every_word(site: httpx.Client) -> None:
    text = site.get("/glossary").text
    assert all(f"<code>{name}</code>" in text for name in (*parameters(), *MEASURES))
    assert all(f"<dt><code>{name}</code></dt>" in text for words in SECTIONS.values() for name in words)


def test_an_experiment_shows_where_it_stands(site: httpx.Client) -> None:
    text = site.get("/experiments/1").text
    assert "finished with failures" in text
    assert "data-events" not in text
    assert "/experiments/1/retry" in text
    waiting = site.get("/experiments/2").text
    assert 'data-events="/api/v1/experiments/2/events"' in waiting
    assert "/experiments/2/pause" in waiting


def test_what_is_swept_along_one_axis_is_shown_as_lines(own_server: tuple[str, Database]) -> None:
    """Not as a map with a made-up axis."""
    url, _ = own_server
    spec = {"name": "one axis", "data": {"d": 64, "n": 20}, "sweep": {"data.k": [4, 6]}}
    with httpx.Client(base_url=url) as client:
        number = client.post("/api/v1/experiments", json=spec).json()["id"]
        page = client.get(f"/experiments/{number}").text
        shown = next(one for one in Links(page).found if "/lines.png" in one)
        assert "x=data.k" in shown
        assert "/diagrams.png" not in page
        assert client.get(shown).status_code == 200
        chosen = client.get(f"/experiments/{number}?x=data.k&y=network.labels").text
        assert "/diagrams.png" in chosen


PICTURES = [
    {"kind": "cosines"},
    {"kind": "diagram", "query": {"x": "network.labels", "y": "data.k", "measure": "feature_fraction"}},
    {"kind": "lines", "query": {"x": "data.k", "where": "network.labels=4", "measure": "test_accuracy"}},
    {"kind": "curves", "query": {"by": "data.k", "where": "network.labels=clusters"}},
]


def test_a_page_opens_on_what_its_spec_names(own_server: tuple[str, Database]) -> None:
    url, _ = own_server
    swept = {"data": {"d": 64, "n": 20}, "sweep": {"data.k": [4, 6], "network.labels": ["binary", 4, "clusters"]}}
    claim = {"text": "t", "source": "s", "measure": "train_loss", "expect": {"above": 0.9}}
    with httpx.Client(base_url=url) as client:

        def shown(**more: object) -> str:
            answer = client.post("/api/v1/experiments", json={"name": "opens", **swept, **more}).json()
            return client.get(f"/experiments/{answer['id']}").text

        text = shown(pictures=PICTURES, claims=[claim])
        source = next(one for one in Links(text).found if "/diagrams.json" in one)
        assert "x=network.labels&y=data.k&measure=feature_fraction" in source
        curves = next(one for one in Links(text).found if "/curves.json" in one)
        assert "by=data.k&where=network.labels%3Dclusters" in curves
        named = next(one for one in Links(text).found if "y=lines" in one)
        lines = next(one for one in Links(client.get(named).text).found if "/lines.json" in one)
        assert "x=data.k" in lines
        assert "measure=test_accuracy" in lines
        assert "where=network.labels%3D4" in lines
        source = next(one for one in Links(shown(claims=[claim])).found if "/diagrams.json" in one)
        assert "measure=train_loss" in source, "what is claimed, where no picture is named"
        wrong = {"kind": "diagram", "query": {"x": "colour", "where": "shape=round", "measure": "beauty"}}
        assert "measure=averaging_index" in next(
            one for one in Links(shown(pictures=[wrong])).found if "/diagrams." in one
        )


def test_the_spec_that_a_page_shows_is_the_one_submitted_without_what_is_null(site: httpx.Client) -> None:
    found = re.search("<pre[^>]*>(.*?)</pre>", site.get("/experiments/1").text, re.DOTALL)
    assert found is not None
    text = html.unescape(found[1])
    assert "null" not in text
    submitted = site.get("/api/v1/experiments/1", headers={"Accept": "*/*"}).json()["spec"]
    assert parse_spec(yaml.safe_load(text)) == parse_spec(submitted)


@pytest.mark.parametrize(
    "address", ["/experiments/99", "/experiments/x", "/runs/zz", "/nothing", "/submit?preset=none"]
)
def test_errors_are_pages_for_browsers_and_problems_for_programs(site: httpx.Client, address: str) -> None:
    page = site.get(address)
    assert page.status_code == 404
    assert page.headers["content-type"].startswith("text/html")
    program = site.get(address, headers={"Accept": "*/*"})
    assert program.status_code == 404
    assert program.headers["content-type"] == "application/problem+json"


def test_an_experiment_tells_why_runs_failed_and_how_far_it_is(site: httpx.Client) -> None:
    failing, waiting = site.get("/experiments/1").text, site.get("/experiments/2").text
    reason = '1 × <span class="fault">diverged: the loss is not finite</span>'
    assert reason in failing
    key = re.search(r'<a href="/runs/([0-9a-f]{64})">a run</a>', failing)
    assert key is not None
    assert "diverged: the loss is not finite" in site.get(f"/runs/{key[1]}").text
    assert '<div data-field="failures" hidden>' in waiting
    for text in (failing, site.get("/").text):
        assert 'aria-label="23 done, 1 failed, 0 cancelled of 24" viewBox="0 0 24 1"' in text
        parts = re.findall(r'<rect class="(\w+)"(?: x="(\d+)")? width="(\d+)"', text)
        assert ("failed", "23", "1") in parts
    assert 'aria-label="0 done, 0 failed, 0 cancelled of 24"' in waiting


def test_the_runs_of_a_page_are_filtered_sorted_and_told_in_the_columns_that_were_chosen(site: httpx.Client) -> None:
    usual = site.get("/experiments/1/runs").text
    assert "1 to 24 of 24 runs" in usual
    assert ">reason</th>" in usual
    failed = next(one for one in Links(site.get("/experiments/1").text).found if "where=state%3Dfailed" in one)
    text = site.get(failed).text
    assert "1 to 1 of 1 runs" in text
    assert '<td class="reason"><span class="fault">diverged: the loss is not finite</span></td>' in text
    asked = {"where": ["averaging_index>0.9", " "], "order": "-seed", "column": ["seed", "train_loss", "nothing"]}
    page = site.get("/experiments/1/runs", params=asked).text
    rows = re.findall(r"<tr><td>.*?</tr>", page)
    assert len(rows) == 9
    assert [re.findall('<td class="number">([^<]*)', row)[0] for row in rows] == ["2"] * 3 + ["1"] * 3 + ["0"] * 3
    assert re.findall(r'aria-sort="(\w+)"', page) == ["none", "descending", "none"]
    links = Links(page).found
    twin = next(one for one in links if one.startswith("/api/v1/experiments/1/runs.csv"))
    assert len(site.get(twin, headers={"Accept": "*/*"}).text.splitlines()) == 10
    turned = next(one for one in links if "order=seed" in one)
    first = re.findall('<td class="number">([^<]*)', re.findall(r"<tr><td>.*?</tr>", site.get(turned).text)[0])
    assert first[0] == "0"
    wrong = site.get("/experiments/1/runs", params={"where": "colour=<b>"})
    assert wrong.status_code == 422
    assert "<code>/where/0</code>: " in wrong.text
    assert "colour=&lt;b&gt;" in wrong.text


def test_pages_of_runs_say_where_they_are(site: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "PAGE", 10)
    address, seen = "/experiments/1/runs?order=-averaging_index&column=seed", []
    while address:
        page = site.get(address).text
        seen += re.findall('href="/runs/([0-9a-f]{64})"', page)
        told = re.search(r"([0-9]+) to ([0-9]+) of 24 runs", page)
        assert told is not None
        assert int(told[2]) == len(seen)
        address = next((one for one in Links(page).found if "cursor=" in one), "")
    assert len(set(seen)) == 24


def test_experiments_are_described_found_and_removed_on_their_pages(own_server: tuple[str, Database]) -> None:
    url, _ = own_server
    with httpx.Client(base_url=url) as client:
        given = {"name": "<b>1</b>", "tags": "paper, a&b ,, paper", "note": "see <i>7</i>"}
        done = client.post("/experiments/1/describe", data=given)
        assert (done.status_code, done.headers["location"]) == (303, "/experiments/1")
        told = client.get("/api/v1/experiments/1").json()
        assert (told["name"], told["tags"], told["note"]) == ("<b>1</b>", ["paper", "a&b"], "see <i>7</i>")
        shown = client.get("/experiments/1").text
        assert "see &lt;i&gt;7&lt;/i&gt;" in shown
        assert "<b>1</b>" not in shown
        tag = next(one for one in Links(shown).found if one.startswith("/?tag=a"))
        assert "&lt;b&gt;1&lt;/b&gt;" in client.get(tag).text
        assert "waiting" not in client.get(tag).text
        assert "None is found" in client.get("/?tag=b").text
        assert client.get("/?status=sleeping").status_code == 422
        client.post("/experiments/1/describe", data=given | {"archived": "true"})
        assert "/experiments/1" not in Links(client.get("/").text).found
        assert "/experiments/1" in Links(client.get("/?archived=true").text).found
        assert client.post("/experiments/1/describe", data={"name": " "}).status_code == 422
        asked = client.get("/experiments/1/delete").text
        assert "has 23 results" in asked
        assert client.get("/api/v1/experiments/1").status_code == 200, "asking removes nothing"
        assert client.post("/experiments/1/delete").headers["location"] == "/"
        assert client.get("/experiments/1").status_code == 404


def test_an_experiment_is_edited_as_a_new_one(site: httpx.Client) -> None:
    text = html.unescape(re.search("<textarea[^>]*>(.*?)</textarea>", site.get("/submit?from=1").text, re.DOTALL)[1])  # type: ignore[index]
    submitted = site.get("/api/v1/experiments/1", headers={"Accept": "*/*"}).json()["spec"]
    assert parse_spec(yaml.safe_load(text)) == parse_spec(submitted)
    assert site.get("/submit?from=99").status_code == 404


def test_the_form_submits_tries_and_tells_faults(own_server: tuple[str, Database]) -> None:
    text = "name: <script>alert(1)</script>\ndata: {d: 70, n: 20}\nseeds: 2\n"
    with httpx.Client(base_url=own_server[0]) as client:
        tried = client.post("/submit", data={"spec": text, "do": "try"})
        assert "1 points, 2 runs, 0 of them cached" in tried.text
        assert "<script>alert" not in tried.text
        done = client.post("/submit", data={"spec": text, "do": "submit"})
        assert (done.status_code, done.headers["location"]) == (303, "/experiments/3")
        assert "<script>alert" not in client.get("/").text + client.get("/experiments/3").text
        huge = f"name: {'1' * 5000}"
        faults = (("name: x\ndata: {k: 1}", "/data/k"), ("a: [", "not YAML"), ("", "mapping"), (huge, "too large"))
        for wrong, words in faults:
            refused = client.post("/submit", data={"spec": wrong, "do": "submit"})
            assert refused.status_code == 422
            assert words in refused.text
        assert client.post("/submit", json={}).status_code == 415


def test_the_form_blames_nobody_for_a_bug(own_server: tuple[str, Database], monkeypatch: pytest.MonkeyPatch) -> None:
    def buggy(*_: object) -> None:
        raise ValueError("a bug")

    for verb, button in (("submit", "submit"), ("estimate", "try")):
        monkeypatch.setattr(submit_page, verb, buggy)
        with httpx.Client(base_url=own_server[0]) as client:
            answer = client.post("/submit", data={"spec": "name: x", "do": button})
        assert answer.status_code == 500
        assert "a bug" not in answer.text


def test_buttons_do_what_they_say(own_server: tuple[str, Database]) -> None:
    with httpx.Client(base_url=own_server[0]) as client:
        for verb, status in (("pause", "paused"), ("resume", "queued"), ("cancel", "cancelled"), ("retry", "queued")):
            done = client.post(f"/experiments/2/{verb}")
            assert (done.status_code, done.headers["location"]) == (303, "/experiments/2")
            assert client.get("/api/v1/experiments/2").json()["status"] == status
        assert client.post("/experiments/2/explode").status_code == 404
        elsewhere = client.post("/experiments/2/cancel", headers={"Origin": "http://elsewhere.example"})
        assert elsewhere.status_code == 403
