"""Published values sent as CSV, to be laid over robustness curves."""

import csv
import io
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from starlette.requests import Request

from phaselab.api.base.problems import Problem
from phaselab.api.entrance.bodies import media_type, utf8_text
from phaselab.api.pictures.curves import Series
from phaselab.domain.answers.curves import Curves
from phaselab.domain.settings.faults import Fault, InvalidInput, pointer
from phaselab.domain.settings.numbers import read_number, tidy
from phaselab.domain.settings.texts import one_line, shortened

CSV_TYPES = frozenset({"", "text/csv", "application/csv"})
RADIUS = ("radius", "radius_l2")
PERCENT = "robust_accuracy_percent"
ACCURACY = ("accuracy", "robust_accuracy")
ALSO_CALLED = {"synthetic": "clusters", "cifar-10": "cifar10"}
"""Names of data sets elsewhere, and the data sources that they are here."""
MAX_SERIES = 12
MAX_LABEL = 60
MAX_RADIUS = 1e9


def parse_overlay(request: Request, body: bytes, curves: Curves) -> tuple[Series, ...]:
    """The series of a CSV body, in the unit of the curves, accuracy in [0, 1]. Raises Problem (415, 400), InvalidInput
    that names the line.

    Columns: `radius` or `radius_l2`; `accuracy` (0..1) or `robust_accuracy_percent`; and what names a series:
    `label`, `dataset`, `network`. Radii are in data units. Rows of another `dataset` than the sources of the curves are
    left out.
    """
    kind = media_type(request)
    if kind not in CSV_TYPES:
        raise Problem(415, f"the content type {kind} is not read here; send text/csv")
    return in_unit_of(curves, overlay_series(utf8_text(body), curves.sources))


def in_unit_of(curves: Curves, overlay: Sequence[Series]) -> tuple[Series, ...]:
    """Series in data units in the unit of the curves. Raises InvalidInput where their unit is not one length."""
    if curves.radii_in == "absolute":
        return tuple(overlay)
    if len(curves.units) != 1:
        detail = "published radii are in data units, and these curves in norms of centres that differ between runs"
        raise InvalidInput([Fault(pointer("overlay"), f"{detail}; choose one d and snr by where=")])
    (length,) = curves.units
    return tuple(replace(one, radii=tuple(radius / length for radius in one.radii)) for one in overlay)


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
        radius = _number(row[radius_column], line, radius_column, MAX_RADIUS)
        accuracy = _number(row[accuracy_column], line, accuracy_column, most) / most
        points.setdefault(_label(row, line), []).append((radius, accuracy))
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
        value = read_number((text or "").strip())
    except ValueError:
        value = None
    if value is None or not 0 <= value <= most:
        detail = f"{column} in line {line} must be a number in 0..{most:g}, not {(text or '')[:40]!r}"
        raise InvalidInput([Fault(pointer("overlay", line), detail)])
    return tidy(float(value))


def _label(row: Mapping[str, str | None], line: int) -> str:
    named = [(row.get(name) or "").strip() for name in ("label", "network")]
    label = " ".join(part for part in named if part) or "published"
    try:
        return shortened(one_line(label), MAX_LABEL)
    except ValueError as error:
        raise InvalidInput([Fault(pointer("overlay", line), f"the label in line {line}: {error}")]) from None
