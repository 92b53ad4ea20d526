"""Theory: the curves drawn in diagrams beside results; derived, with their limits, in docs/methods/theory.md.

It speaks of the idealised network: orthogonal centres of norm R = snr * sqrt(d), and neurons that share the features
of their label group alike. Where training does not give that network, it is silent and says why.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from phaselab.domain.answers.axes import PictureAxis
from phaselab.domain.answers.course import course
from phaselab.domain.answers.idealised import (
    Silence,
    dealt_groups,
    group_sizes,
    learned,
    silence,
    silence_of_learned,
    unevenness,
)
from phaselab.domain.results.phases import Thresholds
from phaselab.domain.settings.labels import group_count
from phaselab.domain.settings.parameters import Value
from phaselab.domain.settings.settings import Settings


def lazy_scale(settings: Settings, share: float) -> float:
    """The init_scale at which start_share is `share`, whatever the settings' own. Raises Silence."""
    if not 0 < share < 1:
        raise Silence(f"start_share is on one side of {share:g} whatever the initial scale")
    scale = 1e-9
    for _ in range(3):  # the scale itself slows the first steps a little: 3 are enough for 3 digits
        scale = _scale_after(settings.with_values({"network.init_scale": scale}), share)
    return scale


def _scale_after(settings: Settings, share: float) -> float:
    """The init_scale that gives start_share beside what these settings learn and leave of their start: solved from
    start_share = start / (features + memory + start), start = init_scale^2 a^2 c d."""
    reason = silence(settings)
    if reason is not None:
        raise Silence(reason)
    parts, data = learned(settings), settings.data
    groups, left = group_count(settings.network.labels, data.k), course(settings).start
    if left == 0:
        raise Silence("weight decay leaves nothing of the random start")
    return math.sqrt((parts.features + parts.memory) * share / (1 - share) / (groups * data.d)) / left


def averaging_index(settings: Settings) -> float:
    """The averaging index of the idealised network. Raises Silence.

    A neuron that weighs g features with relative variance v has the participation ratio g (1 - 4 v (1 - 1/g)) to first
    order in v; neurons are weighted by g, to which their |w|^2 is proportional.
    """
    reason = silence(settings) or silence_of_learned(settings)
    if reason is not None:
        raise Silence(reason)
    if settings.data.label_noise:
        raise Silence("with label noise, theory does not speak of the averaging index")
    dealt, total, weight = dealt_groups(settings), 0.0, 0
    of_side = Counter(dealt.side_of_cluster)
    if set(of_side.values()) == {1}:
        raise Silence("averaging_index is undefined where both sides have one cluster")
    variance = unevenness(settings) ** 2
    for group, size in group_sizes(dealt).items():
        others = of_side[dealt.side_of_group[group]] - 1
        if not others:  # such neurons do not count
            continue
        ratio = size * (1 - 4 * variance * (1 - 1 / size))
        total += size * (ratio - 1) / others
        weight += size
    return total / weight


Line = Sequence[tuple[float, Settings]]
"""The places along an axis, ascending, and the settings at each."""


@dataclass(frozen=True)
class TheoryCurve:
    """A curve in the plane of a diagram: its formula and its points (x, y) in the axes' coordinates."""

    name: str
    formula: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class TheoryGap:
    """Where a curve that this plane could show is not drawn: at which values of the axis that it runs along, and why
    (of the first of them)."""

    name: str
    at: tuple[Value, ...]
    reason: str


@dataclass(frozen=True)
class PlaneCurve:
    """A curve that can be drawn where an axis is `parameter`; `place` gives where it crosses a line of cells along that
    axis, for a phase threshold, and None where it does not. Raises Silence."""

    parameter: str
    name: str
    threshold: str
    formula: str
    place: Callable[[Line, float, PictureAxis], float | None]


def draw(
    x: PictureAxis, y: PictureAxis, settings: Sequence[Sequence[Settings | Silence | None]], thresholds: Thresholds
) -> tuple[tuple[TheoryCurve, ...], tuple[TheoryGap, ...]]:
    """The curves of theory in the plane of two axes, and where they are not drawn; settings [y][x] of the cells, null
    where there are none, and a Silence where theory cannot speak of them. A curve is broken where it is silent or
    leaves the picture."""
    curves: list[TheoryCurve] = []
    gaps: list[TheoryGap] = []
    for curve in PLANE_CURVES:
        if curve.parameter == y.parameter:
            found, silent = _along(curve, x, y, list(zip(*settings, strict=True)), thresholds)
            lines = found
        elif curve.parameter == x.parameter:
            found, silent = _along(curve, y, x, settings, thresholds)
            lines = [[(there, here) for here, there in line] for line in found]
        else:
            continue
        formula = curve.formula.format(threshold=getattr(thresholds, curve.threshold))
        curves += [TheoryCurve(curve.name, formula, tuple(line)) for line in lines if len(line) > 1]
        if silent:
            gaps.append(TheoryGap(curve.name, tuple(silent), next(iter(silent.values()))))
    return tuple(curves), tuple(gaps)


def _along(
    curve: PlaneCurve,
    along: PictureAxis,
    across: PictureAxis,
    settings: Sequence[Sequence[Settings | Silence | None]],
    thresholds: Thresholds,
) -> tuple[list[list[tuple[float, float]]], dict[Value, str]]:
    """The unbroken lines of a curve, each as (place along, place across), and the values where it is silent with the
    reason; settings [along][across]."""
    threshold = float(getattr(thresholds, curve.threshold))
    lines: list[list[tuple[float, float]]] = [[]]
    silent: dict[Value, str] = {}
    for value, place, cells in zip(along.values, along.coordinates, settings, strict=True):
        other = None
        try:
            if line := [*_spoken_of(zip(across.coordinates, cells, strict=True))]:
                other = curve.place(line, threshold, across)
        except Silence as why:
            silent[value] = str(why)
        if other is not None:
            lines[-1].append((place, other))
        elif lines[-1]:
            lines.append([])
    return lines, silent


def _spoken_of(
    cells: Iterable[tuple[float, Settings | Silence | None]],
) -> Iterator[tuple[float, Settings]]:
    """The cells that there are. Raises Silence of the first that theory cannot speak of."""
    for place, cell in cells:
        if isinstance(cell, Silence):
            raise cell
        if cell is not None:
            yield place, cell


def _lazy(line: Line, share: float, axis: PictureAxis) -> float | None:
    return axis.place(lazy_scale(line[0][1], share))


def _index_crosses(line: Line, index: float, axis: PictureAxis) -> float | None:
    """Where the averaging index falls through a value, linearly between neighbouring cells."""
    found: list[tuple[float, float | None]] = []
    why: Silence | None = None
    for place, settings in line:
        try:
            found.append((place, averaging_index(settings)))
        except Silence as silent:
            found.append((place, None))
            why = why or silent
    for (here, above), (there, below) in pairwise(found):
        if above is not None and below is not None and above >= index > below:
            return here + (there - here) * (above - index) / (above - below)
    if why is not None:
        raise why
    return None


_GROUPS = "(g − 1)/(k/2 − 1) = {threshold:g}, g = k/c"
PLANE_CURVES = (
    PlaneCurve(
        "network.init_scale",
        "lazy boundary",
        "lazy_share",
        "σ₀ = (z/aR) √(g (1 + m) / (1/{threshold:g} − 1) / d)",
        _lazy,
    ),
    PlaneCurve("network.labels", "averaging boundary", "averaging_from", _GROUPS, _index_crosses),
    PlaneCurve("network.labels", "learning boundary", "learning_up_to", _GROUPS, _index_crosses),
)
"""Every curve of theory in a plane of parameters; `{threshold}` in a formula is the threshold's value."""
