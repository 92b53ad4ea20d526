"""The cosine matrix of a run as a picture: centres against neurons, the two sides told apart."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from phaselab.api.pictures.style import INK, new_figure, words
from phaselab.domain.settings.labels import label_groups
from phaselab.domain.settings.settings import Settings

_MAX_WRITTEN = 240
_CELL = 0.42


@dataclass(frozen=True)
class CosinesPicture:
    """What is drawn: cosines [k, neurons], where the negative side begins on each axis, words."""

    cosines: npt.NDArray[np.float64]
    negative_centre: int
    negative_neuron: int
    title: str
    note: str


def cosines_picture(cosines: npt.NDArray[np.float32], settings: Settings, seed: int) -> CosinesPicture:
    """The data of the picture, for canonical settings; neurons come positive groups first."""
    k, labels = settings.data.k, settings.network.labels
    dealt = label_groups(settings)
    width = cosines.shape[1] // len(dealt.side_of_group)
    note = f"labels = {words(labels)} · k = {k}, d = {settings.data.d}, width {width} · seed {seed}"
    return CosinesPicture(
        np.asarray(cosines, dtype=np.float64),
        dealt.side_of_cluster.count(1),
        dealt.side_of_group.count(1) * width,
        "Cosine of cluster centres and neurons",
        note,
    )


def draw_cosines(cosines: npt.NDArray[np.float32], settings: Settings, seed: int) -> Figure:
    """The picture of a run's cosine matrix [k, neurons]."""
    picture = cosines_picture(cosines, settings, seed)
    k, neurons = picture.cosines.shape
    cell = min(_CELL, 9 / max(k, neurons))
    figure = new_figure(max(4.4, neurons * cell + 1.9), max(3.4, k * cell + 1.5))
    axes = figure.add_subplot()
    image = axes.imshow(
        np.ma.masked_invalid(picture.cosines), cmap="RdBu_r", vmin=-1, vmax=1, aspect="equal", interpolation="nearest"
    )
    axes.axhline(picture.negative_centre - 0.5, color=INK, linewidth=1.4)
    axes.axvline(picture.negative_neuron - 0.5, color=INK, linewidth=1.4)
    _name_axes(axes, picture)
    if k * neurons <= _MAX_WRITTEN:
        _write_values(axes, picture)
    bar = figure.colorbar(image, ax=axes, pad=0.02, fraction=0.05, aspect=25)
    bar.set_label("cos(μ, w)")
    figure.suptitle(picture.title, fontsize=11.5, fontweight="bold", color=INK)
    axes.set_title(picture.note, fontsize=8.5, color="#555555", pad=8)
    return figure


def _name_axes(axes: Axes, picture: CosinesPicture) -> None:
    k, neurons = picture.cosines.shape
    for axis, count in ((axes.yaxis, k), (axes.xaxis, neurons)):
        step = max(1, -(-count // 25))
        axis.set_ticks(range(0, count, step), labels=[str(i + 1) for i in range(0, count, step)])
    axes.tick_params(length=0)
    axes.set_ylabel(f"cluster centre μ (1–{picture.negative_centre}: class +1)")
    axes.set_xlabel(f"neuron w (1–{picture.negative_neuron}: class +1)")


def _write_values(axes: Axes, picture: CosinesPicture) -> None:
    for (row, column), value in np.ndenumerate(picture.cosines):
        if np.isfinite(value):
            ink = "white" if abs(value) > 0.6 else INK
            text = f"{round(value, 2) + 0.0:.2f}"  # + 0.0: no -0.00
            axes.text(column, row, text, ha="center", va="center", fontsize=6.2, color=ink)
