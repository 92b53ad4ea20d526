"""Texts are sent compressed to those who take gzip, under an ETag of their own."""

from starlette.datastructures import MutableHeaders
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LEAST_BYTES = 1_000
"""Shorter answers are sent as they are."""
_LEVEL = 4  # of a diagram, 9 takes six times as long for 5 % less
_AS_THEY_ARE = (*DEFAULT_EXCLUDED_CONTENT_TYPES, "text/csv", "application/vnd.apache.parquet", "application/pdf")
_MARK = b'-gzip"'


class Compressed:
    """gzip for what is a text and is not streamed row by row. A strong ETag stands for bytes, so the compressed answer
    has another one; a client that sends it back gets its 304, or its change."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = GZipMiddleware(app, LEAST_BYTES, _LEVEL, exclude_content_types=_AS_THEY_ARE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        has_compressed = any(_MARK in value for name, value in scope["headers"] if name == b"if-none-match")
        scope["headers"] = [
            (name, value.replace(_MARK, b'"') if name in (b"if-none-match", b"if-match") else value)
            for name, value in scope["headers"]
        ]  # in the scope itself, in which those outside find the route

        async def send_tagged(message: Message) -> None:
            if message["type"] == "http.response.start":
                told = MutableHeaders(scope=message)
                compressed = told.get("content-encoding") == "gzip" or (has_compressed and message["status"] == 304)
                if compressed and told.get("etag", "").endswith('"'):
                    told["etag"] = told["etag"][:-1] + _MARK.decode()
            await send(message)

        await self.app(scope, receive, send_tagged)
