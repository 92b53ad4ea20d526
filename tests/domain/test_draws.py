"""What runs are independent draws of."""

import math

import numpy as np
import pytest

from phaselab.domain.answers.counts import counted, interval_words
from phaselab.domain.results.draws import at_most, draws_of, summarize_draws
from phaselab.domain.results.over import Over
from phaselab.domain.results.statistics import Sample, evaluate
from phaselab.domain.results.summaries import summarize


@pytest.mark.parametrize(
    ("data", "seeds", "over", "n"),
    [
        ([0, 1, 2], [0, 1, 2], Over.SEEDS, 3),
        ([7, 7, 8, 8], [0, 1, 0, 1], Over.DATA, 2),
        ([7, 7, 7], [0, 1, 2], Over.WEIGHTS, 3),
        ([7, 7, 7, 7], [0, 1, 0, 1], Over.WEIGHTS, 2),
        ([0, 1, 0, 1], [0, 1, 0, 1], Over.DATA, 2),
        ([3, 3], [3, 3], Over.DATA, 1),
        ([3], [3], Over.SEEDS, 1),
    ],
)
def test_draws(data: list[int], seeds: list[int], over: Over, n: int) -> None:
    draws = draws_of(np.array(data), np.array(seeds))
    assert (draws.over, draws.n) == (over, n)
    assert len(set(draws.index.tolist())) == n


def test_each_draw_counts_alike_however_many_runs_it_has() -> None:
    draws = draws_of(np.array([7, 7, 7, 8, 9]), np.arange(5))
    values = np.array([1.0, 2.0, math.nan, 5.0, math.nan])
    assert summarize_draws(draws, values) == summarize([1.5, 5.0])
    assert summarize_draws(draws, np.full(5, math.nan)) is None


@pytest.mark.parametrize("shared", [0.0, 0.7, 1.0])
def test_what_settings_share_makes_their_mean_at_most_so_uncertain(shared: float) -> None:
    """20,000 times six settings with ten draws each, which share a part of what is random; brute force."""
    rng = np.random.default_rng(0)
    common, own = rng.normal(size=(20_000, 1, 10)), rng.normal(size=(20_000, 6, 10))
    values = np.sqrt(shared) * common + np.sqrt(1 - shared) * own + np.arange(6)[:, None]  # [trials, settings, draws]
    true = values.mean(axis=(1, 2)).std()
    bounds = [at_most([summary for one in trial if (summary := summarize(one))]) for trial in values[:500]]
    errors = [one.sd / np.sqrt(one.n) for one in bounds if one.sd is not None]
    assert len(errors) == 500
    assert np.mean(errors) >= true * 0.95
    if shared == 1.0:
        assert np.mean(errors) == pytest.approx(true, rel=0.06)
    first = bounds[0]
    assert (first.n, first.mean) == (10, pytest.approx(values[0].mean()))


def test_a_settings_with_one_run_makes_them_one_draw() -> None:
    several, single = summarize([1.0, 2.0]), summarize([3.0])
    assert several is not None
    assert single is not None
    found = at_most([several, single])
    assert (found.n, found.mean, found.sd) == (1, pytest.approx(2.25), None)


def test_counts_in_words() -> None:
    assert counted([(3, 3, Over.SEEDS), (0, 0, None)]) == "n = 3 runs"
    assert counted([(3, 15, Over.DATA), (2, 10, Over.DATA)]) == "n = 2–3 data seeds (10–15 runs)"
    assert counted([(5, 5, Over.WEIGHTS)]) == "n = 5 initial weights on one data set"
    assert counted([(0, 0, None)]) == ""
    assert interval_words([Over.DATA, None, Over.DATA]).startswith("over data seeds")
    assert interval_words([]) == ""


def test_no_statistic_is_a_negative_zero() -> None:
    sample = Sample(summarize([-0.0, -0.0]), (-0.0, -0.0))
    for statistic in ("mean", "min", "max", "median"):
        value = evaluate(statistic, sample)
        assert value is not None
        assert math.copysign(1, value) == 1, statistic
