"""Independent draws: runs that share data, or initial weights, are one draw of what an interval is over.

Most of a measure's variance lies between data sets, so runs on the same data are averaged before anything is said of
other data. What a run draws is named by two seeds: that of its data (`data.seed`, else its own) and its own, of its
initial weights.
"""

import math
from collections.abc import Sequence
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


def at_most(of_settings: Sequence[Summary]) -> Summary:
    """The mean of the means of some settings that may share draws, and at most its uncertainty: a summary of as many
    draws as the settings with fewest have, of a single one where a settings has a single run. The standard error of a
    mean of numbers is at most the mean of theirs, whatever they share, and as much where they go up and down together.
    """
    n = min(one.n for one in of_settings)
    errors = [(one.sd or 0.0) / math.sqrt(one.n) for one in of_settings]
    mean = sum(one.mean for one in of_settings) / len(of_settings)
    squares = n * (n - 1) * (sum(errors) / len(errors)) ** 2
    return Summary(n, mean, squares, min(one.low for one in of_settings), max(one.high for one in of_settings))
