"""Connections: how many there are at a time, and how long one may take to say what it wants."""

import asyncio
import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from phaselab.api.base.problems import MEDIA_TYPE, NAMES

try:
    import resource
except ImportError:  # Windows, where files have no such limit
    resource = None  # type: ignore[assignment]

SPARE_FILES = 100
"""Open files that are left for the database, pictures and whatever else is not a connection."""


def limited(most: int, seconds: float) -> type[H11Protocol]:
    """uvicorn's protocol with two limits: at most `most` connections, and at most `seconds` for a request's first line
    and headers.

    When all are taken, a new one takes the place of the one that has waited longest without a request; where none
    waits, it is told that the server is busy.
    """
    waiting: dict[H11Protocol, None] = {}

    class Limited(H11Protocol):
        _timer: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            if len(self.connections) > most:
                oldest = next(iter(waiting), None)
                if oldest is None:
                    self._refuse()
                    return
                oldest.transport.abort()
                self.connections.discard(oldest)
                waiting.pop(oldest)
            self._look()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self._look()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            self._look()

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            self._stop_waiting()

        def send_400_response(self, msg: str) -> None:
            """What is no HTTP is told in the shape of every other error."""
            self.transport.write(_problem(400, "what was sent is not HTTP as it should be", {}))
            self.transport.close()

        def _look(self) -> None:
            """Note whether a request is being worked on; while none is, time runs."""
            if self.cycle is not None and not self.cycle.response_complete:
                self._stop_waiting()
            elif self._timer is None and not self.transport.is_closing():
                waiting[self] = None
                self._timer = self.loop.call_later(seconds, self.transport.abort)

        def _stop_waiting(self) -> None:
            waiting.pop(self, None)
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

        def _refuse(self) -> None:
            self.transport.write(_BUSY)
            self.transport.close()

    return Limited


def possible_connections(wanted: int) -> int:
    """As many connections as were asked for, or as the limit on open files allows, which is raised as far as may be."""
    if resource is None:
        return wanted
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + SPARE_FILES
    if soft != resource.RLIM_INFINITY and soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return wanted if soft == resource.RLIM_INFINITY else max(1, min(wanted, soft - SPARE_FILES))


def _problem(status: int, detail: str, headers: Mapping[str, str]) -> bytes:
    """A whole answer, for those who do not get as far as the app."""
    title = HTTPStatus(status).phrase
    problem = {"type": f"urn:phaselab:problem:{NAMES[status]}", "title": title, "status": status, "detail": detail}
    body = json.dumps(problem | {"instance": "", "errors": []}).encode()
    told = {"Content-Type": MEDIA_TYPE, "Content-Length": str(len(body)), "Connection": "close"} | dict(headers)
    head = "".join(f"{name}: {value}\r\n" for name, value in told.items())
    return f"HTTP/1.1 {status} {title}\r\n{head}\r\n".encode() + body


_BUSY = _problem(
    503, "the server has as many connections as it can hold; nothing was done; try again shortly", {"Retry-After": "5"}
)
