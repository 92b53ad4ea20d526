"""What clients send: read up to a limit, whatever the transfer encoding, and parsed as JSON or YAML."""

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Annotated, Any, NoReturn
from urllib.parse import parse_qs

from fastapi import Depends
from starlette.requests import Request

from phaselab.api.base.deps import ConfigurationOf
from phaselab.api.base.problems import Problem
from phaselab.domain.settings.faults import Fault
from phaselab.domain.settings.numbers import decimal_number, whole_number
from phaselab.domain.specs.spec import MAX_DEPTH
from phaselab.service.base.yaml_text import Unreadable, parse_yaml

SLOWEST = 10_000
"""Bytes a second that a body has to come with, once it has had its first seconds."""
MAX_DRAINED = 128 * 1024 * 1024
"""Bytes of a refused body that are read and thrown away, so that a client that sends first and reads then sees why."""

JSON_TYPES = frozenset({"", "application/json"})
FORM_TYPE = "application/x-www-form-urlencoded"
MAX_FIELDS = 10
YAML_TYPES = frozenset({"application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml"})


async def body_pieces(request: Request, limit: int, seconds: float, remedy: str) -> AsyncIterator[bytes]:
    """The body while it comes. Raises Problem: 413 when it is longer than `limit` bytes, of which nothing more is
    given, and 408 when it takes longer than `seconds` and what its length takes at SLOWEST bytes a second."""
    started, seen = asyncio.get_running_loop().time(), 0
    pieces = request.stream()
    while True:
        try:
            async with asyncio.timeout_at(started + seconds + seen / SLOWEST):
                piece = await anext(pieces, None)
        except TimeoutError:
            detail = f"after {seen} bytes the body came too slowly; nothing was stored"
            raise Problem(408, detail, headers={"Connection": "close"}) from None
        if piece is None or seen > limit + MAX_DRAINED:
            break
        seen += len(piece)
        if seen <= limit:
            yield piece
    if seen > limit:
        raise Problem(413, f"the body is larger than {limit} bytes; {remedy}")


async def raw_body(request: Request, configuration: ConfigurationOf) -> bytes:
    """The body, whose sha256 is noted with the request. Raises Problem: 413 when it is too long, 408 when it comes too
    slowly."""
    remedy = "sweep with linspace or logspace, not long lists"
    pieces = body_pieces(request, configuration.max_body_bytes, configuration.body_seconds, remedy)
    body = b"".join([piece async for piece in pieces])
    request.state.digest = hashlib.sha256(body).hexdigest()
    return body


RawBody = Annotated[bytes, Depends(raw_body)]


def media_type(request: Request) -> str:
    """The body's media type, less its parameters, in lower case; empty when none is given."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def parsed_body(request: Request, body: RawBody) -> Any:
    """The value of a JSON or YAML body. Raises Problem: 415 for another type, 400 for what does not parse. A YAML text
    is kept with the request, so that faults of what it holds can be told with their lines."""
    kind = media_type(request)
    if kind not in JSON_TYPES | YAML_TYPES:
        raise Problem(415, f"the content type {kind} is not read here; send application/json or application/yaml")
    text = utf8_text(body)
    if kind in JSON_TYPES:
        return _read(parse_json, text)
    request.state.yaml = text
    return _read(parse_yaml, text)


def _read(parse: Callable[[str], Any], text: str) -> Any:
    try:
        return parse(text)
    except Unreadable as error:
        faults = [] if error.line is None else [Fault("", str(error), error.line)]
        raise Problem(400, str(error), faults) from None


ParsedBody = Annotated[Any, Depends(parsed_body)]


def form_fields(request: Request, body: RawBody) -> Mapping[str, str]:
    """The fields of a form, the first of each name. Raises Problem: 415 for another type, 400 for what is no form."""
    if media_type(request) != FORM_TYPE:
        raise Problem(415, "this address is for the form of a page; programs call what is under /api/v1")
    try:
        fields = parse_qs(utf8_text(body), max_num_fields=MAX_FIELDS)
    except ValueError:
        raise Problem(400, f"the body is no form of this site's; its forms have at most {MAX_FIELDS} fields") from None
    return {name: values[0] for name, values in fields.items()}


FormFields = Annotated[Mapping[str, str], Depends(form_fields)]


def utf8_text(body: bytes) -> str:
    """The body as text, less a byte order mark. Raises Problem 400."""
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Problem(400, f"the body is not UTF-8 text: byte {error.start} cannot be read") from None


def parse_json(text: str) -> Any:
    """The value of a JSON text. Raises Unreadable: also for NaN, infinities, numbers that are too large, a key that
    stands twice, and what is nested too deeply."""
    try:
        value = json.loads(
            text,
            parse_constant=_refuse_constant,
            parse_int=whole_number,
            parse_float=decimal_number,
            object_pairs_hook=_no_twins,
        )
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise Unreadable(f"the body is not JSON: {error.msg} at {place}") from None
    except ValueError as error:
        raise Unreadable(f"the body is not read: {error}") from None
    except RecursionError:
        raise Unreadable("the body is nested too deeply") from None
    _check_depth(value)
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        counts = Counter(key for key, _ in pairs)
        twin = next(key for key, count in counts.items() if count > 1)
        raise ValueError(f"the key {twin[:60]!r} stands twice in one object")
    return value


def _check_depth(value: Any) -> None:
    """Raises Unreadable for a value that is nested too deeply."""
    layer: Iterable[Any] = (value,)
    for _ in range(MAX_DEPTH + 1):
        layer = [inner for outer in layer for inner in _inside(outer)]
        if not layer:
            return
    raise Unreadable("the body is nested too deeply")


def _inside(value: Any) -> Iterable[Any]:
    inner: Iterable[Any] = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return (one for one in inner if isinstance(one, dict | list))
