"""From a value and the fields that are declared of its answer: JSON, CSV, Parquet, the ETag, and the schema."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from matplotlib.figure import Figure
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from phaselab.api.answers.formats import Format, media_header, tagged
from phaselab.api.answers.tables import csv_chunks, parquet_chunks
from phaselab.api.base.describing import Content
from phaselab.api.base.plain import json_bytes, plain
from phaselab.api.pictures.style import DRAWING, render
from phaselab.domain.answers.fields import Answer, Kind, Many, Maybe, Named, Record, Table, told

T = TypeVar("T")

_SCHEMAS: Mapping[str, Mapping[str, Any]] = {
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "text": {"type": "string"},
    "time": {"type": "string", "format": "date-time"},
    "boolean": {"type": "boolean"},
    "value": {"type": ["number", "string"]},
    "any": {},
}


def json_value(kind: Kind, value: Any) -> Any:
    """A value of this kind in JSON's own types. Raises TypeError for what has no declared fields."""
    return told(kind, value, plain)


def json_schema(kind: Kind) -> dict[str, Any]:
    """The JSON schema of a kind, every field with its meaning."""
    if isinstance(kind, Record):
        fields = {one.name: json_schema(one.kind) | {"description": one.meaning} for one in kind.fields}
        return {"type": "object", "properties": fields, "required": [*fields], "additionalProperties": False}
    if isinstance(kind, Maybe):
        return {"anyOf": [json_schema(kind.item), {"type": "null"}]}
    if isinstance(kind, Many):
        return {"type": "array", "items": json_schema(kind.item)}
    if isinstance(kind, Named):
        return {"type": "object", "additionalProperties": json_schema(kind.item)}
    return dict(_SCHEMAS[kind])


def json_answer(record: Record[T], value: T, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A value as JSON, without a tag."""
    return Response(json_bytes(json_value(record, value)), status, headers, "application/json")


def json_content(kind: Kind) -> Content:
    """A body in JSON, as OpenAPI has it."""
    return {"application/json": json_schema(kind)}


def table_chunks(table: Table[Any], kind: Format) -> Iterator[bytes]:
    """A table as CSV or Parquet, piece by piece."""
    return csv_chunks(table) if kind == "csv" else parquet_chunks(table)


def table_answer(table: Table[Any], kind: Format) -> Response:
    """A whole table as CSV or Parquet, without a tag."""
    return Response(b"".join(table_chunks(table, kind)), media_type=media_header(kind))


def streamed_table(table: Table[Any], kind: Format, name: str) -> Response:
    """A table as CSV or Parquet to be saved under a name, streamed: memory stays flat however many rows it has."""
    headers = {"Content-Disposition": f'attachment; filename="{name}.{kind}"'}
    return StreamingResponse(table_chunks(table, kind), media_type=media_header(kind), headers=headers)


def answer_in(
    kind: Format, request: Request, answer: Answer[T], value: T, draw: Callable[[T], Figure] | None = None
) -> Response:
    """A value in one format, with a strong ETag that its JSON decides; 304, and nothing drawn, where the client has
    it."""
    text = json_bytes(json_value(answer.record, value))

    def body() -> bytes:
        if kind == "json":
            return text
        if kind == "csv" or kind == "parquet":
            assert answer.table is not None
            return b"".join(table_chunks(answer.table(value), kind))
        assert draw is not None
        return render(lambda: draw(value), kind)

    return tagged(request, body, kind, text, DRAWING)
