"""Texts are compressed for those who take it; an ETag stands for bytes."""

import gzip
from collections.abc import Iterator

import httpx
import pytest

DIAGRAM = "/api/v1/diagrams?experiment=1&x=data.k&y=network.labels&measure=averaging_index"


@pytest.fixture(scope="module")
def site(filled_url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=filled_url) as client:
        yield client


def raw(site: httpx.Client, path: str, method: str = "GET", **headers: str) -> tuple[httpx.Response, bytes]:
    """An answer and the bytes it was sent in."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    with site.stream(method, path, headers=named) as answer:
        return answer, b"".join(answer.iter_raw())


@pytest.mark.parametrize("path", ["/", "/experiments/1", DIAGRAM, "/static/vendor/d3-7.9.2.min.js", "/api/v1/measures"])
def test_texts_are_sent_compressed_to_those_who_take_it(site: httpx.Client, path: str) -> None:
    plain, whole = raw(site, path, accept_encoding="identity")
    packed, sent = raw(site, path, accept_encoding="gzip")
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert len(sent) < len(whole) / 2
    assert gzip.decompress(sent) == whole
    assert "Accept-Encoding" in packed.headers["vary"]


def test_a_compressed_answer_has_a_strong_tag_of_its_own(site: httpx.Client) -> None:
    plain, _ = raw(site, DIAGRAM, accept_encoding="identity")
    packed, _ = raw(site, DIAGRAM, accept_encoding="gzip")
    tags = plain.headers["etag"], packed.headers["etag"]
    assert tags[0] != tags[1]
    assert not any(tag.startswith("W/") for tag in tags)
    for tag in (*tags, f'"other", {tags[1]}'):
        answer, sent = raw(site, DIAGRAM, accept_encoding="gzip", if_none_match=tag)
        assert (answer.status_code, sent) == (304, b"")
        assert answer.headers["etag"] in tag
    assert raw(site, DIAGRAM, if_none_match='"other-gzip"')[0].status_code == 200


def test_the_head_of_a_compressed_answer_is_that_of_the_answer(site: httpx.Client) -> None:
    answer, sent = raw(site, DIAGRAM, accept_encoding="gzip")
    head, nothing = raw(site, DIAGRAM, "HEAD", accept_encoding="gzip")
    assert nothing == b""
    for name in ("etag", "content-encoding", "content-length"):
        assert head.headers[name] == answer.headers[name]
    assert int(answer.headers["content-length"]) == len(sent)


@pytest.mark.parametrize(
    "path",
    ["/api/v1/experiments/1/runs.csv", "/api/v1/experiments/1/runs.parquet", f"{DIAGRAM.replace('?', '.png?')}",
     "/api/v1/experiments/1/events", "/api/v1/health"],
)  # fmt: skip
def test_what_is_streamed_packed_or_short_is_sent_as_it_is(site: httpx.Client, path: str) -> None:
    answer, sent = raw(site, path, accept_encoding="gzip")
    assert answer.status_code == 200
    assert "content-encoding" not in answer.headers
    assert sent


def test_what_lies_outside_of_it_sees_the_route_of_a_request(site: httpx.Client) -> None:
    assert 'route="/diagrams",status="200"' in site.get("/api/v1/metrics").text
