"""Formats of one answer: a suffix after the noun (`/diagrams.csv`) or `Accept` chooses among those offered."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, Literal

from fastapi import Depends
from starlette.requests import Request
from starlette.responses import Response

from phaselab.api.base.problems import Problem

Format = Literal["json", "csv", "parquet", "png", "svg", "pdf"]

MEDIA_TYPES: Mapping[str, str] = {
    "json": "application/json",
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
    "png": "image/png",
    "svg": "image/svg+xml",
    "pdf": "application/pdf",
}


PICTURES: tuple[Format, ...] = ("png", "svg", "pdf")
TABLES: tuple[Format, ...] = ("json", "csv", "parquet")


def offers(*offered: Format) -> Callable[[Request], Awaitable[Format]]:
    """The dependency of a route that has these formats: which of them a request wants."""

    async def chosen(request: Request) -> Format:
        suffix = request.path_params.get("suffix")
        if suffix is None:
            return negotiate(request.headers.get("accept", "*/*"), offered)
        for kind in offered:
            if suffix == kind:
                return kind
        raise Problem(404, f"no format .{suffix} here; there are .{', .'.join(offered)}")

    return chosen


TableFormat = Annotated[Format, Depends(offers(*TABLES))]
PictureOnly = Annotated[Any, Depends(offers(*PICTURES))]


def negotiate(accept: str, offered: tuple[Format, ...]) -> Format:
    """The offered format that an Accept header wants most; the first of equals. Raises Problem 406 when none."""
    wanted = [_range(part) for part in accept.split(",") if part.strip()] or [("*/*", 1.0)]
    best, weight = offered[0], 0.0
    for kind in offered:
        found = _weight(MEDIA_TYPES[kind], wanted)
        if found > weight:
            best, weight = kind, found
    if weight == 0.0:
        raise Problem(406, f"none of {accept!r} is to be had here; there is {', '.join(map(MEDIA_TYPES.get, offered))}")  # type: ignore[arg-type]
    return best


def _range(part: str) -> tuple[str, float]:
    """One media range of an Accept header and its weight; a weight that cannot be read counts as 1."""
    name, *options = (piece.strip() for piece in part.split(";"))
    for option in options:
        if option.startswith("q="):
            try:
                return name.lower(), min(max(float(option[2:]), 0.0), 1.0)
            except ValueError:
                break
    return name.lower(), 1.0


def _weight(media_type: str, wanted: list[tuple[str, float]]) -> float:
    """The weight of the most exact range that matches a media type; 0 when none does."""
    weights = dict(wanted)
    for name in (media_type, media_type.partition("/")[0] + "/*", "*/*"):
        if name in weights:
            return weights[name]
    return 0.0


def tagged(request: Request, body: Callable[[], bytes], kind: Format, *identity: bytes) -> Response:
    """An answer with a strong ETag over `identity`, or 304 when the client has it; `body` is only then not called.

    `identity` must decide the body in this format byte for byte.
    """
    digest = hashlib.sha256(kind.encode())
    for part in identity:
        digest.update(b"\0" + part)
    tag = f'"{digest.hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "no-cache", "Vary": "Accept"}
    if _matches(request.headers.get("if-none-match"), tag):
        return Response(status_code=304, headers=headers)
    return Response(body(), headers=headers, media_type=media_header(kind))


def _matches(header: str | None, tag: str) -> bool:
    """RFC 9110 If-None-Match: any listed tag, compared weakly, or a star."""
    tags = [part.strip().removeprefix("W/") for part in header.split(",")] if header else []
    return tag in tags or "*" in tags


def media_header(kind: Format) -> str:
    """The Content-Type of a format."""
    return MEDIA_TYPES[kind] + ("; charset=utf-8; header=present" if kind == "csv" else "")
