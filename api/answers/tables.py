"""Tables as CSV and Parquet: columns named once, rows streamed in batches so that memory stays flat."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

Row = Sequence[Any]
Rows = Iterable[Row]
BATCH = 5_000


def csv_bytes(columns: Sequence[str], rows: Rows) -> bytes:
    """A whole table as CSV: a header, null as an empty field, numbers in full precision."""
    return b"".join(csv_chunks(columns, rows))


def csv_chunks(columns: Sequence[str], rows: Rows) -> Iterator[bytes]:
    """A table as CSV, a batch of rows at a time."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    for i, row in enumerate(rows, start=1):
        writer.writerow([safe_cell(value) for value in row])
        if i % BATCH == 0:
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


def parquet_bytes(schema: pa.Schema, rows: Rows) -> bytes:
    """A whole table as Parquet."""
    return b"".join(parquet_chunks(schema, rows))


def parquet_chunks(schema: pa.Schema, rows: Rows) -> Iterator[bytes]:
    """A table as Parquet, one row group for a batch of rows at a time."""
    sink = _Sink()
    with pq.ParquetWriter(pa.PythonFile(sink, mode="w"), schema, compression="zstd") as writer:
        for batch in _batches(rows):
            columns = [
                pa.array(column, type=field.type)
                for field, column in zip(schema, zip(*batch, strict=True), strict=True)
            ]
            writer.write_batch(pa.record_batch(columns, schema=schema))
            yield sink.take()
    yield sink.take()


def _batches(rows: Rows) -> Iterator[list[Row]]:
    batch: list[Row] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def value_type(types: Sequence[str]) -> pa.DataType:
    """The column type of values of a parameter of these types: numbers where all are, else text."""
    kinds = set(types) - {"null"}
    if kinds == {"integer"}:
        return pa.int64()
    return pa.float64() if kinds and kinds <= {"integer", "number"} else pa.string()


def as_type(value: Any, kind: pa.DataType) -> Any:
    """A value as a column of this type holds it."""
    if value is None:
        return None
    if kind == pa.int64():
        return int(value)
    return float(value) if kind == pa.float64() else str(value)
