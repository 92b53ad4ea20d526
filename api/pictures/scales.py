"""Axes of parameters in pictures: scale, limits, ticks and title."""

import math

from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from phaselab.api.pictures.style import name_powers, words
from phaselab.domain.answers.axes import PictureAxis

_MAX_NAMED_TICKS = 14


def open_frame(axes: Axes) -> None:
    """A frame open above and on the right, with a faint grid behind what is drawn."""
    axes.grid(color="#E4E4E4", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def scale_axis(axes: Axes, axis: PictureAxis, name: str) -> None:
    """Scale, limits, ticks and title of one axis (`x` or `y`) of a picture."""
    native = axes.xaxis if name == "x" else axes.yaxis
    set_scale, set_limits = (axes.set_xscale, axes.set_xlim) if name == "x" else (axes.set_yscale, axes.set_ylim)
    if axis.scale == "log":
        set_scale("log")
        name_powers(native)
    set_limits(axis.edges[0], axis.edges[-1])
    named = ticks(axis)
    if named is not None:
        names = [text for text, _ in named]
        native.set_ticks([place for _, place in named], labels=names)
        native.set_minor_locator(NullLocator())
        if name == "x" and sum(map(len, names)) > 60:
            axes.tick_params(axis="x", labelrotation=45)
    if axis.zero is not None:
        _mark_break(axes, axis, name)
    native.set_label_text(axis.title)


def ticks(axis: PictureAxis) -> list[tuple[str, float]] | None:
    """Names and places; None where the scale's own ticks serve."""
    positive = axis.coordinates[0 if axis.zero is None else 1 :]
    few = len(axis.values) <= _MAX_NAMED_TICKS
    decades = axis.scale == "log" and positive[-1] / positive[0] >= 1e3 and len(axis.values) > 7
    if axis.scale == "category" or (few and not decades):
        step = max(1, math.ceil(len(axis.values) / (2 * _MAX_NAMED_TICKS)))
        return list(zip(map(words, axis.values[::step]), axis.coordinates[::step], strict=True))
    if axis.zero is None:
        return None
    low, high = math.ceil(math.log10(axis.edges[1])), math.floor(math.log10(axis.edges[-1]))
    step = max(1, math.ceil((high - low + 1) / _MAX_NAMED_TICKS))
    return [("0", axis.zero), *((words(10.0**power), 10.0**power) for power in range(low, high + 1, step))]


def _mark_break(axes: Axes, axis: PictureAxis, name: str) -> None:
    """A line between the place of zero and the scale that it is not on."""
    draw = axes.axvline if name == "x" else axes.axhline
    draw(axis.edges[1], color="white", linewidth=2.4, zorder=2.5)
