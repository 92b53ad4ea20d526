"""The phase diagram as a picture: a heat map of the measure, its phases, their boundaries and theory."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from phaselab.api.pictures.blanks import LOOKS, Place, blank_cells, blank_handles, draw_blanks
from phaselab.api.pictures.regions import middle, regions
from phaselab.api.pictures.scales import scale_axis
from phaselab.api.pictures.style import INK, as_marker, filled, halo, name_powers, new_figure, title_of, words
from phaselab.api.pictures.suspects import draw_suspects, suspect_handles
from phaselab.domain.answers.axes import PictureAxis
from phaselab.domain.answers.colours import colour_limits
from phaselab.domain.answers.counts import counted
from phaselab.domain.answers.crossings import Crossing
from phaselab.domain.answers.diagram import Diagram
from phaselab.domain.results.measures import MEASURES
from phaselab.domain.results.phases import LETTERS, Phase
from phaselab.domain.results.states import CellState
from phaselab.domain.results.statistics import statistic_title
from phaselab.domain.settings.texts import shortened

LEVEL = "#C1272D"
"""The ink of the boundary of a level."""
_THEORY_STYLES = ("--", ":", "-.", (0, (6, 2, 1, 2, 1, 2)))
_THEORY_COLOURS = ("#D55E00", "#CC79A7", "#E69F00", "#56B4E9")


@dataclass(frozen=True)
class Label:
    """A letter at a place in the axes' coordinates."""

    x: float
    y: float
    phase: Phase


@dataclass(frozen=True)
class DiagramPicture:
    """What is drawn: the map [y][x] (NaN: no value), cells that are special (`suspect`: the share of their runs that is
    not trusted), labels, lines and words."""

    values: npt.NDArray[np.float64]
    limits: tuple[float, float]
    log_colours: bool
    suspect: Mapping[Place, float]
    blanks: Mapping[CellState | None, tuple[Place, ...]]
    labels: tuple[Label, ...]
    doubts: tuple[Crossing, ...]
    title: str
    note: str
    colour_title: str


def diagram_picture(diagram: Diagram) -> DiagramPicture:
    """The data of the picture of a diagram."""
    cells = [[(row, column, cell) for column, cell in enumerate(line)] for row, line in enumerate(diagram.cells)]
    flat = [entry for line in cells for entry in line]
    values = np.array([[math.nan if cell.value is None else cell.value for cell in line] for line in diagram.cells])
    limits, log_colours = colour_limits(values, diagram.query.measure, diagram.query.statistic)
    return DiagramPicture(
        values=values,
        limits=limits,
        log_colours=log_colours,
        suspect={(row, column): cell.suspect / cell.runs for row, column, cell in flat if cell.suspect},
        blanks=blank_cells(diagram),
        labels=tuple(_labels(diagram)),
        doubts=tuple(one for one in diagram.crossings if one.steps > 1),
        title=_title(diagram),
        note=_note(diagram),
        colour_title=f"{statistic_title(diagram.query.statistic)} of {MEASURES[diagram.query.measure].title}",
    )


def _title(diagram: Diagram) -> str:
    return title_of(diagram.names) or diagram.query.measure.replace("_", " ")


def _note(diagram: Diagram) -> str:
    """How many runs stand behind a cell or failed, what was fixed or averaged over, and where theory is silent."""
    counts = counted((cell.n, cell.runs, cell.interval_over) for row in diagram.cells for cell in row)
    runs = f"{counts} a cell" if counts else "no runs yet"
    failed = sum(cell.failed for row in diagram.cells for cell in row)
    runs += f", {failed} failed" if failed else ""
    parts = [runs, *(str(condition) for condition in diagram.query.where)]
    if diagram.query.marginalize:
        parts.append("averaged over " + ", ".join(diagram.query.marginalize))
    parts += [f"{name} {value:g}" for name, value in diagram.query.thresholds.changed.items()]
    parts += [one.words for one in diagram.refinements]
    for gap in diagram.theory_gaps:
        values = ", ".join(map(words, gap.at[:6])) + (", ..." if len(gap.at) > 6 else "")
        parts.append(f"no theory of the {gap.name} at {values}: {gap.reason}")
    return filled(shortened(" · ".join(parts), 540), 90)


def _labels(diagram: Diagram) -> Iterator[Label]:
    """One letter for every region of equal phase, at the cell nearest to its middle."""
    for region in regions([[cell.phase for cell in line] for line in diagram.cells]):
        row, column = middle(region)
        label = diagram.cells[row][column].phase
        if label is not None:
            yield Label(_centre(diagram.x, column), _centre(diagram.y, row), label)


def _centre(axis: PictureAxis, index: int) -> float:
    """The middle of a cell as it looks on the axis."""
    low, high = axis.edges[index], axis.edges[index + 1]
    return math.sqrt(low * high) if axis.scale == "log" else (low + high) / 2


def draw_diagram(diagram: Diagram) -> Figure:
    """The picture of a diagram."""
    picture = diagram_picture(diagram)
    figure = new_figure(7.4, 6.4)
    axes = figure.add_subplot()
    norm = LogNorm(*picture.limits) if picture.log_colours else Normalize(*picture.limits)
    shown = np.ma.masked_invalid(picture.values)
    mesh = axes.pcolormesh(
        diagram.x.edges, diagram.y.edges, shown, cmap="cividis", norm=norm, edgecolors="face", linewidth=0.25
    )
    _mark_cells(axes, diagram, picture)
    _draw_lines(axes, diagram, picture)
    for axis, name in ((diagram.x, "x"), (diagram.y, "y")):
        scale_axis(axes, axis, name)
    bar = figure.colorbar(mesh, ax=axes, pad=0.02, fraction=0.06, aspect=28)
    bar.set_label(picture.colour_title)
    if picture.log_colours:
        name_powers(bar.ax.yaxis)
    if bar.solids is not None:
        bar.solids.set(rasterized=False, edgecolor="face")  # vectors in SVG and PDF, without seams
    bar.outline.set_linewidth(0.6)
    axes.set_title(picture.note, fontsize=8.5, color="#555555", pad=7)
    figure.suptitle(picture.title, fontsize=11.5, fontweight="bold", color=INK)
    handles = _legend_handles(diagram, picture)
    if handles:
        wide = any(len(str(handle.get_label())) > 44 for handle in handles)
        figure.legend(
            handles=handles, loc="outside lower center", ncols=2 if wide else 3, frameon=False, handlelength=2.6
        )
    return figure


def _mark_cells(axes: Axes, diagram: Diagram, picture: DiagramPicture) -> None:
    draw_suspects(axes, diagram, picture.suspect, lambda place: _is_light(picture, *place))
    draw_blanks(axes, diagram, picture.blanks)
    for row, column in picture.blanks.get(CellState.MEASURED, ()):
        place = _centre(diagram.x, column), _centre(diagram.y, row)
        axes.text(*place, "n/a", ha="center", va="center", color="#777777", fontsize=7.5)


def _is_light(picture: DiagramPicture, row: int, column: int) -> bool:
    """Whether a cell's colour is in the light half of the map; a cell without a value is light grey."""
    value, (low, high) = picture.values[row, column], picture.limits
    if picture.log_colours:
        value, low, high = math.log(value), math.log(low), math.log(high)
    return not value < (low + high) / 2


def _draw_doubt(axes: Axes, diagram: Diagram, doubts: Sequence[Crossing]) -> None:
    """Bars over the cells that a boundary may pass through, across it."""
    places = {"x": dict(zip(diagram.y.values, diagram.y.coordinates, strict=True))}
    places["y"] = dict(zip(diagram.x.values, diagram.x.coordinates, strict=True))
    for one in doubts:
        at, ends = [places[one.along][one.at]] * 2, [one.low, one.high]
        xs, ys = (ends, at) if one.along == "x" else (at, ends)
        axes.plot(xs, ys, color=INK, linewidth=1.1, alpha=0.55, marker="", zorder=2.5)


def _draw_lines(axes: Axes, diagram: Diagram, picture: DiagramPicture) -> None:
    _draw_doubt(axes, diagram, picture.doubts)
    for boundary in diagram.boundaries:
        xs, ys = zip(*boundary.points, strict=True)
        ink = INK if boundary.between[0] in LETTERS else LEVEL
        axes.plot(xs, ys, color=ink, linewidth=1.8, path_effects=halo(3.6), solid_joinstyle="miter", zorder=3)
    styles = _theory_styles(diagram)
    for curve in diagram.theory:
        xs, ys = zip(*curve.points, strict=True)
        axes.plot(xs, ys, **styles[curve.name], zorder=4)
    for label in picture.labels:
        axes.text(
            label.x,
            label.y,
            LETTERS[label.phase],
            ha="center",
            va="center",
            fontsize=13,
            fontweight="bold",
            color=INK,
            path_effects=halo(3.2),
            zorder=5,
        )


def _theory_styles(diagram: Diagram) -> dict[str, dict[str, Any]]:
    """How each theory curve is drawn, by its name: one that is broken has one style."""
    return {name: theory_style(i) for i, name in enumerate(dict.fromkeys(curve.name for curve in diagram.theory))}


def theory_style(index: int) -> dict[str, Any]:
    """How the theory curve of this place in the list is drawn."""
    return {
        "color": _THEORY_COLOURS[index % len(_THEORY_COLOURS)],
        "linestyle": _THEORY_STYLES[index % len(_THEORY_STYLES)],
        "linewidth": 2.2,
        "path_effects": halo(3.4),
    }


def _legend_handles(diagram: Diagram, picture: DiagramPicture) -> list[Line2D | Patch]:
    handles: list[Line2D | Patch] = []
    present = {label.phase for label in picture.labels}
    for phase in (phase for phase in Phase if phase in present):
        marker = as_marker(LETTERS[phase], "bold")
        name = phase.value.replace("_", " ")
        handles.append(
            Line2D([], [], linestyle="", marker=marker, color=INK, markersize=8, markeredgewidth=0, label=name)
        )
    if any(line.between[0] in LETTERS for line in diagram.boundaries):
        handles.append(Line2D([], [], color=INK, linewidth=1.8, label="boundary between phases"))
    levels = {line.between for line in diagram.boundaries if line.between[0] not in LETTERS}
    for below, _ in sorted(levels):
        handles.append(Line2D([], [], color=LEVEL, linewidth=1.8, label=f"boundary of {below.replace('_', ' ')}"))
    if picture.doubts:
        handles.append(Line2D([], [], color=INK, linewidth=1.1, alpha=0.55, label="cells where it may run"))
    handles += suspect_handles(picture.suspect)
    handles += blank_handles(picture.blanks)
    if CellState.MEASURED in picture.blanks:
        handles.append(
            Line2D(
                [],
                [],
                linestyle="",
                marker=as_marker("n/a"),
                color="#777777",
                markersize=16,
                markeredgewidth=0,
                label=LOOKS[CellState.MEASURED].label,
            )
        )
    formulas = {curve.name: curve.formula for curve in diagram.theory}
    for name, style in _theory_styles(diagram).items():
        handles.append(Line2D([], [], label=f"theory, {name}: {formulas[name]}", **style))
    return handles
