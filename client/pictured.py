"""Answers as a notebook shows them: a frame, a picture, and both when one is the last line of a cell."""

import base64
import html
import io
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

import pandas as pd

from phaselab.client.errors import Invalid, PartMissing
from phaselab.client.frames import curves_frame, lines_frame
from phaselab.client.reading import reading

NAMED_TICKS = 8
"""Most values of an axis of numbers that are all named; of more its scale names some."""
ROWS = 20
"""Rows of a frame that a notebook shows of an answer."""


def library(name: str, what: str) -> Any:
    """A module of a library that not every installation has. Raises PartMissing, which names it."""
    try:
        return import_module(name)
    except ModuleNotFoundError:
        package = name.partition(".")[0]
        raise PartMissing(f"{what} needs {package}: pip install {package}") from None


class Pictured(ABC):
    """An answer that is a frame and a picture."""

    def frame(self) -> pd.DataFrame:
        """The answer as a frame, one row a value."""
        with reading(f"describes {type(self).__name__.lower()}"):
            return self._frame()

    def plot(self, ax: Any = None) -> Any:
        """Draw it on `ax`, matplotlib's axes; on new ones where none are given. The axes. Raises PartMissing."""
        axes = new_axes(ax)
        with reading(f"describes {type(self).__name__.lower()}"):
            return self._plot(axes)

    @abstractmethod
    def _frame(self) -> pd.DataFrame:
        """The frame."""

    @abstractmethod
    def _plot(self, ax: Any) -> Any:
        """The axes, drawn on."""

    def _repr_html_(self) -> str:
        frame = self.frame()
        more = f"<p>{len(frame)} rows</p>" if len(frame) > ROWS else ""
        return f"{_picture(self)}{frame.head(ROWS).to_html(index=False)}{more}"


def new_axes(ax: Any) -> Any:
    """The axes to draw on. Raises PartMissing, and Invalid for what are no axes."""
    if ax is not None:
        if not hasattr(ax, "get_xaxis"):
            raise Invalid(f"{ax!r:.60} are no axes of matplotlib", 400)
        return ax
    return library("matplotlib.pyplot", "a picture").subplots(layout="constrained")[1]


def _picture(answer: Pictured) -> str:
    """The picture as HTML; nothing where there is no matplotlib."""
    try:
        figure = library("matplotlib.figure", "a picture").Figure(layout="constrained")
    except PartMissing:
        return ""
    answer.plot(figure.subplots())
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=110)
    return image(content.getvalue(), type(answer).__name__)


def image(content: bytes, alt: str) -> str:
    """A PNG as HTML."""
    return f'<img alt="{html.escape(alt)}" src="data:image/png;base64,{base64.b64encode(content).decode()}">'


class Lines(Pictured):
    """Lines of a measure: `content` is the server's answer."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self.content = content

    def _frame(self) -> pd.DataFrame:
        """One row a value of x of every line."""
        return lines_frame(self.content)

    def _plot(self, ax: Any) -> Any:
        """One line a group, with the band of its 95 % interval."""
        x = self.content["x"]
        for line in self.content["lines"]:
            _line(ax, x["coordinates"], line["value"], line["ci_low"], line["ci_high"], named(line["group"]))
        scale(ax, "x", x)
        ax.set_ylabel(self.content["measure_title"])
        return _with_legend(ax)


class Curves(Pictured):
    """Robustness curves: `content` is the server's answer."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self.content = content

    def _frame(self) -> pd.DataFrame:
        """One row a radius of every curve."""
        return curves_frame(self.content)

    def _plot(self, ax: Any) -> Any:
        """One line a group, readout and method, with the band of its 95 % interval."""
        for curve in self.content["curves"]:
            name = named({**curve["group"], "readout": curve["readout"], "method": curve["method"]})
            _line(ax, curve["radii"], curve["mean"], curve["ci_low"], curve["ci_high"], name)
        ax.set_xlabel("L2 radius")
        ax.set_ylabel("robust accuracy")
        ax.set_ylim(-0.02, 1.02)
        return _with_legend(ax)


def named(group: Mapping[str, Any]) -> str:
    """A group in words."""
    return ", ".join(f"{path} = {value}" for path, value in group.items()) or "all"


def scale(ax: Any, name: str, axis: Mapping[str, Any]) -> None:
    """Scale, ticks and title of an axis of parameters (`x` or `y`)."""
    native = getattr(ax, f"{name}axis")
    if axis["scale"] == "log":
        getattr(ax, f"set_{name}scale")("log")
    if axis["scale"] == "category" or len(axis["values"]) <= NAMED_TICKS:
        native.set_ticks([], minor=True)
        native.set_ticks(axis["coordinates"], labels=["null" if one is None else f"{one}" for one in axis["values"]])
    native.set_label_text(axis["title"])


def _line(ax: Any, x: Sequence[float], y: Sequence[Any], low: Any, high: Any, name: str) -> None:
    (drawn,) = ax.plot(x, _numbers(y), marker="." if len(x) < 30 else None, label=name)
    if low is not None and high is not None:
        ax.fill_between(x, _numbers(low), _numbers(high), color=drawn.get_color(), alpha=0.2, linewidth=0)


def _numbers(values: Sequence[Any]) -> list[float]:
    return [float("nan") if value is None else value for value in values]


def _with_legend(ax: Any) -> Any:
    if 0 < len(ax.get_lines()) <= 20:
        ax.legend(fontsize="small")
    return ax
