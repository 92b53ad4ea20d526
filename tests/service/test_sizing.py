import pytest

from phaselab.domain.families.cost import estimate_seconds, estimate_together, training_seconds
from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.settings import Settings
from phaselab.service.scheduling.sizing import MOST_RUNS, Pace, share, stacks_of
from tests.workers.runs import small_run


def settings(test_points: int = 60, engine: str = "gram") -> Settings:
    return small_run(attack__test_points=test_points, training__engine=engine).settings


def runs(count: int) -> list[Run]:
    """Trainings of so many seeds."""
    return [small_run(seed) for seed in range(count)]


HERE = settings()
ESTIMATED = estimate_seconds(HERE)


def test_the_estimate_serves_until_something_was_measured() -> None:
    pace = Pace(10 * ESTIMATED)
    assert pace.size(HERE) == 10
    pace.note(runs(10), 50 * ESTIMATED)
    assert pace.size(HERE) == 2
    assert pace.size(settings(engine="autograd")) == 10, "of another program nothing is known"


@pytest.mark.parametrize("off", [0.1, 1.0, 20.0])
def test_what_a_run_of_another_shape_took_is_scaled_by_the_estimates(off: float) -> None:
    """As where an axis makes runs much dearer: the first stack after the jump is of the right size already."""
    dear, target = settings(test_points=6000), 100 * ESTIMATED
    pace = Pace(target)
    pace.note(runs(100), 100 * off * ESTIMATED)
    expected = target / (off * estimate_seconds(dear))
    assert pace.size(dear) == max(1, round(expected))
    assert pace.size(dear) < pace.size(HERE)


@pytest.mark.parametrize("seconds", [0.0, 1e-9, 1e9])
def test_a_stack_holds_at_least_one_run_and_not_too_many(seconds: float) -> None:
    pace = Pace(1.0)
    assert 1 <= pace.size(HERE) <= MOST_RUNS
    pace.note(runs(1), seconds)
    assert 1 <= pace.size(HERE) <= 4
    assert 1 <= pace.size(settings(test_points=61)) <= MOST_RUNS


def test_size_settles_where_a_stack_takes_the_wanted_time() -> None:
    """With a cost that is no more than proportional: 0.2 s a stack and 0.01 s a run make 80 runs a second."""
    pace = Pace(1.0)
    size = pace.size(HERE)
    for _ in range(30):
        pace.note(runs(size), 0.2 + 0.01 * size)
        size = pace.size(HERE)
    assert size == pytest.approx(80, abs=2)


def test_one_slow_stack_does_not_make_the_next_ones_tiny() -> None:
    pace = Pace(1.0)
    for _ in range(10):
        pace.note(runs(100), 1.0)
    pace.note(runs(100), 3.0)
    assert pace.size(HERE) == 50


def test_few_runs_are_shared_out_among_the_trials() -> None:
    assert share(50, 2) == 25
    assert share(3, 8) == 1
    assert share(0, 0) == 1


def filled(pace: Pace, waiting: list[Run], most: int = MOST_RUNS) -> list[Run]:
    """The runs that go into a stack."""
    load, found = pace.load(waiting[0].settings, most), []
    for run in waiting:
        if not load.takes(run):
            break
        found.append(run)
    return found


def long(seed: int, steps: int) -> Run:
    """A run whose training is dear beside everything else."""
    return small_run(seed, data__n=2000, training__steps=steps, attack__methods=[])


@pytest.mark.parametrize("count", [1, 7, 30])
def test_a_stack_of_trainings_of_their_own_is_filled_to_its_size(count: int) -> None:
    pace = Pace(count * ESTIMATED)
    assert len(filled(pace, runs(50))) == pace.size(HERE) == count


def test_a_shared_training_counts_once() -> None:
    trained = [long(0, steps) for steps in (0, 10_000, 5_000)]
    once, looking = training_seconds(trained[1].settings), estimate_seconds(trained[0].settings)
    assert once > 10 * looking
    assert estimate_together(trained) == pytest.approx(once + 3 * looking)
    assert estimate_together([*trained, long(1, 10_000)]) == pytest.approx(2 * once + 4 * looking)
    pace = Pace(10 * once)
    pace.note(trained, 3 * estimate_together(trained))
    assert pace.size(trained[1].settings) == pytest.approx(10 / 3, abs=1)


def test_all_looks_at_a_dear_training_go_into_its_stack() -> None:
    """However few runs its trial is to take, and though the first of them promised a small stack of cheap ones."""
    waiting = [long(seed, steps) for seed in range(3) for steps in (0, 20_000, 10_000, 5_000)]
    pace = Pace(training_seconds(waiting[1].settings) / 10)
    assert filled(pace, waiting, most=2) == waiting[:4]
    assert filled(Pace(1e9), waiting) == waiting


def test_a_training_that_is_cheap_beside_the_looks_at_it_is_cut() -> None:
    waiting = [small_run(0, training__steps=steps) for steps in range(30)]
    assert training_seconds(waiting[-1].settings) < 0.1 * estimate_seconds(waiting[0].settings)
    assert len(filled(Pace(1e9), waiting, most=5)) == 5
    assert len(filled(Pace(10 * estimate_seconds(waiting[0].settings)), waiting)) == 10


def test_a_stack_is_filled_no_further_than_half_of_the_limit() -> None:
    waiting = [long(0, 20_000 + steps) for steps in range(10)]
    once, looking = training_seconds(waiting[0].settings), estimate_seconds(long(0, 0).settings)
    assert filled(Pace(once / 10, 2 * (once + 3.5 * looking)), waiting) == waiting[:3]
    assert filled(Pace(once / 10, once), waiting) == waiting[:1]


def test_stacks_are_counted_as_they_are_filled() -> None:
    assert stacks_of(20, 20, 0.0, 20.0, 1.0) == 20
    assert stacks_of(20, 20, 0.0, 2.0, 1.0) == 2
    assert stacks_of(40, 2, 200.0, 4.0, 1.0) == 2
    assert stacks_of(40, 2, 2.0, 40.0, 1.0) == 10
