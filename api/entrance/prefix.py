"""A path under which a proxy publishes the whole service."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Prefixed:
    """Takes the prefix off requests, where the proxy has left it on, and puts it before the addresses that answers lead
    to. Pages put it into their links themselves."""

    def __init__(self, app: ASGIApp, prefix: str) -> None:
        self.app = app
        self._prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""

        async def send_prefixed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                location = headers.get("location", "")
                if location.startswith("/"):
                    headers["location"] = self._prefix + location
            await send(message)

        if scope["type"] != "http" or not self._prefix:
            await self.app(scope, receive, send)
            return
        path: str = scope["path"]
        if path == self._prefix or path.startswith(f"{self._prefix}/"):
            scope["path"] = path.removeprefix(self._prefix) or "/"  # the very scope by which requests are counted
        await self.app(scope, receive, send_prefixed)
