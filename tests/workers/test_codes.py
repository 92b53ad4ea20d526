"""Targets and a weight decay of the output's own, and the code words of the preset `codes` at a small size."""

from typing import Any

import numpy as np
import pytest
import torch

from phaselab.domain.families.resolve import resolve
from phaselab.domain.settings.faults import InvalidInput
from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.settings import Settings
from phaselab.workers.data.sources import training_set
from phaselab.workers.families.mlp import TrainedMlps, train_networks
from phaselab.workers.trial.run_stack import run_stack
from tests.workers.runs import results, stack

CODES: dict[str, dict[str, Any]] = {
    "data": {"source": "orthogonal", "k": 3, "n": 9, "d": 16},
    "network": {
        "kind": "mlp",
        "labels": "clusters",
        "width": 20,
        "activation": "linear",
        "output": "trained",
        "init_scale": 1.0,
        "output_scale": 1.0,
    },
    "training": {
        "loss": "square",
        "off_target": -0.5,
        "learning_rate": 5.0,
        "steps": 80,
        "weight_decay": 1e-4,
        "output_weight_decay": 1e-3,
        "precision": "float64",
    },
    "attack": {"test_points": 60, "methods": []},
}


def run_of(**groups: dict[str, Any]) -> Run:
    merged = {name: CODES[name] | groups.get(name, {}) for name in CODES}
    return Run.of(resolve(Settings.model_validate(merged)), 0)


def trained(run: Run) -> TrainedMlps:
    return train_networks([run], "cpu", None)[1]


def plain(run: Run) -> tuple[np.ndarray, np.ndarray]:
    """W [M, d] and A [c, M] of the linear network, by descent written out in numpy."""
    started = trained(run_of(training={"steps": 0}))
    weights, output = started.networks.weights[0].numpy(), started.upper.output[0].numpy()
    data, training, width = training_set(run, "cpu"), run.settings.training, run.settings.network.width
    inputs, target = data.inputs.numpy(), np.where(np.arange(3)[:, None] == data.cluster.numpy(), 1.0, -0.5)
    assert isinstance(width, int)
    assert training.output_weight_decay is not None
    for _ in range(training.steps):
        off = output @ weights @ inputs.T / width - target  # [c, n]
        by_weights = output.T @ off @ inputs / width / len(inputs)
        by_output = off @ (inputs @ weights.T) / width / len(inputs)
        weights = weights - training.learning_rate * (by_weights + training.weight_decay * weights)
        output = output - training.learning_rate * (by_output + training.output_weight_decay * output)
    return weights, output


@pytest.mark.parametrize("engine", ["gram", "autograd"])
def test_both_engines_train_to_the_targets_with_a_decay_of_the_outputs_own(engine: str) -> None:
    run = run_of(training={"engine": engine})
    found, (weights, output) = trained(run), plain(run)
    np.testing.assert_allclose(found.networks.weights[0], weights, atol=1e-9)
    np.testing.assert_allclose(found.upper.output[0], output, atol=1e-9)


def test_without_a_decay_outputs_are_what_they_are_to_be() -> None:
    run = run_of(training={"weight_decay": 0.0, "output_weight_decay": 0.0, "learning_rate": 40.0, "steps": 800})
    found, data = trained(run), training_set(run, "cpu")
    given = found.upper.output[0] @ found.networks.weights[0] @ data.inputs.T / 20  # [c, n]
    expected = torch.where(torch.arange(3).unsqueeze(1) == data.cluster, 1.0, -0.5).double()
    torch.testing.assert_close(given, expected, rtol=0, atol=1e-5)
    assert float(found.networks.loss) < 1e-9


def test_code_words_counted_by_hand_are_the_entropy_of_the_measure() -> None:
    """Of linear neurons: for which classes the mean is above 0; two of the eight words do not occur, for all three
    outputs add up to 0."""
    run = run_of(network={"width": 100}, training={"learning_rate": 40.0, "steps": 500})
    (result,) = results(run_stack(stack(run)))
    found, data = trained(run), training_set(run, "cpu")
    seen = found.networks.weights[0] @ data.inputs.T  # [M, n]
    means = np.stack([seen[:, data.cluster == j].mean(dim=1).numpy() for j in range(3)])
    counts = np.bincount(np.array([1, 2, 4]) @ (means > 0), minlength=8)
    shares = counts[counts > 0] / counts.sum()
    assert result.measures["code_entropy"] == pytest.approx(-(shares * np.log(shares)).sum() / np.log(8), abs=0.02)
    assert counts[[0, 7]].sum() < 0.1 * counts.sum()


@pytest.mark.parametrize(
    ("groups", "pointer"),
    [
        ({"network": {"labels": "binary"}}, "/training/off_target"),
        ({"training": {"loss": "auto"}}, "/training/off_target"),
        ({"network": {"output": "fixed", "output_scale": None}}, "/training/output_weight_decay"),
        ({"training": {"train": "first"}}, "/training/output_weight_decay"),
    ],
)
def test_what_does_not_go_together_is_refused(groups: dict[str, dict[str, Any]], pointer: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        run_of(**groups)
    assert [fault.pointer for fault in refused.value.faults] == [pointer]
