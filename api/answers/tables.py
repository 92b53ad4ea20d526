"""Tables as CSV and Parquet: declared columns, rows streamed in batches so that memory stays flat."""

import csv
import io
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from phaselab.domain.answers.fields import Field, Kind, Maybe, Table

BATCH = 5_000
_TYPES: Mapping[str, pa.DataType] = {
    "integer": pa.int64(),
    "number": pa.float64(),
    "text": pa.string(),
    "time": pa.timestamp("us", tz="UTC"),
}
_MADE: Mapping[str, Callable[[Any], Any]] = {"integer": int, "number": float, "text": str}
"""What makes a value one of a column's type; a time is one already."""


def csv_chunks(table: Table[Any]) -> Iterator[bytes]:
    """A table as CSV, a batch of rows at a time: a header, null as an empty field, numbers in full precision."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(column.name for column in table.columns)
    for batch in _batches(table):
        writer.writerows(zip(*(map(safe_cell, column) for column in batch), strict=True))
        yield _drain(text)
    yield _drain(text)


def _drain(text: io.StringIO) -> bytes:
    chunk = text.getvalue().encode()
    text.seek(0)
    text.truncate()
    return chunk


def safe_cell(value: Any) -> Any:
    """A value as CSV holds it: text that a spreadsheet would run as a formula gets a quote in front."""
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return "'" + value
    if isinstance(value, bool):
        return "true" if value else "false"
    return value


class _Sink(io.RawIOBase):
    """A file that is only written to; what was written is taken out piece by piece."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, piece: Any) -> int:
        self._pieces.append(bytes(piece))
        return len(self._pieces[-1])

    def take(self) -> bytes:
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


def parquet_chunks(table: Table[Any]) -> Iterator[bytes]:
    """A table as Parquet, one row group for a batch of rows at a time."""
    sink = _Sink()
    schema = table_schema(table)
    with pq.ParquetWriter(pa.PythonFile(sink, mode="w"), schema, compression="zstd") as writer:
        for batch in _batches(table):
            columns = [pa.array(values, type=field.type) for field, values in zip(schema, batch, strict=True)]
            writer.write_batch(pa.record_batch(columns, schema=schema))
            yield sink.take()
    yield sink.take()


def table_schema(table: Table[Any]) -> pa.Schema:
    """The columns of a table as Parquet has them."""
    columns = [pa.field(column.name, _TYPES[_scalar(column.kind)]) for column in table.columns]
    return pa.schema(columns, metadata={name.encode(): note for name, note in table.notes.items()} or None)


def _batches(table: Table[Any]) -> Iterator[list[list[Any]]]:
    """The table in pieces of BATCH rows, each as its columns."""
    rows = iter(table.rows)
    while batch := list(itertools.islice(rows, BATCH)):
        yield [_column(column, batch) for column in table.columns]


def _column(column: Field[Any], rows: Sequence[Any]) -> list[Any]:
    """The values of one column in these rows, of the column's type."""
    values = map(column.of, rows)
    made = _MADE.get(_scalar(column.kind))
    return list(values) if made is None else [None if value is None else made(value) for value in values]


def _scalar(kind: Kind) -> str:
    """The type of a column. A table has plain columns alone."""
    plain = kind.item if isinstance(kind, Maybe) else kind
    assert isinstance(plain, str)
    return plain
