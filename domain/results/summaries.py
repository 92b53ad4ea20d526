"""Summaries: what is kept of measures over many runs, and how two of them become one.

Many points at once are an array [points, WIDTH] of float64, one row a point: runs with a result, suspect runs, runs of
each phase, and for each measure of the catalogue n, mean, sum of squared deviations, least and greatest value
(infinities where n = 0). So a diagram reads one small row a point. A stored row is little-endian and goes with its
layout, the list of what it holds: it is read by those names, whatever the catalogue holds by then. Phases are named
with the rule that they were counted by, for counts by another rule say nothing of today's phases.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from phaselab.domain.results.measures import MEASURES
from phaselab.domain.results.phases import RULE, Phase

PHASES = tuple(Phase)
NAMES = tuple(MEASURES)
_PLACE_OF = {name: i for i, name in enumerate(NAMES)}
COUNTED = tuple(f"{RULE}/{one}" for one in PHASES)
"""The phases with their rule, as a layout names them."""
LAYOUT = (*COUNTED, *NAMES)
"""What a row holds today behind its first two numbers."""
_UNNAMED = 5
"""Phases of a layout that does not name them."""
_HEAD = 2 + len(PHASES)
_PARTS = 5
WIDTH = _HEAD + _PARTS * len(NAMES)
_NOTHING = (0.0, 0.0, 0.0, math.inf, -math.inf)

MeasureList = tuple[str, ...]
"""Names in an order: of measures, and in a layout of phases before them."""
Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]


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


def summarize(values: Iterable[float | None]) -> Summary | None:
    """The summary of the values that are defined; None when there is none."""
    defined = np.array([value for value in values if value is not None], dtype=np.float64)
    return _summary(_sum_up(defined, np.zeros(len(defined), dtype=np.int64), 1)[0])


def merge_all(summaries: Iterable[Summary | None]) -> Summary | None:
    """One summary of all of them; None when each is None."""
    present = [summary for summary in summaries if summary is not None]
    if len(present) < 2:
        return present[0] if present else None
    parts = np.array([(one.n, one.mean, one.squares, one.low, one.high) for one in present], dtype=np.float64)
    return _summary(_merged(parts[:, None], np.zeros(1, dtype=np.int64))[0, 0])


def empty(points: int) -> Floats:
    """Summaries of no run, [points, WIDTH]."""
    blank = np.zeros((points, WIDTH))
    _measures(blank)[:] = _NOTHING
    return blank


def to_bytes(summaries: Floats) -> list[bytes]:
    """Each row as it is stored, with LAYOUT."""
    return [row.tobytes() for row in summaries.astype("<f8", copy=False)]


def from_bytes(stored: Sequence[bytes], lists: Sequence[MeasureList]) -> Floats:
    """Stored rows, each with its layout, as [points, WIDTH] of today's: of a measure that a row does not hold, and of
    phases that are not `counted_today`, it has no run. Raises ValueError for a row of another length than its layout.
    """
    rows = empty(len(stored))
    for names in set(lists):
        places = [i for i, own in enumerate(lists) if own == names]
        held = np.frombuffer(b"".join(stored[i] for i in places), dtype="<f8")
        measures = [name for name in names if "/" not in name]
        head = _head(names)
        held = held.reshape(len(places), head + _PARTS * len(measures))
        if names == LAYOUT:
            rows[places] = held
            continue
        kept = _HEAD if counted_today(names) else 2
        rows[places, :kept] = held[:, :kept]
        parts = held[:, head:].reshape(len(places), len(measures), _PARTS)
        for i, name in enumerate(measures):
            if name in MEASURES:
                _measures(rows)[places, NAMES.index(name)] = parts[:, i]
    return rows


def serves(stored: bytes, names: MeasureList) -> bool:
    """Whether a stored row can be read and added to: its phases were counted by today's rule, and it has the length of
    its layout."""
    return len(stored) == _bytes_of(names) and counted_today(names)


@lru_cache(maxsize=100)  # every point of a database has one of a few
def _bytes_of(names: MeasureList) -> int:
    """The length of a row of a layout."""
    return 8 * (_head(names) + _PARTS * sum("/" not in name for name in names))


def _head(names: MeasureList) -> int:
    """Numbers before those of measures in a layout."""
    return 2 + (sum("/" in name for name in names) or _UNNAMED)


def counted_today(names: MeasureList) -> bool:
    """Whether the phases of a row of this layout were counted by today's rule."""
    return names[: len(COUNTED)] == COUNTED


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
        measures[:, place] = _sum_up(values[known, place], point[known], points)
    return summaries


def merge(one: Floats, other: Floats) -> Floats:
    """Row by row, the summary of both sets of runs together."""
    places = np.arange(len(one))
    return merge_groups(np.concatenate([one, other]), np.concatenate([places, places]), len(one))


def merge_groups(rows: Floats, group: Sequence[int] | Whole, groups: int) -> Floats:
    """One summary [groups, WIDTH] for all rows of each group, a group being a number in 0..groups-1."""
    order = np.argsort(group, kind="stable")
    dealt, in_order = np.asarray(group, dtype=np.int64)[order], rows[order]
    present, starts = np.unique(dealt, return_index=True)
    merged = empty(groups)
    if len(rows):
        merged[present, :_HEAD] = np.add.reduceat(in_order[:, :_HEAD], starts)
        _measures(merged)[present] = _merged(_measures(in_order), starts)
    return merged


def counts(row: Floats) -> tuple[int, int]:
    """(runs with a result, suspect runs) of one row."""
    return int(row[0]), int(row[1])


def phase_counts(row: Floats) -> Mapping[Phase, int]:
    """Runs of each phase that occurs in one row."""
    return {name: int(row[2 + i]) for i, name in enumerate(PHASES) if row[2 + i]}


def without_phases(row: Floats) -> Floats:
    """A row with no run of any phase."""
    left = row.copy()
    left[2:_HEAD] = 0
    return left


def means(rows: Floats, measure: str) -> Floats:
    """The mean of a measure in every row, [rows]; NaN where no run defines it."""
    parts = _measures(rows)[:, NAMES.index(measure)]
    return np.where(parts[:, 0] > 0, parts[:, 1], np.nan)


def summary_of(row: Floats, measure: str) -> Summary | None:
    """The summary of a measure in one row; None where no run defines it."""
    start = _HEAD + _PARTS * _PLACE_OF[measure]
    return _summary(row[start : start + _PARTS])


def _summary(parts: Floats) -> Summary | None:
    n, mean, squares, low, high = parts.tolist()
    return Summary(int(n), mean, squares, low, high) if n else None


def _measures(summaries: Floats) -> Floats:
    """The measures of summaries, as a view [points, measures, 5]."""
    return summaries[:, _HEAD:].reshape(len(summaries), len(NAMES), _PARTS)


def _merged(parts: Floats, starts: Whole) -> Floats:
    """[groups, measures, 5] of parts [rows, measures, 5], a group being the rows from one start to the next.

    The one place where summaries are merged: sums of squares add up with what each mean is off the common one (Chan,
    Golub and LeVeque).
    """
    group = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(parts)))  # [rows]
    n, mean, squares, low, high = np.moveaxis(parts, -1, 0)  # [rows, measures] each
    merged = np.empty((len(starts), *parts.shape[1:]))
    merged[:, :, 0] = np.add.reduceat(n, starts)
    merged[:, :, 1] = np.add.reduceat(n * mean, starts) / np.maximum(merged[:, :, 0], 1)
    merged[:, :, 2] = np.add.reduceat(squares + n * (mean - merged[group, :, 1]) ** 2, starts)
    merged[:, :, 3] = np.minimum.reduceat(low, starts)
    merged[:, :, 4] = np.maximum.reduceat(high, starts)
    return merged


def _sum_up(values: Floats, point: Whole, points: int) -> Floats:
    """[points, 5]: n, mean, squares, low, high of the values [v] of each point [v]."""
    summed = np.tile(np.array(_NOTHING), (points, 1))
    n = np.bincount(point, minlength=points)
    mean = np.bincount(point, weights=values, minlength=points) / np.maximum(n, 1)
    summed[:, 0], summed[:, 1] = n, mean
    summed[:, 2] = np.bincount(point, weights=(values - mean[point]) ** 2, minlength=points)
    np.minimum.at(summed[:, 3], point, values)
    np.maximum.at(summed[:, 4], point, values)
    return summed
