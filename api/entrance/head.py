"""HEAD on whatever answers GET: the same headers, no body."""

import anyio
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Head:
    """Answers a HEAD request as GET, and ends the answer after its headers: a stream would go on for long."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return
        inner = dict(scope, method="GET")
        with anyio.CancelScope() as done:

            async def send_headers(message: Message) -> None:
                if message["type"] == "http.response.start":
                    scope["route"] = inner.get("route")  # by which requests are counted
                    await send(message)
                    await send({"type": "http.response.body", "body": b""})
                    done.cancel()

            await self.app(inner, receive, send_headers)
