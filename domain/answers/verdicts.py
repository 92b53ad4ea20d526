"""Verdicts: what the runs of an experiment say of a claim.

A verdict rests on intervals over independent draws, at a confidence that is corrected for the number of claims and of
places that each is asked at (Bonferroni), so that one of twenty claims does not fail by chance
(docs/methods/verdicts.md).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from phaselab.domain.answers.estimates import ONE_DRAW, Asked, Estimate, estimates
from phaselab.domain.specs.claims import Claim, Expectation

ERROR = 0.05
"""The chance that one of an experiment's claims is judged wrongly, if its intervals cover."""
MOST_SEEDS = 100_000
"""More than that is not told."""


class Ruling(StrEnum):
    """What a verdict can be."""

    HOLDS = "holds"
    FAILS = "fails"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Verdict:
    """What the runs say of a claim: at the place that decides (where the interval is nearest to what is expected, or
    farthest outside), of so many `places`. `more_seeds`: about how many more draws would decide it; null where none
    would, or none are needed."""

    claim: Claim
    ruling: Ruling
    decides: Estimate
    places: int
    confidence: float
    more_seeds: int | None = None


@dataclass(frozen=True)
class Verdicts:
    """The verdicts on the claims of an experiment, in their order."""

    items: tuple[Verdict, ...]
    revision: int = 0


def judge(claim: Claim, asked: Sequence[Asked], claims: int) -> Verdict:
    """The verdict on one of so many claims."""
    places = max(1, sum(1 for _ in estimates(claim, asked, 1 - ERROR)))
    confidence = 1 - ERROR / (claims * places)
    found = list(estimates(claim, asked, confidence)) or [Estimate((), reason="no point meets its conditions")]
    return _judged(claim, found, confidence)


def judge_boundary(claim: Claim, found: Estimate) -> Verdict:
    """The verdict on a claim about a boundary, whose interval does not follow from a number of draws."""
    return replace(_judged(claim, [found], 1 - ERROR), more_seeds=None)


def _judged(claim: Claim, found: Sequence[Estimate], confidence: float) -> Verdict:
    low, high = _bounds(claim.expect)
    rulings = [_ruling(one, low, high) for one in found]
    ruling = next((one for one in (Ruling.FAILS, Ruling.UNDECIDED) if one in rulings), Ruling.HOLDS)
    open_ones = [one for one, of in zip(found, rulings, strict=True) if of == ruling]
    decides = min(open_ones, key=lambda one: _margin(one, low, high))
    more = [_more(one, low, high) for one in open_ones] if ruling == Ruling.UNDECIDED else []
    needed = None if None in more else max((one for one in more if one is not None), default=None)
    return Verdict(claim, ruling, decides, len(found), confidence, needed)


def undecided(claim: Claim, reason: str) -> Verdict:
    """The verdict on a claim of which nothing can be asked."""
    return Verdict(claim, Ruling.UNDECIDED, Estimate((), reason=reason), 0, 1 - ERROR)


def _bounds(expect: Expectation) -> tuple[float, float]:
    """The least and the greatest value that is as expected; of groups, those of a difference."""
    if expect.between is not None:
        return expect.between
    if expect.slope is not None:
        return expect.slope.near - expect.slope.within, expect.slope.near + expect.slope.within
    if expect.alike is not None:
        return -expect.alike.within, expect.alike.within
    low = math.nextafter(0, 1) if expect.order is not None else expect.above
    return -math.inf if low is None else low, math.inf if expect.below is None else expect.below


def _ruling(one: Estimate, low: float, high: float) -> Ruling:
    if one.low is None or one.high is None:
        return Ruling.UNDECIDED
    if low <= one.low and one.high <= high:
        return Ruling.HOLDS
    return Ruling.FAILS if one.high < low or one.low > high else Ruling.UNDECIDED


def _margin(one: Estimate, low: float, high: float) -> float:
    """How far inside the interval lies, negative where it reaches outside; least where there is none."""
    if one.low is None or one.high is None:
        return -math.inf
    return min(one.low - low, high - one.high)


def _more(one: Estimate, low: float, high: float) -> int | None:
    """About how many more draws decide: intervals shrink with the root of their number, to where the nearest bound no
    longer is inside. Null where a bound is as good as hit."""
    if one.value is None or one.low is None or one.high is None:
        return 2 - one.n if one.n < 2 and one.reason == ONE_DRAW else None
    factor = 1.0
    for bound in (low, high):
        if one.low < bound < one.high:
            reach = one.value - one.low if bound < one.value else one.high - one.value
            distance = abs(one.value - bound)
            factor = max(factor, reach / distance if distance > 1e-9 * reach else math.inf)
    needed = one.n * factor**2 - one.n
    return math.ceil(needed) if needed < MOST_SEEDS else None
