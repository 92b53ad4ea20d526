"""Summaries: what is kept of a measure over many runs."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce


@dataclass(frozen=True)
class Summary:
    """Number of values (at least one), their mean, sum of squared deviations, least and greatest value."""

    n: int
    mean: float
    squares: float
    low: float
    high: float

    @property
    def sd(self) -> float | None:
        """Sample standard deviation (n - 1); null for a single value."""
        return math.sqrt(self.squares / (self.n - 1)) if self.n > 1 else None

    def merge(self, other: "Summary") -> "Summary":
        """The summary of both sets of values together (Chan, Golub and LeVeque's update)."""
        n, shift = self.n + other.n, other.mean - self.mean
        mean = self.mean + shift * other.n / n
        squares = self.squares + other.squares + shift**2 * self.n * other.n / n
        return Summary(n, mean, squares, min(self.low, other.low), max(self.high, other.high))


def summarize(values: Iterable[float | None]) -> Summary | None:
    """The summary of the values that are defined; None when there is none."""
    defined = [value for value in values if value is not None]
    if not defined:
        return None
    mean = math.fsum(defined) / len(defined)
    squares = math.fsum((value - mean) ** 2 for value in defined)
    return Summary(len(defined), mean, squares, min(defined), max(defined))


def merge_all(summaries: Iterable[Summary | None]) -> Summary | None:
    """One summary of all of them; None when each is None."""
    present = [summary for summary in summaries if summary is not None]
    return reduce(Summary.merge, present) if present else None
