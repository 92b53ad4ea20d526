"""Verdicts over HTTP, in the client, on the command line and on the page."""

import csv
import io

import httpx
import pytest

from phaselab.client.client import Client
from tests.api.conftest import NEW_SPEC
from tests.client.test_cli import phaselab

CLAIM = {"text": "it is so", "source": "here", "measure": "averaging_index", "expect": {"above": 0.9}}


def test_every_claim_has_a_verdict_with_what_it_rests_on(read: httpx.Client) -> None:
    averages, others = read.get("/experiments/1/verdicts").json()["items"]
    assert (averages["text"], averages["verdict"], averages["places"]) == ("two labels average", "holds", 3)
    assert averages["expected"] == "above 0.9"
    assert 0.9 < averages["ci_low"] < 0.971 < averages["ci_high"] < 1
    assert averages["confidence"] == pytest.approx(1 - 0.05 / 2 / 3)
    assert (others["verdict"], others["n"], others["reason"]) == ("undecided", 2, None)
    assert others["more_seeds"] >= 1, "0.500 and 0.501"
    waiting = read.get("/experiments/2/verdicts").json()["items"]
    assert {(one["verdict"], one["reason"], one["value"]) for one in waiting} == {
        ("undecided", "no run has a result yet", None)
    }
    rows = list(csv.DictReader(io.StringIO(read.get("/experiments/1/verdicts.csv").text)))
    assert [row["verdict"] for row in rows] == ["holds", "undecided"]
    assert read.get("/experiments/99/verdicts").status_code == 404


def test_claims_that_name_what_is_not_there_are_refused(read: httpx.Client) -> None:
    answer = read.post("/experiments?dry_run=true", json=NEW_SPEC | {"claims": [CLAIM | {"measure": "beauty"}]})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/claims/0/measure"


def test_the_client_and_the_command_line_tell_them(filled_url: str) -> None:
    with Client(filled_url) as client:
        found = client.verdicts(1)
    assert [one.verdict for one in found] == ["holds", "undecided"]
    told = phaselab(filled_url, "verdicts", 1)
    assert told.exit_code == 1, "not every claim holds"
    lines = told.stdout.splitlines()
    assert lines[1].split("  ")[0].strip() == "two labels average"
    assert "averaging_index above 0.9 where network.labels=binary" in lines[1]
    assert lines[1].rstrip().endswith("holds")
    assert "more seeds would decide" in lines[2]


def test_the_page_of_an_experiment_has_its_claims(filled_url: str) -> None:
    page = httpx.get(f"{filled_url}/experiments/1").text
    assert '<span class="status holds">holds</span>' in page
    assert "&lt;here&gt;" in page, "what users wrote is text"
    assert "<h2>Claims</h2>" not in httpx.get(f"{filled_url}/glossary").text
