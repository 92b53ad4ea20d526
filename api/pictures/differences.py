"""Differences of two experiments as a picture: a map whose middle is no difference."""

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from phaselab.api.pictures.scales import scale_axis
from phaselab.api.pictures.style import BLANK, INK, filled, new_figure, words
from phaselab.domain.answers.differences import Difference, Differences
from phaselab.domain.results.measures import MEASURES
from phaselab.domain.settings.texts import shortened, shown

_MAP = "PuOr_r"
"""Orange above, purple below, white at 0: told apart by colour-blind readers, and unlike the map of a measure."""
_MOST_WRITTEN = 120
"""Most cells whose number is written into them."""
_NAME = 60


def difference_values(found: Differences) -> npt.NDArray[np.float64]:
    """The differences [y, x]; NaN where one is unknown."""
    return np.array([[np.nan if cell.value is None else cell.value for cell in row] for row in found.cells])


def draw_differences(found: Differences) -> Figure:
    """The picture of differences."""
    figure = new_figure(7.4, 6.2)
    axes = figure.add_subplot()
    values = difference_values(found)
    reach = float(np.nanmax(np.abs(values), initial=0.0)) or 1.0
    axes.set_facecolor(BLANK)
    if values.size:
        shade = np.ma.masked_invalid(values)
        mesh = axes.pcolormesh(found.x.edges, found.y.edges, shade, cmap=_MAP, vmin=-reach, vmax=reach)
        bar = figure.colorbar(mesh, ax=axes, pad=0.02, fraction=0.06, aspect=28)
        bar.set_label(f"difference of {MEASURES[found.query.measure].title}")
        bar.outline.set_linewidth(0.6)
        for axis, name in ((found.x, "x"), (found.y, "y")):
            scale_axis(axes, axis, name)
        _mark(axes, found, reach)
    first, second = (shortened(shown(name), _NAME) for name in found.names)
    figure.suptitle(filled(f"{second}, less {first}", 72), fontsize=11.5, fontweight="bold", color=INK)
    axes.set_title(_note(found), fontsize=8.5, color="#555555", pad=7)
    figure.legend(handles=_handles(found), loc="outside lower center", ncols=2, frameon=False)
    return figure


def _mark(axes: Axes, found: Differences, reach: float) -> None:
    """Hatch what is not told apart from 0, and write the numbers where there is room."""
    x, y = found.x.edges, found.y.edges
    unsure: list[Rectangle] = []
    written = len(found.x.values) * len(found.y.values) <= _MOST_WRITTEN
    for row, line in enumerate(found.cells):
        for column, cell in enumerate(line):
            if cell.value is None:
                continue
            corner, size = (x[column], y[row]), (x[column + 1] - x[column], y[row + 1] - y[row])
            if not cell.is_sure:
                unsure.append(Rectangle(corner, *size))
            if written:
                place = found.x.coordinates[column], found.y.coordinates[row]
                ink = "white" if abs(cell.value) > 0.55 * reach else INK
                axes.text(
                    *place, words(round(cell.value, 4)), ha="center", va="center", fontsize=7.5, color=ink, zorder=3
                )
    axes.add_collection(
        PatchCollection(unsure, facecolor="none", edgecolor="#00000044", linewidth=0, hatch=".."), autolim=False
    )


def _note(found: Differences) -> str:
    """How many draws stand behind a difference, what was fixed or averaged over."""
    counts = {cell.n for row in found.cells for cell in row if cell.value is not None}
    span = "–".join(map(str, sorted({min(counts), max(counts)}))) if counts else ""
    parts = [f"n = {span} draws a cell" if counts else "no cell that both have"]
    parts += map(str, found.query.where)
    if found.query.marginalize:
        parts.append("averaged over " + ", ".join(found.query.marginalize))
    return filled(shortened(" · ".join(parts), 400), 90)


def _handles(found: Differences) -> list[Patch]:
    cells: list[Difference] = [cell for row in found.cells for cell in row]
    handles = []
    if any(cell.value is not None and not cell.is_sure for cell in cells):
        label = "no interval, or one that holds 0"
        handles.append(Patch(facecolor="none", edgecolor="#777777", hatch="...", linewidth=0, label=label))
    if any(cell.value is None for cell in cells):
        handles.append(Patch(facecolor=BLANK, label="not measured in both"))
    return handles
