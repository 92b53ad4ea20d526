"""One error shape for every fault of every path, and bodies of every kind that cannot be used."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute
from starlette.requests import Request

from phaselab.api.app import PARTS, create_app
from phaselab.db.queue import leadership
from phaselab.db.schema.database import Database
from phaselab.service.base.configuration import Configuration
from phaselab.service.base.errors import RayUnfit
from phaselab.service.scheduling.lead import Lead
from tests.api.conftest import NEW_SPEC, SPEC, serving

SHAPE = {"type", "title", "status", "detail", "instance", "errors"}


def assert_problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert set(problem) == SHAPE
    assert problem["status"] == status
    assert problem["type"].startswith("urn:phaselab:problem:")
    assert problem["instance"] == answer.request.url.path
    assert problem["title"]
    assert problem["detail"]
    for fault in problem["errors"]:
        assert set(fault) - {"line"} == {"pointer", "detail"}
        assert fault["pointer"] == "" or fault["pointer"].startswith("/")
    return problem


def routes() -> list[APIRoute]:
    return [route for part in PARTS for route in part.router.routes if isinstance(route, APIRoute)]


PLACES = {"{experiment_id}": "1", "{key}": "0" * 64, "{suffix}": "csv"}


def filled(path: str, **places: str) -> str:
    for name, value in (PLACES | places).items():
        path = path.replace(name, value)
    return path


PATHS = sorted({route.path for route in routes()})


@pytest.mark.parametrize("path", PATHS)
def test_a_wrong_method_names_the_right_ones(read: httpx.Client, path: str) -> None:
    answer = read.request("TRACE", filled(path))
    assert_problem(answer, 405)
    assert answer.headers["allow"]


@pytest.mark.parametrize("path", [path for path in PATHS if "{experiment_id}" in path])
@pytest.mark.parametrize("number", ["0", "-1", "abc", "99", "2147483648", "9" * 30])
def test_an_unknown_experiment_is_not_found(read: httpx.Client, path: str, number: str) -> None:
    for route in routes():
        if route.path == path:
            for method in sorted(route.methods):
                body = {"json": {}} if method == "PATCH" else {}
                assert_problem(read.request(method, filled(path, **{"{experiment_id}": number}), **body), 404)


@pytest.mark.parametrize("path", [route.path for route in routes() if "GET" in route.methods])
def test_an_unknown_query_parameter_is_refused(read: httpx.Client, path: str) -> None:
    suffix = "png" if path.endswith("/curves.{suffix}") else "csv"
    problem = assert_problem(read.get(filled(path, **{"{suffix}": suffix}), params={"surprise": "1"}), 422)
    assert "/surprise" in [fault["pointer"] for fault in problem["errors"]]


@pytest.mark.parametrize("path", ["/nothing", "/experiments/", "/experiments/1/nothing", "/runs", "/../secret", "/%00"])
def test_an_unknown_path_is_not_found(read: httpx.Client, path: str) -> None:
    assert_problem(read.get(path), 404)


@pytest.mark.parametrize(
    ("body", "kind", "status", "words"),
    [
        (b"", "application/json", 400, "not JSON"),
        (b"{", "application/json", 400, "line 1"),
        (b'{"a": NaN}', "application/json", 400, "NaN"),
        (b'{"a": 1e999}', "application/json", 400, "too large"),
        (b'{"name": "a", "name": "b"}', "application/json", 400, "twice"),
        (b"[" * 100_000, "application/json", 400, "deep"),
        (b"\xff\xfe", "application/json", 400, "UTF-8"),
        (b"a: [", "application/yaml", 400, "not YAML"),
        (b"a: &x [1]\nb: *x", "application/yaml", 400, "alias"),
        (b"a: 1\na: 2", "application/yaml", 400, "twice"),
        (b"[" * 100_000, "application/yaml", 400, "deep"),
        (b"a: !!python/object/apply:os.system [ls]", "application/yaml", 400, "python"),
        (b"a: .inf", "application/yaml", 400, "finite"),
        (b"a=b", "application/x-www-form-urlencoded", 415, "application/json"),
        (b"<a/>", "text/xml", 415, "application/yaml"),
    ],
)
def test_a_body_that_cannot_be_read(read: httpx.Client, body: bytes, kind: str, status: int, words: str) -> None:
    problem = assert_problem(read.post("/experiments", content=body, headers={"Content-Type": kind}), status)
    assert words in problem["detail"]


@pytest.mark.parametrize(
    ("change", "pointer", "words"),
    [
        ({"nam": "x"}, "/nam", "known here"),
        ({"data": {"k": "ten"}}, "/data/k", "integer"),
        ({"data": {"q": 1}}, "/data/q", "known here"),
        ({"attack": {"radii": [-1]}}, "/attack/radii/0", "0"),
        ({"network": {"labels": 20}, "sweep": {}}, "/network/labels", "2..10"),
        ({"sweep": {"data.k": [4, 4]}}, "/sweep/data.k", "twice"),
        ({"sweep": {"data.z": [1]}}, "/sweep/data.z", "data.k"),
        ({"sweep": {"data.snr": {"linspace": [1, 2, 10_000]}}, "seeds": 1000}, "/sweep", "10000000 runs"),
        ({"seeds": 0}, "/seeds", "1"),
    ],
)
def test_a_spec_that_cannot_be_used_is_refused_with_the_place(
    read: httpx.Client, change: dict[str, Any], pointer: str, words: str
) -> None:
    problem = assert_problem(read.post("/experiments", json=SPEC | change), 422)
    fault = next(fault for fault in problem["errors"] if fault["pointer"].startswith(pointer))
    assert words in fault["detail"]


@pytest.mark.parametrize("body", [[], "text", 3, None])
def test_a_spec_that_is_no_mapping_is_refused(read: httpx.Client, body: object) -> None:
    assert_problem(read.post("/experiments", content=json.dumps(body)), 422)


def test_nothing_of_what_was_refused_is_stored(read: httpx.Client) -> None:
    assert [item["id"] for item in read.get("/experiments").json()["items"]] == [2, 1]


def chunks(count: int) -> Iterator[bytes]:
    return (b" " * 1_000_000 for _ in range(count))


@pytest.mark.parametrize("body", [b" " * 50_000_000, None], ids=["with a length", "chunked"])
def test_a_body_of_50_mb_is_refused_and_the_server_goes_on(read: httpx.Client, body: bytes | None) -> None:
    headers = {"Content-Type": "application/json"}
    answer = read.post("/experiments", content=chunks(50) if body is None else body, headers=headers, timeout=60)
    assert_problem(answer, 413)
    assert read.get("/health").json() == {"status": "ok"}


def test_ready_tells_whether_a_scheduler_leads(own_server: tuple[str, Database], http: httpx.Client) -> None:
    told = http.get("/ready").json()
    assert (told["status"], told["scheduler"]["leads"]) == ("ok", False)
    assert "nothing is computed" in told["scheduler"]["reason"]
    with own_server[1].transaction() as session:
        assert leadership.acquire(session, "one", 60)
    assert http.get("/ready").json() == {"status": "ok", "scheduler": {"leads": True, "reason": None}}
    lead = Lead(own_server[1], 60.0)
    lead.fails(RayUnfit("no node holds a trial"))
    assert http.get("/ready").json()["scheduler"]["reason"] == "the scheduler ended: no node holds a trial"
    lead.fails(KeyError("secret"))
    assert http.get("/ready").json()["scheduler"]["reason"] == "the scheduler ended: a bug (KeyError), see its log"
    lead.works()
    assert http.get("/ready").json()["scheduler"] == {"leads": True, "reason": None}


def test_other_sites_pages_may_not_change_anything(read: httpx.Client, filled_url: str) -> None:
    for method, path in (("POST", "/experiments"), ("POST", "/experiments/1/cancel"), ("DELETE", "/experiments/1")):
        assert_problem(read.request(method, path, headers={"Origin": "http://elsewhere.example"}), 403)
    rewritten = {"Origin": "https://lab.example:8443", "Host": "127.0.0.1", "Sec-Fetch-Site": "same-origin"}
    for headers in ({"Origin": filled_url}, rewritten):
        assert read.post("/experiments?dry_run=true", json=SPEC, headers=headers).status_code == 200
    for site in ("cross-site", "same-site", "none"):
        headers = rewritten | {"Sec-Fetch-Site": site}
        assert_problem(read.post("/experiments?dry_run=true", json=SPEC, headers=headers), 403)


def test_every_answer_has_the_headers_that_keep_browsers_safe(read: httpx.Client) -> None:
    for answer in (read.get("/health"), read.get("/nothing")):
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_database_whose_file_is_gone_is_503_with_the_cause(
    own_server: tuple[str, Database], http: httpx.Client
) -> None:
    file = Path(str(own_server[1].url.database))
    assert http.get("/ready").status_code == 200
    file.rename(file.with_suffix(".kept"))
    for answer in (http.get("/ready"), http.post("/experiments", json=NEW_SPEC), http.get("/experiments")):
        assert_problem(answer, 503)
        assert "removed or replaced" in answer.json()["detail"]
    file.with_suffix(".kept").rename(file)
    assert http.post("/experiments", json=NEW_SPEC).status_code == 201


def test_a_database_that_is_away_is_503_and_health_stays(tmp_path: Any) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    database = Database(f"postgresql://nobody@127.0.0.1:{port}/none")
    with serving(Configuration(), database) as url, httpx.Client(base_url=f"{url}/api/v1") as client:
        for path in ("/ready", "/experiments", "/experiments/1", "/runs/" + "0" * 64):
            answer = client.get(path)
            assert_problem(answer, 503)
            assert answer.headers["retry-after"]
            assert "nothing was stored" in answer.json()["detail"]
        assert client.get("/health").status_code == 200
        assert client.get("/version").status_code == 200
    database.close()


def test_an_internal_error_is_logged_and_not_shown(caplog: pytest.LogCaptureFixture, sqlite_database: Database) -> None:
    app = create_app(Configuration(), sqlite_database)

    def broken(request: Request) -> None:
        raise RuntimeError("a secret of the server")

    app.add_route("/broken", broken)
    with serving(Configuration(), sqlite_database, app) as url:
        answer = httpx.get(f"{url}/broken")
    assert_problem(answer, 500)
    assert "secret" not in answer.text
    assert "a secret of the server" in caplog.text
