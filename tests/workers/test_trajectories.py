"""Time is an axis: runs that differ only in their steps are one training, looked at on the way, and each has what it
has alone."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from phaselab.domain.results.results import RunFailure, RunResult
from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.stacks import Stack
from phaselab.workers.families import mlp, two_layer
from phaselab.workers.networks.trained import Networks
from phaselab.workers.trial.run_stack import run_stack
from tests.workers.runs import small_run

STEPS = (12, 0, 30)
PRECISE = {"data__n": 12, "training__precision": "float64", "attack__test_points": 20}
OPTIMIZERS: dict[str, dict[str, Any]] = {
    "gd": {},
    "momentum": {"training__optimizer": "momentum", "training__momentum": 0.8},
    "nesterov, decay": {"training__optimizer": "nesterov", "training__weight_decay": 0.1},
    "batches, decay": {"training__batch_size": 5, "training__weight_decay": 0.3},
    "batches, momentum": {"training__batch_size": 5, "training__optimizer": "momentum"},
    "adversarial, decay": {"training__adversarial_radius": 1.0, "training__weight_decay": 0.1},
}
ADAM = {"training__optimizer": "adam", "training__learning_rate": 1e-2, "training__weight_decay": 0.01}
MLP = {"network__kind": "mlp", "network__output": "trained", "network__width": 2, "network__init_scale": 0.3}
ENGINES = ("gram", "autograd")


def mixed(**changes: Any) -> list[Run]:
    """Trainings of two seeds on data of their own, and of two on the same data; one is looked at twice, one once."""
    whole = [
        small_run(seed, training__steps=steps, **extra, **PRECISE, **changes)
        for steps in STEPS
        for seed in (0, 1)
        for extra in ({}, {"data__seed": 7})
    ]
    short = [small_run(2, training__steps=steps, **PRECISE, **changes) for steps in (12, 0)]
    return [*whole, *short, small_run(3, training__steps=1, **PRECISE, **changes)]


def two_layers(runs: Sequence[Run]) -> dict[str, list[Tensor]]:
    """The numbers of each run's network, by run key."""
    ordered, networks = two_layer.train_networks(runs, "cpu", None)
    return {run.key: _of(networks, i) for i, run in enumerate(ordered)}


def mlps(runs: Sequence[Run]) -> dict[str, list[Tensor]]:
    """The same of mlps, with all layers and the steps that were taken."""
    ordered, found = mlp.train_networks(runs, "cpu", None)
    return {
        run.key: [*_of(found.networks, i), *(one[i] for one in found.upper.tensors), found.steps[i]]
        for i, run in enumerate(ordered)
    }


def _of(networks: Networks, i: int) -> list[Tensor]:
    names = ("weights", "bias", "loss", "accuracy", "start_share", "noise_share", "dead_outputs", "preactivations")
    return [getattr(networks, name)[i] for name in names]


def assert_each_as_alone(together: dict[str, list[Tensor]], alone: dict[str, list[Tensor]]) -> None:
    assert together.keys() == alone.keys()
    for key, values in together.items():
        for one, other in zip(values, alone[key], strict=True):
            torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-11, equal_nan=True)


@pytest.mark.parametrize(
    ("engine", "optimizer"), [*((engine, name) for engine in ENGINES for name in OPTIMIZERS), ("autograd", "adam")]
)
def test_two_layers_at_every_step_are_as_each_alone(engine: str, optimizer: str) -> None:
    changes = ADAM if optimizer == "adam" else OPTIMIZERS[optimizer]
    labels = "binary" if "decay" in optimizer else 3
    runs = mixed(training__engine=engine, network__labels=labels, **changes)
    alone = {key: values for run in runs for key, values in two_layers([run]).items()}
    assert_each_as_alone(two_layers(runs), alone)


@pytest.mark.parametrize(
    ("shape", "optimizer"),
    [
        ({"network__activation": "power", "network__depth": 2}, "momentum"),
        ({"network__activation": "power", "network__depth": 2}, "batches, decay"),
        ({"network__activation": "relu", "network__depth": 3}, "nesterov, decay"),
        ({"network__activation": "relu", "network__depth": 3}, "adversarial, decay"),
        ({"network__activation": "erf", "network__depth": 4, "network__bias": "all"}, "gd"),
    ],
)
@pytest.mark.parametrize("engine", ENGINES)
def test_mlps_at_every_step_are_as_each_alone(engine: str, shape: dict[str, Any], optimizer: str) -> None:
    runs = mixed(training__engine=engine, **MLP, **shape, **OPTIMIZERS[optimizer])
    alone = {key: values for run in runs for key, values in mlps([run]).items()}
    assert_each_as_alone(mlps(runs), alone)


@pytest.mark.parametrize("stop", [{"training__stop_margin": 0.1}, {"training__stop_loss": 0.4}])
@pytest.mark.parametrize("batch_size", [None, 5])
@pytest.mark.parametrize("engine", ENGINES)
def test_what_is_looked_at_after_training_has_stopped_is_as_it_was_then(
    engine: str, batch_size: int | None, stop: dict[str, Any]
) -> None:
    how = {"training__engine": engine, "training__batch_size": batch_size, "training__learning_rate": 0.4}
    changes = MLP | stop | how | {"network__depth": 3}
    runs = mixed(**changes)
    together = mlps(runs)
    assert_each_as_alone(together, {key: values for run in runs for key, values in mlps([run]).items()})
    taken = {(run.seed, run.data_seed, run.settings.training.steps): int(together[run.key][-1]) for run in runs}
    assert any(0 < steps < asked for (_, _, asked), steps in taken.items()), "none stopped early"
    assert any(steps == asked > 0 for (_, _, asked), steps in taken.items()), "all stopped early"


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("network", [{}, MLP])
def test_a_training_is_computed_once(engine: str, network: dict[str, Any]) -> None:
    runs = [small_run(training__steps=steps, training__engine=engine, **network) for steps in STEPS]
    steps = 0

    def count() -> bool:
        nonlocal steps
        steps += 1
        return False

    (mlps_of if network else two_layers_of)(runs, count)
    assert steps == max(STEPS)


def two_layers_of(runs: Sequence[Run], stop: Any) -> None:
    two_layer.train_networks(runs, "cpu", stop)


def mlps_of(runs: Sequence[Run], stop: Any) -> None:
    mlp.train_networks(runs, "cpu", stop)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("network", [{}, MLP])
def test_a_run_whose_longer_sibling_diverges_is_not_harmed(engine: str, network: dict[str, Any]) -> None:
    changes = network | {"training__weight_decay": 5.0, "training__learning_rate": 1.0, "training__engine": engine}
    runs = [small_run(training__steps=steps, attack__test_points=20, **changes) for steps in (0, 3, 100)]
    results = run_stack(Stack(tuple(runs)))
    assert [type(one) for one in results] == [RunResult, RunResult, RunFailure]
    assert "after 100 steps" in str(results[2])
    for run, one in zip(runs[:2], results, strict=False):
        (alone,) = run_stack(Stack((run,)))
        assert_same(one, alone)


@pytest.mark.parametrize("network", [{}, {"network__labels": "clusters"}, MLP | {"network__labels": "clusters"}])
def test_results_are_those_of_the_runs_alone_in_their_order(network: dict[str, Any]) -> None:
    runs = [small_run(seed, training__steps=steps, **PRECISE, **network) for steps in STEPS for seed in (1, 0)]
    for run, together in zip(runs, run_stack(Stack(tuple(runs))), strict=True):
        (alone,) = run_stack(Stack((run,)))
        assert together.key == run.key
        assert_same(together, alone)


def assert_same(one: object, other: object) -> None:
    assert isinstance(one, RunResult)
    assert isinstance(other, RunResult)
    assert one.measures.keys() == other.measures.keys()
    values = [[-1.0 if value is None else value for value in each.measures.values()] for each in (one, other)]
    np.testing.assert_allclose(*values, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(one.cosines, other.cosines, atol=1e-6)
    for curve, same in zip(one.curves, other.curves, strict=True):
        np.testing.assert_array_equal(curve.accuracy, same.accuracy)
    assert one.trust == other.trust
