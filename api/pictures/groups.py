"""Groups in pictures: their names, their colours, and a colour bar in place of a long legend."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, LogNorm, Normalize, to_hex
from matplotlib.figure import Figure

from phaselab.api.pictures.scales import ticks
from phaselab.api.pictures.style import colours, name_powers, words
from phaselab.domain.answers.axes import PictureAxis, order_values
from phaselab.domain.results.measure import EXPERIMENT
from phaselab.domain.settings.parameters import Value, parameters
from phaselab.domain.settings.texts import shortened, shown

MOST_NAMED = 12
"""Most groups that each have a row in the legend where a colour bar can stand for them."""
MOST_ROWS = 24
"""Most rows of groups in a legend where none can."""
_STEPS = ListedColormap(matplotlib.colormaps["viridis"]([i / 255 * 0.88 for i in range(256)]))
"""Without its yellow end, which is lost on white."""
_LETTERS = 44
"""Most letters of an experiment's name in a legend."""


def group_label(group: Mapping[str, Value], names: Mapping[int, str]) -> str:
    """What tells a group apart, in words; experiments by number and name. Empty where nothing does."""
    return ", ".join(_part(path, value, names) for path, value in group.items())


def _part(path: str, value: Value, names: Mapping[int, str]) -> str:
    if path == EXPERIMENT and isinstance(value, int):
        return f"{value}: {shortened(shown(names.get(value, EXPERIMENT)), _LETTERS)}"
    return f"{path} = {words(value)}"


@dataclass(frozen=True)
class Colouring:
    """A colour for every group, and the axis of a colour bar where that tells them apart better than a legend."""

    colours: Sequence[str]
    bar: PictureAxis | None = None

    def draw_bar(self, figure: Figure, panels: Sequence[Axes]) -> None:
        """Put the colour bar beside the panels, where there is one."""
        if self.bar is None:
            return
        shades = ScalarMappable(_norm(self.bar), _STEPS)
        drawn = figure.colorbar(shades, ax=list(panels), pad=0.02, fraction=0.06, aspect=28)
        drawn.set_label(self.bar.title)
        if self.bar.scale == "log":
            name_powers(drawn.ax.yaxis)
        if self.bar.zero is not None and (named := ticks(self.bar)):
            drawn.set_ticks([place for _, place in named], labels=[name for name, _ in named])
        drawn.outline.set_linewidth(0.6)


def colouring(groups: Sequence[Mapping[str, Value]]) -> Colouring:
    """The colours of groups: by the number that tells them apart where they are many, else each its own."""
    differing = [path for path in (groups[0] if groups else ()) if len({group[path] for group in groups}) > 1]
    if len(groups) <= MOST_NAMED or len(differing) != 1 or differing[0] not in parameters():
        return Colouring(colours(len(groups)))
    axis = PictureAxis(differing[0], order_values(group[differing[0]] for group in groups))
    if axis.scale == "category":
        return Colouring(colours(len(groups)))
    place, norm = dict(zip(axis.values, axis.coordinates, strict=True)), _norm(axis)
    return Colouring([to_hex(_STEPS(norm(place[group[axis.parameter]]))) for group in groups], axis)


def _norm(axis: PictureAxis) -> Normalize:
    ends = min(axis.coordinates), max(axis.coordinates)
    return LogNorm(*ends) if axis.scale == "log" else Normalize(*ends)
