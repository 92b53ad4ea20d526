"""Connections: how many there are at a time, how long one may take to say what it wants, and to read its answer."""

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

SLOWEST_READER = 1_000
"""Bytes a second that a client has to read of what waits for it."""
SPARE_FILES = 100
"""Open files that are left for the database, pictures and whatever else is not a connection."""


class _Watched(H11Protocol):
    """uvicorn's protocol, which ends the connection of a client that does not read what waits for it."""

    read_seconds: float
    _reading: asyncio.TimerHandle | None = None
    _unread = 0

    def pause_writing(self) -> None:
        """More waits for the client than may: from now on it is seen to that it reads."""
        super().pause_writing()
        self._watch()

    def resume_writing(self) -> None:
        """It has read."""
        super().resume_writing()
        self._stop_watching()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is there to read."""
        super().connection_lost(exc)
        self._stop_watching()

    def _watch(self) -> None:
        self._unread = self.transport.get_write_buffer_size()
        self._reading = self.loop.call_later(self.read_seconds, self._judge)

    def _judge(self) -> None:
        """End the connection of a client that has read too little, and with it what is made or held for it."""
        if self._unread - self.transport.get_write_buffer_size() < SLOWEST_READER * self.read_seconds:
            self.transport.abort()
        else:
            self._watch()

    def _stop_watching(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None


class _Limited(_Watched):
    """That protocol with a limit on connections and on the time for a head; `waiting` are those without a request."""

    most: int
    head_seconds: float
    waiting: dict[H11Protocol, None]
    _timer: asyncio.TimerHandle | None = None
    _lost = False

    def connection_made(self, transport: Any) -> None:
        """Take the place of one that waits, where there is no room."""
        super().connection_made(transport)
        if len(self.connections) > self.most:
            oldest = next(iter(self.waiting), None)
            if oldest is None:
                self.transport.write(_BUSY)
                self.transport.close()
                return
            oldest.transport.abort()
            self.connections.discard(oldest)
            self.waiting.pop(oldest)
        self._look()

    def data_received(self, data: bytes) -> None:
        """A request, or a part of one."""
        super().data_received(data)
        self._look()

    def on_response_complete(self) -> None:
        """The next request may come."""
        super().on_response_complete()
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any more."""
        super().connection_lost(exc)
        self._lost = True
        self._stop_waiting()

    def pause_writing(self) -> None:
        """The client reads; the next request has time."""
        super().pause_writing()
        self._stop_waiting()

    def resume_writing(self) -> None:
        """It has read."""
        super().resume_writing()
        self._look()

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP is told in the shape of every other error."""
        self.transport.write(_problem(400, "what was sent is not HTTP as it should be", {}))
        self.transport.close()

    def _look(self) -> None:
        """Note whether a request is being worked on, or an answer read; while neither is, time runs."""
        if self.flow.write_paused or (self.cycle is not None and not self.cycle.response_complete):
            self._stop_waiting()
        elif self._timer is None and not self._lost:
            self.waiting[self] = None
            self._timer = self.loop.call_later(self.head_seconds, self.transport.abort)

    def _stop_waiting(self) -> None:
        self.waiting.pop(self, None)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def limited(most: int, head_seconds: float, read_seconds: float = 30.0) -> type[H11Protocol]:
    """uvicorn's protocol with three limits: at most `most` connections, at most `head_seconds` for a request's first
    line and headers, and in any `read_seconds` a client reads as much as SLOWEST_READER asks, or the connection ends.

    When all are taken, a new one takes the place of the one that has waited longest without a request; where none
    waits, it is told that the server is busy.
    """
    limits = {"most": most, "head_seconds": head_seconds, "read_seconds": read_seconds, "waiting": {}}
    return type("Limited", (_Limited,), limits)


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
