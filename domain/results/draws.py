"""Independent draws: runs that share data, or initial weights, are one draw of what an interval is over.

Most of a measure's variance lies between data sets, so runs on the same data are averaged before anything is said of
other data. What a run draws is named by two seeds: that of its data (`data.seed`, else its own) and its own, of its
initial weights.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from phaselab.domain.results.over import Over
from phaselab.domain.results.summaries import Summary, summarize

Whole = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Draws:
    """What some runs are independent draws of: `index` [runs] tells which of the `n` draws each run belongs to."""

    over: Over
    n: int
    index: Whole


def draws_of(data_seeds: Whole, seeds: Whole) -> Draws:
    """The draws of runs (at least one) with these data seeds [runs] and seeds of their own [runs]."""
    data, index = np.unique(data_seeds, return_inverse=True)
    if len(data) == 1 and (seeds != data_seeds).any():
        weights, index = np.unique(seeds, return_inverse=True)
        return Draws(Over.WEIGHTS, len(weights), index)
    return Draws(Over.SEEDS if len(data) == len(data_seeds) else Over.DATA, len(data), index)


def summarize_draws(draws: Draws, values: npt.NDArray[np.float64]) -> Summary | None:
    """The summary over draws of each draw's mean of values [runs], NaN where a run does not define its own; None where
    no run does."""
    known = ~np.isnan(values)
    count = np.bincount(draws.index[known], minlength=draws.n)
    total = np.bincount(draws.index[known], weights=values[known], minlength=draws.n)
    return summarize((total[count > 0] / count[count > 0]).tolist())
