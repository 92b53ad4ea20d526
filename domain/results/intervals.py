"""Intervals of means over independent draws, chosen by simulation (docs/methods/statistics.md).

Means of measures with bounds get a score interval, whose variance goes to 0 at a bound as that of a share does
(Wilson's): it stays inside by itself. A share of points is never trusted further than its points allow.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri, stdtrit

from phaselab.domain.results.measures import Measure
from phaselab.domain.results.summaries import Summary

Interval = tuple[float, float]
Floats = npt.NDArray[np.float64]
Z95 = 1.959963984540054
"""The 97.5 % quantile of the normal distribution."""
SHARE_FREEDOM = (0.65, 0.3)
"""Degrees of freedom of the spread of a share: so many for each of n - 1, and so many more. Near a bound shares are
skewed, and their spread is known less well."""
UNSEEN = 3.0
"""By how much the variance of a share may exceed that of single points where no point tells; falls as 1 / (1 + points
that tell)."""


def mean_interval(measure: Measure, summary: Summary | None, points: int | None = None) -> Interval | None:
    """The 95 % interval of a measure's mean over the draws of a summary; `points` are those that a share is of, of each
    draw (null: unknown). None for fewer than two draws, and for a heavy-tailed measure: no interval of its mean covers.
    """
    return mean_intervals(measure, [summary], [points])[0]


def mean_intervals(
    measure: Measure, summaries: Sequence[Summary | None], points: Sequence[int | None], confidence: float = 0.95
) -> list[Interval | None]:
    """The same of many summaries at once, at any confidence."""
    given = [(i, one) for i, one in enumerate(summaries) if one is not None and one.n > 1 and not measure.heavy_tailed]
    found: list[Interval | None] = [None] * len(summaries)
    if given:
        n, mean, squares = np.array([(one.n, one.mean, one.squares) for _, one in given], dtype=np.float64).T
        known = np.array([points[i] or np.inf for i, _ in given])
        low, high = interval_ends(measure, n, mean, squares, known, confidence)
        for (i, _), *ends in zip(given, low.tolist(), high.tolist(), strict=True):
            found[i] = ends[0], ends[1]
    return found


def interval_ends(
    measure: Measure,
    n: Floats | int,
    mean: Floats,
    squares: Floats,
    points: Floats | float,
    confidence: float = 0.95,
) -> tuple[Floats, Floats]:
    """Both ends of intervals of means over n >= 2 draws, from their sums of squared deviations; infinitely many points
    where it is unknown how many a share is of."""
    each, more = SHARE_FREEDOM if measure.share_of else (1.0, 0.0)
    freedom, upper = each * (n - 1) + more, (1 + confidence) / 2
    error2 = stdtrit(freedom, upper) ** 2 * squares / (n - 1) / n  # of the mean, squared
    if measure.low is None:
        return mean - np.sqrt(error2), mean + np.sqrt(error2)
    if measure.high is None:
        above = np.maximum(mean - measure.low, 0.0)
        low, high = _above_zero(above, _relative(error2, above))
        return low + measure.low, high + measure.low
    scale = measure.high - measure.low
    share = np.clip((mean - measure.low) / scale, 0.0, 1.0)
    wide = _relative(error2 / scale**2, share * (1 - share))
    if measure.share_of:
        wide = np.maximum(wide, _least(n * points, share, ndtri(upper)))
    low, high = _between(share, wide)
    return low * scale + measure.low, high * scale + measure.low


@lru_cache(maxsize=4096)
def wilson_interval(count: float, n: float) -> Interval | None:
    """Wilson's 95 % interval for a share of `count` in `n`, which ends at 0 or 1 where the share is; None for n = 0."""
    if n == 0:
        return None
    low, high = _between(np.array(count / n), np.array(Z95**2 / n))
    return float(low), float(high)


def _relative(error2: Floats, variance: Floats) -> Floats:
    """Over a variance; 0 where there is none."""
    return np.divide(error2, variance, out=np.zeros_like(variance), where=variance > 0)


def _least(points: Floats | float, share: Floats, z: float) -> Floats:
    """What so many points in all leave open of a share, squared, at z standard deviations, over share (1 - share)."""
    telling = np.minimum(share, 1 - share) * np.minimum(points, 1e300)
    wide: Floats = z**2 / points * (1 + UNSEEN / (1 + telling))
    return wide


def _between(mean: Floats, a: Floats) -> tuple[Floats, Floats]:
    """The ends of those m in [0, 1] with (mean - m)^2 <= a m (1 - m)."""
    spread2 = a * mean * (1 - mean)
    return _lower(mean, a, spread2), 1 - _lower(1 - mean, a, spread2)


def _above_zero(mean: Floats, a: Floats) -> tuple[Floats, Floats]:
    """The ends of those m in [0, inf) with (mean - m)^2 <= a m."""
    return _lower(mean, a, a * mean), mean + a / 2 + np.sqrt(a * mean + a**2 / 4)


def _lower(mean: Floats, a: Floats, spread2: Floats) -> Floats:
    """The lower root, free of cancellation; 0 exactly at 0."""
    below = mean + a / 2 + np.sqrt(spread2 + a**2 / 4)
    return np.divide(mean**2, below, out=np.zeros_like(mean), where=below > 0)
