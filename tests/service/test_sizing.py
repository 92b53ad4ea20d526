import pytest

from service.sizing import MOST_RUNS, Pace, share


def test_the_estimate_serves_until_something_was_measured() -> None:
    pace = Pace(1.0)
    assert pace.size("a", 0.1) == 10
    pace.note("a", 10, 5.0)
    assert pace.size("a", 0.1) == 2
    assert pace.size("b", 0.1) == 10


@pytest.mark.parametrize("seconds", [0.0, 1e-9, 1e9])
def test_a_stack_holds_at_least_one_run_and_not_too_many(seconds: float) -> None:
    pace = Pace(1.0)
    assert 1 <= pace.size("a", seconds) <= MOST_RUNS
    pace.note("a", 1, seconds)
    assert 1 <= pace.size("a", 1.0) <= 4


def test_size_settles_where_a_stack_takes_the_wanted_time() -> None:
    """With a cost that is no more than proportional: 0.2 s a stack and 0.01 s a run make 80 runs a second."""
    pace = Pace(1.0)
    size = pace.size("a", 5.0)
    for _ in range(30):
        pace.note("a", size, 0.2 + 0.01 * size)
        size = pace.size("a", 5.0)
    assert size == pytest.approx(80, abs=2)


def test_one_slow_stack_does_not_make_the_next_ones_tiny() -> None:
    pace = Pace(1.0)
    for _ in range(10):
        pace.note("a", 100, 1.0)
    pace.note("a", 100, 3.0)
    assert pace.size("a", 1.0) == 50


def test_few_runs_are_shared_out_among_the_trials() -> None:
    assert share(50, 2) == 25
    assert share(3, 8) == 1
    assert share(0, 0) == 1
