"""The trial's own parts, without Ray: the mailbox as the actor runs it, and computing that fails."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from phaselab.domain.results.parcels import Letter, Progress
from phaselab.domain.results.results import Outcome, RunFailure, RunResult
from phaselab.domain.results.states import Stage
from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.settings import Settings
from phaselab.domain.settings.stacks import Stack
from phaselab.workers.trial import trainable
from phaselab.workers.trial.mailbox import Mailbox, MailboxClient
from phaselab.workers.trial.trainable import ATTEMPTS, StackStopped, StopWatch, compute_surely, load_compute


def stack(*seeds: int) -> Stack:
    return Stack(tuple(Run.of(Settings(), seed) for seed in seeds))


def result(run: Run) -> RunResult:
    return RunResult(run.key, {}, (), np.zeros((1, 1), np.float32))


def in_mailbox(story: Callable[[Mailbox], Any]) -> None:
    async def run() -> None:
        await story(Mailbox())

    asyncio.run(run())


def test_letters_are_taken_in_order_and_urgent_ones_first() -> None:
    async def story(mailbox: Mailbox) -> None:
        await mailbox.put([Letter(1, stack(1)), Letter(2, stack(2))])
        await mailbox.put([Letter(3, stack(3)), Letter(4, stack(4))], first=True)
        taken = [await mailbox.take("a", 0.01) for _ in range(5)]
        assert [letter.number if letter else None for letter in taken] == [3, 4, 1, 2, None]

    in_mailbox(story)


def test_a_waiting_trial_is_woken_by_a_letter_and_sent_away_by_the_end() -> None:
    async def story(mailbox: Mailbox) -> None:
        waiting = [asyncio.create_task(mailbox.take(trial, 30)) for trial in "ab"]
        await asyncio.sleep(0)
        await mailbox.put([Letter(1, stack(1))])
        done, rest = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        assert [task.result().number for task in done if task.result()] == [1]
        await mailbox.close()
        assert await asyncio.gather(*rest) == [None]
        assert await mailbox.take("c", 30) is None

    in_mailbox(story)


def test_the_letter_of_a_dead_trial_is_found_once() -> None:
    async def story(mailbox: Mailbox) -> None:
        await mailbox.put([Letter(1, stack(1))])
        await mailbox.take("a", 1)
        assert await mailbox.bury("b") is None
        assert await mailbox.bury("a") == 1
        assert await mailbox.bury("a") is None

    in_mailbox(story)


def test_no_letter_goes_to_a_worker_that_died_while_it_waited() -> None:
    async def story(mailbox: Mailbox) -> None:
        dead = asyncio.create_task(mailbox.take("a", 30))
        await asyncio.sleep(0)
        assert await mailbox.bury("a") is None
        await mailbox.put([Letter(1, stack(1))])
        following = await mailbox.take("a", 1)
        assert following is not None
        assert await dead is None
        assert await mailbox.bury("a") == 1

    in_mailbox(story)


def test_no_letter_goes_to_a_call_whose_trial_has_asked_again() -> None:
    async def story(mailbox: Mailbox) -> None:
        calls = []
        for _ in range(2):
            calls.append(asyncio.create_task(mailbox.take("a", 30)))
            await asyncio.sleep(0)
        await mailbox.put([Letter(1, stack(1))])
        former, latter = await asyncio.gather(*calls)
        assert former is None
        assert latter is not None

    in_mailbox(story)


def test_stopping_takes_back_what_waits_and_tells_who_computes() -> None:
    async def story(mailbox: Mailbox) -> None:
        await mailbox.put([Letter(number, stack(number)) for number in (1, 2, 3)])
        await mailbox.take("a", 1)
        assert await mailbox.stop([1, 2, 9]) == [2, 9]
        assert await mailbox.look(1)
        assert not await mailbox.look(3)
        await mailbox.take("b", 1)
        assert await mailbox.stop([3]) == []
        await mailbox.give_up(3)
        assert await mailbox.stop([3]) == [3], "no trial holds it any more"
        assert await mailbox.bury("b") is None
        await mailbox.put([Letter(3, stack(3))])
        following = await mailbox.take("a", 1)
        assert following is not None
        assert following.number == 3
        assert not await mailbox.look(1), "it is forgotten once its trial goes on"

    in_mailbox(story)


def test_trials_are_known_from_their_first_question_to_their_death() -> None:
    async def story(mailbox: Mailbox) -> None:
        await mailbox.put([Letter(7, stack(1))])
        await mailbox.take("a", 1, "node 1")
        assert await mailbox.take("b", 0.01, "node 2") is None
        first = await mailbox.seats()
        assert {trial: (seat.node, seat.number) for trial, seat in first.items()} == {
            "a": ("node 1", 7),
            "b": ("node 2", None),
        }
        await mailbox.take("b", 0.01, "node 2")
        later = await mailbox.seats()
        assert later["b"].seconds > first["b"].seconds, "it waits all the time"
        assert await mailbox.take("a", 0.01, "node 1") is None
        assert (await mailbox.seats())["a"].number is None
        assert (await mailbox.seats())["a"].seconds < later["a"].seconds, "it has begun to wait"
        await mailbox.bury("a")
        assert [*await mailbox.seats()] == ["b"]

    in_mailbox(story)


def test_how_far_letters_are_is_known_while_trials_hold_them() -> None:
    async def story(mailbox: Mailbox) -> None:
        await mailbox.put([Letter(number, stack(number)) for number in (1, 2, 3)])
        await mailbox.take("a", 1)
        await mailbox.take("b", 1)
        half, whole = Progress(Stage.TRAINING, 0.5), Progress(Stage.TRAINING, 1.0)
        assert await mailbox.progress() == {}
        await mailbox.look(1, half)
        await mailbox.look(2, half)
        await mailbox.look(2, whole)
        await mailbox.look(3, half)
        assert await mailbox.progress() == {1: half, 2: whole}, "no trial holds the third"
        await mailbox.take("a", 1)
        await mailbox.bury("b")
        await mailbox.look(1, whole)
        assert await mailbox.progress() == {}

    in_mailbox(story)


class Watched(MailboxClient):
    """A mailbox that writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[Progress | None] = []
        self.looked_often = threading.Event()

    def look(self, number: int, progress: Progress | None) -> bool:
        self.told.append(progress)
        if len(self.told) == 3:
            self.looked_often.set()
        return False


@pytest.mark.parametrize(("seconds", "told"), [(0.0, True), (1e9, False)])
def test_only_stacks_that_take_long_tell_how_far_they_are(
    seconds: float, told: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainable, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(trainable, "TELL_AFTER_SECONDS", seconds)
    mailbox, half = Watched(), Progress(Stage.TRAINING, 0.5)
    watch = StopWatch(mailbox, 1, 60.0)
    watch.hear(half)
    with watch:
        assert mailbox.looked_often.wait(30)
    assert set(mailbox.told) == {half if told else None}


def test_after_an_exception_every_run_is_computed_by_itself_and_only_the_one_at_fault_fails() -> None:
    calls: list[list[int]] = []

    def compute(stack: Stack, device: str, stop: Callable[[], bool]) -> list[Outcome]:
        calls.append([run.seed for run in stack.runs])
        if 2 in calls[-1]:
            raise ValueError("two is bad")
        return [result(run) for run in stack.runs]

    outcomes = compute_surely(compute, stack(1, 2, 3), "cpu", lambda: False)
    assert [type(outcome) for outcome in outcomes] == [RunResult, RunFailure, RunResult]
    failure = outcomes[1]
    assert isinstance(failure, RunFailure)
    assert failure.key == stack(2).runs[0].key
    assert failure.reason == "ValueError: two is bad"
    assert "raise ValueError" in failure.traceback
    assert calls == [[1, 2, 3], [1], *[[2]] * ATTEMPTS, [3]]


def test_an_exception_that_passes_does_no_harm() -> None:
    failures = iter([RuntimeError("now"), RuntimeError("again")])

    def compute(stack: Stack, device: str, stop: Callable[[], bool]) -> list[Outcome]:
        for error in failures:
            raise error
        return [result(run) for run in stack.runs]

    assert [type(outcome) for outcome in compute_surely(compute, stack(1), "cpu", lambda: False)] == [RunResult]


def test_an_exception_of_a_stack_that_was_told_to_stop_is_its_stopping() -> None:
    def compute(stack: Stack, device: str, stop: Callable[[], bool]) -> list[Outcome]:
        raise InterruptedError

    for runs in (stack(1), stack(1, 2)):
        with pytest.raises(StackStopped):
            compute_surely(compute, runs, "cpu", lambda: True)


def test_the_computing_code_is_loaded_by_its_name() -> None:
    compute = load_compute("phaselab.workers.trial.computing:ready", "cpu", 1)
    outcomes = compute(Stack((tiny_run(),)), "cpu", lambda: False)
    assert [type(outcome) for outcome in outcomes] == [RunResult]


def tiny_run() -> Run:
    from_defaults = Settings().model_dump()
    from_defaults["data"] |= {"k": 4, "d": 16, "n": 20, "positive_clusters": 2, "draw": "literal"}
    from_defaults["network"] |= {"width": 2}
    from_defaults["training"] |= {"engine": "autograd", "steps": 2}
    from_defaults["attack"] |= {"test_points": 5, "radii": [0.0, 1.0], "steps": 2}
    return Run.of(Settings.model_validate(from_defaults), 0)
