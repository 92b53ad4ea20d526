"""How every picture looks, and how it becomes a file. No pyplot: a figure belongs to the call that draws it."""

import io
import threading
from collections.abc import Callable, Sequence
from typing import Literal

import matplotlib
from matplotlib import patheffects
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

PictureFormat = Literal["png", "svg", "pdf"]

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito's colours, told apart by colour-blind readers, less the yellow that is lost on white."""
DRAWING = b"1"
"""Version of the drawings; raised whenever the same data gives another picture, so that no ETag is stale."""
INK = "#222222"
BLANK = "#ECECEC"

matplotlib.rcParams.update(
    {
        "font.family": "sans-serif",
        "font.sans-serif": ["DejaVu Sans", "Arial", "Helvetica"],
        "font.size": 9.5,
        "axes.titlesize": 10.5,
        "axes.labelsize": 10,
        "axes.edgecolor": INK,
        "axes.linewidth": 0.8,
        "legend.fontsize": 8.5,
        "hatch.linewidth": 0.7,
        "pdf.fonttype": 42,
        "svg.fonttype": "none",
        "svg.hashsalt": "phaselab",
    }
)
_drawing = threading.Lock()
_UNDATED = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of `width` x `height` inches that keeps its parts from overlapping."""
    figure = Figure(figsize=(width, height), dpi=150, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def render(draw: Callable[[], Figure], kind: PictureFormat) -> bytes:
    """The figure that `draw` makes, as a file; equal data give equal bytes.

    One figure at a time in a process: matplotlib's fonts and its parser of formulas break when threads share them,
    already while a figure is put together.
    """
    file = io.BytesIO()
    with _drawing:
        draw().savefig(file, format=kind, dpi=200, metadata=_UNDATED[kind])
    return file.getvalue()


def halo(width: float = 2.5, colour: str = "white") -> list[patheffects.AbstractPathEffect]:
    """An outline that keeps a line or a text readable on any background."""
    return [patheffects.withStroke(linewidth=width, foreground=colour)]


def colours(count: int) -> Sequence[str]:
    """`count` colours told apart: named ones for a few, steps of a map for many."""
    if count <= len(COLOURS):
        return COLOURS[:count]
    steps = matplotlib.colormaps["viridis"]
    return [matplotlib.colors.to_hex(steps(i / (count - 1) * 0.88)) for i in range(count)]


def words(value: object) -> str:
    """A value as text on an axis or in a legend: 1e-05 as 10⁻⁵, other numbers short, null as a dash."""
    if value is None:
        return "—"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    text = f"{value:.4g}"
    if "e" not in text and (value == 0 or 1e-3 <= abs(value) < 1e5):
        return text
    factor, _, exponent = f"{value:.3e}".partition("e")
    power = "10" + str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    factor = factor.rstrip("0").rstrip(".")
    return power if factor == "1" else f"{factor}·{power}"
