"""Errors as the user sees them: one shape, RFC 9457 `application/problem+json`, for every fault of every call."""

import json
from collections.abc import Iterable, Mapping
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from phaselab.domain.settings.faults import Fault

MEDIA_TYPE = "application/problem+json"

NAMES: Mapping[int, str] = {
    400: "malformed",
    401: "unauthorized",
    403: "forbidden",
    404: "not-found",
    405: "method-not-allowed",
    406: "not-acceptable",
    408: "too-slow",
    409: "conflict",
    412: "changed-since",
    413: "too-large",
    415: "unsupported-media-type",
    422: "invalid-input",
    429: "too-many-requests",
    500: "internal",
    503: "unavailable",
    507: "insufficient-storage",
}
"""The last part of a problem's `type`, by status."""


class Problem(Exception):
    """An error that a route answers with: its status, one sentence, a fault for every place at fault, and the last part
    of its `type`, which its status says where it is not given."""

    def __init__(
        self,
        status: int,
        detail: str,
        faults: Iterable[Fault] = (),
        headers: Mapping[str, str] | None = None,
        name: str | None = None,
    ) -> None:
        self.status = status
        self.detail = detail
        self.faults = tuple(faults)
        self.headers = dict(headers or {})
        self.name = name or NAMES.get(status)
        super().__init__(detail)


def _told(fault: Fault) -> dict[str, str | int]:
    line = {} if fault.line is None else {"line": fault.line}
    return {"pointer": fault.pointer, "detail": fault.detail, **line}


def respond(request: Request, problem: Problem) -> Response:
    """The answer to `request` that tells `problem`."""
    name = problem.name
    content = {
        "type": f"urn:phaselab:problem:{name}" if name else "about:blank",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
        "instance": request.url.path,
        "errors": [_told(fault) for fault in problem.faults],
    }
    body = json.dumps(content, ensure_ascii=False).encode(errors="replace")
    return Response(body, problem.status, problem.headers, MEDIA_TYPE)
