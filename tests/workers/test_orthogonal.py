"""The source `orthogonal`: what is drawn, and the closed form of compression on it."""

from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor

from phaselab.domain.answers.theory import flip_radius
from phaselab.domain.families.resolve import resolve
from phaselab.domain.settings.faults import InvalidInput
from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.settings import Settings
from phaselab.workers.data import orthogonal
from phaselab.workers.data.sources import training_set
from phaselab.workers.families.mlp import train_networks
from phaselab.workers.trial.run_stack import run_stack
from tests.workers.runs import results, stack


def run_of(seed: int = 0, data: dict[str, Any] | None = None, **groups: dict[str, Any]) -> Run:
    given = {"source": "orthogonal", "k": 3, "n": 10, "d": 16} | (data or {})
    groups = {"training": {"precision": "float64"}, "attack": {"test_points": 40, "methods": []}} | groups
    return Run.of(resolve(Settings.model_validate({"data": given, **groups})), seed)


def test_inputs_are_orthonormal_and_dealt_to_classes_in_turn() -> None:
    data = training_set(run_of(), "cpu")
    torch.testing.assert_close(data.inputs @ data.inputs.T, torch.eye(10, dtype=torch.float64))
    assert data.cluster.tolist() == [0, 1, 2, 0, 1, 2, 0, 1, 2, 0]
    for j in range(3):
        torch.testing.assert_close(data.centers.points[j], data.inputs[data.cluster == j].mean(dim=0))
    torch.testing.assert_close(data.centers.norms, torch.tensor([4.0, 3.0, 3.0], dtype=torch.float64) ** -0.5)
    assert not torch.equal(data.inputs, training_set(run_of(1), "cpu").inputs)


def test_test_points_are_the_inputs_again() -> None:
    data, (cluster, tested) = training_set(run_of(), "cpu"), orthogonal.draw_test_points(run_of())
    products = tested @ data.inputs.T  # [40, 10]
    torch.testing.assert_close(products.amax(dim=1), torch.ones(40, dtype=torch.float64))
    assert torch.equal(data.cluster[products.argmax(dim=1)], cluster)
    assert len(set(products.argmax(dim=1).tolist())) == 10


def test_a_perturbation_has_the_norm_asked_for_and_another_one_at_test_points() -> None:
    plain, moved = (training_set(run_of(data={"perturbation": size}), "cpu") for size in (0.0, 0.7))
    assert float((moved.inputs - plain.inputs).norm()) == pytest.approx(0.7)
    assert torch.equal(moved.centers.points, plain.centers.points)
    many = {"attack": {"test_points": 4000, "methods": []}}
    (_, tested), (_, still) = (
        orthogonal.draw_test_points(run_of(data={"perturbation": size}, **many)) for size in (0.7, 0.0)
    )
    each = (tested - still).square().sum(dim=1).mean().sqrt()
    assert float(each) == pytest.approx(0.7 / 10**0.5, rel=0.03)


@pytest.mark.parametrize(
    ("data", "pointer", "words"),
    [
        ({"n": 17}, "/data/d", "need d >= 17"),
        ({"n": 4, "k": 5}, "/data/n", "5 classes need as many inputs"),
        ({"snr": 2.0}, "/data/snr", "inputs have length 1"),
        ({"draw": "law"}, "/data/draw", "use auto or literal"),
        ({"n": 50_000, "d": 50_000}, "/data/d", "too large"),
    ],
)
def test_what_there_is_not_is_refused(data: dict[str, Any], pointer: str, words: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        run_of(data=data)
    assert {fault.pointer: words in fault.detail for fault in refused.value.faults} == {pointer: True}


def test_theory_does_not_speak_of_it() -> None:
    assert flip_radius(run_of().settings, "max").reason == "theory speaks of Gaussian clusters, not of orthogonal"


def test_two_classes_of_inputs_are_averaged_as_clusters_are() -> None:
    """On two labels the network weighs all inputs of a side alike: it is flipped at 1 / sqrt(n)."""
    settings = {
        "network": {"init_scale": 1e-6},
        "training": {"precision": "float64", "learning_rate": 5.0, "steps": 400},
    }
    attack = {"attack": {"test_points": 40, "methods": ["exact"], "radii": [0.0]}}
    (result,) = results(run_stack(stack(run_of(0, {"k": 2, "n": 16, "d": 40}, **settings, **attack))))
    assert result.measures["test_accuracy"] == 1
    assert result.measures["robust_radius_max"] == pytest.approx(16**-0.5, rel=0.02)
    assert result.measures["feature_fraction"] == pytest.approx(1, abs=0.01)


DEPTH, XI, CLASSES, EACH = 4, 0.3, 3, 10
D = CLASSES * EACH


def scatter(features: Tensor, cluster: Tensor) -> tuple[float, float]:
    """C = tr S_W / tr S_B and 1 less the largest cosine of two class means, of features [n, M]."""
    means = torch.stack([features[cluster == j].mean(dim=0) for j in range(CLASSES)])
    within = (features - means[cluster]).square().sum() / len(features)
    between = (means - means.mean(dim=0)).square().sum() / CLASSES
    unit = means / means.norm(dim=1, keepdim=True)
    return float(within / between), float(1 - (unit @ unit.T - 2 * torch.eye(CLASSES)).amax())


def test_compression_has_its_closed_form() -> None:
    """Linear networks that start orthogonal, of size xi in every layer: C_0 = (n - 1) / (1 - 1 / C), and C is times
    xi^2 n^(-1 / L) from layer to layer, n being the inputs of a class; discrimination grows linearly."""
    network = {"kind": "mlp", "labels": "clusters", "depth": DEPTH, "width": EACH, "activation": "linear"}
    network |= {"init": "orthogonal", "output": "trained", "output_power": 0.0, "init_scale": XI / D**0.5}
    network |= {"hidden_scale": XI, "output_scale": XI / D**0.5}
    training = {"loss": "square", "precision": "float64", "learning_rate": 1.5, "steps": 3000, "stop_loss": 1e-13}
    run = run_of(0, {"k": CLASSES, "n": D, "d": D}, network=network, training=training)
    _, trained = train_networks([run], "cpu", None)
    data = training_set(run, "cpu")
    seen, found = data.inputs, [scatter(data.inputs, data.cluster)]
    for weights in (trained.networks.weights[0], *(one[0] for one in trained.upper.hidden)):
        seen = seen @ weights.T
        found.append(scatter(seen, data.cluster))
    compression, discrimination = zip(*found, strict=True)
    assert float(trained.networks.loss) < 1e-12
    assert compression[0] == pytest.approx((EACH - 1) / (1 - 1 / CLASSES))
    ratios = [after / before for before, after in pairwise(compression)]
    assert ratios == pytest.approx([XI**2 * EACH ** (-1 / DEPTH)] * (DEPTH - 1), rel=0.03)
    (result,) = results(run_stack(stack(run)))
    assert result.measures["compression_rate"] == pytest.approx(XI**2 * EACH ** (-1 / DEPTH), rel=0.03)
    assert result.measures["compression"] == pytest.approx(compression[-1], rel=1e-3)
    assert discrimination == pytest.approx(
        [discrimination[0] + (1 - discrimination[0]) * layer / DEPTH for layer in range(DEPTH)], abs=0.01
    )
