"""Where boundaries are, as numbers: for each row and column of a diagram where it passes from one phase, or side of a
level, into another, with an interval, so that a law can be fitted to it.

The interval reaches from the last cell that is certain of the one to the first that is certain of the other: the cells
between are in doubt, or there are none. Certain is a cell whose runs agree as a refinement asks it
(`domain/refining/seen.py`), or that is inferred.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from phaselab.domain.answers.axes import PictureAxis
from phaselab.domain.answers.cells import Cell
from phaselab.domain.answers.refined import Mark
from phaselab.domain.refining.seen import agreed
from phaselab.domain.results.states import CellState
from phaselab.domain.settings.parameters import Value


@dataclass(frozen=True)
class Crossing:
    """A boundary crossed along x or y, at a value of the other axis: from the first label into the second, at `value`,
    between `low` and `high`, in the axis' coordinates; `steps` from one value of the axis to the next lie between."""

    between: tuple[str, str]
    along: Literal["x", "y"]
    at: Value
    value: float
    low: float
    high: float
    steps: int


def crossings(cells: Sequence[Sequence[Mark]], x: PictureAxis, y: PictureAxis) -> tuple[Crossing, ...]:
    """Every crossing of boundaries of cells [y][x]. Along a category axis there are none: nothing lies between."""
    found: list[Crossing] = []
    if x.scale != "category":
        for at, row in zip(y.values, cells, strict=True):
            found += _along(row, x, "x", at)
    if y.scale != "category":
        for at, column in zip(x.values, zip(*cells, strict=True), strict=True):
            found += _along(column, y, "y", at)
    return tuple(found)


def _along(line: Sequence[Mark], axis: PictureAxis, name: Literal["x", "y"], at: Value) -> Iterator[Crossing]:
    before: tuple[int, str] | None = None
    for i, (label, certain) in enumerate(line):
        if label is None:
            before = None
        elif certain:
            if before is not None and before[1] != label:
                low, high = axis.coordinates[before[0]], axis.coordinates[i]
                middle = math.sqrt(low * high) if axis.scale == "log" else (low + high) / 2
                yield Crossing((before[1], label), name, at, middle, low, high, i - before[0])
            before = i, label


def phase_of(cell: Cell) -> Mark:
    """A cell's phase, and whether it is beyond doubt."""
    share = cell.phase_share
    agree = share is not None and agreed(round(share * cell.runs), cell.runs)
    return Mark(cell.phase, agree or cell.state is CellState.INFERRED)
