"""Nobody can make the service cost more than its limits: bodies, points, connections, streams, turns. Health always
answers."""

import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from phaselab.api.app import create_app
from phaselab.api.entrance import turns
from phaselab.api.entrance.bodies import parse_json
from phaselab.api.entrance.connections import limited, possible_connections
from phaselab.api.entrance.turns import is_light
from phaselab.db.schema.database import Database
from phaselab.domain.settings.faults import InvalidInput
from phaselab.domain.specs.spec import MAX_FAULTS, parse_spec
from phaselab.service.base.configuration import Configuration
from phaselab.service.base.yaml_text import Unreadable, parse_yaml
from tests.api.conftest import serving
from tests.api.test_errors import assert_problem

JSON = {"Content-Type": "application/json"}


class Gate:
    """Requests that stand at a gate until it is opened, each with a thread of the server."""

    def __init__(self, app: FastAPI, path: str) -> None:
        self.open = threading.Event()
        self.inside = threading.Semaphore(0)
        app.add_api_route(path, self._stand, methods=["GET"])

    def _stand(self) -> str:
        self.inside.release()
        assert self.open.wait(30)
        return "through"

    @contextmanager
    def crowd(self, url: str, count: int) -> Iterator[list[Any]]:
        """So many clients that ask for what stands at the gate; their answers when all are through."""
        answers: list[Any] = []
        with ThreadPoolExecutor(count) as pool:
            asked = [pool.submit(httpx.get, url, timeout=60) for _ in range(count)]
            yield answers
            self.open.set()
            answers += [one.result().status_code for one in asked]


def asks_for_health(url: str) -> int:
    return httpx.get(f"{url}/api/v1/health", timeout=10).status_code


def test_health_answers_while_every_thread_is_held(sqlite_database: Database) -> None:
    configuration = Configuration()
    app = create_app(configuration, sqlite_database)
    gate = Gate(app, "/static/gate")  # a light address, which needs no turn
    app.router.routes.insert(0, app.router.routes.pop())
    with serving(configuration, sqlite_database, app) as url, gate.crowd(f"{url}/static/gate", 60) as answers:
        for _ in range(40):
            assert gate.inside.acquire(timeout=30)
        assert asks_for_health(url) == 200
        assert httpx.get(f"{url}/api/v1/version", timeout=10).status_code == 200
    assert answers == [200] * 60


def test_heavy_requests_take_turns_and_light_ones_pass_them(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "MOST_WAITING", 3)
    configuration = Configuration(heavy_requests=2)
    app = create_app(configuration, sqlite_database)
    gate = Gate(app, "/heavy")
    with serving(configuration, sqlite_database, app) as url, gate.crowd(f"{url}/heavy", 5) as answers:
        for _ in range(2):
            assert gate.inside.acquire(timeout=30)
        while True:  # three are in, or on their way into, the queue; a sixth is refused once they are
            answer = httpx.get(f"{url}/heavy", timeout=1) if _waiting(app) == 3 else None
            if answer is not None:
                break
            threading.Event().wait(0.01)
        assert_problem(answer, 503)
        assert answer.headers["retry-after"]
        assert_problem(httpx.post(f"{url}/api/v1/experiments", json={"name": "x"}, timeout=10), 503)
        assert httpx.get(f"{url}/api/v1/experiments", timeout=10).status_code == 200
        assert asks_for_health(url) == 200
        assert not gate.inside.acquire(blocking=False), "no more than two are worked on"
    assert answers == [200] * 5


def _waiting(app: FastAPI) -> int:
    """How many requests wait for their turn."""
    layer: Any = app.middleware_stack
    while not isinstance(layer, turns.Turns):
        layer = layer.app
    return layer._waiting


@pytest.mark.parametrize("path", ["/api/v1/health", "/api/v1/ready", "/api/v1/experiments/7", "/", "/static/a.css"])
def test_what_is_light(path: str) -> None:
    assert is_light("GET", path)


@pytest.mark.parametrize("path", ["/api/v1/diagrams", "/api/v1/runs/0.csv", "/api/v1/experiments/7/runs", "/else"])
def test_what_is_heavy(path: str) -> None:
    assert not is_light("GET", path)
    assert not is_light("POST", "/api/v1/experiments")


def test_bodies_cost_what_their_length_is(read: httpx.Client) -> None:
    """With anything quadratic in it, this would not end within the time limit of a test."""
    for body in (
        json.dumps({"name": "x", "seeds": [-1] * 200_000}),
        json.dumps({"name": "x"} | {f"k{i}": 1 for i in range(60_000)}),
        json.dumps({"name": "x", "sweep": {"data.k": [[1]] * 90_000}}),
        "{" + '"a": 1, ' * 80_000 + '"a": 1}',
    ):
        assert read.post("/experiments", content=body, headers=JSON, timeout=120).status_code in (400, 422)
    with pytest.raises(InvalidInput) as told:
        parse_spec({"name": "x", "seeds": [-1] * 20_000})
    assert len(told.value.faults) == MAX_FAULTS + 1
    assert told.value.faults[0].pointer == "/seeds/0"
    keys = "{" + ", ".join(f'"k{i}": 1' for i in range(300_000)) + ', "k299999": 1}'
    with pytest.raises(Unreadable, match="k299999"):
        parse_json(keys)
    assert len(parse_yaml("- " + ", ".join(["1" + ":10" * 100_000] * 3))[0]) > 900_000
    assert len(parse_yaml("\n".join(f"k{i}: 1" for i in range(100_000)))) == 100_000
    with pytest.raises(Unreadable, match="directives"):
        parse_yaml("\n".join(f"%TAG !a{i}! x" for i in range(100_000)) + "\n--- 1")


def test_a_small_body_plans_no_more_points_than_the_limit(read: httpx.Client) -> None:
    sweep = {"data.snr": {"linspace": [0.1, 1, 1000]}, "network.init_scale": {"linspace": [0.1, 1, 1000]}}
    problem = assert_problem(
        read.post("/experiments?dry_run=true", json={"name": "x", "seeds": 1, "sweep": sweep}), 422
    )
    assert problem["errors"][0]["pointer"] == "/sweep"
    assert "1000 x 1000 points are 1000000; at most 50000" in problem["detail"]


@pytest.fixture
def narrow(sqlite_database: Database) -> Iterator[str]:
    """The URL of a server that has little patience and room."""
    configuration = Configuration(body_seconds=0.5, max_streams=2)
    with serving(configuration, sqlite_database, http=limited(4, 0.5)) as url:
        yield url


def connected(url: str) -> socket.socket:
    host, port = url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=20)


def test_half_open_connections_end_and_shut_nobody_out(narrow: str) -> None:
    with ExitStack() as stack:
        silent = [stack.enter_context(connected(narrow)) for _ in range(20)]
        partial = stack.enter_context(connected(narrow))
        partial.sendall(b"GET /api/v1/health HTTP/1.1\r\nHost: 127")
        assert asks_for_health(narrow) == 200
        for one in (*silent, partial):
            assert ended(one)
        kept = stack.enter_context(connected(narrow))
        kept.sendall(b"GET /api/v1/health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert kept.recv(65536).startswith(b"HTTP/1.1 200")
        kept.sendall(b"GET /api/v1/hea")
        assert ended(kept), "the head of a second request may not take longer either"


def ended(connection: socket.socket) -> bool:
    try:
        while connection.recv(65536):
            pass
    except ConnectionError:
        pass
    return True


def test_connections_over_the_limit_are_told_when_all_are_busy(sqlite_database: Database) -> None:
    configuration = Configuration()
    app = create_app(configuration, sqlite_database)
    gate = Gate(app, "/heavy")
    with serving(configuration, sqlite_database, app, http=limited(2, 5)) as url, gate.crowd(f"{url}/heavy", 2):
        for _ in range(2):
            assert gate.inside.acquire(timeout=30)
        answer = httpx.get(f"{url}/api/v1/health", timeout=10)
        assert answer.status_code == 503
        assert answer.headers["retry-after"]
        assert answer.json()["type"] == "urn:phaselab:problem:unavailable"
    assert possible_connections(10) == 10


@pytest.mark.parametrize("path", ["/experiments", "/experiments/import"])
def test_a_body_that_comes_too_slowly_is_refused(narrow: str, path: str) -> None:
    kind = {"Content-Type": "application/gzip"} if "import" in path else JSON
    with connected(narrow) as slow:
        head = f"POST /api/v1{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in kind.items())
        slow.sendall(f"{head}\r\n".encode())
        answer = b"".join(iter(lambda: slow.recv(65536), b""))  # to the end of the connection
        assert answer.startswith(b"HTTP/1.1 408")
        assert b"urn:phaselab:problem:too-slow" in answer


def test_a_client_that_goes_away_in_the_middle_is_no_error_of_the_server(
    narrow: str, caplog: pytest.LogCaptureFixture
) -> None:
    with connected(narrow) as gone:
        gone.sendall(b"POST /api/v1/experiments HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n{")
    assert asks_for_health(narrow) == 200
    assert not caplog.records


def test_streams_are_as_many_as_the_limit(narrow: str, sqlite_database: Database) -> None:
    made = httpx.post(f"{narrow}/api/v1/experiments", json={"name": "x", "seeds": 1}).json()["id"]
    address = f"{narrow}/api/v1/experiments/{made}/events"
    with ExitStack() as stack:
        streams = [stack.enter_context(httpx.stream("GET", address, timeout=20)).iter_lines() for _ in range(2)]
        assert [next(lines) for lines in streams] == ["retry: 2000"] * 2
        answer = httpx.get(address)
        assert_problem(answer, 503)
        assert answer.headers["retry-after"]
        assert asks_for_health(narrow) == 200
    while httpx.head(address).status_code == 503:
        threading.Event().wait(0.05)


def test_odd_methods_do_not_grow_the_metrics(http: httpx.Client) -> None:
    for i in range(100):
        assert http.request(f"ODD{i}", "/health").status_code == 405
    text = http.get("/metrics").text
    assert "ODD" not in text
    assert 'method="other"' in text
