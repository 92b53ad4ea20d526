"""A GPU that others use, simulated: the numbers of free bytes are made up, the computing is real, on the CPU."""

from collections.abc import Callable, Iterator

import pytest
import torch

from phaselab.domain.results.results import Outcome
from phaselab.domain.settings.settings import Settings
from phaselab.domain.settings.stacks import Stack
from phaselab.workers.base.device import Memory
from phaselab.workers.base.stop import Stopped
from phaselab.workers.families.registry import bytes_needed, family_of
from phaselab.workers.trial import computing
from phaselab.workers.trial.computing import LOOK_SECONDS, LOOKS, USABLE, SharedGpu, ready
from phaselab.workers.trial.run_stack import run_stack
from tests.workers.runs import results, small_run, stack

STACK = stack(*(small_run(seed) for seed in range(5)))
RUN = bytes_needed(STACK.runs[0].settings)
TOTAL = 1000 * RUN


def never() -> bool:
    return False


@pytest.fixture
def sizes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many runs each part had."""
    seen: list[int] = []

    def counted(part: Stack, device: str, stop: Callable[[], bool]) -> list[Outcome]:
        seen.append(len(part.runs))
        return run_stack(part, device, stop)

    monkeypatch.setattr(computing, "run_stack", counted)
    return seen


def gpu(*free_runs: float, paused: list[float] | None = None) -> SharedGpu:
    """A GPU on which so many runs fit, look after look; the last number stays."""
    waits: list[float] = [] if paused is None else paused
    looks: Iterator[float] = iter(free_runs)
    last = free_runs[-1]
    return SharedGpu(lambda: Memory(int(next(looks, last) * RUN / USABLE) + 8, TOTAL), waits.append)


def test_what_fits_is_computed_at_once_with_the_same_results(sizes: list[int]) -> None:
    outcomes = results(gpu(5)(STACK, "cpu", never))
    assert sizes == [5]
    assert [outcome.key for outcome in outcomes] == [run.key for run in STACK.runs]


def test_a_stack_is_computed_in_parts_that_fit_into_what_is_free_each_time(sizes: list[int]) -> None:
    outcomes = results(gpu(2.5, 1.0, 40)(STACK, "cpu", never))
    assert sizes == [2, 1, 2]
    whole = results(run_stack(STACK))
    assert [outcome.key for outcome in outcomes] == [outcome.key for outcome in whole]
    for mine, others in zip(outcomes, whole, strict=True):
        for name, value in others.measures.items():
            assert mine.measures[name] == (None if value is None else pytest.approx(value, rel=1e-3))


def test_runs_that_are_computed_one_after_the_other_need_room_for_one_alone(
    sizes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that a training whose runs they are is computed once."""
    monkeypatch.setattr(family_of(STACK.runs[0].settings), "together", False)

    def counted(part: Stack, *how: object) -> list[str]:
        sizes.append(len(part.runs))
        return [run.key for run in part.runs]

    monkeypatch.setattr(computing, "run_stack", counted)
    gpu(1)(STACK, "cpu", never)
    assert sizes == [5]


def test_a_trial_waits_until_others_have_made_room(sizes: list[int]) -> None:
    paused: list[float] = []
    gpu(0.1, 0.9, 5, paused=paused)(STACK, "cpu", never)
    assert (paused, sizes) == ([LOOK_SECONDS] * 2, [5])


def test_a_trial_that_waits_can_be_stopped() -> None:
    with pytest.raises(Stopped):
        gpu(0.1)(STACK, "cpu", lambda: True)


def test_in_the_end_a_run_is_tried_by_itself(sizes: list[int]) -> None:
    paused: list[float] = []
    gpu(0.1, paused=paused)(stack(STACK.runs[0]), "cpu", never)
    assert (len(paused), sizes) == (LOOKS, [1])


def test_a_run_too_large_for_the_gpu_is_not_waited_for(sizes: list[int]) -> None:
    paused: list[float] = []
    SharedGpu(lambda: Memory(RUN // 2, RUN // 2), paused.append)(stack(STACK.runs[0]), "cpu", never)
    assert (paused, sizes) == ([], [1])


def test_a_resnet_takes_memory_by_its_width() -> None:
    groups = {"data": {"source": "cifar10"}, "network": {"kind": "resnet18", "width": 32}}
    assert bytes_needed(Settings.model_validate(groups)) == 8_000_000_000


def test_a_promised_gpu_that_is_not_there_is_said_so() -> None:
    if not torch.cuda.is_available():
        with pytest.raises(RuntimeError, match="CUDA build"):
            ready("cuda", 1)
    assert ready("cpu", torch.get_num_threads()) is run_stack
