"""Idempotency-Key: what changes something is done once, and a request that comes again gets the same answer again."""

import functools
import hashlib
import inspect
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Header
from starlette.requests import Request
from starlette.responses import Response

from phaselab.service.verbs import kept
from phaselab.service.verbs.accounts import LOCAL
from phaselab.service.verbs.kept import Answer, Call

REPLAYED = {"Idempotency-Replayed": "true"}
"""What an answer says that was given before."""
KEPT_HEADERS = ("content-type", "location", "etag", "cache-control")
NOTHING = hashlib.sha256().hexdigest()
"""The digest of no body."""

IdempotencyKey = Annotated[str | None, Header(min_length=1, max_length=200)]
Endpoint = Callable[..., Response]


class Router(APIRouter):
    """A router whose changes are made once for an Idempotency-Key: those of endpoints that do not look at the key
    themselves."""

    def add_api_route(self, path: str, endpoint: Callable[..., Any], **more: Any) -> None:
        """A route, as any router has it."""
        changes = set(more.get("methods") or ("GET",)) - {"GET", "HEAD"}
        keeps_itself = "idempotency_key" in inspect.signature(endpoint).parameters
        super().add_api_route(path, _once(endpoint) if changes and not keeps_itself else endpoint, **more)


def _once(endpoint: Endpoint) -> Endpoint:
    """The endpoint, which takes an Idempotency-Key besides. It runs in a thread, from beginning to end: one that waits
    in the loop would hold the database's lock while others wait for it there. Raises TypeError for such a one."""
    if inspect.iscoroutinefunction(endpoint):
        raise TypeError(f"{endpoint.__name__} changes something, so it may not be async")
    signature = inspect.signature(endpoint)
    takes_request = any(one.annotation is Request for one in signature.parameters.values())

    @functools.wraps(endpoint)
    def asked(*, request: Request, idempotency_key: str | None, **given: Any) -> Response:
        if takes_request:
            given["request"] = request
        if idempotency_key is None:
            return endpoint(**given)
        call = _call(request, idempotency_key)
        found = kept.once(request.app.state.database, call, lambda: endpoint(**given), _answer)
        if isinstance(found, Response):
            return found
        return Response(found.body, found.status, {**found.headers, **REPLAYED})

    own = [] if takes_request else [inspect.Parameter("request", inspect.Parameter.KEYWORD_ONLY, annotation=Request)]
    own.append(
        inspect.Parameter("idempotency_key", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=IdempotencyKey)
    )
    asked.__signature__ = signature.replace(parameters=[*signature.parameters.values(), *own])  # type: ignore[attr-defined]
    return asked


def _call(request: Request, key: str) -> Call:
    caller = request.state.caller
    query = request.url.query
    address = request.url.path + (f"?{query}" if query else "")
    digest = getattr(request.state, "digest", NOTHING)
    return Call(LOCAL if caller is None else caller.name, key, request.method, address, digest)


def _answer(given: Response) -> Answer:
    """What is kept of an answer: no body that nobody may store."""
    headers = {name: given.headers[name] for name in KEPT_HEADERS if name in given.headers}
    is_secret = "no-store" in given.headers.get("cache-control", "")
    return Answer(given.status_code, headers, None if is_secret else bytes(given.body))
