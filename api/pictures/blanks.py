"""Cells of a diagram that have no value to show: each kind of them looks its own way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.patches import Patch, Rectangle

from phaselab.api.pictures.style import BLANK
from phaselab.domain.answers.cells import Cell
from phaselab.domain.answers.diagram import Diagram
from phaselab.domain.results.states import CellState

Place = tuple[int, int]
"""Row and column of a cell."""


@dataclass(frozen=True)
class Look:
    """How cells of one kind look, and what the legend says of them."""

    label: str
    face: str
    ink: str
    hatch: str = ""


LOOKS: Mapping[CellState | None, Look] = {
    CellState.MEASURED: Look("measured, but undefined", BLANK, "#777777"),
    CellState.INFERRED: Look("inferred between cells that agree", "#F3F1E7", "#C9C4AE"),
    CellState.PENDING: Look("pending", BLANK, "#9A9A9A", "..."),
    CellState.FAILED: Look("failed", "#FBE7DC", "#C4613A", "xxx"),
    CellState.IMPOSSIBLE: Look("impossible, left out", "white", "#BDBDBD", "\\\\\\"),
    None: Look("in no experiment", "white", "#DDDDDD"),
}
"""By state of the cell; what is in no experiment has none. A measured one is only here when the measure is undefined
in all of its runs."""


def blank_cells(diagram: Diagram) -> Mapping[CellState | None, tuple[Place, ...]]:
    """The cells without a value, by state, in the order of LOOKS."""
    found: dict[CellState | None, list[Place]] = {state: [] for state in LOOKS}
    for row, line in enumerate(diagram.cells):
        for column, cell in enumerate(line):
            if _is_blank(cell):
                found[cell.state].append((row, column))
    return {state: tuple(places) for state, places in found.items() if places}


def _is_blank(cell: Cell) -> bool:
    return cell.value is None


def draw_blanks(axes: Axes, diagram: Diagram, blanks: Mapping[CellState | None, Sequence[Place]]) -> None:
    """Fill the cells without a value."""
    x, y = diagram.x.edges, diagram.y.edges
    for state, places in blanks.items():
        look = LOOKS[state]
        cells = [
            Rectangle((x[column], y[row]), x[column + 1] - x[column], y[row + 1] - y[row]) for row, column in places
        ]
        filled = PatchCollection(cells, facecolor=look.face, edgecolor=look.ink, linewidth=0, hatch=look.hatch or None)
        axes.add_collection(filled, autolim=False)


def blank_handles(blanks: Mapping[CellState | None, Sequence[Place]]) -> list[Patch]:
    """What the legend shows of them; cells whose measure is undefined are written on instead."""
    looks = [LOOKS[state] for state in blanks if state is not CellState.MEASURED]
    return [Patch(facecolor=look.face, edgecolor=look.ink, hatch=look.hatch, label=look.label) for look in looks]
