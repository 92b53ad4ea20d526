"""The numbers that a claim is about: means, differences and slopes of a measure, with intervals over draws.

Differences and slopes are sums of means with weights; their intervals follow from those of the means
(docs/methods/verdicts.md).
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from phaselab.domain.answers.cell_queries import LineQuery
from phaselab.domain.answers.cells import Cell, Found, cells_at
from phaselab.domain.answers.conditions import parse_condition
from phaselab.domain.results.measures import MEASURES
from phaselab.domain.results.states import CellState
from phaselab.domain.settings.parameters import Value
from phaselab.domain.specs.claims import Claim, Slope

ONE_DRAW = "one draw has no interval"
Place = tuple[tuple[str, Value], ...]
"""Parameters with their values."""
Asked = tuple[LineQuery, Found]
"""What was asked of the database for a claim, and what was found; one for every group that is compared."""


@dataclass(frozen=True)
class Estimate:
    """A number that a claim is about, at one place: its value and interval over `n` draws; no interval, with the
    reason, where nothing can be said."""

    place: Place
    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0
    reason: str | None = None


def estimates(claim: Claim, asked: Sequence[Asked], confidence: float) -> Iterator[Estimate]:
    """The numbers that a claim is about, one a place, with intervals of this confidence."""
    found = [_cells(replace(query, confidence=confidence), of) for query, of in asked]
    if not found:
        return
    if claim.expect.groups:
        yield from _differences(claim, found)
    elif claim.expect.slope is not None:
        yield from _slopes(claim, claim.expect.slope, found[0])
    else:
        yield from (_of_cell(claim, place, cell) for place, cell in found[0].items())


def _cells(query: LineQuery, found: Found) -> dict[Place, Cell]:
    names = (query.x, *query.by)
    places = list(found.by_place())
    cells = cells_at(places, query, found)
    return {tuple(zip(names, (place[0], *place[1]), strict=True)): cells[place] for place in places}


def _of_cell(claim: Claim, place: Place, cell: Cell) -> Estimate:
    if cell.mean is None or cell.ci_low is None or cell.ci_high is None:
        return Estimate(place, cell.mean, n=cell.n, reason=_why(claim.measure, cell))
    return Estimate(place, cell.mean, cell.ci_low, cell.ci_high, cell.n)


def _why(measure: str, cell: Cell) -> str:
    """Why a cell has no interval."""
    if not cell.runs:
        return "no run has a result yet"
    if MEASURES[measure].heavy_tailed:
        return f"no interval covers the mean of {measure}"
    return ONE_DRAW if cell.defined else f"{measure} is undefined"


def _differences(claim: Claim, groups: Sequence[Mapping[Place, Cell]]) -> Iterator[Estimate]:
    """Every group's mean less that of the group before it, at all values of the other parameters that both have."""
    named = list(dict.fromkeys(parse_condition(text).path for text in claim.expect.groups))
    keyed = [{tuple(one for one in place if one[0] not in named): cell for place, cell in of.items()} for of in groups]
    for number, (below, above) in enumerate(pairwise(keyed)):
        shared = [place for place in below if place in above]
        if not shared:
            two = " and ".join(claim.expect.groups[number : number + 2])
            yield Estimate((), reason=f"{two} have no place in common")
        for place in shared:
            cells = [below[place], above[place]]
            yield weighted(claim.measure, place, [-1.0, 1.0], cells)


def _slopes(claim: Claim, slope: Slope, cells: Mapping[Place, Cell]) -> Iterator[Estimate]:
    """The least-squares slope of the means against x, at all values of the other parameters."""
    lines: dict[Place, list[tuple[float, Cell]]] = {}
    for place, cell in cells.items():
        x = dict(place)[slope.x]
        rest = tuple(one for one in place if one[0] != slope.x)
        if isinstance(x, int | float):
            lines.setdefault(rest, []).append((float(x), cell))
    for rest, line in lines.items():
        yield _slope(claim, slope, rest, [one for one in line if one[1].mean is not None or _waits(one[1])])


def _waits(cell: Cell) -> bool:
    """Whether a line is not whole yet, and says nothing of its slope."""
    return cell.state == CellState.PENDING


def _slope(claim: Claim, slope: Slope, rest: Place, line: Sequence[tuple[float, Cell]]) -> Estimate:
    ends = [_ends(cell) for _, cell in line]
    xs = [x for x, _ in line]
    if slope.log:
        if any(x <= 0 for x in xs) or any(end is not None and end <= 0 for three in ends for end in three):
            return Estimate(rest, reason="a logarithm needs positive numbers and intervals")
        xs = [math.log(x) for x in xs]
        ends = [tuple(None if one is None else math.log(one) for one in three) for three in ends]  # type: ignore[misc]
    if len(set(xs)) < 2:
        return Estimate(rest, reason=f"a slope needs results at two values of {slope.x}")
    away = np.array(xs) - np.mean(xs)
    return weighted(claim.measure, rest, (away / (away @ away)).tolist(), [cell for _, cell in line], ends)


Ends = tuple[float | None, float | None, float | None]


def _ends(cell: Cell) -> Ends:
    return cell.mean, cell.ci_low, cell.ci_high


def weighted(
    measure: str, place: Place, weights: Sequence[float], cells: Sequence[Cell], ends: Sequence[Ends] | None = None
) -> Estimate:
    """A weighted sum of means of a measure, of cells that may share seeds; `ends` where they are on another scale. Each
    reaches as far as its interval, to the side that its weight turns it to. Reaches of weights of one sign add up, as
    they do where cells go up and down together; the sums of the two signs, where that cancels, as squares do (Zou and
    Donner 2008)."""
    n = min(cell.n for cell in cells)
    value, below, above = 0.0, {True: 0.0, False: 0.0}, {True: 0.0, False: 0.0}
    for weight, cell, (mean, low, high) in zip(weights, cells, ends or [_ends(cell) for cell in cells], strict=True):
        if mean is None or low is None or high is None:
            return Estimate(place, n=n, reason=_why(measure, cell))
        value += weight * mean
        sides = (mean - low, high - mean) if weight > 0 else (high - mean, mean - low)
        below[weight > 0] += abs(weight) * sides[0]
        above[weight > 0] += abs(weight) * sides[1]
    return Estimate(place, value, value - math.hypot(*below.values()), value + math.hypot(*above.values()), n)
