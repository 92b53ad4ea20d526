import pytest

from phaselab.domain.families.cost import estimate_seconds
from phaselab.domain.settings.settings import Settings
from phaselab.service.scheduling.sizing import MOST_RUNS, Pace, share
from tests.workers.runs import small_run


def settings(test_points: int = 60, engine: str = "gram") -> Settings:
    return small_run(attack__test_points=test_points, training__engine=engine).settings


HERE = settings()
ESTIMATED = estimate_seconds(HERE)


def test_the_estimate_serves_until_something_was_measured() -> None:
    pace = Pace(10 * ESTIMATED)
    assert pace.size(HERE) == 10
    pace.note(HERE, 10, 50 * ESTIMATED)
    assert pace.size(HERE) == 2
    assert pace.size(settings(engine="autograd")) == 10, "of another program nothing is known"


@pytest.mark.parametrize("off", [0.1, 1.0, 20.0])
def test_what_a_run_of_another_shape_took_is_scaled_by_the_estimates(off: float) -> None:
    """As where an axis makes runs much dearer: the first stack after the jump is of the right size already."""
    dear, target = settings(test_points=6000), 100 * ESTIMATED
    pace = Pace(target)
    pace.note(HERE, 100, 100 * off * ESTIMATED)
    expected = target / (off * estimate_seconds(dear))
    assert pace.size(dear) == max(1, round(expected))
    assert pace.size(dear) < pace.size(HERE)


@pytest.mark.parametrize("seconds", [0.0, 1e-9, 1e9])
def test_a_stack_holds_at_least_one_run_and_not_too_many(seconds: float) -> None:
    pace = Pace(1.0)
    assert 1 <= pace.size(HERE) <= MOST_RUNS
    pace.note(HERE, 1, seconds)
    assert 1 <= pace.size(HERE) <= 4
    assert 1 <= pace.size(settings(test_points=61)) <= MOST_RUNS


def test_size_settles_where_a_stack_takes_the_wanted_time() -> None:
    """With a cost that is no more than proportional: 0.2 s a stack and 0.01 s a run make 80 runs a second."""
    pace = Pace(1.0)
    size = pace.size(HERE)
    for _ in range(30):
        pace.note(HERE, size, 0.2 + 0.01 * size)
        size = pace.size(HERE)
    assert size == pytest.approx(80, abs=2)


def test_one_slow_stack_does_not_make_the_next_ones_tiny() -> None:
    pace = Pace(1.0)
    for _ in range(10):
        pace.note(HERE, 100, 1.0)
    pace.note(HERE, 100, 3.0)
    assert pace.size(HERE) == 50


def test_few_runs_are_shared_out_among_the_trials() -> None:
    assert share(50, 2) == 25
    assert share(3, 8) == 1
    assert share(0, 0) == 1
