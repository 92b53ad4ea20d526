"""The dispatcher between a real database and a mailbox that only writes down what it gets."""

import time
from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select

from phaselab.db.queue import leadership
from phaselab.db.queue.leases import Leased
from phaselab.db.queue.progress import RunningProgress
from phaselab.db.queue.workforce import Share, Trial
from phaselab.db.schema.database import Database
from phaselab.db.schema.tables import runs
from phaselab.domain.families.cost import estimate_seconds
from phaselab.domain.results.parcels import Letter, Parcel, Progress, Seat
from phaselab.domain.results.states import RunState, Stage
from phaselab.service.base.configuration import Configuration
from phaselab.service.scheduling.dispatch import Dispatcher
from phaselab.service.scheduling.fairness import Use
from phaselab.service.scheduling.sizing import Pace
from phaselab.service.scheduling.work_queue import WorkQueue
from phaselab.service.verbs import experiments
from tests.db.rows import store
from tests.faults.harness import landed, states
from tests.results import made_up


class Box:
    """A mailbox in whose place the test decides what trials do."""

    def __init__(self) -> None:
        self.letters: list[Letter] = []
        self.told: dict[int, Progress] = {}
        self.left: int | None = None
        self.seated: dict[str, Seat] = {}
        self.held = True

    def put(self, letters: Sequence[Letter], first: bool = False) -> None:
        self.letters = [*letters, *self.letters] if first else [*self.letters, *letters]

    def stop(self, numbers: Sequence[int]) -> list[int]:
        return [] if self.held else list(numbers)

    def bury(self, trial: str) -> int | None:
        return self.left

    def progress(self) -> dict[int, Progress]:
        return self.told

    def seats(self) -> dict[str, Seat]:
        return self.seated


@pytest.fixture
def box() -> Box:
    return Box()


@pytest.fixture
def dispatcher(database: Database, box: Box) -> Dispatcher:
    configuration = Configuration(database_url=str(database.url))
    use, pace = Use(60.0, time.monotonic()), Pace(configuration.stack_seconds)
    return Dispatcher(configuration, WorkQueue(database, 60.0), box, pace, use, 1)


def test_progress_is_written_when_it_has_gone_on(
    database: Database, box: Box, dispatcher: Dispatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = store(database, seeds=[0])
    assert dispatcher.feed()
    one, other = box.letters
    written = []
    note = WorkQueue.note_progress

    def counted(queue: WorkQueue, noted: Sequence[tuple[Sequence[str], Stage, float]]) -> None:
        written.append(len(noted))
        note(queue, noted)

    monkeypatch.setattr(WorkQueue, "note_progress", counted)
    dispatcher.note_progress()
    assert written == [], "stacks that end at once are never told of"
    key = other.stack.runs[0].key
    box.told = {one.number: Progress(Stage.TRAINING, 0.5), other.number: Progress(Stage.ATTACK, 0.25, key)}
    for _ in range(2):
        dispatcher.note_progress()
    box.told = {
        one.number: Progress(Stage.TRAINING, 0.75),
        other.number: Progress(Stage.ATTACK, 0.25, key),
        99: Progress(Stage.TRAINING, 0.5),
    }
    dispatcher.note_progress()
    assert written == [2, 2], "what has not gone on is not written again"
    found = experiments.experiment(database, experiment).progress
    trained = RunningProgress(Stage.TRAINING, 0.75, len(one.stack.runs))
    assert found == (RunningProgress(Stage.ATTACK, 0.25, 1), trained)
    dispatcher.on_parcel(Parcel(one.number, [made_up(run) for run in one.stack.runs], 1.0))
    dispatcher.on_parcel(Parcel(other.number, [made_up(run) for run in other.stack.runs], 1.0))
    assert experiments.experiment(database, experiment).progress == ()
    assert landed(database, experiment) == len(one.stack.runs) + len(other.stack.runs)


def test_who_computes_what_is_told(database: Database, box: Box, dispatcher: Dispatcher) -> None:
    experiment = store(database, seeds=[0])
    dispatcher.feed()
    one, other = box.letters
    seats = {"a": Seat("node 1", one.number, 3.0), "b": Seat("node 2", None, 7.0), "c": Seat("node 2", 99, 1.0)}
    box.seated, box.told = seats, {one.number: Progress(Stage.TRAINING, 0.5)}
    dispatcher.note_progress()
    trials, shares = dispatcher.workforce()
    assert trials[0] == Trial("a", "node 1", 3.0, experiment, "ada", len(one.stack.runs), Stage.TRAINING, 0.5)
    assert trials[1:] == [Trial("b", "node 2", 7.0), Trial("c", "node 2", 1.0)], "nothing is known of letter 99"
    assert shares == [Share("ada", 0.0, 2)]
    dispatcher.on_parcel(Parcel(other.number, [made_up(run) for run in other.stack.runs], 8.0))
    (share,) = dispatcher.workforce()[1]
    assert (share.owner, share.stacks) == ("ada", 1)
    assert share.seconds == pytest.approx(8.0, rel=0.1), "less by what is forgotten"


def test_what_a_dead_worker_held_goes_out_again(database: Database, box: Box, dispatcher: Dispatcher) -> None:
    store(database, seeds=[0], sweep={"network.init_scale": [1e-5]})
    dispatcher.feed()
    (letter,) = box.letters
    box.letters, box.left = [], letter.number
    dispatcher.on_death("trial")
    assert [again.stack for again in box.letters] == [letter.stack]
    assert len(dispatcher.ledger) == 1
    assert states(database)[0][0] == RunState.LEASED


def test_an_experiment_of_which_nothing_can_be_taken_holds_up_no_other(
    database: Database, box: Box, dispatcher: Dispatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, sound = store(database, seeds=[0]), store(database, seeds=[1])
    take, asked = WorkQueue.take, []

    def with_a_bug(queue: WorkQueue, experiment: int, *how: Any) -> Leased | None:
        asked.append(experiment)
        if experiment == broken:
            raise OverflowError("a bug")
        return take(queue, experiment, *how)

    monkeypatch.setattr(WorkQueue, "take", with_a_bug)
    for _ in range(3):
        assert dispatcher.feed()
    assert {run.seed for letter in box.letters for run in letter.stack.runs} == {1}
    assert asked.count(broken) == 1, "it is left aside for a while"
    with database.reading() as session:
        assert leadership.asides(session) == {broken: "OverflowError: a bug"}, "whoever looks is told"
    monkeypatch.setattr(WorkQueue, "take", take)
    later = SimpleNamespace(monotonic=lambda: 1e9)  # for this module alone: loops of servers in this process would stop
    monkeypatch.setattr("phaselab.service.scheduling.dispatch.time", later)
    for letter in box.letters:
        dispatcher.on_parcel(Parcel(letter.number, [made_up(run) for run in letter.stack.runs], 1.0))
    dispatcher.feed()
    with database.reading() as session:
        assert leadership.asides(session) == {}
    assert sound in asked


def test_a_result_that_cannot_be_stored_fails_alone(
    database: Database, box: Box, dispatcher: Dispatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = store(database, seeds=[0])
    dispatcher.feed()
    (letter, _) = box.letters
    first, *others = letter.stack.runs
    odd = replace(made_up(first), provenance={"device": b"cpu"})  # type: ignore[dict-item]
    dispatcher.on_parcel(Parcel(letter.number, [odd, *map(made_up, others)], 1.0))
    assert landed(database, experiment) == len(others)
    with database.reading() as session:
        failed = session.execute(select(runs.c.key, runs.c.reason).where(runs.c.state == RunState.FAILED)).all()
    assert [key for key, _ in failed] == [first.key]
    assert "its result cannot be stored: TypeError" in failed[0].reason


def test_a_cancelled_stack_is_given_back_once_no_trial_holds_it(
    database: Database, box: Box, dispatcher: Dispatcher
) -> None:
    experiment = store(database, seeds=[0], sweep={"network.init_scale": [1e-5]})
    dispatcher.feed()
    experiments.cancel(database, experiment)
    for box.held, state in ((True, RunState.LEASED), (False, RunState.CANCELLED)):
        dispatcher.stop_unwanted()
        assert states(database)[0][0] == state
    assert len(dispatcher.ledger) == 0


def test_stacks_have_the_size_of_the_runs_that_come_next(database: Database, box: Box, dispatcher: Dispatcher) -> None:
    """Not of those before, which were much cheaper; on a machine that takes ten times as long as was estimated."""
    taken: list[float] = []
    for test_points in (100, 3000):
        taken.clear()
        attack = {"radii": [0, 10, 20], "test_points": test_points}
        store(database, data={"d": 32, "n": 20}, seeds=40, sweep={"network.init_scale": [1e-5]}, attack=attack)
        while dispatcher.feed():
            letters, box.letters = box.letters, []
            for letter in letters:
                runs = letter.stack.runs
                taken.append(10 * len(runs) * estimate_seconds(runs[0].settings))
                dispatcher.on_parcel(Parcel(letter.number, [made_up(run) for run in runs], taken[-1]))
    assert max(taken) < 2, "stacks are to take a second"
    assert len(taken) < 40


def test_a_training_goes_into_one_stack_however_small_stacks_are(
    database: Database, box: Box, dispatcher: Dispatcher
) -> None:
    """Where training is dear; runs that differ only in their steps wait side by side, those of the first seed first."""
    steps, scales = [0, 10_000, 2_500, 5_000, 20_000], [1e-5, 1e-3, 1e-4]
    sweep = {"training.steps": steps, "network.init_scale": scales}
    store(database, data={"d": 3000, "n": 500}, sweep=sweep, seeds=2, attack={"radii": [0], "test_points": 10})
    stacks = []
    while dispatcher.feed():
        letters, box.letters = box.letters, []
        for letter in letters:
            runs = letter.stack.runs
            stacks.append([(run.seed, run.settings.network.init_scale) for run in runs])
            assert {run.settings.training.steps for run in runs} == set(steps)
            dispatcher.on_parcel(Parcel(letter.number, [made_up(run) for run in runs], 20.0))
    assert [len(set(trainings)) for trainings in stacks] == [1] * 6, "each is worth 20 seconds"
    assert [trainings[0] for trainings in stacks] == [(seed, scale) for seed in (0, 1) for scale in (1e-5, 1e-4, 1e-3)]
