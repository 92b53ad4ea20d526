"""Headers on every answer that keep browsers from doing more than the pages need."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; img-src 'self' blob:; style-src 'self'; script-src 'self'; connect-src 'self';"
        " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

KEPT = "no-cache"
"""For how long an answer is good that does not say it: it is asked for anew each time."""

PICTURE_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; sandbox"
"""The policy of an SVG picture, which carries its own styles and nothing else that a browser may use."""


class SecurityHeaders:
    """Sets HEADERS on every answer, and keeps those that are made for whoever asks out of caches that many share."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if headers.get("content-type", "").startswith("image/svg+xml"):
                    headers["Content-Security-Policy"] = PICTURE_POLICY
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if not scope["path"].startswith("/static/"):
                    headers["Cache-Control"] = f"private, {headers.get('Cache-Control', KEPT)}"
            await send(message)

        await self.app(scope, receive, send_with_headers if scope["type"] == "http" else send)
