"""The slope of a boundary between phases, with an interval that follows from those of its crossings.

At each value of x the boundary lies between two values of y, a cell that is certain of the one phase and one that is
certain of the other. The least-squares slope is a weighted sum of the middles, and no boundary within all of these
intervals has a slope outside of the sum of their weighted reaches.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from phaselab.domain.answers.cell_queries import DiagramQuery
from phaselab.domain.answers.cells import Found
from phaselab.domain.answers.crossings import Crossing
from phaselab.domain.answers.diagram import build_diagram
from phaselab.domain.answers.estimates import Estimate
from phaselab.domain.specs.claims import PhaseBoundary, Slope

FEWEST = 3
"""Values of x at which a boundary has to be seen."""


def boundary_slope(slope: Slope, boundary: PhaseBoundary, query: DiagramQuery, found: Found) -> Estimate:
    """The slope of the boundary that a claim is about, with its interval; why there is none, where that is so."""
    diagram = build_diagram(query, found)
    pair = set(boundary.between)
    crossed = [one for one in diagram.crossings if one.along == "y" and set(one.between) == pair]
    numbers = [(float(one.at), one) for one in crossed if isinstance(one.at, int | float)]
    twice = [at for at, times in Counter(at for at, _ in numbers).items() if times > 1]
    if twice:
        return Estimate((), reason=f"the boundary is crossed more than once at {slope.x} = {twice[0]:g}")
    if len(numbers) < FEWEST:
        return Estimate((), reason=f"the boundary is seen at {len(numbers)} values of {slope.x}; {FEWEST} are needed")
    return _fitted(slope, [at for at, _ in numbers], [one for _, one in numbers])


def _fitted(slope: Slope, at: Sequence[float], crossed: Sequence[Crossing]) -> Estimate:
    xs = np.array(at)
    ends = np.array([(one.low, one.high) for one in crossed])  # [crossings, 2]
    if slope.log:
        if xs.min() <= 0 or ends.min() <= 0:
            return Estimate((), reason="a logarithm needs positive numbers and intervals")
        xs, ends = np.log(xs), np.log(ends)
    away = xs - xs.mean()
    weights = away / (away @ away)
    middles, reaches = ends.mean(axis=1), (ends[:, 1] - ends[:, 0]) / 2
    value, reach = float(weights @ middles), float(np.abs(weights) @ reaches)
    return Estimate((), value, value - reach, value + reach, len(crossed))
