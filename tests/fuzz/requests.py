"""Hostile requests, put to the whole app in this process: no socket between, so that any bytes can come."""

import asyncio
import json
import threading
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI

from tests.api.described import Described
from tests.fuzz.made import Made

PROBLEM = {"type", "title", "status", "detail", "instance", "errors"}
PATHS = (
    "/login",
    "/logout",
    "/submit",
    "/submit/look",
    "/compare",
    "/",
    "/glossary",
    "/experiments/1",
    "/experiments/1/runs",
    "/static/x.css",
)
NUMBERS = (
    *("0", "1", "2", "99", "-1", "9" * 18, "0" * 30 + "1"),
    *(str(2**n + i) for n in (31, 32, 53, 63, 64) for i in (-1, 0)),
)
"""What ids, cursors and limits may be: at the ends of what databases hold, and beyond."""
QUERIES = (
    "experiment", "x", "y", "measure", "where", "marginalize", "statistic", "threshold", "by", "method", "readout",
    "cursor", "limit", "set", "dry_run", "missing", "imported", "per", "order", "preset", "fix.data.k", "surprise",
)  # fmt: skip
HEADERS = (
    "host", "origin", "accept", "authorization", "cookie", "if-none-match", "if-match", "idempotency-key",
    "last-event-id", "content-type", "content-length", "x-forwarded-proto", "x-forwarded-host", "referer", "range",
    "expect",
)  # fmt: skip
TYPES = (
    "application/json", "application/yaml", "text/yaml", "text/csv", "application/x-www-form-urlencoded", "",
    "application/gzip", "multipart/form-data; boundary=x", "application/json; charset=utf-16",
)  # fmt: skip


@dataclass(frozen=True)
class Request:
    """A request, as bytes wherever a client can send any."""

    method: str
    path: str
    query: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """What the app sent back."""

    status: int
    headers: dict[str, str]
    body: bytes


class Client:
    """Asks an app in this process."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self._loop = asyncio.new_event_loop()
        self._end = asyncio.Event()
        self._thread = threading.Thread(target=self._serve)  # one task that lasts, so that its threads are used again
        self._thread.start()
        self.described = Described(app.openapi())

    def _serve(self) -> None:
        self._loop.run_until_complete(self._end.wait())
        self._loop.close()

    def close(self) -> None:
        """End the loop, and its threads."""
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()

    def ask(self, request: Request) -> Answer:
        """The answer. Raises whatever the app lets out."""
        return asyncio.run_coroutine_threadsafe(self._ask(request), self._loop).result(300)

    async def _ask(self, request: Request) -> Answer:
        came = [{"type": "http.request", "body": request.body, "more_body": False}]
        sent: list[Any] = []

        async def receive() -> Any:
            return came.pop() if came else {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1", "scheme": "http",
            "method": request.method, "path": request.path, "raw_path": quote(request.path).encode(), "root_path": "",
            "query_string": request.query, "headers": list(request.headers), "server": ("127.0.0.1", 8000),
            "client": ("127.0.0.1", 50000), "state": {},
        }  # fmt: skip
        await self._app(scope, receive, send)
        if not sent:
            return Answer(0, {}, b"")  # whoever asked for a stream has gone
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in sent[0]["headers"]}
        return Answer(sent[0]["status"], headers, b"".join(message.get("body", b"") for message in sent[1:]))

    def check(self, request: Request) -> None:
        """Fails for an answer that is an error of the server, undocumented, or a problem in another shape."""
        answer = self.ask(request)
        assert answer.status < 500 or answer.status in (503, 507), answer
        kind = answer.headers.get("content-type", "").partition(";")[0]
        if answer.status >= 400 and kind == "application/problem+json" and request.method != "HEAD":
            assert set(json.loads(answer.body)) == PROBLEM
        elif kind == "application/json" and answer.body:
            json.loads(answer.body, parse_constant=_no_constant)
        method = "GET" if request.method == "HEAD" else request.method
        told = self.described.operation(method, request.path)
        if told is not None and answer.status:
            said = told["responses"].get(str(answer.status))
            assert said is not None, f"{answer.status} is not documented"
            assert not kind or kind in said.get("content", {}), f"{kind} is not documented for {answer.status}"


def _no_constant(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")


class Requests:
    """Makes requests to what an app describes, and to what it does not."""

    def __init__(self, client: Client, key: str) -> None:
        paths = client.described.document["paths"]
        self._calls = [(method.upper(), path) for path, methods in paths.items() for method in methods]
        self._key = key

    def make(self, made: Made) -> Request:
        """A request, most often to something that is there."""
        draw = made.random.random()
        method, path = made.random.choice(self._calls)
        if draw < 0.15:
            method, path = made.random.choice(("GET", "POST")), made.random.choice(PATHS)
        elif draw < 0.2:
            method = made.random.choice(("HEAD", "OPTIONS", "PUT", "ODD", "TRACE", "POST"))
        path = path.replace("{experiment_id}", made.random.choice(("1", "2", made.random.choice(NUMBERS), made.text())))
        path = path.replace("{key}", made.random.choice((self._key, "0" * 64, made.text())))
        path = path.replace("{suffix}", made.random.choice(("json", "csv", "parquet", "svg", made.text())))
        return Request(method, self._path(made, path), self._query(made, path), self._headers(made), self._body(made))

    def _path(self, made: Made, path: str) -> str:
        """A path as a server makes one of what was sent: any letters, and no halves of any."""
        path = "/" + made.broken(path).lstrip("/") if made.chance(0.05) else path
        return path.encode(errors="replace").decode()

    def _query(self, made: Made, path: str) -> bytes:
        pairs = [(made.random.choice(QUERIES), made.text()) for _ in range(made.random.choice((0, 0, 0, 1, 2)))]
        if made.chance(0.1):
            pairs += [(made.random.choice(("cursor", "limit", "experiment")), made.random.choice(NUMBERS))]
        if "diagrams" in path or "curves" in path:
            pairs += [("experiment", "1")] if made.chance(0.9) else [("experiment", made.text())]
        if "diagrams" in path:
            pairs += [("x", "data.k"), ("y", "network.labels"), ("measure", "averaging_index")]
        elif "curves" in path:
            pairs += [("by", "network.labels"), ("where", "data.k=4"), ("method", "exact")]
        if made.chance(0.2):
            pairs += [("where", made.condition())]
        text = "&".join(f"{name}={quote(value, safe='', errors='surrogatepass')}" for name, value in pairs)
        text = made.broken(text) if made.chance(0.05) else text
        return bytes(byte for byte in text.encode(errors="replace") if 0x21 <= byte <= 0x7E)  # others are no HTTP

    def _headers(self, made: Made) -> tuple[tuple[bytes, bytes], ...]:
        headers = {"host": "127.0.0.1", "content-type": made.random.choice(TYPES)}
        for _ in range(made.random.choice((0, 0, 1, 2))):
            headers[made.random.choice(HEADERS)] = made.text()
        shown = {name: value.replace("\r", "").replace("\n", "").replace("\0", "") for name, value in headers.items()}
        return tuple((name.encode(), value.encode(errors="surrogatepass")[:2000]) for name, value in shown.items())

    def _body(self, made: Made) -> bytes:
        if made.chance(0.3):
            return b""
        form = f"token={made.text()}&spec={made.text()}&after={made.text()}&do=try"
        text = made.random.choice((made.json_text, made.yaml_text, made.csv_text, lambda: form))()
        return text.encode(errors="surrogatepass")
