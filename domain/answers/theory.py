"""Theory of robust radii, drawn beside curves: where the idealised network flips, noise of the test points included.

Derived, with its limits, in docs/methods/theory.md.
"""

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from scipy.special import ndtr

from phaselab.domain.answers.course import course, energies
from phaselab.domain.answers.idealised import (
    NODES,
    WEIGHTS,
    Silence,
    dealt_groups,
    group_sizes,
    silence,
    silence_of_learned,
    unevenness,
)
from phaselab.domain.results.results import Readout
from phaselab.domain.settings.labels import group_count
from phaselab.domain.settings.radii import center_norm, unit
from phaselab.domain.settings.settings import Settings

LEAST_LIFT = 2.0
"""How many standard deviations of noise above 0 the opposing groups are where the sum readout flips; with less, some
of them stay off."""


@dataclass(frozen=True)
class TheoryRadius:
    """The radius at which a readout of the median test point is flipped, in data units, and the closed form that it
    tends to as R grows: `formula`, and its value `ideal` where all clusters have the same. Null, with the reason, where
    theory is silent."""

    readout: Readout
    formula: str | None = None
    radius: float | None = None
    ideal: float | None = None
    reason: str | None = None


@lru_cache(maxsize=4096)
def flip_radius(settings: Settings, readout: Readout) -> TheoryRadius:
    """The median over test points of the least perturbation that flips the idealised network."""
    reason = silence(settings) or silence_of_learned(settings)
    if settings.data.label_noise and group_count(settings.network.labels, settings.data.k) > 2:
        reason = reason or "with label noise, theory of radii speaks of two label groups"
    if reason is not None:
        return TheoryRadius(readout, reason=reason)
    groups = _Groups.of(settings)
    try:
        radius = groups.median_max() if readout == "max" else groups.median_sum()
    except Silence as silent:
        return TheoryRadius(readout, reason=str(silent))
    formula, ideal = _closed_form(settings, readout)
    return TheoryRadius(readout, formula, radius, ideal)


def flip_on_curve(settings: Settings, readout: Readout) -> TheoryRadius:
    """The same in the unit of the radii of the settings, as their curves have it."""
    found = flip_radius(settings, readout)
    return found if settings.attack.radii_in == "absolute" else in_norms(found, unit(settings))


def in_norms(found: TheoryRadius, length: float) -> TheoryRadius:
    """The same over the norm R of the centres."""
    if found.formula is None:
        return found
    radius, ideal = (None if value is None else value / length for value in (found.radius, found.ideal))
    return replace(found, formula=found.formula.replace("R/", "1/", 1), radius=radius, ideal=ideal)


def _closed_form(settings: Settings, readout: Readout) -> tuple[str, float | None]:
    """R over the root of g + g' (max: the largest opposing group) or g + k' (sum: the opposing clusters), g being the
    point's own group; and its value where that is the same for every cluster."""
    dealt, k = dealt_groups(settings), settings.data.k
    sizes, sides = group_sizes(dealt), dealt.side_of_group
    groups = len(sides)
    squares = set()
    for own, size in sizes.items():
        opposing = [sizes[other] for other, side in enumerate(sides) if side != sides[own]]
        squares.add(size + (max(opposing) if readout == "max" else sum(opposing)))
    if len(squares) > 1:
        own_size = "1" if groups == k else "g"
        return (f"R/√({own_size}+g′)" if readout == "max" else f"R/√({own_size}+k′)"), None
    square = squares.pop()
    return _named(readout, k, groups, square), center_norm(settings.data) / math.sqrt(square)


def _named(readout: Readout, k: int, groups: int, square: int) -> str:
    """R over the root of a square, by what it is where all groups are of one size."""
    if groups == 2:
        return "R/√k"
    if square * groups != (2 * k if readout == "max" else k + k * groups / 2):
        return f"R/√{square}"
    if readout == "max":
        return "R/√2" if groups == k else f"R/√(2k/{groups})"
    return "R/√(1+k/2)" if groups == k else f"R/√(k/{groups}+k/2)"


@dataclass(frozen=True)
class _Groups:
    """The outputs of the idealised network at a test point, as a linear map of it: what one group holds of a centre,
    and how its weights multiply. Sizes are numbers of clusters.

    A group of g clusters holds own / R^2 times each of their centres, -pushed / R^2 times each other one, and has noise
    of variance |w|^2 at a test point. A cluster with more training points than others is learned further, so that the
    factor of a single feature is N(1, spread^2).
    """

    own: float
    pushed: float
    clusters: int
    square: float
    """R^2"""
    memory: float
    """|w|^2 of what is remembered of one cluster's noise"""
    start: float
    """|w|^2 of the random start"""
    spread: float
    kinds: tuple[tuple[float, int, tuple[int, ...]], ...]
    """Of every kind of cluster: its share of all, the size of its group, the sizes of the opposing groups."""

    @classmethod
    def of(cls, settings: Settings) -> "_Groups":
        data, found, dealt = settings.data, course(settings), dealt_groups(settings)
        parts, groups = energies(settings, found), group_count(settings.network.labels, data.k)
        sizes, sides = group_sizes(dealt), dealt.side_of_group
        kinds = Counter(
            (sizes[own], tuple(sorted(sizes[other] for other, side in enumerate(sides) if side != sides[own])))
            for own in dealt.group_of_cluster
        )
        width = settings.network.width
        return cls(
            own=found.own,
            pushed=found.pushed,
            clusters=data.k,
            square=center_norm(settings.data) ** 2,
            memory=parts.memory / data.k,
            start=parts.start / groups / (width if isinstance(width, int) else 1),
            spread=unevenness(settings),
            kinds=tuple((count / data.k, own, opposing) for (own, opposing), count in kinds.items()),
        )

    def norm2(self, size: int) -> float:
        """|w|^2 of a group."""
        others = self.clusters - size
        return (size * self.own**2 + others * self.pushed**2) / self.square + size * self.memory + self.start

    def product(self, one: int, other: int) -> float:
        """<w, w'> of two groups."""
        third = self.clusters - one - other
        return (third * self.pushed**2 - (one + other) * self.own * self.pushed) / self.square

    def median_max(self) -> float:
        """The median radius of the max readout: a point is flipped where the first opposing output overtakes its own.

        Given the own feature's factor and the own output's noise, opposing outputs overtake independently.
        """

        def lasting(radius: float) -> float:
            return sum(share * self._lasts(size, Counter(opposing), radius) for share, size, opposing in self.kinds)

        return _median(lasting, 2 * math.sqrt(self.square))

    def _lasts(self, size: int, opposing: Counter[int], radius: float) -> float:
        """The chance that a test point of a group of this size is not flipped within a radius."""
        own2 = self.norm2(size)
        factor = 1 + self.spread * NODES[:, None, None]  # [own factor, 1, 1]
        noise = math.sqrt(own2) * NODES[None, :, None]  # [1, own noise, 1]
        chance = np.ones((len(NODES), len(NODES)))
        for other, count in opposing.items():
            theirs2 = self.norm2(other)
            scale = 1 + self.spread / math.sqrt(other) * NODES  # [their factor]
            apart2 = own2 * factor**2 + theirs2 * scale**2 - 2 * self.product(size, other) * factor * scale
            height = self.own * factor + noise + self.pushed
            deviations = (height - radius * np.sqrt(apart2)) / (math.sqrt(theirs2) * scale)
            chance *= (ndtr(deviations) @ WEIGHTS) ** count
        return float(WEIGHTS @ chance @ WEIGHTS)

    def median_sum(self) -> float:
        """The median radius of the sum readout: all opposing outputs rise together and are on where it flips. Raises
        Silence where noise keeps some of them off."""
        means = []
        for share, size, opposing in self.kinds:
            mean, lift = self._all_on(size, opposing)
            if lift < LEAST_LIFT:
                reason = f"noise keeps opposing outputs off where the sum readout flips: they rise to {lift:.2g}"
                raise Silence(f"{reason} standard deviations above 0, and theory holds from {LEAST_LIFT:g}")
            means.append((share, mean))
        return _median(
            lambda radius: sum(share * float(ndtr(mean - radius)) for share, mean in means),
            2 * math.sqrt(self.square),
        )

    def _all_on(self, size: int, opposing: tuple[int, ...]) -> tuple[float, float]:
        """The distance of a centre from where own less all opposing outputs is 0, and how many standard deviations of
        noise above 0 the least of the opposing outputs is there."""
        sizes = Counter(opposing)
        along = {  # <w_s, the sum of the opposing weights less the own>
            s: self.norm2(s)
            - self.product(s, s)
            - self.product(size, s)
            + sum(count * self.product(s, t) for t, count in sizes.items())
            for s in sizes
        }
        own = self.norm2(size) - sum(count * self.product(size, s) for s, count in sizes.items())
        norm2 = own + sum(count * along[s] for s, count in sizes.items())
        mean = (self.own + len(opposing) * self.pushed) / math.sqrt(norm2)
        lift = min((mean / math.sqrt(norm2) * along[s] - self.pushed) / math.sqrt(self.norm2(s)) for s in sizes)
        return mean, lift


def _median(lasting: Callable[[float], float], most: float) -> float:
    """Where a falling chance is 1/2, by bisection to 1e-6 of `most`; 0 where it is below at 0."""
    low, high = 0.0, most
    while high - low > 1e-6 * most:
        middle = (low + high) / 2
        low, high = (middle, high) if lasting(middle) > 0.5 else (low, middle)
    return (low + high) / 2
