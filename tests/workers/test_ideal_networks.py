"""Measures of networks whose values are known in closed form: averaging, decoupled, at their start, and dead."""

import math
from dataclasses import replace
from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor

from phaselab.domain.results.measures import MEASURES, measures_of
from phaselab.domain.settings.stacks import trajectories
from phaselab.workers.attacks.averaged import exact_falls
from phaselab.workers.data.sources import training_set
from phaselab.workers.families import two_layer
from phaselab.workers.families.registry import family_of
from phaselab.workers.families.two_layer import TwoLayers
from phaselab.workers.measures.every import FUNCTIONS, LAYERED
from phaselab.workers.measures.layer import Layer
from phaselab.workers.measures.shown import Shown
from phaselab.workers.networks.layout import GroupLayout
from phaselab.workers.networks.two_layer import network_of
from phaselab.workers.training.training import finish
from phaselab.workers.trial.run_stack import run_stack
from tests.workers.runs import results, small_run, stack

K, NORM = 6, 400.0
IDEAL: dict[str, Any] = {
    "data__k": K,
    "data__d": 400,
    "data__snr": NORM / 20,
    "data__n": 300,
    "data__balance": "exact",
    "attack__test_points": 3000,
    "attack__methods": [],
    "training__precision": "float64",
}


def of(name: str, shown: Shown) -> float:
    return float(LAYERED[name](shown.layers[-1]) if name in LAYERED else FUNCTIONS[name](shown))


def ideal(labels: str, make: Any) -> Shown:
    """A network whose weights are made of the centres [k, e']: without biases, one neuron for each row."""
    run = small_run(network__labels=labels, network__width=1, **IDEAL)
    start = two_layer.start_training(trajectories([run]), training_set(run, "cpu"), "cpu")
    weights = torch.zeros_like(start.weights)
    rows: Tensor = make(start.data.centers.points)
    weights[0, :, : rows.shape[1]] = rows
    seen = weights[..., : start.data.inputs.shape[1]] @ start.data.inputs.T
    fitted = finish(start, weights, torch.zeros_like(start.bias), seen, torch.zeros(1, dtype=torch.float64))
    networks = two_layer._look(start, fitted)
    return TwoLayers([run], networks, network_of(run.settings)).shown()


def test_an_averaging_network_has_the_values_of_theory() -> None:
    half = K // 2
    shown = ideal("binary", lambda centers: torch.stack([centers[:half].sum(dim=0), centers[half:].sum(dim=0)]))
    expected = {
        "averaged_radius_sum_relative": (1 / math.sqrt(K), 0.002),
        "averaged_radius_max_relative": (1 / math.sqrt(K), 0.002),
        "gradient_averaging_sum": (1.0, 1e-6),
        "gradient_averaging_max": (1.0, 1e-6),
        "class_alignment": (1.0, 0.01),
        "cluster_alignment": (1 / math.sqrt(K - 1), 0.01),
        "subclass_variance": (0.0, 0.01),
        "class_compression": (0.0, 0.01),
        "compression": (0.0, 0.01),
        "discrimination": (1.0, 0.005),
        "probe_class": (1.0, 0.0),
        "probe_cluster": (1 / half, 0.06),
        "stable_rank_features": (2.0, 0.06),
        "stable_rank_weights": (2.0, 1e-6),
        "silent_fraction": (0.0, 0.0),
        "code_entropy": (0.5, 1e-9),
        "neuron_participation": (0.5, 0.01),
        "intraclass_spread": (0.0, 0.05),
        "subclass_selectivity": (0.0, 0.15),
    }
    for name, (value, near) in expected.items():
        assert of(name, shown) == pytest.approx(value, abs=near), name


def test_a_decoupled_network_has_the_values_of_theory() -> None:
    """By `sum` noise leaves half of the other h - 1 own neurons and of the h opposing ones on, b and o of them: the
    index is E (1 + b + o) b / E (1 + b + o) / (h - 1)."""
    shown, half = ideal("clusters", lambda centers: centers), K // 2
    b, variance = (half - 1) / 2, (half - 1) / 4
    by_sum = (b + b * b + variance + b * half / 2) / (1 + b + half / 2) / (half - 1)
    spread = math.sqrt((1 / half) * (1 - 1 / half) / ((1 / K) * (1 - 1 / K)))
    expected = {
        "averaged_radius_max_relative": (math.sqrt(K) / 2, 0.005),
        "averaged_radius_sum_relative": (math.sqrt(K) / (1 + half), 0.005),
        "gradient_averaging_max": (0.0, 1e-6),
        "gradient_averaging_sum": (by_sum, 0.02),
        "cluster_alignment": (1.0, 0.01),
        "class_alignment": (1 / math.sqrt(K - 1), 0.01),
        "subclass_variance": ((K - 2) / (K - 1), 0.01),
        "class_compression": (K - 2.0, 0.05),
        "compression": (0.0, 0.01),
        "probe_class": (1.0, 0.0),
        "probe_cluster": (1.0, 0.0),
        "subclass_selectivity": (NORM / 2, 0.04 * NORM),
        "intraclass_spread": (spread, 0.02),
        "stable_rank_features": (K, 0.4),
        "stable_rank_weights": (K, 1e-6),
        "neuron_participation": (1 / K, 0.01),
        "code_entropy": (math.log2(K) / K, 1e-9),
        "normalized_margin": (NORM / math.sqrt(K), 4.0),
    }
    for name, (value, near) in expected.items():
        assert of(name, shown) == pytest.approx(value, abs=near), name


def test_a_network_at_its_start_has_not_changed_and_has_the_rank_of_chance() -> None:
    changes: dict[str, Any] = {"data__d": 500, "data__n": 100, "training__steps": 1, "training__learning_rate": 1e-12}
    run = small_run(network__width=25, attack__methods=[], **changes)
    (trained,) = family_of(run.settings).train([run], "cpu", None).trained
    shown = trained.shown()
    assert of("weight_change", shown) == pytest.approx(0.0, abs=1e-6)
    assert of("pattern_flips", shown) == 0.0
    neurons = 50
    assert of("stable_rank_weights", shown) == pytest.approx(neurons / (1 + math.sqrt(neurons / 500)) ** 2, rel=0.1)
    off, scale = 500 - 100 - 4, run.settings.network.init_scale
    frozen = trained.networks.past.frozen[0].diagonal()  # type: ignore[attr-defined]
    assert float(frozen.mean()) == pytest.approx(off * scale**2, rel=0.05)


def test_what_is_left_off_the_span_is_the_start_by_either_draw_and_shrinks_by_decay() -> None:
    """W Q W^T is a^2 W0 Q W0^T, of normals in d - n - k dimensions."""
    for draw in ("law", "literal"):
        for decay in (0.0, 0.1):
            changes = {"data__d": 400, "data__draw": draw, "training__weight_decay": decay, "attack__methods": []}
            run = small_run(network__width=20, **changes)
            (trained,) = family_of(run.settings).train([run], "cpu", None).trained
            left = (1 - 0.05 * decay) ** 30
            found = trained.networks.past.frozen[0].diagonal()  # type: ignore[attr-defined]
            assert float(found.mean()) == pytest.approx((400 - 25 - 4) * (0.1 * left) ** 2, rel=0.1)


def test_adam_moves_weights_off_the_span_and_is_seen_to() -> None:
    changes = {"training__optimizer": "adam", "data__draw": "literal", "data__d": 60, "attack__methods": []}
    run = small_run(network__init_scale=1e-6, **changes)
    (trained,) = family_of(run.settings).train([run], "cpu", None).trained
    found = trained.networks.past.frozen[0].diagonal()  # type: ignore[attr-defined]
    assert float(found.min()) > 100 * 60 * 1e-12


ALWAYS = {"steps_taken"} | {name for name in MEASURES if name.startswith(("train_", "test_", "robust_", "attacked_"))}


@pytest.mark.parametrize(
    ("changes", "null"),
    [
        ({"data__k": 2}, {"subclass_variance", "subclass_selectivity", "gradient_averaging_sum"}),
        ({"data__d": 29, "data__n": 25}, {"offspan_radius_sum", "offspan_radius_max_relative"}),
        (
            {"network__init_scale": 0.0},
            {
                *("weight_change", "cluster_alignment", "class_alignment", "subclass_variance", "probe_class"),
                *("probe_cluster", "stable_rank_features", "stable_rank_weights", "compression", "class_compression"),
                *("discrimination", "compression_rate", "normalized_margin", "neuron_participation"),
                *("gradient_averaging_sum", "gradient_averaging_max"),
            },
        ),
        ({"data__k": 13, "network__labels": "clusters", "data__n": 60}, {"code_entropy"}),
        (
            {"network__kind": "mlp", "network__activation": "linear"},
            {"pattern_flips", "silent_fraction", "compression_fit", "readout_participation"},
        ),
        ({"network__kind": "mlp", "network__activation": "erf"}, {"normalized_margin"}),
    ],
)
def test_what_is_undefined_is_null(changes: dict[str, Any], null: set[str]) -> None:
    (result,) = results(run_stack(stack(small_run(attack__methods=[], **changes))))
    assert {name for name in null if result.measures[name] is not None} == set()
    others = {"weight_change", "pattern_flips", "compression", "cluster_alignment", "code_entropy"} - null
    if "network__init_scale" not in changes:
        assert {name for name in others if result.measures[name] is None} == set()


def test_every_number_is_in_the_range_of_its_entry() -> None:
    for changes in ({}, {"network__labels": "clusters"}, {"network__kind": "mlp", "network__depth": 4}):
        (result,) = results(run_stack(stack(small_run(**changes))))  # type: ignore[arg-type]
        assert set(result.measures) == set(measures_of(small_run(**changes).settings))  # type: ignore[arg-type]
        for name, value in result.measures.items():
            low, high = MEASURES[name].low, MEASURES[name].high
            assert value is None or ((low is None or value >= low) and (high is None or value <= high)), name


def test_a_group_without_points_is_nobodys() -> None:
    """A cluster of which no training point is cannot be probed for, and takes part in no other number."""
    run = small_run(network__width=2, attack__methods=[], training__precision="float64")
    (trained,) = family_of(run.settings).train([run], "cpu", None).trained
    layer = trained.shown().layers[-1]
    past = layer.past

    def without(index: Tensor) -> Layer:
        kept = torch.zeros(4, dtype=torch.float64).index_fill(0, index, 1.0)
        moments = [one * kept.view(1, -1, *[1] * (one.dim() - 2)) for one in past.of_cluster]
        return replace(layer, past=past._replace(of_cluster=type(past.of_cluster)(*moments)))

    of_three = without(torch.tensor([0, 1, 2]))
    assert float(LAYERED["probe_cluster"](of_three)) <= float((layer.cluster < 3).double().mean())
    assert math.isfinite(LAYERED["class_compression"](of_three))
    alone = without(torch.tensor([2]))
    assert all(
        not math.isfinite(LAYERED[name](alone)) for name in ("probe_cluster", "probe_class", "class_compression")
    )


class TestFalls:
    """The first fall of piecewise linear readouts, on lines that are known."""

    SCALE = torch.ones(1, dtype=torch.float64)

    def fall(self, start: list[float], move: list[float], sides: list[int], readout: Any, width: int = 1) -> float:
        seen = torch.tensor(start, dtype=torch.float64).view(1, -1, 1)
        along = -torch.tensor(move, dtype=torch.float64).view(1, -1)  # a point of side +1 goes along -u
        layout, side = GroupLayout.build(sides, width), torch.ones(1, 1, dtype=torch.long)
        return float(exact_falls(seen, along, layout, side, self.SCALE, readout))

    def test_a_fall_between_turns_and_at_a_turn(self) -> None:
        assert self.fall([2.0, -1.0], [-1.0, 1.0], [1, -1], "sum") == pytest.approx(1.5)  # 2 - t = t - 1
        assert self.fall([2.0, -9.0], [-1.0, 1.0], [1, -1], "sum") == 2.0  # 0 is an error
        assert self.fall([-1.0, -9.0], [1.0, 1.0], [1, -1], "sum") == 0.0
        assert math.isinf(self.fall([2.0, -1.0], [1.0, 0.5], [1, -1], "sum"))
        assert math.isinf(self.fall([2.0, -1.0], [-0.1, 0.01], [1, -1], "sum"))  # later than 10

    def test_another_own_group_that_passes_the_first_puts_the_fall_off(self) -> None:
        """Own lines 2 - t and t / 2, other ones 1.2: the first comes to 1.2 at 0.8, the second has not passed it."""
        start, sides = [2.0, 0.0, 1.2], [1, 1, -1]
        assert self.fall(start, [-1.0, 0.5, 0.0], sides, "max") == pytest.approx(0.8)
        assert math.isinf(self.fall(start, [-1.0, 2.0, 0.0], sides, "max"))  # passed at 2/3, at 4/3
        assert self.fall(start, [-1.0, 2.0, 1.0], sides, "max") == pytest.approx(0.4)  # 2 - t = 1.2 + t
        assert self.fall([2.0, 0.0, 1.0], [-1.0, 2.0, 1.0], sides, "max") == pytest.approx(0.5)
        assert self.fall([2.0, 0.0, 0.0], [-1.0, 1.0, 1.2], sides, "max") == pytest.approx(2 / 2.2)
        assert self.fall([2.0, 1.0, 0.0], [-1.0, 1.0, 1.1], sides, "max") == pytest.approx(10.0)

    def test_it_is_the_first_of_random_ones(self) -> None:
        random = torch.Generator().manual_seed(7)
        layout = GroupLayout.build([1, 1, -1, -1, -1], 2)
        seen, along = torch.randn(3, 10, 40, generator=random).double(), torch.randn(3, 10, generator=random).double()
        side = torch.randint(0, 2, (3, 40), generator=random) * 2 - 1
        member = torch.nn.functional.one_hot(layout.group_of_neuron).double()  # [M, c]
        for readout in ("sum", "max"):
            found = exact_falls(seen, along, layout, side, torch.ones(3), readout)  # type: ignore[arg-type]
            for s, i in product(range(3), range(40)):
                exact = float(found[s, i])
                places = torch.cat([torch.linspace(0, 10, 5001).double(), found[s, i].clamp_max(10.0).view(1)])
                moved = seen[s, :, i] - side[s, i] * places.unsqueeze(1) * along[s]  # [T, M]
                outputs = moved.clamp_min(0) @ member
                plus, minus = outputs[:, :2], outputs[:, 2:]
                value = plus.sum(1) - minus.sum(1) if readout == "sum" else plus.amax(1) - minus.amax(1)
                margin = value * side[s, i]
                assert bool((margin[:-1][places[:-1] < exact - 1e-9] > 0).all())
                assert math.isinf(exact) or float(margin[-1]) <= 1e-9
