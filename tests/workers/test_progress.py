"""What is told while runs are computed: it never goes back, and says of which run it is."""

from itertools import pairwise

import pytest

from phaselab.domain.results.parcels import Progress
from phaselab.domain.results.states import Stage
from phaselab.workers.base.progress import heard, part, run_at_work, tell
from phaselab.workers.trial.run_stack import run_stack
from tests.workers.runs import small_run, stack
from tests.workers.test_resnet import resnet_run


def test_parts_of_a_stage_add_up_and_a_run_starts_anew() -> None:
    told: list[Progress] = []
    with heard(told.append):
        tell(Stage.TRAINING, 1, 4)
        with part(1, 2), part(0, 2):
            tell(Stage.ATTACK, 1, 2)
            with run_at_work("key"):
                tell(Stage.TRAINING, 3, 4)
        tell(Stage.ATTACK, 3, 4)
    tell(Stage.ATTACK, 4, 4)
    with part(1, 2), run_at_work("key"):
        tell(Stage.ATTACK, 4, 4)
    assert told == [
        Progress(Stage.TRAINING, 0.25),
        Progress(Stage.ATTACK, 0.625),
        Progress(Stage.TRAINING, 0.75, "key"),
        Progress(Stage.ATTACK, 0.75),
    ]


def only_forward(told: list[Progress]) -> None:
    """Training before attack, each from its beginning nearly to its end."""
    stages = [progress.stage for progress in told]
    attack = stages.index(Stage.ATTACK)
    assert set(stages[:attack]) == {Stage.TRAINING}
    assert set(stages[attack:]) == {Stage.ATTACK}
    for shares in ([one.share for one in told[:attack]], [one.share for one in told[attack:]]):
        assert all(before <= after for before, after in pairwise(shares))
        assert 0 <= shares[0] < 0.2
        assert shares[-1] <= 1
        assert shares[-1] > 0.5


@pytest.mark.parametrize("labels", ["binary", "clusters"])
@pytest.mark.parametrize("engine", ["gram", "autograd"])
def test_a_stack_of_two_layer_networks_goes_on_together(labels: str, engine: str) -> None:
    told: list[Progress] = []
    with heard(told.append):
        run_stack(stack(*(small_run(seed, network__labels=labels, training__engine=engine) for seed in (0, 1))))
    assert {progress.key for progress in told} == {None}
    only_forward(told)


def test_resnets_go_on_one_after_the_other() -> None:
    told: list[Progress] = []
    runs = [resnet_run(seed, network={"kind": "resnet18", "width": 2, "labels": "clusters"}) for seed in (0, 1)]
    with heard(told.append):
        run_stack(stack(*runs))
    keys = [progress.key for progress in told]
    second = keys.index(runs[1].key)
    assert (set(keys[:second]), set(keys[second:])) == ({runs[0].key}, {runs[1].key})
    only_forward(told[:second])
    only_forward(told[second:])
