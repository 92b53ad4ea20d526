"""Mean curves of groups of runs."""

from dataclasses import replace

import numpy as np
import pytest

from phaselab.domain.answers.curves import RunCurves, group_curves
from phaselab.domain.families.resolve import resolve
from phaselab.domain.results.intervals import mean_interval
from phaselab.domain.results.measures import MEASURES
from phaselab.domain.results.over import Over
from phaselab.domain.results.summaries import summarize
from phaselab.domain.settings.settings import Settings

RADII = np.array([0.0, 10.0, 20.0])


def curves_of(
    k: int, accuracy: list[list[float]], group: str = "all", data: list[int] | None = None, first: int = 0
) -> RunCurves:
    """Curves of runs with the seeds from `first` on, and these data seeds, or their own."""
    settings = resolve(Settings.model_validate({"data": {"k": k}}))
    seeds = np.arange(first, first + len(accuracy))
    data_seeds = seeds if data is None else np.array(data)
    return RunCurves({"network.labels": group}, settings, "sum", "pgd", RADII, np.array(accuracy), data_seeds, seeds)


def test_a_group_is_the_mean_over_the_runs_of_all_its_settings() -> None:
    few, many = [[1.0, 0.5, 0.0]], [[1.0, 0.7, 0.1], [0.8, 0.9, 0.3]]
    (found,) = group_curves([curves_of(4, few), curves_of(6, many, first=1)])
    every = np.array(few + many)
    assert (found.n, found.runs, found.interval_over) == (3, 3, Over.SEEDS)
    np.testing.assert_allclose(found.mean, every.mean(axis=0))
    for i, low in enumerate(found.ci_low or ()):
        expected = mean_interval(MEASURES["test_accuracy"], summarize(every[:, i].tolist()), 1000)
        assert (low, (found.ci_high or ())[i]) == pytest.approx(expected)
    assert found.theory is not None
    assert found.theory.radius is None  # the two settings have different ones
    assert found.theory.reason == "the settings of the group differ in it"


def test_groups_stay_apart_and_one_run_has_no_interval() -> None:
    one, other = group_curves([curves_of(4, [[1.0, 0.5, 0.0]], "one"), curves_of(4, [[1.0, 0.6, 0.0]] * 2, "other")])
    assert (one.n, one.ci_low, one.ci_high) == (1, None, None)
    assert other.n == 2
    assert other.ci_low is not None
    assert other.ci_low[0] == pytest.approx(1 - 1.96**2 * 4 / (2000 + 1.96**2 * 4), abs=1e-5), "as 2,000 points have it"
    assert 0.57 < other.ci_low[1] < 0.6
    assert (other.ci_low[2], (other.ci_high or ())[0]) == (0.0, 1.0)
    assert one.theory == other.theory
    assert one.theory is not None


def test_the_upper_curves_of_a_group_are_averaged_as_its_curves_are() -> None:
    lower, upper = (
        [[1.0, 0.4, 0.0], [1.0, 0.6, 0.0], [1.0, 0.9, 0.0]],
        [[1.0, 0.8, 0.0], [1.0, 0.6, 0.0], [1.0, 1.0, 0.5]],
    )
    runs = curves_of(4, lower, data=[7, 7, 8])
    (found,) = group_curves([replace(runs, accuracy_upper=np.array(upper))])
    assert found.mean_upper == pytest.approx((1.0, 0.85, 0.25)), "of draws, not of runs"
    assert found.is_open
    (tight,) = group_curves([replace(runs, accuracy_upper=np.array(lower))])
    assert tight.mean_upper == tight.mean
    assert not tight.is_open
    other = curves_of(6, [[1.0, 0.5, 0.0]], first=9)
    (partly,) = group_curves([replace(runs, accuracy_upper=np.array(upper)), other])
    assert (partly.mean_upper, partly.is_open) == (None, False), "a run of an older version does not tell"


def test_runs_that_share_data_are_one_draw() -> None:
    """Means of the draws at radius 10: 0.5 and 0.9; of three runs on one data set each is a draw of initial weights."""
    accuracy = [[1.0, 0.4, 0.0], [1.0, 0.6, 0.0], [1.0, 0.9, 0.0]]
    (found,) = group_curves([curves_of(4, accuracy, data=[7, 7, 8])])
    assert (found.n, found.runs, found.interval_over) == (2, 3, Over.DATA)
    assert found.mean == pytest.approx((1.0, 0.7, 0.0))
    (alone,) = group_curves([curves_of(4, accuracy, data=[7, 7, 7])])
    assert (alone.n, alone.runs, alone.interval_over) == (3, 3, Over.WEIGHTS)
    assert alone.mean == pytest.approx((1.0, 1.9 / 3, 0.0))
