"""Robustness curves as a picture: robust accuracy against radius, a panel a readout."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from phaselab.api.pictures.groups import MOST_ROWS, Colouring, colouring, group_label
from phaselab.api.pictures.scales import open_frame
from phaselab.api.pictures.style import INK, filled, new_figure, title_of
from phaselab.domain.answers.counts import counted, interval_words
from phaselab.domain.answers.curves import Curves, GroupCurve
from phaselab.domain.results.results import READOUTS, Readout
from phaselab.domain.settings.settings import Method, RadiiIn
from phaselab.domain.settings.texts import shortened

LINES: Mapping[Method, Literal["-", "-.", "--", ":"]] = {
    "exact": "-",
    "certified": "-.",
    "pgd": "--",
    "pgd_native": ":",
}
_METHOD_NAMES: Mapping[Method, str] = {
    "exact": "exact",
    "certified": "certified",
    "pgd": "pgd on the scored readout",
    "pgd_native": "pgd on the network's own loss",
}
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "<", ">", "h", "d")
_WIDTHS: Mapping[Method, float] = {"exact": 2.0, "certified": 2.0, "pgd": 1.5, "pgd_native": 1.2}
_LEGEND = {2: 42, 3: 34}
"""Letters of a line of the legend, by its columns."""
_UPPER_WIDTH = 0.9
"""Of the line of what is not proved wrong."""
_HATCH = "//////"
"""Of the band between what is proved right and what is not proved wrong."""
_AXES: Mapping[RadiiIn, str] = {
    "absolute": "L2 radius (data units)",
    "center_norm": "L2 radius / R, the norm of the centres",
}
_MAX_BANDED_GROUPS = 3
"""Most groups whose every method gets a band; with more, only the most exact method does."""
_LEAST_GAP = 0.055
"""Least distance of two theory labels, as a share of the axis, at which they do not overlap."""


@dataclass(frozen=True)
class Series:
    """Published values laid over the curves: radii in the curves' unit, accuracy in [0, 1]."""

    label: str
    radii: tuple[float, ...]
    accuracy: tuple[float, ...]


@dataclass(frozen=True)
class Line:
    """One drawn curve: its group's label and colour, and its data."""

    label: str
    colour: str
    curve: GroupCurve


@dataclass(frozen=True)
class Mark:
    """A radius that theory gives: its formula and the colours of the groups it is for."""

    radius: float
    formula: str
    colour: str


@dataclass(frozen=True)
class CurvesPicture:
    """What is drawn: lines and theory marks a panel, groups with their colours, published series, words."""

    panels: Mapping[Readout, tuple[Line, ...]]
    marks: Mapping[Readout, tuple[Mark, ...]]
    groups: Mapping[str, str]
    shades: Colouring
    methods: tuple[Method, ...]
    banded: tuple[Method, ...]
    overlay: tuple[Series, ...]
    radius: str
    title: str
    note: str


def curves_picture(curves: Curves, overlay: Sequence[Series] = ()) -> CurvesPicture:
    """The data of the picture of curves."""
    names = dict(zip(curves.query.experiments, curves.names, strict=False))
    labels = {_label(curve, names): curve.group for curve in curves.curves}
    shades = colouring(list(labels.values()))
    groups = dict(zip(labels, shades.colours, strict=True))
    told = [(curve, _label(curve, names)) for curve in curves.curves]
    panels = {
        readout: tuple(Line(label, groups[label], curve) for curve, label in told if curve.readout == readout)
        for readout in READOUTS
    }
    present = {curve.method for curve in curves.curves}
    methods = tuple(method for method in LINES if method in present)
    banded = () if shades.bar else methods if len(groups) <= _MAX_BANDED_GROUPS else methods[:1]
    return CurvesPicture(
        panels={readout: lines for readout, lines in panels.items() if lines},
        marks={readout: _marks(lines) for readout, lines in panels.items()},
        groups=groups,
        shades=shades,
        methods=methods,
        banded=banded,
        overlay=tuple(overlay),
        radius=_AXES[curves.radii_in],
        title=title_of(curves.names) or "robust accuracy",
        note=_note(curves, banded, methods),
    )


def _label(curve: GroupCurve, names: Mapping[int, str]) -> str:
    return group_label(curve.group, names) or "all runs"


def _marks(lines: Sequence[Line]) -> tuple[Mark, ...]:
    """Theory's radii, each once; one that several groups share is drawn in ink."""
    found: dict[tuple[float, str], set[str]] = {}
    for line in lines:
        theory = line.curve.theory
        if theory is not None and theory.radius is not None and theory.formula is not None:
            noise = f"{theory.radius / theory.ideal:.2f} " if theory.ideal else "1.00 "
            found.setdefault((theory.radius, noise.replace("1.00 ", "") + theory.formula), set()).add(line.colour)
    return tuple(
        Mark(radius, formula, used.pop() if len(used) == 1 else INK)
        for (radius, formula), used in sorted(found.items())
    )


def _note(curves: Curves, banded: Sequence[Method], methods: Sequence[Method]) -> str:
    """How many runs stand behind a curve, what the bands are (and of which methods only), and what was fixed."""
    counts = counted((curve.n, curve.runs, curve.interval_over) for curve in curves.curves)
    runs = f"mean of {counts}" if counts else "no runs yet"
    overs = [curve.interval_over for curve in curves.curves if curve.ci_low is not None]
    if overs and banded:
        bands = f"bands of {', '.join(banded)}" if len(banded) < len(methods) else "bands"
        runs += f", {bands}: 95 % interval {interval_words(overs)}"
    reasons = (curve.theory.reason for curve in curves.curves if curve.theory is not None)
    silent = [f"no theory: {reason}" for reason in dict.fromkeys(reasons) if reason is not None][:1]
    return filled(shortened(" · ".join([runs, *map(str, curves.query.where), *silent]), 400), 100)


def draw_curves(curves: Curves, overlay: Sequence[Series] = ()) -> Figure:
    """The picture of curves, with published values laid over as markers."""
    picture = curves_picture(curves, overlay)
    readouts = list(picture.panels) or ["max"]
    handles = _legend_handles(picture)
    columns = 2 if len(readouts) == 1 else 3
    for handle in handles:
        handle.set_label(filled(str(handle.get_label()), _LEGEND[columns]))
    lines = sum(str(handle.get_label()).count("\n") + 1 for handle in handles)
    figure = new_figure(6.2 if len(readouts) == 1 else 9.1, 4.6 + 0.19 * -(-lines // columns))
    panels = figure.subplots(1, len(readouts), sharey=True, squeeze=False)[0]
    for axes, readout in zip(panels, readouts, strict=True):
        _draw_panel(axes, picture, readout)
    panels[0].set_ylabel("robust accuracy")
    picture.shades.draw_bar(figure, panels)
    if not picture.panels:
        panels[0].text(
            0.5,
            0.5,
            "no curve yet: no run has finished, or no method was asked for",
            transform=panels[0].transAxes,
            ha="center",
            color="#777777",
        )
    titled = picture.title.count("\n") + 1
    figure.suptitle(picture.title + "\n" * (picture.note.count("\n") + 1), fontsize=11.5, fontweight="bold", color=INK)
    below = 1 - (0.09 + 0.2 * titled) / figure.get_figheight()
    figure.text(0.5, below, picture.note, ha="center", va="top", fontsize=8.5, color="#555555")
    figure.legend(handles=handles, loc="outside lower center", ncols=columns, frameon=False, handlelength=2.8)
    return figure


def _draw_panel(axes: Axes, picture: CurvesPicture, readout: Readout) -> None:
    for line in picture.panels.get(readout, ()):
        curve = line.curve
        axes.plot(
            curve.radii,
            curve.mean,
            LINES[curve.method],
            color=line.colour,
            linewidth=_WIDTHS[curve.method],
            zorder=3,
        )
        _draw_bracket(axes, line)
        if curve.method in picture.banded and curve.ci_low is not None and curve.ci_high is not None:
            axes.fill_between(curve.radii, curve.ci_low, curve.ci_high, color=line.colour, alpha=0.16, linewidth=0)
    for series, marker in zip(picture.overlay, _MARKERS, strict=False):
        axes.plot(series.radii, series.accuracy, marker, **_published(), zorder=4, clip_on=False)
    radii = [radius for line in picture.panels.get(readout, ()) for radius in line.curve.radii]
    radii += [radius for series in picture.overlay for radius in series.radii]
    greatest = max(radii, default=1.0) or 1.0
    axes.set_xlim(0, greatest)
    _draw_marks(axes, [mark for mark in picture.marks.get(readout, ()) if mark.radius <= greatest])
    axes.set_ylim(-0.02, 1.02)
    axes.set_xlabel(picture.radius)
    open_frame(axes)
    axes.set_title(f"{readout} readout", pad=54 if picture.marks.get(readout) else 8)


def _draw_bracket(axes: Axes, line: Line) -> None:
    """A hatched band up to what is not proved wrong, where the bounds do not meet."""
    curve = line.curve
    if curve.mean_upper is None or not curve.is_open:
        return
    between = axes.fill_between(curve.radii, curve.mean, curve.mean_upper, hatch=_HATCH, alpha=0.9, linewidth=0)
    between.set(facecolor="none", edgecolor=line.colour, zorder=2.5)
    style = LINES[curve.method]
    axes.plot(curve.radii, curve.mean_upper, style, color=line.colour, linewidth=_UPPER_WIDTH, zorder=3)


def _published() -> dict[str, Any]:
    return {"markerfacecolor": "none", "markeredgecolor": INK, "markersize": 4.6, "markeredgewidth": 0.9}


def _draw_marks(axes: Axes, marks: Sequence[Mark]) -> None:
    named = _named(marks, _LEAST_GAP * axes.get_xlim()[1])
    for mark in marks:
        axes.axvline(mark.radius, color=mark.colour, linewidth=1.0, linestyle=(0, (1, 1.2)), zorder=2)
        if mark in named:
            axes.annotate(
                mark.formula,
                (mark.radius, 1.0),
                xycoords=("data", "axes fraction"),
                xytext=(0, 3),
                textcoords="offset points",
                rotation=38,
                ha="left",
                va="bottom",
                rotation_mode="anchor",
                fontsize=8,
                color=mark.colour,
            )


def _named(marks: Sequence[Mark], gap: float) -> list[Mark]:
    """The marks whose formula is written: the outermost, and those between with room for their text."""
    named = list(marks[:1])
    for mark in marks[1:-1]:
        if mark.radius - named[-1].radius >= gap and marks[-1].radius - mark.radius >= gap:
            named.append(mark)
    if len(marks) > 1 and marks[-1].radius - named[-1].radius >= gap:
        named.append(marks[-1])
    return named


def _legend_handles(picture: CurvesPicture) -> list[Line2D | Patch]:
    named = () if picture.shades.bar else list(picture.groups.items())[:MOST_ROWS]
    handles: list[Line2D | Patch] = [
        Line2D([], [], color=colour, linewidth=2.4, label=label) for label, colour in named
    ]
    if named and len(picture.groups) > MOST_ROWS:
        handles.append(Line2D([], [], linestyle="", label=f"and {len(picture.groups) - MOST_ROWS} more groups"))
    for method in picture.methods:
        handles.append(Line2D([], [], color="#555555", linestyle=LINES[method], label=_METHOD_NAMES[method]))
    if any(line.curve.is_open for lines in picture.panels.values() for line in lines):
        label = "bracket of exact: right below, wrong above"
        handles.append(Patch(facecolor="none", edgecolor="#555555", hatch=_HATCH, linewidth=0.9, label=label))
    if any(picture.marks.values()):
        label = "theory: the radius that flips the median test point, R = SNR √d"
        handles.append(Line2D([], [], color="#555555", linestyle=(0, (1, 1.2)), linewidth=1.0, label=label))
    for series, marker in zip(picture.overlay, _MARKERS, strict=False):
        handles.append(Line2D([], [], linestyle="", marker=marker, label=f"published: {series.label}", **_published()))
    return handles
