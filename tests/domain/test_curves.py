"""Mean curves of groups of runs."""

import numpy as np
import pytest
from scipy import stats

from phaselab.domain.answers.curves import RunCurves, group_curves
from phaselab.domain.families.resolve import resolve
from phaselab.domain.settings.settings import Settings

RADII = np.array([0.0, 10.0, 20.0])


def curves_of(k: int, accuracy: list[list[float]], group: str = "all") -> RunCurves:
    settings = resolve(Settings.model_validate({"data": {"k": k}}))
    return RunCurves({"network.labels": group}, settings, "sum", "pgd", RADII, np.array(accuracy))


def test_a_group_is_the_mean_over_the_runs_of_all_its_settings() -> None:
    few, many = [[1.0, 0.5, 0.0]], [[1.0, 0.7, 0.1], [0.8, 0.9, 0.3]]
    (found,) = group_curves([curves_of(4, few), curves_of(6, many)])
    every = np.array(few + many)
    assert found.n == 3
    np.testing.assert_allclose(found.mean, every.mean(axis=0))
    low, high = stats.t.interval(0.95, 2, every.mean(axis=0), stats.sem(every, axis=0))
    np.testing.assert_allclose(found.ci_low, np.clip(low, 0, 1))  # type: ignore[arg-type]
    np.testing.assert_allclose(found.ci_high, np.clip(high, 0, 1))  # type: ignore[arg-type]
    assert found.theory is not None
    assert found.theory.radius is None  # the two settings have different ones
    assert found.theory.reason == "the settings of the group differ in it"


def test_groups_stay_apart_and_one_run_has_no_interval() -> None:
    one, other = group_curves([curves_of(4, [[1.0, 0.5, 0.0]], "one"), curves_of(4, [[1.0, 0.6, 0.0]] * 2, "other")])
    assert (one.n, one.ci_low, one.ci_high) == (1, None, None)
    assert other.n == 2
    assert other.ci_low == pytest.approx((1.0, 0.6, 0.0))
    assert one.theory == other.theory
    assert one.theory is not None
