"""A name for every request: in its answer, in the audit and in the log."""

import logging
import re
import time
import uuid
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from phaselab.service.base.logs import say

REQUEST_ID = "phaselab.request"
"""The key of the scope that holds it."""
HEADER = "X-Request-Id"
_GIVEN = re.compile(r"[A-Za-z0-9._-]{8,64}")
log = logging.getLogger("phaselab.requests")


class RequestIds:
    """Names each request, by what the client or a proxy calls it where that is plain, tells the name in the answer, and
    logs one line of JSON for it: no query, header or body, for they may hold secrets."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get(HEADER, "")
        scope[REQUEST_ID] = given if _GIVEN.fullmatch(given) else uuid.uuid4().hex
        scope.setdefault("state", {})
        began, status = time.monotonic(), 500

        async def told(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[HEADER] = scope[REQUEST_ID]
            await send(message)

        try:
            await self.app(scope, receive, told)
        finally:
            if log.isEnabledFor(logging.INFO):
                say(log, **_line(scope, status, time.monotonic() - began))


def _line(scope: Scope, status: int, seconds: float) -> dict[str, Any]:
    client = scope.get("client")
    return {
        "request": scope[REQUEST_ID],
        "method": scope["method"],
        "path": scope["path"][:200],
        "status": status,
        "ms": round(1000 * seconds, 1),
        "account": scope["state"].get("account"),
        "address": client[0] if client else None,
    }
