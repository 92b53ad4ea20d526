"""How every picture looks, and how it becomes a file. No pyplot: a figure belongs to the call that draws it."""

import io
import textwrap
import unicodedata
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import matplotlib
from matplotlib import patheffects
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.path import Path
from matplotlib.textpath import TextPath
from matplotlib.ticker import FuncFormatter, NullFormatter

from phaselab.api.pictures.fonts import USUAL, fit_fonts
from phaselab.domain.settings.texts import shortened, shown

PictureFormat = Literal["png", "svg", "pdf"]

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito's colours, told apart by colour-blind readers, less the yellow that is lost on white."""
DRAWING = b"5"
"""Version of the drawings; raised whenever the same data gives another picture, so that no ETag is stale."""
INK = "#222222"
_WIDEST = 0.95
"""Most of a picture's width that a line of its title takes."""
_TITLE = 210
"""Most letters of a title; one experiment's name fits."""
BLANK = "#ECECEC"

matplotlib.rcParams.update(
    {
        "font.family": "sans-serif",
        "font.sans-serif": [USUAL, "Arial", "Helvetica"],
        "font.size": 9.5,
        "axes.titlesize": 10.5,
        "axes.labelsize": 10,
        "axes.edgecolor": INK,
        "axes.linewidth": 0.8,
        "legend.fontsize": 8.5,
        "hatch.linewidth": 0.7,
        "text.parse_math": False,
        "pdf.fonttype": 42,
        "svg.fonttype": "none",
        "svg.hashsalt": "phaselab",
    }
)
_drawing = ThreadPoolExecutor(max_workers=1, thread_name_prefix="drawing")
_UNDATED = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of `width` x `height` inches that keeps its parts from overlapping."""
    figure = Figure(figsize=(width, height), dpi=150, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def render(draw: Callable[[], Figure], kind: PictureFormat) -> bytes:
    """The figure that `draw` makes, as a file; equal data give equal bytes.

    One figure at a time in a process, and in one thread: matplotlib's fonts and its parser of formulas break when
    threads share them, already while a figure is put together; and each thread keeps memory of its own that a figure
    has needed.
    """
    return _drawing.submit(_render, draw, kind).result()


def _render(draw: Callable[[], Figure], kind: PictureFormat) -> bytes:
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)  # then it is a box
        figure = draw()
        fit_fonts(figure)
        _fit_titles(figure)
        figure.savefig(file, format=kind, dpi=200, metadata=_UNDATED[kind])
        figure.clear()  # what it holds goes now, not with the next great sweep
    return file.getvalue()


def _fit_titles(figure: Figure) -> None:
    """Make the letters of titles smaller that are wider than the picture: a line of W is twice one of other letters."""
    for text in figure.texts:
        width = text.get_window_extent().width / figure.bbox.width
        if width > _WIDEST:
            text.set_fontsize(float(text.get_fontsize()) * _WIDEST / width)


def halo(width: float = 2.5, colour: str = "white") -> list[patheffects.AbstractPathEffect]:
    """An outline that keeps a line or a text readable on any background."""
    return [patheffects.withStroke(linewidth=width, foreground=colour)]


def as_marker(text: str, weight: str = "normal") -> Path:
    """A short text as a marker, its middle in the middle."""
    outline = TextPath((0, 0), text, size=1, prop=FontProperties(family=[USUAL], weight=weight))
    (left, low), (right, high) = outline.get_extents().min, outline.get_extents().max
    return Path(outline.vertices - [(left + right) / 2, (low + high) / 2], outline.codes)


def name_powers(axis: Axis) -> None:
    """Name the powers of ten of a log axis in plain letters, as everything else is."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: words(value)))
    axis.set_minor_formatter(NullFormatter())


def colours(count: int) -> Sequence[str]:
    """`count` colours told apart: named ones for a few, steps of a map for many."""
    if count <= len(COLOURS):
        return COLOURS[:count]
    steps = matplotlib.colormaps["viridis"]
    return [matplotlib.colors.to_hex(steps(i / (count - 1) * 0.88)) for i in range(count)]


def title_of(names: Sequence[str]) -> str:
    """The names of experiments as the title of a picture, in a few lines: whole ones as far as they fit, and how many
    more there are. Empty without names."""
    parts = [shown(name) for name in names]
    if not parts:
        return ""
    fitting = 1
    while fitting < len(parts) and len("; ".join(parts[: fitting + 1])) <= _TITLE:
        fitting += 1
    left = len(parts) - fitting
    text = shortened("; ".join(parts[:fitting]), _TITLE) + (f"; and {left} more" if left else "")
    return filled(text, 72)


def filled(text: str, width: int) -> str:
    """The text in lines of `width` letters, or of half as many where they are twice as wide."""
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    return textwrap.fill(text, max(1, width * len(text) // (len(text) + wide)) if text else width)


def words(value: object) -> str:
    """A value as text on an axis or in a legend: 1e-05 as 10⁻⁵, other numbers short, null as a dash."""
    if value is None:
        return "—"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return shown(str(value))
    text = f"{value:.4g}"
    if "e" not in text and (value == 0 or 1e-3 <= abs(value) < 1e5):
        return text
    factor, _, exponent = f"{value:.3e}".partition("e")
    power = "10" + str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    factor = factor.rstrip("0").rstrip(".")
    return power if factor == "1" else f"{factor}·{power}"
