"""Two-layer networks on images: data, training by both engines, measures on centred class means, curves."""

from typing import Any

import numpy as np
import pytest
import torch

from phaselab.domain.families.resolve import resolve
from phaselab.domain.results.results import RunResult
from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.settings import Settings
from phaselab.domain.settings.stacks import Stack
from phaselab.workers.data.image_data import box, test_images, training_images, training_set
from phaselab.workers.data.image_sets import load_once
from phaselab.workers.data.training_set import centred_means
from phaselab.workers.families.two_layer import train_networks
from phaselab.workers.trial.run_stack import run_stack

SMALL: dict[str, dict[str, Any]] = {
    "data": {"source": "digits", "n": 200},
    "network": {"width": 3, "init_scale": 1e-3},
    "training": {"learning_rate": 1.0, "steps": 200},
    "attack": {"test_points": 100, "radii": [0.0, 0.2, 0.4, 0.8, 1.6]},
}
MIDDLE = {"radii": [0.4], "methods": ["pgd"]}
images_of_test = test_images
del test_images  # pytest would take it for a test


def pixel_run(seed: int = 0, **groups: dict[str, Any]) -> Run:
    merged = {name: SMALL[name] | groups.get(name, {}) for name in SMALL}
    return Run.of(resolve(Settings.model_validate(merged)), seed)


def results(*runs: Run) -> list[RunResult]:
    outcomes = run_stack(Stack(runs))
    assert all(isinstance(outcome, RunResult) for outcome in outcomes), outcomes
    return [outcome for outcome in outcomes if isinstance(outcome, RunResult)]


def test_images_are_seeded_subsets_of_training_and_test_images_whose_even_digits_come_first() -> None:
    run, other = pixel_run(0), pixel_run(1)
    cluster, images = training_images(run)
    assert images.shape == (200, 64)
    assert torch.equal(images, training_images(run)[1])
    assert not torch.equal(images, training_images(other)[1])
    digits = load_once("digits")
    train = {tuple(row): int(name) for row, name in zip(digits.train.tolist(), digits.train_class, strict=True)}
    order = [0, 2, 4, 6, 8, 1, 3, 5, 7, 9]
    for image, j in zip((images * 16).round().int().tolist(), cluster.tolist(), strict=True):
        assert train[tuple(image)] == order[j]
    test = {tuple(row) for row in digits.test.tolist()}
    assert all(tuple(image) in test for image in (images_of_test(run)[1] * 16).round().int().tolist())


@pytest.mark.parametrize("normalization", ["unit", "standard"])
def test_the_box_is_where_black_and_white_are(normalization: str) -> None:
    run = pixel_run(data={"normalization": normalization, "n": 1000})
    images = training_images(run)[1]
    limits = box(run.settings.data, images)
    assert torch.equal(images.amin(), limits.low[0])
    assert torch.equal(images.amax(), limits.high[0])
    if normalization == "standard":
        assert float(images.mean()) == pytest.approx(0, abs=0.02)
        assert float(images.std()) == pytest.approx(1, abs=0.02)


def test_centres_are_centred_class_means_and_zero_without_points() -> None:
    points = torch.tensor([[1.0, 0.0], [3.0, 0.0], [0.0, 4.0]])
    means = centred_means(points, torch.tensor([0, 0, 2]), 4)
    overall = points.mean(dim=0)
    expected = torch.stack([torch.tensor([2.0, 0.0]) - overall, torch.zeros(2), points[2] - overall, torch.zeros(2)])
    torch.testing.assert_close(means, expected)


@pytest.mark.parametrize("training", [{}, {"batch_size": 50}, {"optimizer": "momentum"}])
@pytest.mark.parametrize("labels", ["binary", "clusters"])
def test_both_engines_train_the_same_network(labels: str, training: dict[str, Any]) -> None:
    base = {"precision": "float64", "steps": 60, "learning_rate": 0.2} | training
    weights = []
    for engine in ("gram", "autograd"):
        run = pixel_run(network={"labels": labels}, training=base | {"engine": engine})
        weights.append(train_networks([run], "cpu", None)[1].weights)
    torch.testing.assert_close(weights[0], weights[1], rtol=1e-7, atol=1e-9)


def test_measures_and_cosines_are_those_of_centred_class_means() -> None:
    run = pixel_run()
    (outcome,) = results(run)
    weights = train_networks([run], "cpu", None)[1].weights[0].double().numpy()  # [6, 64]
    centers = training_set(run).centers.points.double().numpy()  # [10, 64]
    directions = centers / np.linalg.norm(centers, axis=1, keepdims=True)
    lengths = np.linalg.norm(weights, axis=1)
    assert np.allclose(outcome.cosines, directions @ weights.T / lengths, atol=1e-5)
    basis = np.linalg.svd(centers)[2][:9]  # ten centred means span nine dimensions
    inside = np.linalg.norm(weights @ basis.T) ** 2 / np.linalg.norm(weights) ** 2
    assert outcome.measures["feature_fraction"] == pytest.approx(inside, abs=1e-5)
    c = np.maximum(weights @ directions.T, 0)  # [6, 10]
    c = np.stack([row[:5] if neuron < 3 else row[5:] for neuron, row in enumerate(c)])
    ratio = ((c**2).sum(1) ** 2 / (c**4).sum(1) - 1) / 4
    assert outcome.measures["averaging_index"] == pytest.approx(
        (ratio * lengths**2).sum() / (lengths**2).sum(), abs=1e-5
    )
    scale = np.sqrt((centers**2).sum(axis=1).mean())
    relative = outcome.measures["robust_radius_max_relative"]
    assert relative == pytest.approx(outcome.measures["robust_radius_max"] / scale, rel=1e-5)


@pytest.mark.parametrize("labels", ["binary", "clusters"])
def test_exact_curves_without_the_box_lie_below_attacks_inside_it(labels: str) -> None:
    (outcome,) = results(pixel_run(network={"labels": labels}, attack={"test_points": 50}))
    curves = {(curve.method, curve.readout): curve.accuracy for curve in outcome.curves}
    for readout in ("sum", "max"):
        assert (curves["exact", readout] <= curves["pgd", readout] + 1e-9).all()
        assert curves["pgd", readout][0] == curves["exact", readout][0]
        assert (curves["pgd", readout] - curves["exact", readout]).max() < 0.25
    assert outcome.trust.verdict == "ok"
    assert outcome.provenance["box"]


def test_ten_labels_keep_more_accuracy_than_two_on_the_digits() -> None:
    binary, clusters = (
        results(pixel_run(data={"n": 600}, training={"steps": 800}, network={"labels": labels}, attack=MIDDLE))[0]
        for labels in ("binary", "clusters")
    )
    at_half = {
        outcome.key: next(c.accuracy[0] for c in outcome.curves if (c.method, c.readout) == ("pgd", "max"))
        for outcome in (binary, clusters)
    }
    assert at_half[clusters.key] > at_half[binary.key] + 0.05
    assert clusters.measures["averaging_index"] < 0.1 < 0.5 < binary.measures["averaging_index"]


def test_a_stack_gives_what_each_run_gives_alone() -> None:
    few = {"test_points": 30, "radii": [0.0, 0.4, 0.8], "steps": 10}
    runs = [
        pixel_run(seed, training={"learning_rate": rate, "steps": 50}, attack=few)
        for seed, rate in ((0, 0.5), (0, 1.0), (1, 0.5))
    ]
    for together, run in zip(results(*runs), runs, strict=True):
        (alone,) = results(run)
        for name, value in alone.measures.items():
            expected = None if value is None else pytest.approx(value, rel=1e-3, abs=1e-4)
            assert together.measures[name] == expected, name
