"""Clients that read slowly, or nothing: they hold up nobody, and are not held for ever."""

import gc
import socket
import threading
from collections.abc import Iterator

import httpx
import pytest
from starlette.responses import Response, StreamingResponse
from uvicorn.protocols.http.h11_impl import H11Protocol

from phaselab.api.app import create_app
from phaselab.api.entrance.connections import limited
from phaselab.db.schema.database import Database
from phaselab.service.base.configuration import Configuration
from tests.api.conftest import serving
from tests.api.test_limits import Gate, connected, ended

PIECE = b"x" * 1_000_000
LARGE = 40 * len(PIECE)
"""More than any socket holds."""


class Stream:
    """An answer that is made piece by piece, the second one when it may; `over` when nobody makes it any more."""

    def __init__(self, pieces: int) -> None:
        self._pieces = pieces
        self.may_go_on, self.over = threading.Event(), threading.Event()

    def answer(self) -> Response:
        return StreamingResponse(self._made(), media_type="text/csv")

    def _made(self) -> Iterator[bytes]:
        try:
            yield PIECE
            assert self.may_go_on.wait(30)
            yield from (PIECE for _ in range(self._pieces - 1))
        finally:
            self.over.set()


def test_a_streamed_answer_has_its_turn_until_its_last_piece(sqlite_database: Database) -> None:
    configuration = Configuration(heavy_requests=1)
    app, stream = create_app(configuration, sqlite_database), Stream(3)
    app.add_api_route("/stream", stream.answer, methods=["GET"])
    gate = Gate(app, "/heavy")
    gate.open.set()
    with (
        serving(configuration, sqlite_database, app) as url,
        httpx.stream("GET", f"{url}/stream", timeout=30) as answer,
    ):
        pieces = answer.iter_bytes(len(PIECE))
        next(pieces)
        other = threading.Thread(target=httpx.get, args=(f"{url}/heavy",), kwargs={"timeout": 60})
        other.start()
        assert not gate.inside.acquire(timeout=0.5), "the second piece is being made"
        stream.may_go_on.set()
        assert sum(map(len, pieces)) == 2 * len(PIECE)
        assert gate.inside.acquire(timeout=30)
        other.join()


def test_a_client_that_reads_nothing_holds_up_nobody(sqlite_database: Database) -> None:
    configuration = Configuration(heavy_requests=1)
    app, stream = create_app(configuration, sqlite_database), Stream(10**12)
    stream.may_go_on.set()
    app.add_api_route("/stream", stream.answer, methods=["GET"])
    gate = Gate(app, "/heavy")
    gate.open.set()
    with serving(configuration, sqlite_database, app, http=limited(10, 5)) as url, connected(url) as silent:
        silent.sendall(b"GET /stream HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert silent.recv(1) == b"H", "its answer has begun"
        assert httpx.get(f"{url}/heavy", timeout=30).status_code == 200
        assert not stream.over.is_set()


def noting(protocol: type[H11Protocol], lost: threading.Event) -> type[H11Protocol]:
    class Noting(protocol):  # type: ignore[misc,valid-type]
        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            lost.set()

    return Noting


@pytest.mark.parametrize("more", ["", "Connection: close\r\n"])
@pytest.mark.parametrize("path", ["/stream", "/whole"])
def test_a_client_that_reads_nothing_is_not_held_for_ever(sqlite_database: Database, path: str, more: str) -> None:
    app, stream, lost = create_app(Configuration(), sqlite_database), Stream(10**12), threading.Event()
    stream.may_go_on.set()
    app.add_api_route("/stream", stream.answer, methods=["GET"])
    app.add_api_route("/whole", lambda: Response(b"x" * LARGE), methods=["GET"])
    protocol = noting(limited(10, 5, 0.2), lost)
    with serving(Configuration(), sqlite_database, app, http=protocol) as url, connected(url) as silent:
        silent.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{more}\r\n".encode())
        assert lost.wait(30), "its connection has ended"
        while path == "/stream" and not stream.over.wait(0.1):  # nothing more is made for it, so it is swept away
            gc.collect()
        assert ended(silent)


def test_a_large_answer_is_read_as_slowly_as_it_may_be(sqlite_database: Database) -> None:
    """Longer than the head of a request may take."""
    app = create_app(Configuration(), sqlite_database)
    app.add_api_route("/whole", lambda: Response(b"x" * LARGE), methods=["GET"])
    protocol, head_seconds = limited(10, 0.2, 20), 0.2
    with serving(Configuration(), sqlite_database, app, http=protocol) as url, connected(url) as slow:
        slow.sendall(b"GET /whole HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        slow.recv(1)
        threading.Event().wait(3 * head_seconds)
        assert _length(slow) > LARGE


def _length(connection: socket.socket) -> int:
    found = 1
    try:
        while found < LARGE and (piece := connection.recv(1_000_000)):
            found += len(piece)
        found += len(connection.recv(1_000_000)) if found < LARGE + 100 else 0
    except ConnectionError:
        pass
    return found
