"""Lines as a picture: a measure against one axis, a line a group, with bands and theory."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from phaselab.api.pictures.groups import MOST_ROWS, Colouring, colouring, group_label
from phaselab.api.pictures.scales import open_frame, scale_axis
from phaselab.api.pictures.style import INK, filled, name_powers, new_figure, title_of
from phaselab.domain.answers.cells import Cell
from phaselab.domain.answers.counts import counted, interval_words
from phaselab.domain.answers.lines import Line, Lines
from phaselab.domain.answers.theory_lines import TheoryLine
from phaselab.domain.results.measures import MEASURES
from phaselab.domain.results.statistics import statistic_title
from phaselab.domain.settings.texts import shortened

_THEORY = (0, (1, 1.2))
_GREY = "#555555"


@dataclass(frozen=True)
class Drawn:
    """One line as it is drawn: its label and colour, and places and cells where it has a value."""

    label: str
    colour: str
    xs: tuple[float, ...]
    cells: tuple[Cell, ...]
    line: Line


def draw_lines(lines: Lines) -> Figure:
    """The picture of lines."""
    shades = colouring([line.group for line in lines.lines])
    drawn = _drawn(lines, shades.colours)
    handles = _legend_handles(drawn, lines, shades)
    columns = 1 if max((len(str(one.get_label())) for one in handles), default=0) > 60 else 2
    figure = new_figure(7.0, 4.6 + 0.19 * math.ceil(len(handles) / columns))
    axes = figure.add_subplot()
    for one in drawn:
        _draw_line(axes, one, lines, lines.query.statistic == "mean" and shades.bar is None)
    scale_axis(axes, lines.x, "x")
    _scale_values(axes, lines, [value for one in drawn for value in _reach(one, lines)])
    if not any(one.cells for one in drawn):
        axes.text(0.5, 0.5, "no run has finished yet", transform=axes.transAxes, ha="center", color="#777777")
    open_frame(axes)
    shades.draw_bar(figure, [axes])
    axes.set_title(_note(lines, shades), fontsize=8.5, color=_GREY, pad=7)
    title = title_of(lines.names) or lines.query.measure.replace("_", " ")
    figure.suptitle(title, fontsize=11.5, fontweight="bold", color=INK)
    if handles:
        figure.legend(handles=handles, loc="outside lower center", ncols=columns, frameon=False, handlelength=2.6)
    return figure


def _drawn(lines: Lines, colours: Sequence[str]) -> list[Drawn]:
    found, names = [], dict(zip(lines.query.experiments, lines.names, strict=False))
    for line, colour in zip(lines.lines, colours, strict=True):
        label = group_label(line.group, names)
        places = [(x, cell) for x, cell in zip(lines.x.coordinates, line.cells, strict=True) if cell.value is not None]
        found.append(Drawn(label, colour, tuple(x for x, _ in places), tuple(cell for _, cell in places), line))
    return found


def _draw_line(axes: Axes, one: Drawn, lines: Lines, banded: bool) -> None:
    values = [math.nan if cell.value is None else cell.value for cell in one.cells]
    axes.plot(one.xs, values, "-o", color=one.colour, linewidth=1.8, markersize=4, zorder=3)
    suspect = [(x, value) for x, value, cell in zip(one.xs, values, one.cells, strict=True) if cell.suspect]
    if suspect:
        xs, ys = zip(*suspect, strict=True)
        axes.plot(xs, ys, "o", color=one.colour, markerfacecolor="white", markersize=5.5, zorder=4)
    if banded:
        low, high = ([math.nan if end is None else end for end in ends] for ends in _ends(one.cells))
        axes.fill_between(one.xs, low, high, color=one.colour, alpha=0.16, linewidth=0)
    if one.line.theory is not None:
        told = [math.nan if value is None else value for value in one.line.theory.values]
        axes.plot(lines.x.coordinates, told, linestyle=_THEORY, marker="", color=one.colour, linewidth=1.6, zorder=2)
        axes.plot(lines.x.coordinates, alone(told), "_", color=one.colour, markersize=14, zorder=2)


def alone(values: Sequence[float]) -> list[float]:
    """The numbers with none before and after them, of which a line shows nothing; nan for all others."""
    around = [math.nan, *values, math.nan]
    return [
        value if math.isnan(before) and math.isnan(after) else math.nan
        for before, value, after in zip(around, values, around[2:], strict=False)
    ]


def _ends(cells: Sequence[Cell]) -> tuple[list[float | None], list[float | None]]:
    return [cell.ci_low for cell in cells], [cell.ci_high for cell in cells]


def _reach(one: Drawn, lines: Lines) -> list[float]:
    """Every finite value that the picture shows of a line."""
    found = [cell.value for cell in one.cells]
    if lines.query.statistic == "mean":
        found += [end for ends in _ends(one.cells) for end in ends]
    found += one.line.theory.values if one.line.theory else ()
    return [value for value in found if value is not None and math.isfinite(value)]


def _scale_values(axes: Axes, lines: Lines, reach: Sequence[float]) -> None:
    """The vertical axis: the measure's own bounds where it has both; of positive values far apart, their logarithm."""
    measure, statistic = MEASURES[lines.query.measure], lines.query.statistic
    axes.set_ylabel(f"{statistic_title(statistic)} of {measure.title}")
    if measure.low is not None and measure.high is not None and statistic != "sd":
        room = 0.02 * (measure.high - measure.low)
        axes.set_ylim(measure.low - room, measure.high + room)
        return
    values = np.array(reach)
    if len(values) and values.min() > 0 and values.max() / values.min() >= 100:
        axes.set_yscale("log")
        name_powers(axes.yaxis)
    elif len(values) and values.min() >= 0:
        axes.set_ylim(0, 1.05 * values.max() or 1.0)


def _note(lines: Lines, shades: Colouring) -> str:
    """How many runs stand behind a value or failed, what bands are, what was fixed or averaged over, and where theory
    is silent."""
    query, cells = lines.query, [cell for line in lines.lines for cell in line.cells]
    counts = counted((cell.n, cell.runs, cell.interval_over) for cell in cells)
    runs = f"{counts} a value" if counts else "no runs yet"
    failed = sum(cell.failed for cell in cells)
    runs += f", {failed} failed" if failed else ""
    banded = [cell.interval_over for cell in cells if cell.ci_low is not None]
    if banded and query.statistic == "mean" and shades.bar is None:
        runs += f", bands: 95 % interval {interval_words(banded)}"
    parts = [runs, *map(str, query.where)]
    if query.marginalize:
        parts.append("averaged over " + ", ".join(query.marginalize))
    silent = (silence(line.theory) for line in lines.lines if line.theory is not None)
    parts += [words for words in dict.fromkeys(silent) if words is not None][:1]
    return filled(shortened(" · ".join(parts), 480), 92)


def silence(theory: TheoryLine) -> str | None:
    """Why theory says nothing of a line, or of some of its values; null where it speaks of all."""
    if theory.reason is None:
        return None
    rest = " of the rest" if any(value is not None for value in theory.values) else ""
    return f"no theory{rest}: {theory.reason}"


def _legend_handles(drawn: Sequence[Drawn], lines: Lines, shades: Colouring) -> list[Line2D]:
    handles = [
        Line2D([], [], color=one.colour, linewidth=2.2, marker="o", markersize=4, label=one.label)
        for one in drawn
        if one.label and shades.bar is None
    ]
    if len(handles) > MOST_ROWS:
        left = len(handles) - MOST_ROWS
        handles = [*handles[:MOST_ROWS], Line2D([], [], linestyle="", label=f"and {left} more lines")]
    told = [one.line.theory for one in drawn if one.line.theory and any(v is not None for v in one.line.theory.values)]
    if told:
        formulas = {theory.formula for theory in told}
        formula = formulas.pop() if len(formulas) == 1 else None
        label = "theory" + (f": {formula}" if formula else "")
        handles.append(Line2D([], [], color=_GREY, linestyle=_THEORY, linewidth=1.6, label=label))
    if any(cell.suspect for one in drawn for cell in one.cells):
        handles.append(
            Line2D([], [], color=_GREY, marker="o", linestyle="", markerfacecolor="white", label="attacks not trusted")
        )
    return handles
