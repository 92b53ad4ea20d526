"""Verdicts on claims: rulings, differences, slopes, the correction for many claims, and how many more seeds."""

import math
from typing import Any

import numpy as np
import pytest

from phaselab.domain.answers.cell_queries import LineQuery
from phaselab.domain.answers.cells import Found, PointSummary
from phaselab.domain.answers.claim_faults import check_claims
from phaselab.domain.answers.estimates import Asked
from phaselab.domain.answers.verdicts import Ruling, Verdict, judge
from phaselab.domain.families.resolve import resolve
from phaselab.domain.results.intervals import interval_ends
from phaselab.domain.results.measures import MEASURES
from phaselab.domain.results.summaries import summarize
from phaselab.domain.settings.faults import InvalidInput
from phaselab.domain.settings.settings import Settings
from phaselab.domain.specs.claims import Claim
from phaselab.domain.specs.spec import parse_spec

RADIUS = "robust_radius_max"


def claim(measure: str = RADIUS, **expect: Any) -> Claim:
    given = {"text": "it is so", "source": "somewhere", "measure": measure, "expect": expect}
    return Claim.model_validate(given)


def asked(values: dict[float, list[float]], measure: str = RADIUS, x: str = "data.k") -> Asked:
    """Points along x with these values of their runs."""
    settings = resolve(Settings())
    points = [PointSummary((at, ()), settings, len(of), 0, {measure: summarize(of)}, {}) for at, of in values.items()]
    return LineQuery((1,), x, measure), Found(points)


def ruling(made: Claim, *found: Asked, claims: int = 1) -> Verdict:
    return judge(made, found, claims)


@pytest.mark.parametrize(
    ("expect", "expected"),
    [
        ({"above": 9.0}, Ruling.HOLDS),
        ({"above": 10.0}, Ruling.UNDECIDED),
        ({"above": 11.0}, Ruling.FAILS),
        ({"below": 11.0}, Ruling.HOLDS),
        ({"below": 9.0}, Ruling.FAILS),
        ({"between": (9.0, 11.0)}, Ruling.HOLDS),
        ({"between": (9.95, 11.0)}, Ruling.UNDECIDED),
        ({"between": (11.0, 12.0)}, Ruling.FAILS),
    ],
)
def test_the_whole_interval_decides(expect: dict[str, Any], expected: Ruling) -> None:
    found = ruling(claim(**expect), asked({10: [9.9, 10.0, 10.1]}))
    assert found.ruling == expected
    low, high = interval_ends(MEASURES[RADIUS], 3, np.array(10.0), np.array(0.02), np.inf)
    assert (found.decides.low, found.decides.high) == pytest.approx((float(low), float(high)))


def test_a_claim_is_held_to_every_place_and_told_by_the_one_that_decides() -> None:
    found = ruling(claim(above=9.0), asked({4: [20.0, 20.1], 6: [9.9, 10.0, 10.1], 8: [5.0, 5.1, 5.2]}))
    assert (found.ruling, found.places) == (Ruling.FAILS, 3)
    assert dict(found.decides.place) == {"data.k": 8}
    assert found.confidence == pytest.approx(1 - 0.05 / 3)


def test_many_claims_make_each_harder_to_decide() -> None:
    one, many = (ruling(claim(above=9.7), asked({10: [9.9, 10.0, 10.1]}), claims=claims) for claims in (1, 20))
    assert (one.ruling, many.ruling) == (Ruling.HOLDS, Ruling.UNDECIDED)
    assert many.confidence == pytest.approx(1 - 0.05 / 20)


def test_what_no_run_tells_is_undecided_with_the_reason() -> None:
    nothing = ruling(claim(above=9.0), asked({10: []}))
    assert (nothing.ruling, nothing.decides.reason) == (Ruling.UNDECIDED, "no run has a result yet")
    single = ruling(claim(above=9.0), asked({10: [10.0]}))
    assert (single.ruling, single.more_seeds) == (Ruling.UNDECIDED, 1)
    assert ruling(claim(above=9.0)).decides.reason == "no point meets its conditions"
    heavy = ruling(claim("coefficient_ratio", above=1.0), asked({10: [2.0, 3.0]}, "coefficient_ratio"))
    assert heavy.decides.reason == "no interval covers the mean of coefficient_ratio"


def test_as_many_more_seeds_as_it_tells_decide() -> None:
    values = [9.2, 10.9, 9.6, 11.0, 9.3]
    open_ = ruling(claim(above=9.5), asked({10: values}))
    assert open_.ruling == Ruling.UNDECIDED
    assert open_.more_seeds is not None
    assert 1 <= open_.more_seeds < 60
    more = np.resize(values, 5 + open_.more_seeds)  # the same spread, more often
    assert ruling(claim(above=9.5), asked({10: more.tolist()})).ruling == Ruling.HOLDS


def order(*found: Asked) -> Verdict:
    return ruling(claim(order=["network.labels=binary", "network.labels=clusters"]), *found)


def test_an_order_is_of_differences_at_equal_places() -> None:
    low = asked({4: [1.0, 1.1, 1.2], 6: [1.0, 1.1, 1.2]})
    high = asked({4: [2.0, 2.1, 2.2], 6: [3.0, 3.1, 3.2]})
    found = order(low, high)
    assert (found.ruling, found.places) == (Ruling.HOLDS, 2)
    assert found.decides.value == pytest.approx(1.0)
    assert order(high, low).ruling == Ruling.FAILS
    assert order(low, low).ruling == Ruling.UNDECIDED


def test_the_interval_of_a_difference_covers() -> None:
    """Two means of five draws each, 400 times."""
    rng = np.random.default_rng(0)
    held = 0
    for one, other in zip(rng.normal(20, 1, (400, 5)), rng.normal(22, 2, (400, 5)), strict=True):
        decides = order(asked({4: one.tolist()}), asked({4: other.tolist()})).decides
        assert decides.low is not None
        assert decides.high is not None
        held += decides.low <= 2 <= decides.high
    assert 0.92 <= held / 400 <= 0.985


@pytest.mark.parametrize(("near", "expected"), [(-0.5, Ruling.HOLDS), (-0.2, Ruling.FAILS)])
def test_a_slope_of_logarithms(near: float, expected: Ruling) -> None:
    rng = np.random.default_rng(1)
    values = {k: (39 / math.sqrt(k) * rng.normal(1, 0.003, size=5)).tolist() for k in (4, 6, 10, 20)}
    found = ruling(claim(slope={"x": "data.k", "log": True, "near": near, "within": 0.03}), asked(values))
    assert found.ruling == expected
    means = [np.mean(of) for of in values.values()]
    slope = np.polyfit(np.log(list(values)), np.log(means), 1)[0]
    assert found.decides.value == pytest.approx(slope)
    assert found.decides.low is not None
    assert found.decides.high is not None
    assert found.decides.low < -0.5 < found.decides.high


def test_a_slope_needs_two_places_and_logarithms_positive_numbers() -> None:
    slope = {"x": "data.k", "near": 0.0, "within": 1.0}
    assert "two values" in str(ruling(claim(slope=slope), asked({4: [1.0, 2.0]})).decides.reason)
    for zeros in ([0.0, 0.0], [0.0]):
        found = ruling(claim(slope=slope | {"log": True}), asked({4: zeros, 6: [1.0, 2.0]}))
        assert "logarithm" in str(found.decides.reason)


def test_a_line_that_waits_for_a_run_says_nothing_of_its_slope() -> None:
    slope = {"x": "data.k", "near": 0.0, "within": 100.0}
    done = {4: [1.0, 2.0], 6: [1.0, 2.0]}
    assert ruling(claim(slope=slope), asked(done)).ruling == Ruling.HOLDS
    waiting = ruling(claim(slope=slope), asked({**done, 8: []}))
    assert (waiting.ruling, waiting.decides.reason) == (Ruling.UNDECIDED, "no run has a result yet")


@pytest.mark.parametrize("shared", [0.0, 1.0])
def test_the_interval_of_a_slope_covers_whatever_its_cells_share(shared: float) -> None:
    """Four cells of five draws, whose spread grows along x: shared draws move the ends to one side."""
    rng = np.random.default_rng(0)
    spread, ks, held = np.array([0.01, 0.01, 1.0, 1.0]), (4, 5, 6, 7), 0
    for _ in range(300):
        draws = shared * rng.normal(size=(1, 5)) + (1 - shared) * rng.normal(size=(4, 5))
        values = 20 + 2 * np.array(ks)[:, None] + spread[:, None] * draws
        made = claim(slope={"x": "data.k", "near": 2.0, "within": 1.0})
        decides = ruling(made, asked(dict(zip(ks, values.tolist(), strict=True)))).decides
        assert decides.low is not None
        assert decides.high is not None
        held += decides.low <= 2 <= decides.high
    assert held / 300 >= 0.92


def test_an_order_of_groups_without_a_common_place_says_nothing() -> None:
    found = order(asked({4: [1.0, 1.1]}), asked({6: [2.0, 2.1]}))
    assert found.ruling == Ruling.UNDECIDED
    assert found.decides.reason == "network.labels=binary and network.labels=clusters have no place in common"


@pytest.mark.parametrize(
    ("second", "expected"), [(10.05, Ruling.HOLDS), (10.4, Ruling.UNDECIDED), (11.0, Ruling.FAILS)]
)
def test_groups_are_alike_where_the_interval_of_their_difference_is_small(second: float, expected: Ruling) -> None:
    made = claim(alike={"groups": ["data.k=4", "data.k=6"], "within": 0.5})
    away = [second - 0.1, second, second + 0.1]
    found = ruling(made, asked({4: [9.9, 10.0, 10.1]}), asked({6: away}))
    other_way = ruling(made, asked({6: away}), asked({4: [9.9, 10.0, 10.1]}))
    assert (found.ruling, other_way.ruling) == (expected, expected)
    assert found.decides.value == pytest.approx(second - 10)
    assert other_way.decides.value == pytest.approx(10 - second)


def test_what_claims_name_in_vain_is_refused() -> None:
    given = {"text": "x", "source": "y", "measure": "beauty", "where": ["data.q=3"]}
    claims = [
        given | {"expect": {"order": ["network.labels=binary", "labels"]}},
        given | {"measure": RADIUS, "where": [], "expect": {"order": ["data.k<=6", "data.k=8"]}},
        given | {"measure": RADIUS, "where": [], "expect": {"slope": {"x": "data.q", "near": 0, "within": 1.0}}},
        given | {"measure": RADIUS, "where": [], "expect": {"alike": {"groups": ["data.k=6", "k"], "within": 1.0}}},
    ]
    spec = parse_spec({"name": "x", "claims": claims})
    with pytest.raises(InvalidInput) as refused:
        check_claims(spec.claims)
    assert [fault.pointer for fault in refused.value.faults] == [
        "/claims/0/measure",
        "/claims/0/where/0",
        "/claims/0/expect/order/1",
        "/claims/1/expect/order/0",
        "/claims/2/expect/slope/x",
        "/claims/3/expect/alike/groups/1",
    ]


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"statistic": "median"}, "/claims/0/statistic"),
        ({"expect": {"above": 1, "below": 2}}, "/claims/0/expect"),
        ({"expect": {}}, "/claims/0/expect"),
        ({"expect": {"between": [2, 1]}}, "/claims/0/expect"),
        ({"text": ""}, "/claims/0/text"),
        ({"text": "two\nlines"}, "/claims/0/text"),
        ({"source": "\x1b[2J"}, "/claims/0/source"),
        ({"where": ["data.k=\x00"]}, "/claims/0/where/0"),
    ],
)
def test_a_claim_that_cannot_be_read_is_refused(changes: dict[str, Any], place: str) -> None:
    given = {"text": "x", "source": "y", "measure": RADIUS, "expect": {"above": 1}} | changes
    with pytest.raises(InvalidInput) as refused:
        parse_spec({"name": "x", "claims": [given]})
    assert [fault.pointer for fault in refused.value.faults] == [place]


def test_what_is_expected_in_words() -> None:
    slope = {"x": "data.k", "log": True, "near": -0.5, "within": 0.05}
    assert [str(claim(**one).expect) for one in ({"above": 1}, {"between": (1, 2)}, {"order": ["a", "b"]})] == [
        "above 1",
        "between 1 and 2",
        "a < b",
    ]
    assert str(claim(alike={"groups": ["a", "b", "c"], "within": 0.02}).expect) == "a = b = c ± 0.02"
    assert str(claim(slope=slope).expect) == "a slope of -0.5 ± 0.05 of its logarithm against that of data.k"
