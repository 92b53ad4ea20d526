"""What intervals are over."""

from collections.abc import Mapping
from enum import StrEnum


class Over(StrEnum):
    """What an interval is over."""

    SEEDS = "seeds"  # every run has data and initial weights of its own
    DATA = "data"  # runs on the same data are averaged first
    WEIGHTS = "weights"  # all runs share one data set: other data may give other values


OVER_WORDS: Mapping[Over, str] = {
    Over.SEEDS: "over seeds, each with data and initial weights of its own",
    Over.DATA: "over data seeds; runs on the same data are averaged first",
    Over.WEIGHTS: "over initial weights alone: all runs share one data set, and other data may give other values",
}
"""The same in words, after "95 % interval"."""
