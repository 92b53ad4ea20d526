"""Intervals of means: what they are for each kind of measure, and that they stay inside by themselves."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from phaselab.domain.results.intervals import UNSEEN, Z95, mean_interval, wilson_interval
from phaselab.domain.results.measures import MEASURES, Measure
from phaselab.domain.results.summaries import summarize

UNBOUNDED = replace(MEASURES["train_loss"], low=None)
shares = st.lists(st.integers(0, 200), min_size=2, max_size=12).map(lambda counts: [count / 200 for count in counts])


def ends(measure: Measure, values: list[float], points: int | None = None) -> tuple[float, float]:
    found = mean_interval(measure, summarize(values), points)
    assert found is not None
    return found


def test_of_a_measure_without_bounds_it_is_students() -> None:
    values = [1.0, 2.0, 4.0]
    expected = stats.t.interval(0.95, 2, loc=np.mean(values), scale=stats.sem(values))
    assert ends(UNBOUNDED, values) == pytest.approx(expected)


def test_one_draw_and_a_heavy_tail_have_none() -> None:
    assert mean_interval(UNBOUNDED, summarize([1.0])) is None
    assert mean_interval(UNBOUNDED, None) is None
    assert mean_interval(MEASURES["coefficient_ratio"], summarize([1.0, 2.0])) is None


@pytest.mark.parametrize("name", [name for name, one in MEASURES.items() if not one.heavy_tailed])
def test_of_a_small_spread_far_from_bounds_it_is_students(name: str) -> None:
    measure = MEASURES[name]
    middle = 0.5 if measure.high is not None else 20.0
    values = [middle - 1e-3, middle, middle + 1e-3, middle + 2e-3]
    freedom = 0.65 * 3 + 0.3 if measure.share_of else 3
    half = stats.t.ppf(0.975, freedom) * stats.sem(values)
    assert ends(measure, values) == pytest.approx((np.mean(values) - half, np.mean(values) + half), abs=1e-5)


@given(shares)
def test_of_a_measure_in_0_to_1_the_ends_solve_the_score_equation(values: list[float]) -> None:
    mean, error2 = np.mean(values), (stats.t.ppf(0.975, len(values) - 1) * stats.sem(values)) ** 2
    low, high = ends(MEASURES["averaging_index"], values)
    assert 0 <= low <= mean + 1e-12
    assert mean - 1e-12 <= high <= 1
    if error2 > 0:
        for end in (low, high):
            assert (mean - end) ** 2 == pytest.approx(error2 * end * (1 - end) / (mean * (1 - mean)), abs=1e-9)


@given(st.lists(st.floats(0, 1e6), min_size=2, max_size=12))
def test_of_a_measure_above_0_the_ends_solve_the_score_equation(values: list[float]) -> None:
    mean, error2 = np.mean(values), (stats.t.ppf(0.975, len(values) - 1) * stats.sem(values)) ** 2
    low, high = ends(MEASURES["robust_radius_sum"], values)
    assert 0 <= low <= mean * (1 + 1e-9)
    assert high >= mean * (1 - 1e-9)
    if error2 > 1e-9 * mean**2 > 0:
        assert low * high == pytest.approx(mean**2, rel=1e-6), "the product of the roots of (mean - m)^2 = a m"


@given(shares, st.integers(1, 10_000))
def test_a_share_is_trusted_no_further_than_its_points(values: list[float], points: int) -> None:
    accuracy = MEASURES["test_accuracy"]
    low, high = ends(accuracy, values, points)
    assert 0 <= low <= np.mean(values) + 1e-12
    assert np.mean(values) - 1e-12 <= high <= 1
    counted = wilson_interval(float(np.mean(values)) * len(values) * points, len(values) * points)
    assert counted is not None
    assert low <= counted[0] + 1e-12
    assert high >= counted[1] - 1e-12
    free = ends(accuracy, values)
    assert low <= free[0] + 1e-12
    assert high >= free[1] - 1e-12


def test_three_equal_seeds_do_not_know_everything() -> None:
    """[1, 1] it was. What 3,000 points leave open, with four times their variance: z^2 4 / 3000 over 1 + that."""
    low, high = ends(MEASURES["test_accuracy"], [1.0, 1.0, 1.0], 1000)
    wide = Z95**2 * (1 + UNSEEN) / 3000
    assert (low, high) == (pytest.approx(1 / (1 + wide)), 1.0)
    assert low == pytest.approx(0.9949, abs=1e-4)


def test_an_accuracy_near_1_stays_below() -> None:
    """[.796, 1.096] it was by Student's."""
    low, high = ends(MEASURES["test_accuracy"], [0.88, 0.98, 0.98], 1000)
    assert 0.5 < low < 0.85
    assert 0.98 < high < 1


@pytest.mark.parametrize(("count", "n"), [(0, 5), (3, 5), (5, 5), (10, 10), (999, 1000)])
def test_the_share_interval_is_wilsons(count: int, n: int) -> None:
    expected = stats.binomtest(count, n).proportion_ci(0.95, method="wilson")
    assert wilson_interval(count, n) == pytest.approx((expected.low, expected.high))


@given(st.integers(1, 10**6))
def test_the_share_interval_ends_where_the_share_does(n: int) -> None:
    none, every = wilson_interval(0, n), wilson_interval(n, n)
    assert none is not None
    assert every is not None
    assert (none[0], every[1]) == (0.0, 1.0)
    assert math.copysign(1, none[0]) == 1
    assert wilson_interval(0, 0) is None
