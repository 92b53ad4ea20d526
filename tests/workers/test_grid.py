"""The source `grid`: what is drawn; and preset both-layers at a small size, beside an exact kernel SVM."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.svm import SVC

from phaselab.domain.answers.theory import flip_radius
from phaselab.domain.families.resolve import resolve
from phaselab.domain.settings.faults import InvalidInput
from phaselab.domain.settings.labels import label_groups
from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.settings import Settings
from phaselab.workers.data import grid
from phaselab.workers.data.sources import training_set
from phaselab.workers.trial.run_stack import run_stack
from tests.workers.runs import results, stack

Points = NDArray[np.float64]
WIDE = {"kind": "mlp", "width": 200, "output": "trained", "init_scale": 1.0, "output_scale": 1.0}
GAP = 1 / 8
"""Delta of three by three discs"""


def run_of(seed: int = 0, data: dict[str, Any] | None = None, **groups: dict[str, Any]) -> Run:
    given = {"source": "grid", "k": 9, "n": 400, "d": 6} | (data or {})
    groups = {"training": {"precision": "float64"}, "attack": {"test_points": 1500, "methods": []}} | groups
    return Run.of(resolve(Settings.model_validate({"data": given, **groups})), seed)


def test_points_lie_in_discs_with_gaps_on_the_first_two_coordinates() -> None:
    run = run_of()
    data, (cluster, tested) = training_set(run, "cpu"), grid.draw_test_points(run)
    places = data.centers.points  # [9, 6]
    expected = [[x, y] for x in (-0.375, 0.0, 0.375) for y in (-0.375, 0.0, 0.375)]
    assert sorted(places[:, :2].tolist()) == expected
    assert not places[:, 2:].any()
    for points, at in ((data.inputs, data.cluster), (tested, cluster)):
        shift = (points - places[at])[:, :2].norm(dim=1)
        assert 0.9 * GAP < float(shift.max()) <= GAP
        assert float(shift.mean()) == pytest.approx(GAP / 2, rel=0.06)
        rest = points[:, 2:]
        assert float(rest.abs().max()) <= 0.5
        assert float(rest.square().mean()) == pytest.approx(1 / 12, rel=0.06)
    assert torch.bincount(cluster, minlength=9).min() > 130


def test_which_places_are_of_class_plus_one_is_drawn_with_the_data() -> None:
    found = [training_set(run_of(seed), "cpu").centers.points[:4, :2].tolist() for seed in range(4)]
    assert len({str(sorted(places)) for places in found}) > 1
    assert found[0] == training_set(run_of(5, {"seed": 0}), "cpu").centers.points[:4, :2].tolist()


@pytest.mark.parametrize(
    ("data", "pointer", "words"),
    [
        ({"k": 10}, "/data/k", "no square grid; use 9 or 16"),
        ({"k": 3}, "/data/k", "no square grid; use 4"),
        ({"snr": 2.0}, "/data/snr", "points lie in discs"),
        ({"draw": "law"}, "/data/draw", "use auto or literal"),
    ],
)
def test_what_there_is_not_is_refused(data: dict[str, Any], pointer: str, words: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        run_of(data=data)
    assert {fault.pointer: words in fault.detail for fault in refused.value.faults} == {pointer: True}


def test_theory_and_measures_of_single_features_are_silent() -> None:
    run = run_of(data={"n": 60}, training={"steps": 5}, attack={"test_points": 40, "radii": [0.0, 0.1], "steps": 3})
    assert flip_radius(run.settings, "max").reason == "theory speaks of Gaussian clusters, not of grid"
    (result,) = results(run_stack(stack(run)))
    known = [name for name, value in result.measures.items() if value is not None]
    assert {"feature_fraction", "start_share", "robust_radius_max", "cluster_alignment"} <= set(known)
    assert not [name for name in known if "averag" in name or name.startswith("coefficient")]


def kernel(points: Points, others: Points) -> Points:
    """The kernel of infinitely many relu neurons with normal weights, by the angles of inputs with a constant 1."""
    one, other = (np.c_[each, np.ones(len(each))] for each in (points, others))
    lengths = np.linalg.norm(one, axis=1)[:, None] * np.linalg.norm(other, axis=1)
    angle = np.arccos(np.clip(one @ other.T / lengths, -1, 1))
    of_all: Points = lengths * (np.sin(angle) + (np.pi - angle) * np.cos(angle)) / (2 * np.pi)
    return of_all


def test_the_kernel_is_that_of_relu_neurons() -> None:
    draw = np.random.default_rng(0)
    points = draw.uniform(-1, 1, (5, 3))
    hidden = np.maximum(np.c_[points, np.ones(5)] @ draw.standard_normal((4, 200_000)), 0)
    np.testing.assert_allclose(hidden @ hidden.T / 200_000, kernel(points, points), rtol=0.02, atol=0.01)


def exact_accuracy(run: Run) -> float:
    """Test accuracy of the largest margin of that kernel, on a run's own points."""
    side = np.array(label_groups(run.settings).side_of_cluster)
    data, (cluster, tested) = training_set(run, "cpu"), grid.draw_test_points(run)
    inputs, y = data.inputs.numpy(), side[data.cluster.numpy()]
    products = kernel(inputs, inputs)
    machine = SVC(C=1e8, kernel="precomputed", tol=1e-6).fit(products, y)
    margin = machine.decision_function(products) * y
    assert margin.min() == pytest.approx(1, abs=1e-3)  # every point is right: C does not bind
    weights = machine.dual_coef_[0]
    norm = weights @ products[np.ix_(machine.support_, machine.support_)] @ weights
    assert norm == pytest.approx(np.abs(weights).sum(), rel=1e-3)  # no gap between the primal and its dual
    found = machine.decision_function(kernel(tested.numpy(), inputs)) * side[cluster.numpy()]
    return float((found > 0).mean())


def test_both_layers_beat_the_largest_margin_of_the_kernel_that_the_output_layer_alone_comes_to() -> None:
    training = {"optimizer": "momentum", "momentum": 0.9, "learning_rate": 400.0, "steps": 500, "precision": "float64"}
    found = {}
    for train in ("all", "output"):
        run = run_of(0, {"n": 128, "d": 10}, network=WIDE, training=training | {"train": train})
        (result,) = results(run_stack(stack(run)))
        found[train] = result.measures["test_accuracy"] or 0.0
    exact = exact_accuracy(run_of(0, {"n": 128, "d": 10}))
    assert 0.6 < exact < 0.9
    assert found["output"] == pytest.approx(exact, abs=0.06)
    assert 1 - found["all"] < (1 - exact) / 2
