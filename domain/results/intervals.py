"""95 % intervals over seeds."""

import math
from functools import lru_cache

from scipy.special import stdtrit

from phaselab.domain.results.summaries import Summary

Interval = tuple[float, float]
Z95 = 1.959963984540054
"""The 97.5 % quantile of the normal distribution."""


@lru_cache(maxsize=4096)
def t_quantile(freedom: int) -> float:
    """The 97.5 % quantile of Student's t with `freedom` degrees of freedom."""
    return float(stdtrit(freedom, 0.975))


def mean_interval(summary: Summary | None) -> Interval | None:
    """Student's 95 % interval for the mean over seeds; None for fewer than two values."""
    if summary is None or summary.sd is None:
        return None
    half = t_quantile(summary.n - 1) * summary.sd / math.sqrt(summary.n)
    return summary.mean - half, summary.mean + half


def wilson_interval(count: int, n: int) -> Interval | None:
    """Wilson's 95 % interval for a share of `count` in `n`; None for n = 0."""
    if n == 0:
        return None
    share, z2 = count / n, Z95**2
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return max(0.0, middle - half), min(1.0, middle + half)
