"""A point's summary as one binary value, so that a diagram reads one small row a point.

Little-endian float64: runs with a result, suspect runs, runs of each phase, and for each measure of the catalogue n,
mean, sum of squared deviations, least and greatest value (infinities where n = 0). All functions work on many points
at once: an array [points, WIDTH].
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from phaselab.domain.results.measures import MEASURES
from phaselab.domain.results.phases import Phase
from phaselab.domain.results.summaries import Summary

PHASES = tuple(Phase)
NAMES = tuple(MEASURES)
_HEAD = 2 + len(PHASES)
WIDTH = _HEAD + 5 * len(NAMES)

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]


class OldSummary(ValueError):
    """A stored summary does not fit the catalogue of measures; summaries must be rebuilt."""


def empty(points: int) -> Floats:
    """Summaries of no run, [points, WIDTH]."""
    blank = np.zeros((points, WIDTH))
    measures = _measures(blank)
    measures[:, :, 3] = np.inf
    measures[:, :, 4] = -np.inf
    return blank


def to_bytes(summaries: Floats) -> list[bytes]:
    """Each row as it is stored."""
    return [row.tobytes() for row in summaries.astype("<f8", copy=False)]


def from_bytes(stored: Sequence[bytes]) -> Floats:
    """Stored rows as [points, WIDTH]. Raises OldSummary."""
    if any(len(content) != WIDTH * 8 for content in stored):
        raise OldSummary("summaries were stored for another catalogue of measures: run `phaselab db rebuild`")
    return np.frombuffer(b"".join(stored), dtype="<f8").reshape(len(stored), WIDTH).astype(np.float64)


def of_runs(values: Floats, suspect: npt.NDArray[np.bool_], phase: Whole, point: Whole, points: int) -> Floats:
    """Summaries of runs dealt to points.

    values [runs, measures] with NaN for null, suspect [runs], phase [runs] as a place in PHASES or -1 for none,
    point [runs] in 0..points-1.
    """
    summaries = empty(points)
    summaries[:, 0] = np.bincount(point, minlength=points)
    summaries[:, 1] = np.bincount(point, weights=suspect, minlength=points)
    for place in range(len(PHASES)):
        summaries[:, 2 + place] = np.bincount(point[phase == place], minlength=points)
    measures = _measures(summaries)
    for place in range(len(NAMES)):
        known = ~np.isnan(values[:, place])
        _sum_up(measures[:, place], values[known, place], point[known])
    return summaries


def merge(one: Floats, other: Floats) -> Floats:
    """Row by row, the summary of both sets of runs together (as Summary.merge does)."""
    merged = one + other
    a, b, both = _measures(one), _measures(other), _measures(merged)
    n = np.maximum(both[:, :, 0], 1)
    shift = b[:, :, 1] - a[:, :, 1]
    both[:, :, 1] = np.where(a[:, :, 0] == 0, b[:, :, 1], a[:, :, 1] + shift * b[:, :, 0] / n)
    both[:, :, 2] = a[:, :, 2] + b[:, :, 2] + shift**2 * a[:, :, 0] * b[:, :, 0] / n
    both[:, :, 3] = np.minimum(a[:, :, 3], b[:, :, 3])
    both[:, :, 4] = np.maximum(a[:, :, 4], b[:, :, 4])
    return merged


def merge_groups(rows: Floats, group: Sequence[int], groups: int) -> Floats:
    """One summary [groups, WIDTH] for all rows of each group, a group being a number in 0..groups-1."""
    order = np.argsort(group, kind="stable")
    dealt, sorted_rows = np.asarray(group, dtype=np.int64)[order], rows[order]
    present, starts = np.unique(dealt, return_index=True)
    merged = empty(groups)
    if not len(rows):
        return merged
    merged[present] = np.add.reduceat(sorted_rows, starts)
    given, both = _measures(sorted_rows), _measures(merged)
    n = given[:, :, 0]
    both[present, :, 1] = np.add.reduceat(n * given[:, :, 1], starts) / np.maximum(both[present, :, 0], 1)
    spread = given[:, :, 2] + n * (given[:, :, 1] - both[dealt, :, 1]) ** 2
    both[present, :, 2] = np.add.reduceat(spread, starts)
    both[present, :, 3] = np.minimum.reduceat(given[:, :, 3], starts)
    both[present, :, 4] = np.maximum.reduceat(given[:, :, 4], starts)
    return merged


def counts(row: Floats) -> tuple[int, int]:
    """(runs with a result, suspect runs) of one row."""
    return int(row[0]), int(row[1])


def phase_counts(row: Floats) -> Mapping[Phase, int]:
    """Runs of each phase that occurs in one row."""
    return {name: int(row[2 + i]) for i, name in enumerate(PHASES) if row[2 + i]}


def summary_of(row: Floats, measure: str) -> Summary | None:
    """The summary of a measure in one row; None where no run defines it."""
    start = _HEAD + 5 * NAMES.index(measure)
    n, mean, squares, low, high = row[start : start + 5].tolist()
    return Summary(int(n), mean, squares, low, high) if n else None


def _measures(summaries: Floats) -> Floats:
    """The measures of summaries, as a view [points, measures, 5]."""
    return summaries[:, _HEAD:].reshape(len(summaries), len(NAMES), 5)


def _sum_up(into: Floats, values: Floats, point: Whole) -> None:
    """Fill into [points, 5] with n, mean, squares, low, high of the values [v] of each point [v]."""
    points = len(into)
    n = np.bincount(point, minlength=points)
    mean = np.bincount(point, weights=values, minlength=points) / np.maximum(n, 1)
    into[:, 0], into[:, 1] = n, mean
    into[:, 2] = np.bincount(point, weights=(values - mean[point]) ** 2, minlength=points)
    np.minimum.at(into[:, 3], point, values)
    np.maximum.at(into[:, 4], point, values)
