"""Theory: closed forms drawn beside results; derived in docs/methods/theory.md.

All hold for orthogonal centres of norm R = snr * sqrt(d), balanced sides, and neurons that share the features of
their label group alike; noise is ignored.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from scipy.special import lambertw

from phaselab.domain.families.registry import family_of
from phaselab.domain.families.sources import source_of
from phaselab.domain.results.phases import Thresholds
from phaselab.domain.results.results import Readout
from phaselab.domain.settings.labels import group_count
from phaselab.domain.settings.settings import Settings


@dataclass(frozen=True)
class TheoryCurve:
    """A curve in the plane of a diagram: its formula and its points (x, y) in the axes' coordinates."""

    name: str
    formula: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class TheoryRadius:
    """The radius at which a readout of the idealised network is flipped, in data units."""

    readout: Readout
    formula: str
    radius: float


def center_norm(settings: Settings) -> float:
    """R = snr * sqrt(d), the norm of every centre."""
    return settings.data.snr * math.sqrt(settings.data.d)


def idealised(settings: Settings) -> bool:
    """Whether theory speaks of these settings at all: of their family and their source, of orthogonal centres, of
    sides of equal size give or take one."""
    if not (family_of(settings).has_theory and source_of(settings).has_theory):
        return False
    positive = settings.data.positive_clusters or settings.data.k // 2
    return settings.data.center_cosine == 0 and abs(2 * positive - settings.data.k) <= 1


def flip_radius(settings: Settings, readout: Readout) -> TheoryRadius | None:
    """Radius that flips a centre when c label groups each average k / c features.

    `max`: R / sqrt(2 k / c); `sum`: R / sqrt(k / c + k / 2). Both are R / sqrt(k) for two groups; one group per
    cluster gives R / sqrt(2) and R / sqrt(1 + k / 2). None where theory does not speak of the settings.
    """
    if not idealised(settings):
        return None
    k = settings.data.k
    groups = group_count(settings.network.labels, k)
    size = k / groups
    if groups == 2:
        formula, square = "R/√k", float(k)
    elif readout == "max":
        formula, square = ("R/√2" if groups == k else f"R/√(2k/{groups})"), 2 * size
    else:
        formula, square = ("R/√(1+k/2)" if groups == k else f"R/√(k/{groups}+k/2)"), size + k / 2
    return TheoryRadius(readout, formula, center_norm(settings) / math.sqrt(square))


def margin(settings: Settings) -> float:
    """Margin z that gradient flow for time learning_rate * steps gives the idealised network.

    With c groups of h neurons, dz/dt = R^2 / (h k) * (c - 1) / (e^z + c - 1) from z = 0, so
    z + (e^z - 1) / (c - 1) = R^2 * learning_rate * steps / (h k); logistic loss is c = 2. Solved by Lambert's W.
    Settings must be canonical (`width` a number).
    """
    k, width = settings.data.k, settings.network.width
    if not isinstance(width, int):
        raise ValueError("margin needs canonical settings")
    others = group_count(settings.network.labels, k) - 1
    time = settings.training.learning_rate * settings.training.steps
    total = center_norm(settings) ** 2 * time / (width * k) + 1 / others
    # z + e^z / a = s has the solution z = s - W(e^s / a). Where e^s overflows, W(x) = ln x - ln ln x + o(1).
    if total > 600:
        return math.log(others) + math.log(total - math.log(others))
    return total - float(lambertw(math.exp(total) / others).real)


def lazy_scale(settings: Settings, fraction: float) -> float | None:
    """The init_scale at which feature_fraction is `fraction`; None where noise alone keeps it below.

    feature_fraction = 1 / (1 + k / (n snr^2) + init_scale^2 d R^2 / (g z^2)), g = k / c features to a group.
    """
    data = settings.data
    if not idealised(settings):
        return None
    size = data.k / group_count(settings.network.labels, data.k)
    room = 1 / fraction - 1 - data.k / (data.n * data.snr**2)
    if room <= 0:
        return None
    return margin(settings) / center_norm(settings) * math.sqrt(size * room / data.d)


def labels_for_index(k: int, index: float) -> float | None:
    """How many label groups give the averaging index `index`, for k clusters on balanced sides.

    A neuron that averages the g = k / c features of its group has the index (g - 1) / (k / 2 - 1), so
    c = k / (1 + index (k / 2 - 1)). None for k < 4, where the index is undefined.
    """
    return None if k < 4 else k / (1 + index * (k / 2 - 1))


def _labels_at(settings: Settings, index: float) -> float | None:
    return labels_for_index(settings.data.k, index) if idealised(settings) else None


@dataclass(frozen=True)
class PlaneCurve:
    """A curve that can be drawn where an axis is `parameter`, which it gives for settings and a phase threshold."""

    parameter: str
    name: str
    threshold: str
    formula: str
    value: Callable[[Settings, float], float | None]

    def at(self, thresholds: Thresholds) -> float:
        """The threshold that the curve belongs to."""
        return float(getattr(thresholds, self.threshold))


_GROUPS = "c = k / (1 + {threshold:g} (k/2 − 1))"
PLANE_CURVES = (
    PlaneCurve(
        "network.init_scale",
        "lazy boundary",
        "lazy_fraction",
        "σ₀ = (z/R) √(g (1/{threshold:g} − 1 − k/(n SNR²)) / d)",
        lazy_scale,
    ),
    PlaneCurve("network.labels", "averaging boundary", "averaging_from", _GROUPS, _labels_at),
    PlaneCurve("network.labels", "learning boundary", "learning_up_to", _GROUPS, _labels_at),
)
"""Every curve of theory in a plane of parameters; `{threshold}` in a formula is the threshold's value."""
