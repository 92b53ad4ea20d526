"""Where boundaries between phases are, as numbers: for each row and column of a diagram where it passes from one phase
into another, with an interval, so that a law can be fitted to it.

The interval reaches from the last cell that is certain of the one phase to the first that is certain of the other: the
cells between are in doubt, or there are none. Certain is a cell whose runs agree as a refinement asks it
(`domain/refining/seen.py`), or that is inferred.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from phaselab.domain.answers.axes import PictureAxis
from phaselab.domain.answers.cells import Cell
from phaselab.domain.refining.seen import agreed
from phaselab.domain.results.phases import Phase
from phaselab.domain.results.states import CellState
from phaselab.domain.settings.parameters import Value


@dataclass(frozen=True)
class Crossing:
    """A boundary crossed along x or y, at a value of the other axis: from the first phase into the second, at `value`,
    between `low` and `high`, in the axis' coordinates; `steps` from one value of the axis to the next lie between."""

    between: tuple[Phase, Phase]
    along: Literal["x", "y"]
    at: Value
    value: float
    low: float
    high: float
    steps: int


def crossings(cells: Sequence[Sequence[Cell]], x: PictureAxis, y: PictureAxis) -> tuple[Crossing, ...]:
    """Every crossing of the boundaries of cells [y][x]. Along a category axis there are none: nothing lies between."""
    found: list[Crossing] = []
    if x.scale != "category":
        for at, row in zip(y.values, cells, strict=True):
            found += _along(row, x, "x", at)
    if y.scale != "category":
        for at, column in zip(x.values, zip(*cells, strict=True), strict=True):
            found += _along(column, y, "y", at)
    return tuple(found)


def _along(line: Sequence[Cell], axis: PictureAxis, name: Literal["x", "y"], at: Value) -> Iterator[Crossing]:
    before: tuple[int, Phase] | None = None
    for i, cell in enumerate(line):
        if cell.phase is None:
            before = None
        elif is_certain(cell):
            if before is not None and before[1] != cell.phase:
                low, high = axis.coordinates[before[0]], axis.coordinates[i]
                middle = math.sqrt(low * high) if axis.scale == "log" else (low + high) / 2
                yield Crossing((before[1], cell.phase), name, at, middle, low, high, i - before[0])
            before = i, cell.phase


def is_certain(cell: Cell) -> bool:
    """Whether a cell's phase is beyond doubt."""
    if cell.state is CellState.INFERRED:
        return True
    return cell.phase_share is not None and agreed(round(cell.phase_share * cell.runs), cell.runs)
