"""Heavy requests take turns, so that light ones are answered at any time."""

import asyncio
import re

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from phaselab.api.base.problems import Problem, respond

MOST_WAITING = 200
"""Heavy requests that may wait for their turn; further ones are refused."""
_LIGHT = re.compile(
    r"/static/.*|/(?:login(?:/oidc(?:/callback)?)?|logout|glossary)?"
    r"|/api/v1/(?:health|ready|version|metrics|parameters|measures|presets|openapi\.json)"
    r"|/api/v1/experiments/\d+(?:/(?:events|cancel|pause|resume|retry))?"
)
_LIGHT_TO_READ = re.compile(r"/api/v1/experiments")


class Turns:
    """Lets `at_once` heavy requests be worked on at a time, in the order they came; everything is heavy that is not
    known to be light. A request waits once its body is there. It has its turn while it is worked on, an answer that is
    made piece by piece until the last piece, and not while a client reads: slow clients hold up nobody."""

    def __init__(self, app: ASGIApp, at_once: int) -> None:
        self.app = app
        self._free = asyncio.Semaphore(at_once)
        self._waiting = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http" or is_light(scope["method"], scope["path"]):
            await self.app(scope, receive, send)
            return
        turn = _Turn(self)

        async def receive_and_wait() -> Message:
            message = await receive()
            if message["type"] == "http.request" and not message.get("more_body"):
                await turn.take()
            return message

        async def send_between(message: Message) -> None:
            turn.leave()
            await send(message)
            if _is_made_yet(message):
                await turn.take_again()

        try:
            if scope["method"] in ("GET", "HEAD"):
                await turn.take()
            await self.app(scope, receive_and_wait, send_between)
        except Problem as busy:
            await respond(Request(scope), busy)(scope, receive, send)
        finally:
            turn.leave()

    async def wait(self) -> None:
        """Wait for a turn. Raises Problem 503 when too many wait already."""
        if self._waiting >= MOST_WAITING:
            detail = f"{MOST_WAITING} requests wait for their turn already; nothing was done; try again shortly"
            raise Problem(503, detail, headers={"Retry-After": "5"})
        self._waiting += 1
        try:
            await self._free.acquire()
        finally:
            self._waiting -= 1

    async def wait_again(self) -> None:
        """Wait for another turn of an answer that has begun, which cannot be refused any more."""
        await self._free.acquire()

    def end(self) -> None:
        """Give a turn to the next."""
        self._free.release()


class _Turn:
    """The turn of one request, which is begun once at most, and may be left and taken again."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._taken = self._held = False

    async def take(self) -> None:
        if not self._taken:
            self._taken = True
            await self._turns.wait()
            self._held = True

    async def take_again(self) -> None:
        if self._taken and not self._held:
            await self._turns.wait_again()
            self._held = True

    def leave(self) -> None:
        if self._held:
            self._held = False
            self._turns.end()


def _is_made_yet(message: Message) -> bool:
    """Whether there is more to be made of an answer once this part of it is sent. One that tells its length, or has
    none, is whole."""
    if message["type"] == "http.response.start":
        told = any(name.lower() == b"content-length" for name, _ in message.get("headers", ()))
        return not told and message["status"] not in (204, 304)
    return bool(message.get("more_body"))


def is_light(method: str, path: str) -> bool:
    """Whether a request costs next to nothing, whatever is stored."""
    if _LIGHT.fullmatch(path) is not None:
        return True
    return method in ("GET", "HEAD") and _LIGHT_TO_READ.fullmatch(path) is not None
