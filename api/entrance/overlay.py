"""Published values sent as CSV, to be laid over robustness curves."""

import csv
import io
import math
from collections.abc import Collection, Iterable, Mapping

from starlette.requests import Request

from phaselab.api.base.problems import Problem
from phaselab.api.entrance.bodies import media_type
from phaselab.api.pictures.curves import Series
from phaselab.domain.settings.faults import Fault, InvalidInput, pointer

CSV_TYPES = frozenset({"", "text/csv", "application/csv"})
RADIUS = ("radius", "radius_l2")
PERCENT = "robust_accuracy_percent"
ACCURACY = ("accuracy", "robust_accuracy")
ALSO_CALLED = {"synthetic": "clusters", "cifar-10": "cifar10"}
"""Names of data sets elsewhere, and the data sources that they are here."""
MAX_SERIES = 12


def parse_overlay(request: Request, body: bytes, sources: Collection[str]) -> tuple[Series, ...]:
    """The series of a CSV body, accuracy in [0, 1]. Raises Problem (415, 400) or InvalidInput that names the line.

    Columns: `radius` or `radius_l2`; `accuracy` (0..1) or `robust_accuracy_percent`; and what names a series:
    `label`, `dataset`, `network`. Rows of another `dataset` than the `sources` of the curves are left out.
    """
    kind = media_type(request)
    if kind not in CSV_TYPES:
        raise Problem(415, f"the content type {kind} is not read here; send text/csv")
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Problem(400, f"the body is not UTF-8 text: byte {error.start} cannot be read") from None
    return overlay_series(text, sources)


def overlay_series(text: str, sources: Collection[str]) -> tuple[Series, ...]:
    """The series of a CSV text, as `parse_overlay` says."""
    try:
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
    except csv.Error as error:
        raise Problem(400, f"the body is not CSV: {error}") from None
    if not rows:
        raise InvalidInput([Fault(pointer("overlay"), "the CSV holds no rows under its header")])
    radius_column = _column(rows[0], RADIUS)
    accuracy_column = _column(rows[0], (*ACCURACY, PERCENT))
    points: dict[str, list[tuple[float, float]]] = {}
    for line, row in enumerate(rows, start=2):
        dataset = (row.get("dataset") or "").strip().lower()
        if dataset and ALSO_CALLED.get(dataset, dataset) not in sources:
            continue
        most = 100.0 if accuracy_column == PERCENT else 1.0
        radius = _number(row[radius_column], line, radius_column, math.inf)
        accuracy = _number(row[accuracy_column], line, accuracy_column, most) / most
        points.setdefault(_label(row), []).append((radius, accuracy))
    return _series(points, sources)


def _series(points: Mapping[str, list[tuple[float, float]]], sources: Collection[str]) -> tuple[Series, ...]:
    if not points:
        detail = f"no row is left: each names another data set than {' or '.join(sorted(sources))}"
        raise InvalidInput([Fault(pointer("overlay"), detail)])
    if len(points) > MAX_SERIES:
        detail = f"{len(points)} series cannot be told apart; at most {MAX_SERIES} can"
        raise InvalidInput([Fault(pointer("overlay"), detail)])
    return tuple(
        Series(label, tuple(radius for radius, _ in found), tuple(accuracy for _, accuracy in found))
        for label, found in points.items()
    )


def _column(row: Mapping[str, object], names: Iterable[str]) -> str:
    for name in names:
        if name in row:
            return name
    detail = f"the CSV needs a column {' or '.join(names)}; its columns are {', '.join(map(str, row))}"
    raise InvalidInput([Fault(pointer("overlay"), detail)])


def _number(text: str | None, line: int, column: str, most: float) -> float:
    try:
        value = float(text or "")
    except ValueError:
        value = math.nan
    if not 0 <= value <= most or math.isinf(value):
        bound = "at least 0" if math.isinf(most) else f"in 0..{most:g}"
        detail = f"{column} in line {line} must be a number {bound}, not {(text or '')[:40]!r}"
        raise InvalidInput([Fault(pointer("overlay", line), detail)])
    return value


def _label(row: Mapping[str, str | None]) -> str:
    named = [(row.get(name) or "").strip() for name in ("label", "network")]
    return " ".join(part for part in named if part)[:60] or "published"
