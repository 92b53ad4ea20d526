"""HEAD: what GET would answer, less the body, on every route."""

from collections.abc import Iterator

import httpx
import pytest
from fastapi.routing import APIRoute

from phaselab.api.app import PARTS, PREFIX
from phaselab.api.routes import account_page, login, pages, sign_on

DIAGRAM = "experiment=1&x=data.k&y=network.labels&measure=averaging_index"
CURVES = "experiment=1&by=network.labels&where=data.k=6"
LINES = "experiment=1&x=data.k&by=network.labels&measure=averaging_index"
QUERIES = {
    "diagrams": f"?{DIAGRAM}",
    "differences": f"?experiment=2&{DIAGRAM}",
    "lines": f"?{LINES}",
    "curves": f"?{CURVES}",
}
PAGES = (pages, login, sign_on, account_page)
MOVING = ("metrics", "overview")
"""What tells figures of the moment, now of more digits and now of fewer."""
UNSTABLE = {"date", "transfer-encoding", "content-length", "x-request-id"}


def routes() -> Iterator[str]:
    for prefix, router in [(PREFIX, part.router) for part in PARTS] + [("", part.router) for part in PAGES]:
        for route in router.routes:
            if isinstance(route, APIRoute) and "GET" in route.methods:
                yield prefix + route.path


@pytest.fixture(scope="module")
def key(read: httpx.Client) -> str:
    found: str = read.get("/experiments/1/runs", params={"limit": 1}).json()["items"][0]["key"]
    return found


@pytest.mark.parametrize("path", sorted(set(routes())))
def test_head_answers_as_get_without_a_body(filled_url: str, key: str, path: str) -> None:
    noun = path.rsplit("/", 1)[-1].partition(".")[0]
    query = "" if "{key}" in path else QUERIES.get(noun, "")
    suffix = "png" if noun in (*QUERIES, "cosines") else "csv"
    address = path.replace("{experiment_id}", "1").replace("{key}", key).replace("{suffix}", suffix) + query
    with httpx.Client(base_url=filled_url, timeout=30) as client:
        head = client.head(address)
        with client.stream("GET", address) as get:
            assert head.status_code == get.status_code
            assert head.status_code in ((403,) if noun == "tokens" else (200, 303)), path
            assert head.content == b""
            for name in get.headers.keys() - UNSTABLE:
                assert head.headers[name] == get.headers[name], name
            if not path.endswith(MOVING):
                assert head.headers.get("content-length") == get.headers.get("content-length")


def test_head_of_an_endless_stream_ends(filled_url: str) -> None:
    with httpx.Client(base_url=filled_url, timeout=10) as client:
        answer = client.head("/api/v1/experiments/2/events")
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert client.head("/api/v1/experiments").status_code == 200, "the connection is in order"


def test_head_of_errors_and_of_what_has_not_changed(read: httpx.Client) -> None:
    missing = read.head("/experiments/99")
    assert (missing.status_code, missing.content) == (404, b"")
    assert missing.headers["content-type"] == "application/problem+json"
    tag = read.head(f"/diagrams.png?{DIAGRAM}").headers["ETag"]
    assert read.head(f"/diagrams.png?{DIAGRAM}", headers={"If-None-Match": tag}).status_code == 304
    assert read.head("/experiments/1/cancel").status_code == 405
    wrong = read.post("/diagrams")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "GET, HEAD")
