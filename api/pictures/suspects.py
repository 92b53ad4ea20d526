"""Cells of a diagram some of whose runs are not trusted: a mark that grows with their share, and hides no colour."""

import math
from collections.abc import Callable, Mapping

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Polygon, Rectangle

from phaselab.api.pictures.blanks import Place
from phaselab.domain.answers.axes import PictureAxis
from phaselab.domain.answers.diagram import Diagram

HATCHED = 0.5
"""Share of a cell's runs that are not trusted from which all of it is hatched; below, its corner is marked."""
_CORNER = "#D55E00"


def draw_suspects(
    axes: Axes, diagram: Diagram, shares: Mapping[Place, float], is_light: Callable[[Place], bool]
) -> None:
    """Mark the cells of which these shares of runs are not trusted."""
    for (row, column), share in shares.items():
        (left, right), (low, high) = diagram.x.edges[column : column + 2], diagram.y.edges[row : row + 2]
        if share >= HATCHED:
            ink = "#00000066" if is_light((row, column)) else "#FFFFFF88"
            hatched = Rectangle((left, low), right - left, high - low, fill=False, hatch="//")
            hatched.set(edgecolor=ink, linewidth=0)
            axes.add_patch(hatched)
        else:
            side = 0.15 + 0.3 * share
            across, down = _between(diagram.x, right, left, side), _between(diagram.y, high, low, side)
            corner = [(right, high), (across, high), (right, down)]
            axes.add_patch(Polygon(corner, facecolor=_CORNER, edgecolor="white", linewidth=0.5))


def _between(axis: PictureAxis, start: float, end: float, share: float) -> float:
    """What lies this share of the way from one coordinate to another, as it looks on the axis."""
    if axis.scale == "log":
        return start * math.exp(share * math.log(end / start))
    return start + share * (end - start)


def suspect_handles(shares: Mapping[Place, float]) -> list[Line2D | Patch]:
    """What the legend shows of the marks that are there."""
    handles: list[Line2D | Patch] = []
    if any(share < HATCHED for share in shares.values()):
        corner = Line2D([], [], linestyle="", color=_CORNER, markeredgewidth=0, markersize=8)
        corner.set(marker=[(0, 1), (1, 1), (1, 0), (0, 1)], label="some attacks not trusted")
        handles.append(corner)
    if any(share >= HATCHED for share in shares.values()):
        label = "half of the attacks, or more, not trusted"
        handles.append(Patch(facecolor="#8a8778", hatch="///", edgecolor="white", label=label))
    return handles
