"""What clients send: read up to a limit, whatever the transfer encoding, and parsed as JSON or YAML."""

import json
import math
from typing import Annotated, Any, NoReturn

from fastapi import Depends
from starlette.requests import Request

from phaselab.api.base.problems import Problem
from phaselab.service.base.yaml_text import Unreadable, parse_yaml

MAX_DRAINED = 128 * 1024 * 1024
"""Bytes of a refused body that are read and thrown away, so that a client that sends first and reads then sees why."""

JSON_TYPES = frozenset({"", "application/json"})
YAML_TYPES = frozenset({"application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml"})


async def raw_body(request: Request) -> bytes:
    """The body. Raises Problem 413 when it is longer than the limit; of what is over the limit nothing is kept."""
    limit: int = request.app.state.max_body_bytes
    kept = bytearray()
    seen = 0
    async for chunk in request.stream():
        seen += len(chunk)
        if seen <= limit:
            kept += chunk
        elif seen > limit + MAX_DRAINED:
            break
    if seen > limit:
        raise Problem(413, f"the body is larger than {limit} bytes; sweep with linspace or logspace, not long lists")
    return bytes(kept)


RawBody = Annotated[bytes, Depends(raw_body)]


def media_type(request: Request) -> str:
    """The body's media type, less its parameters, in lower case; empty when none is given."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def parsed_body(request: Request, body: RawBody) -> Any:
    """The value of a JSON or YAML body. Raises Problem: 415 for another type, 400 for what does not parse."""
    kind = media_type(request)
    if kind not in JSON_TYPES | YAML_TYPES:
        raise Problem(415, f"the content type {kind} is not read here; send application/json or application/yaml")
    try:
        text = body.decode("utf-8-sig")
        return parse_json(text) if kind in JSON_TYPES else parse_yaml(text)
    except UnicodeDecodeError as error:
        raise Problem(400, f"the body is not UTF-8 text: byte {error.start} cannot be read") from None
    except RecursionError:
        raise Problem(400, "the body is nested too deeply") from None
    except Unreadable as error:
        raise Problem(400, str(error)) from None


ParsedBody = Annotated[Any, Depends(parsed_body)]


def parse_json(text: str) -> Any:
    """The value of a JSON text. Raises Unreadable, also for NaN, infinities and a key that stands twice."""
    try:
        return json.loads(text, parse_constant=_refuse_constant, parse_float=_float, object_pairs_hook=_no_twins)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise Unreadable(f"the body is not JSON: {error.msg} at {place}") from None
    except ValueError as error:  # for a whole number of thousands of digits
        raise Unreadable(f"the body is not JSON: {error}") from None


def _refuse_constant(name: str) -> NoReturn:
    raise Unreadable(f"the body is not JSON: {name} is no JSON number")


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise Unreadable(f"the number {text[:40]} is too large")
    return value


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        keys = [key for key, _ in pairs]
        twin = next(key for key in keys if keys.count(key) > 1)
        raise Unreadable(f"the key {twin!r} stands twice in one object")
    return value
