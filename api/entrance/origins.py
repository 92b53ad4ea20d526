"""Requests that a browser makes for some other site are refused when they would change anything."""

from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from phaselab.api.base.problems import Problem, respond

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class SameOrigin:
    """Answers 403 to an unsafe request whose Origin is another host; programs send no Origin and pass."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "http" and scope["method"] not in SAFE:
            request = Request(scope)
            origin = request.headers.get("origin")
            if origin is not None and not _is_same(request, origin):
                detail = f"a page of {origin[:200]} may not change anything here"
                await respond(request, Problem(403, detail))(scope, receive, send)
                return
        await self.app(scope, receive, send)


def _is_same(request: Request, origin: str) -> bool:
    """Whether a page of this server's own sends a request. Browsers say so, whatever a proxy between has made of the
    host; of those that do not the host tells."""
    return request.headers.get("sec-fetch-site") == "same-origin" or _host_of(origin) == request.headers.get("host")


def host_name(host: str) -> str:
    """The name in a Host header, without its port; empty for what is none."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _host_of(origin: str) -> str | None:
    """The host of an Origin header; None for what is none."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None
