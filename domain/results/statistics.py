"""Statistics: which number of a measure over the runs of a cell a diagram shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from phaselab.domain.results.summaries import Summary

Statistic = Literal["mean", "median", "sd", "min", "max", "q05", "q25", "q75", "q95"]
STATISTICS: tuple[Statistic, ...] = get_args(Statistic)

_TITLES: Mapping[Statistic, str] = {
    "mean": "mean",
    "median": "median",
    "sd": "standard deviation",
    "min": "minimum",
    "max": "maximum",
    "q05": "5 % quantile",
    "q25": "25 % quantile",
    "q75": "75 % quantile",
    "q95": "95 % quantile",
}
_LEVELS: Mapping[Statistic, float] = {"median": 0.5, "q05": 0.05, "q25": 0.25, "q75": 0.75, "q95": 0.95}


@dataclass(frozen=True)
class Sample:
    """A measure over some runs: its summary, its values where a quantile is asked for (empty otherwise), and where runs
    share draws the summary over draws of each draw's mean."""

    summary: Summary | None
    values: Sequence[float] = ()
    draws: Summary | None = None


def statistic_title(statistic: Statistic) -> str:
    """The statistic in words."""
    return _TITLES[statistic]


def is_quantile(statistic: Statistic) -> bool:
    """Whether it takes every value; the others take a summary."""
    return statistic in _LEVELS


def evaluate(statistic: Statistic, sample: Sample) -> float | None:
    """The statistic of a sample; null where no run defines the measure, and `sd` (n - 1) for a single one. The mean is
    that of independent draws, every other statistic is of runs.

    Quantiles lie on the line between the neighbouring order statistics (Hyndman and Fan's type 7, as numpy has it).
    """
    if statistic in _LEVELS:
        values = np.asarray(sample.values)
        return float(np.quantile(values, _LEVELS[statistic])) + 0.0 if sample.values else None
    summary = sample.summary
    if summary is None:
        return None
    mean = (sample.draws or summary).mean
    of_summary = {"mean": mean, "sd": summary.sd, "min": summary.low, "max": summary.high}
    value = of_summary[statistic]
    return None if value is None else value + 0.0  # never -0.0
