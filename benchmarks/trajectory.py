"""Time as an axis: what twenty values of `training.steps` up to T cost, as multiples of one run of T.

By CPU time of a single thread, the run of T and the twenty in turn, so that others on the machine disturb the ratios
little; medians over the repetitions.
"""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table

from phaselab.domain.families.resolve import resolve
from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.settings import Settings
from phaselab.domain.settings.stacks import Stack, trajectories
from phaselab.workers.base.recent import RECENT
from phaselab.workers.data.sources import training_set
from phaselab.workers.families import mlp, resnet18, two_layer
from phaselab.workers.trial.run_stack import run_stack

VALUES = 20
REPEATS = 5
ATTACK = {"radii": {"start": 0, "stop": 60, "num": 13}, "test_points": 1000, "steps": 40}
PUBLISHED = {"data": {"k": 10, "d": 3072, "n": 1000}, "attack": ATTACK}
DEEP = {"kind": "mlp", "depth": 3, "width": 16, "output": "trained"}
IMAGES = {
    "data": {"source": "digits", "n": 500},
    "network": {"kind": "resnet18", "width": 4},
    "training": {"learning_rate": 0.05, "batch_size": 50},
    "attack": {"radii": [0, 0.5, 1], "test_points": 100, "steps": 10},
}
CASES: Mapping[str, tuple[Mapping[str, Any], int]] = {
    "two_layer, gram, binary": (PUBLISHED, 100),
    "two_layer, gram, binary, long": (PUBLISHED, 1000),
    "two_layer, gram, clusters": (PUBLISHED | {"network": {"labels": "clusters"}}, 100),
    "two_layer, gram, batches": (PUBLISHED | {"training": {"batch_size": 100}}, 1000),
    "two_layer, autograd": (PUBLISHED | {"training": {"engine": "autograd"}}, 100),
    "mlp of depth 3, gram": (PUBLISHED | {"network": DEEP, "attack": ATTACK | {"methods": ["pgd"]}}, 100),
    "mlp of depth 3, autograd": (
        PUBLISHED | {"network": DEEP, "training": {"engine": "autograd"}, "attack": ATTACK | {"methods": ["pgd"]}},
        100,
    ),
    "resnet18 on digits": (IMAGES | {"attack": IMAGES["attack"] | {"methods": ["pgd"]}}, 60),
}
"""Settings, and T. Training alone is measured, and the whole with attacks and exact radii."""


def runs_of(groups: Mapping[str, Any], steps: Sequence[int]) -> list[Run]:
    """The runs of one training."""
    training = groups.get("training", {})
    return [
        Run.of(resolve(Settings.model_validate({**groups, "training": training | {"steps": one}})), 0) for one in steps
    ]


def train(runs: Sequence[Run]) -> None:
    """Training alone, with the training set and its Gram matrix at hand; nothing is looked at after it."""
    if runs[0].settings.network.kind == "resnet18":
        before = None
        for run in runs:
            before = resnet18.train_resnet(run, "cpu", None, before)
        return
    family = mlp if runs[0].settings.network.kind == "mlp" else two_layer
    start = family.start_training(trajectories(runs), training_set(runs[0], "cpu"), "cpu")
    family.ENGINES[runs[0].settings.training.engine]([start], None)  # type: ignore[list-item]


def compute(runs: Sequence[Run]) -> None:
    """Everything: data, training, attacks, exact radii, checks and measures."""
    RECENT.clear()
    run_stack(Stack(tuple(runs)))


def ratio(work: Callable[[Sequence[Run]], None], one: Sequence[Run], several: Sequence[Run], repeats: int) -> float:
    """What several runs take over what one takes, the median of so many pairs."""
    found = []
    with torch.no_grad():
        work(one)
        for _ in range(repeats):
            alone, together = _cpu_seconds(work, one), _cpu_seconds(work, several)
            found.append(together / alone)
    return statistics.median(found)


def _cpu_seconds(work: Callable[[Sequence[Run]], None], runs: Sequence[Run]) -> float:
    start = time.thread_time()
    work(runs)
    return time.thread_time() - start


def report(console: Console) -> None:
    """Print the table of ratios."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    table = Table(
        title=f"{VALUES} values of training.steps up to T, as multiples of one run of T; CPU time of a thread"
    )
    for column in ("network", "T", "training alone", "whole", "whole, each alone"):
        table.add_column(column, justify="right")
    for name, (groups, last) in track(CASES.items(), "networks", console=console, transient=True):
        several = runs_of(groups, [round(last * (i + 1) / VALUES) for i in range(VALUES)])
        one = several[-1:]
        training, whole = ratio(train, one, several, REPEATS), ratio(compute, one, several, 3)
        table.add_row(name, str(last), f"{training:.2f}", f"{whole:.1f}", f"{_each_alone(one, several):.1f}")
    console.print(table)
    torch.set_num_threads(threads)


def _each_alone(one: Sequence[Run], several: Sequence[Run]) -> float:
    with torch.no_grad():
        alone = _cpu_seconds(compute, one)
        return sum(_cpu_seconds(compute, [run]) for run in several) / alone
