"""Measures of layers and directions, against plain loops on trained networks."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.special import erf

from phaselab.domain.results.measures_of_directions import OF_DIRECTIONS
from phaselab.domain.results.measures_of_layers import OF_LAYERS
from phaselab.domain.results.plausible import implausible
from phaselab.domain.settings.labels import label_groups
from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.stacks import trajectories
from phaselab.workers.data import clusters
from phaselab.workers.data.sources import training_set
from phaselab.workers.families import mlp, two_layer
from phaselab.workers.families.registry import family_of
from phaselab.workers.measures.every import FUNCTIONS, LAYERED, profile
from phaselab.workers.measures.shown import Shown
from phaselab.workers.networks.mlp import SIGNED, Upper
from phaselab.workers.trial.run_stack import run_stack
from tests.workers import plain
from tests.workers.runs import results, small_run, stack

NAMES = {entry.name for entry in (*OF_DIRECTIONS, *OF_LAYERS)}
LITERAL = {"data__draw": "literal", "data__d": 40, "training__precision": "float64", "attack__methods": []}
TRAINED = {
    "two_layer, binary": {"network__width": 2, "network__labels": "binary"},
    "two_layer, three groups": {"network__width": 2, "network__labels": 3, "data__k": 6, "data__label_noise": 0.1},
    "two_layer, clusters": {"network__width": 1, "network__labels": "clusters", "training__learning_rate": 0.5},
    "oblique": {"network__width": 2, "network__labels": "clusters", "data__center_cosine": 0.3},
    "mlp, depth 3": {
        "network__kind": "mlp",
        "network__depth": 3,
        "network__width": 3,
        "network__output": "trained",
        "network__output_scale": 1.0,
    },
    "mlp, erf, depth 4": {
        "network__kind": "mlp",
        "network__depth": 4,
        "network__width": 2,
        "network__activation": "erf",
        "network__labels": "clusters",
        "network__output": "trained",
        "network__bias": "all",
    },
    "mlp, linear": {"network__kind": "mlp", "network__depth": 3, "network__activation": "linear", "network__width": 2},
    "mlp, power": {"network__kind": "mlp", "network__activation": "power", "network__width": 3},
}
_ACTIVATE: dict[str, Callable[[plain.Floats], plain.Floats]] = {
    "relu": lambda z: np.maximum(z, 0),
    "power": lambda z: np.maximum(z, 0),
    "linear": lambda z: z,
    "erf": erf,
}


class Network:
    """A trained or started network as plain matrices."""

    def __init__(self, run: Run, weights: Any, bias: Any, upper: Upper | None, unit: float) -> None:
        settings, self.dealt = run.settings, label_groups(run.settings)
        self.weights, self.bias, self.unit = np.asarray(weights), np.asarray(bias), unit
        self.activation = settings.network.activation if settings.network.kind == "mlp" else "relu"
        self.power = settings.network.power if self.activation == "power" else None
        self.hidden: list[tuple[Any, Any]] = []
        groups, width = len(self.dealt.side_of_group), settings.network.width
        assert isinstance(width, int)
        self.output = np.kron(np.eye(groups), np.ones((1, width))) / width
        self.output_bias, self.binary = np.zeros(groups), False
        if upper is not None:
            pairs = zip(upper.hidden, upper.hidden_bias, strict=True)
            self.hidden = [(matrix[0].numpy(), offset[0].numpy()) for matrix, offset in pairs]
            scale = float(upper.scale[0])
            self.output, self.output_bias = upper.output[0].numpy() * scale, upper.output_bias[0].numpy() * scale
            self.binary = settings.network.labels == "binary"

    def layers(self, inputs: plain.Floats) -> list[plain.Seen]:
        before = inputs @ self.weights.T + self.bias
        after = _ACTIVATE[self.activation](before)
        if self.power is not None:
            size = np.linalg.norm(self.weights, axis=1) * self.unit
            after = after**self.power / size ** (self.power - 1)
        found = [plain.Seen(before, after)]
        for matrix, offset in self.hidden:
            before = after @ matrix.T + offset
            after = _ACTIVATE[self.activation](before)
            found.append(plain.Seen(before, after))
        return found

    def outputs(self, inputs: plain.Floats) -> plain.Floats:
        values = self.layers(inputs)[-1].after @ self.output.T + self.output_bias
        return np.hstack([values, np.zeros_like(values)]) if self.binary else values

    @property
    def readout(self) -> plain.Floats:
        """Up to a factor, which changes no participation."""
        if self.binary:
            return np.vstack([self.output, -self.output])
        return np.array([self.output[0] - self.output[1], self.output[1] - self.output[0]])


def shown_by(run: Run) -> tuple[Any, Shown]:
    (trained,) = family_of(run.settings).train([run], "cpu", None).trained
    return trained, trained.shown()


def networks_of(run: Run, trained: Any) -> tuple[Network, Network]:
    """As it is, and as it began."""
    family = mlp if run.settings.network.kind == "mlp" else two_layer
    start: Any = family.start_training(trajectories([run]), training_set(run, "cpu"), "cpu")
    now = trained.networks
    unit = float(now.center_norms.square().mean().sqrt())
    uppers = (trained.upper, start.upper) if family is mlp else (None, None)
    return (
        Network(run, now.weights[0], now.bias[0], uppers[0], unit),
        Network(run, start.weights[0], start.bias[0], uppers[1], unit),
    )


def expected_layers(run: Run, network: Network, start: Network) -> dict[str, list[float]]:
    """Every layered measure of every layer."""
    data = training_set(run, "cpu")
    groups = label_groups(run.settings)
    dealt = plain.Dealt(groups.side_of_cluster, groups.group_of_cluster, groups.side_of_group.count(1))
    cluster, inputs = (one.numpy() for one in clusters.draw_test_points(run, data.centers.points))
    trained_cluster, label = data.cluster.numpy(), _training_labels(run, data)
    side, groups_of = np.array(dealt.side), np.array(dealt.label)
    matrices = [(network.weights, start.weights)]
    matrices += [(a, b) for (a, _), (b, _) in zip(network.hidden, start.hidden, strict=True)]
    found: dict[str, list[float]] = {name: [] for name in LAYERED}
    seen, was, began = network.layers(inputs), network.layers(data.inputs.numpy()), start.layers(data.inputs.numpy())
    signed = network.activation in SIGNED
    for test, train, first, (now, then) in zip(seen, was, began, matrices, strict=True):
        code = plain.words(test.after, groups_of[cluster], dealt.groups, signed)
        values = {
            "cluster_alignment": plain.alignment(test.after, cluster),
            "class_alignment": plain.alignment(test.after, side[cluster]),
            "subclass_variance": plain.subclass_variance(test.after, cluster, dealt.side),
            "stable_rank_features": plain.stable_rank(test.after),
            "stable_rank_weights": plain.stable_rank(now),
            "weight_change": float(np.linalg.norm(now - then) / np.linalg.norm(then)),
            "pattern_flips": plain.pattern_flips(train.before, first.before),
            "compression": plain.compression(train.after, label),
            "class_compression": plain.compression(train.after, side[trained_cluster]),
            "discrimination": plain.discrimination(train.after, label),
            "probe_class": plain.probe(train.after, side[trained_cluster], test.after, side[cluster]),
            "probe_cluster": plain.probe(train.after, trained_cluster, test.after, cluster),
            "subclass_selectivity": plain.subclass_selectivity(test.before, cluster, dealt.side),
            "intraclass_spread": plain.intraclass_spread(test.before, side[cluster]),
            "silent_fraction": plain.silent_fraction(code),
            "code_entropy": plain.code_entropy(code),
        }
        if network.activation == "linear":
            values |= {"pattern_flips": math.nan, "silent_fraction": math.nan}
        for name, value in values.items():
            found[name].append(value)
    return found


def _training_labels(run: Run, data: Any) -> Any:
    return two_layer.training_labels(run, data.cluster).numpy()


@pytest.mark.parametrize("name", TRAINED)
def test_every_layer_has_the_measures_that_plain_loops_find(name: str) -> None:
    run = small_run(1, **LITERAL | TRAINED[name])
    trained, shown = shown_by(run)
    expected = expected_layers(run, *networks_of(run, trained))
    assert len(shown.layers) == run.settings.network.depth - 1 if run.settings.network.kind == "mlp" else 1
    for measure, values in expected.items():
        found = profile(LAYERED[measure], shown)[0].tolist()
        assert found == pytest.approx(values, rel=1e-7, abs=1e-9, nan_ok=True), measure


@pytest.mark.parametrize("name", TRAINED)
def test_gradients_and_directions_are_those_of_the_inputs(name: str) -> None:
    run = small_run(1, **LITERAL | TRAINED[name])
    trained, shown = shown_by(run)
    network, _ = networks_of(run, trained)
    data, groups = training_set(run, "cpu"), label_groups(run.settings)
    dealt = plain.Dealt(groups.side_of_cluster, groups.group_of_cluster, groups.side_of_group.count(1))
    cluster, inputs = (one.numpy() for one in clusters.draw_test_points(run, data.centers.points))
    centers, classes = data.centers.points.numpy(), np.array(dealt.side)[cluster]
    norms = np.linalg.norm(centers, axis=1)
    parts = centers.T @ np.linalg.inv(centers @ centers.T) * norms  # [d, k]
    spanning = np.vstack([data.inputs.numpy(), centers])
    along = np.array(dealt.side) @ centers
    along /= np.linalg.norm(along)
    for readout in ("sum", "max"):
        gradient = plain.slopes(network.outputs, inputs, dealt, readout) * classes[:, None]
        margin = plain.read(network.outputs(inputs), dealt, readout) * classes
        falls = plain.falls(network.outputs, inputs, classes, along, dealt, readout, 10 * float(norms[0]))
        expected = {
            "gradient_averaging": plain.gradient_averaging(gradient, margin, parts, classes, dealt.side),
            "offspan_radius": plain.offspan_radius(gradient, margin, spanning),
            "averaged_radius": float(np.median(falls)),
        }
        for measure, value in expected.items():
            found = float(FUNCTIONS[f"{measure}_{readout}"](shown))
            near = 1e-5 if measure != "averaged_radius" or run.settings.network.kind == "two_layer" else 3e-4
            assert found == pytest.approx(value, rel=near), (measure, readout)
            if measure != "gradient_averaging":
                relative = float(FUNCTIONS[f"{measure}_{readout}_relative"](shown))
                assert relative == pytest.approx(found / norms[0]) or math.isinf(found)


def test_neurons_that_carry_outputs_are_counted() -> None:
    for name in ("two_layer, binary", "mlp, depth 3"):
        run = small_run(1, **LITERAL | TRAINED[name])
        trained, shown = shown_by(run)
        network, _ = networks_of(run, trained)
        cluster, inputs = clusters.draw_test_points(run, training_set(run, "cpu").centers.points)
        labels = np.array(label_groups(run.settings).group_of_cluster)[cluster.numpy()]
        features = network.layers(inputs.numpy())[-1].after
        found = float(FUNCTIONS["neuron_participation"](shown))
        assert found == pytest.approx(plain.neuron_participation(network.readout, features, labels))
        rests = float(FUNCTIONS["readout_participation"](shown))
        if run.settings.network.kind == "mlp":
            assert rests == pytest.approx(plain.readout_participation(network.readout))


@pytest.mark.parametrize(
    ("changes", "degree"),
    [
        ({"network__kind": "two_layer"}, 1),
        ({"network__labels": 3}, 1),
        ({"network__depth": 3}, 2),
        ({"network__depth": 3, "network__output": "trained"}, 3),
        ({"network__output": "trained", "training__train": "output", "network__bias": "all"}, 1),
        ({"network__output": "trained", "training__train": "output", "network__activation": "erf"}, 1),
        ({"network__depth": 3, "training__train": "first", "network__bias": "all"}, 1),
        ({"network__activation": "power"}, 1),
        ({"network__activation": "erf"}, None),
        ({"network__depth": 3, "network__bias": "all"}, None),
        ({"network__output": "trained", "network__bias": "all"}, None),
    ],
)
def test_the_margin_is_over_all_that_is_trained_to_the_degree_of_the_outputs(
    changes: dict[str, Any], degree: int | None
) -> None:
    """Outputs of the least margin, by plain matrices, over the length of what differs from the start."""
    run = small_run(2, **{"network__kind": "mlp", "network__width": 2} | LITERAL | changes)
    trained, shown = shown_by(run)
    found = float(FUNCTIONS["normalized_margin"](shown))
    if degree is None:
        assert math.isnan(found)
        return
    network, start = networks_of(run, trained)
    data = training_set(run, "cpu")
    outputs, label = network.outputs(data.inputs.numpy()), _training_labels(run, data)
    margins = [row[own] - max(np.delete(row, own)) for row, own in zip(outputs, label, strict=True)]
    pairs = [(network.weights, start.weights), (network.bias, start.bias)]
    for new, old in zip(network.hidden, start.hidden, strict=True):
        pairs += zip(new, old, strict=True)
    if run.settings.network.kind == "mlp":
        scale = float(trained.upper.scale[0])
        pairs.append((network.output / scale, start.output / scale))
        pairs.append((network.output_bias / scale, start.output_bias / scale))
    size = math.sqrt(sum(float(np.sum(now**2)) for now, then in pairs if not np.array_equal(now, then)))
    assert found == pytest.approx(min(margins) / size**degree)


def test_the_rate_of_compression_is_a_line_through_its_logarithms() -> None:
    run = small_run(1, **LITERAL | TRAINED["mlp, erf, depth 4"])
    _, shown = shown_by(run)
    data = training_set(run, "cpu")
    values = [plain.compression(data.inputs.numpy(), _training_labels(run, data))]
    values += profile(LAYERED["compression"], shown)[0].tolist()
    slope, offset = np.polyfit(range(4), np.log(values), 1)
    assert float(FUNCTIONS["compression_rate"](shown)) == pytest.approx(math.exp(slope))
    left = np.log(values) - slope * np.arange(4) - offset
    assert float(FUNCTIONS["compression_fit"](shown)) == pytest.approx(1 - left.var() / np.log(values).var())


def test_results_carry_profiles_that_end_in_the_measure_where_there_are_several_layers() -> None:
    for changes, layers in (
        ({}, 0),
        ({"network__kind": "mlp", "network__depth": 4, "network__activation": "linear"}, 3),
    ):
        (result,) = results(run_stack(stack(small_run(attack__methods=[], **changes))))  # type: ignore[arg-type]
        assert set(result.profiles) == (set(LAYERED) if layers else set())
        for name, values in result.profiles.items():
            assert values.shape == (layers,)
            last = result.measures[name]
            assert math.isnan(values[-1]) if last is None else values[-1] == last
        assert implausible(small_run(attack__methods=[], **changes).settings, result) == []  # type: ignore[arg-type]
