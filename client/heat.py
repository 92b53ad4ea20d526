"""A phase diagram on a terminal: cells as coloured blocks, or as letters and digits where there are no colours."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from rich.style import Style
from rich.text import Text

from phaselab.client.terminal import Screen, screen
from phaselab.client.values import Diagram, PictureAxis
from phaselab.domain.answers.colours import colour_limits
from phaselab.domain.results.phases import LETTERS, Phase
from phaselab.domain.results.states import CellState
from phaselab.domain.settings.texts import shortened, shown

CIVIDIS = ("#00224e", "#1a386f", "#434e6c", "#61656f", "#7d7c78", "#9b9476", "#bcae6c", "#dec958", "#fee838")
"""The scale of colours of pictures, from its least value to its greatest, at equal steps."""
MARKS: Mapping[str, tuple[str, str]] = {
    CellState.PENDING: (".", "pending"),
    CellState.FAILED: ("x", "failed"),
    CellState.IMPOSSIBLE: ("/", "impossible, left out"),
    CellState.INFERRED: ("~", "inferred between cells that agree"),
    CellState.MEASURED: ("?", "measured, but undefined"),
}
"""What stands in a cell that has no value, by its state."""
LONGEST_NAME = 18
"""Letters of a value of the vertical axis."""
BAR = 20
"""Width of the bar of colours."""


class HeatMap:
    """What is drawn of a diagram: shares of the scale [y, x] (NaN: no value), and the words around it."""

    def __init__(self, diagram: Diagram) -> None:
        self.diagram = diagram
        self.values = np.array(diagram.matrices["value"], np.float64)  # [y, x]
        (low, high), log = colour_limits(self.values, diagram.measure, diagram.statistic)
        self.limits, self.log = (low, high), log
        place = np.log if log else np.asarray
        self.shares = np.clip((place(self.values) - place(low)) / (place(high) - place(low)), 0, 1)  # [y, x]

    def cell(self, row: int, column: int, coloured: bool) -> tuple[str, Style]:
        """Letters and colours of a cell: its phase, then the tenth of the scale where there are no colours, then a mark
        where its attack is not trusted; one mark where it has no value."""
        matrices, share = self.diagram.matrices, float(self.shares[row, column])
        letter = LETTERS.get(matrices["phase"][row][column], " ")
        state = matrices["state"][row][column]
        if math.isnan(share):
            mark = MARKS[state][0] if state in MARKS else " "
            return (letter + mark if state == CellState.INFERRED else mark), Style()
        digit = "" if coloured else str(min(9, int(10 * share)))
        doubt = "!" if matrices["suspect"][row][column] else ""
        return letter + digit + doubt, block(share) if coloured else Style()


def show_diagram(diagram: Diagram) -> None:
    """Print a diagram on the terminal, or as plain letters where what is printed goes elsewhere."""
    on = screen()
    for line in heat_map(diagram, on):
        on.console.print(line, soft_wrap=True)


def heat_map(diagram: Diagram, on: Screen) -> Iterator[Text]:
    """The lines of a diagram: its title, the cells from the greatest y down, the axes, and what letters and colours
    mean. Columns that are too many for the width follow below."""
    drawn = HeatMap(diagram)
    measure = diagram.measure.replace("_", " ")
    yield Text(f"{diagram.statistic} of {measure}; up: {shown(diagram.y.title)}, right: {shown(diagram.x.title)}")
    names = [_name(value) for value in diagram.y.values]
    left = max(map(len, names)) + 1
    width = _cell_width(drawn, on, left)
    at_once = max(1, (on.width - left) // width)
    for start in range(0, len(diagram.x.values), at_once):
        columns = range(start, min(start + at_once, len(diagram.x.values)))
        for row in reversed(range(len(names))):
            yield _row(drawn, names[row].rjust(left - 1) + " ", row, columns, width, on)
        yield Text(" " * left + _names_below(diagram.x, columns, width))
    yield from _legend(drawn, on)


def _cell_width(drawn: HeatMap, on: Screen, left: int) -> int:
    """Letters that a cell is wide: what its own letters need, and as many as names below it want, if there is room."""
    rows, columns = len(drawn.diagram.y.values), len(drawn.diagram.x.values)
    cells = [drawn.cell(row, column, on.coloured)[0] for row in range(rows) for column in range(columns)]
    least = max(map(len, cells)) + (0 if on.coloured else 1)
    wanted = max(len(_name(value)) for value in drawn.diagram.x.values) + 1
    return max(least, min(max(wanted, 3), (on.width - left) // columns))


def _row(drawn: HeatMap, name: str, row: int, columns: Sequence[int], width: int, on: Screen) -> Text:
    line = Text(name)
    for column in columns:
        letters, style = drawn.cell(row, column, on.coloured)
        line.append(letters.center(width), style)
    return line


def _names_below(axis: PictureAxis, columns: Sequence[int], width: int) -> str:
    """The values of an axis, each where its column begins, those left out that would run into one another."""
    line = ""
    for place, column in enumerate(columns):
        name = _name(axis.values[column])
        begin = place * width + max(0, (width - len(name)) // 2)
        if not line or begin > len(line):
            line = line.ljust(begin) + name
    return line


def _legend(drawn: HeatMap, on: Screen) -> Iterator[Text]:
    """The phases and marks that there are, and the scale."""
    matrices = drawn.diagram.matrices
    phases = {phase for line in matrices["phase"] for phase in line}
    told = [f"{LETTERS[phase]} {phase.replace('_', ' ')}" for phase in Phase if phase in phases]
    blank = {matrices["state"][row][column] for row, column in np.argwhere(np.isnan(drawn.shares))}
    told += [f"{mark} {words}" for state, (mark, words) in MARKS.items() if state in blank]
    told += ["! an attack that is not trusted"] if any(any(line) for line in matrices["suspect"]) else []
    if told:
        yield Text("   ".join(told))
    low, high = (f"{limit:.4g}" for limit in drawn.limits)
    scale = Text(f"{low} ") if on.coloured else Text(f"digits: 0 is from {low} on, 9 up to {high}")
    if on.coloured:
        for step in range(BAR):
            scale.append(" ", block(step / (BAR - 1)))
        scale.append(f" {high}")
    yield scale.append(" (logarithmic)" if drawn.log else "")


def block(share: float) -> Style:
    """The colours of a cell at a share of the scale, with letters that can be read on it."""
    place = share * (len(CIVIDIS) - 1)
    step = min(int(place), len(CIVIDIS) - 2)
    low, high = (_parts(CIVIDIS[step + i]) for i in (0, 1))
    red, green, blue = (round(a + (b - a) * (place - step)) for a, b in zip(low, high, strict=True))
    return Style(color="white" if share < 0.5 else "black", bgcolor=f"#{red:02x}{green:02x}{blue:02x}")


def _parts(colour: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(colour[1:]))


def _name(value: Any) -> str:
    text = "null" if value is None else f"{value:.4g}" if isinstance(value, float) else shown(str(value))
    return shortened(text, LONGEST_NAME)
