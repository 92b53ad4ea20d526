"""Networks of any depth: against two_layer, of which they are the general case, and against a literal torch loop."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.stacks import trajectories
from phaselab.workers.base.stop import Stopped
from phaselab.workers.base.streams import Stream, generator
from phaselab.workers.data.sources import training_set
from phaselab.workers.families import mlp, two_layer
from phaselab.workers.families.mlp import TrainedMlps
from phaselab.workers.training import mlp_gram
from phaselab.workers.training.mlp import MlpStart
from phaselab.workers.trial.run_stack import run_stack
from tests.workers.runs import results, small_run, stack

STEPS = (0, 1, 2, 5, 20)


def mlp_run(seed: int = 0, **changes: Any) -> Run:
    """A small run in float64 on a literal draw."""
    base = {"network__kind": "mlp", "training__precision": "float64", "data__draw": "literal"}
    return small_run(seed, **(base | changes))


def trained(*runs: Run) -> TrainedMlps:
    ordered, networks = mlp.train_networks(runs, "cpu", None)
    assert ordered == list(runs)
    return networks


def start_of(run: Run) -> MlpStart:
    return mlp.start_training(trajectories([run]), training_set(run, "cpu"), "cpu")


OPTIMIZERS: dict[str, dict[str, Any]] = {
    "gd": {},
    "momentum, decay": {"training__optimizer": "momentum", "training__weight_decay": 0.05},
    "batches": {"training__batch_size": 7},
    "nesterov": {"training__optimizer": "nesterov"},
    "nesterov, decay, batches": {
        "training__optimizer": "nesterov",
        "training__batch_size": 7,
        "training__weight_decay": 0.05,
    },
    "adam": {"training__optimizer": "adam", "training__learning_rate": 0.01, "training__weight_decay": 0.01},
}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("labels", ["binary", 2, 3, "clusters"])
def test_two_layer_is_the_mlp_that_it_is_a_case_of(labels: str | int, optimizer: str) -> None:
    changes = {"network__labels": labels, "network__width": 3, **OPTIMIZERS[optimizer]}
    special, general = (mlp_run(network__kind=kind, **changes) for kind in ("two_layer", "mlp"))
    _, networks = two_layer.train_networks([special], "cpu", None)
    other = trained(general)
    torch.testing.assert_close(other.networks.weights, networks.weights, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(other.networks.bias, networks.bias, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(other.networks.preactivations, networks.preactivations, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(other.networks.loss, networks.loss, rtol=1e-9, atol=0)
    of_special, of_general = (results(run_stack(stack(run)))[0] for run in (special, general))
    assert of_general.measures["steps_taken"] == 30
    shared = set(of_general.measures) & set(of_special.measures)
    assert "averaging_index" in shared
    for name in shared:
        one, theirs = of_general.measures[name], of_special.measures[name]
        assert (one is None) == (theirs is None), name
        halved = name.startswith(
            ("averaged_radius", "averaging_optimality")
        )  # exact of one, found by halving of the other
        assert one is None or one == pytest.approx(theirs, rel=2e-4 if halved else 1e-7), name
    np.testing.assert_allclose(of_general.cosines, of_special.cosines, atol=1e-6)


def test_two_layer_is_the_mlp_on_the_law_of_the_draw_too() -> None:
    special, general = (small_run(data__draw="law", network__kind=kind) for kind in ("two_layer", "mlp"))
    networks, other = two_layer.train_networks([special], "cpu", None)[1], trained(general).networks
    torch.testing.assert_close(other.weights, networks.weights, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(other.preactivations, networks.preactivations, rtol=1e-3, atol=1e-4)


class LiteralNetwork(nn.Module):
    """As docs/methods/mlp.md has it, in torch's own layers; the numbers of the start are a run's."""

    def __init__(self, run: Run) -> None:
        super().__init__()
        start, self.settings = start_of(run), run.settings
        upper, count = start.upper, start.network.layout.neurons
        self.first = nn.Linear(run.settings.data.d, count)
        self.hidden = nn.ModuleList(nn.Linear(count, count) for _ in upper.hidden)
        self.last = nn.Linear(count, upper.output.shape[1])
        self.double()
        pairs = [(self.first, start.weights, start.bias), (self.last, upper.output, upper.output_bias)]
        pairs += list(zip(self.hidden, upper.hidden, upper.hidden_bias, strict=True))  # type: ignore[arg-type]
        with torch.no_grad():
            for layer, weights, bias in pairs:
                layer.weight.copy_(weights[0])
                layer.bias.copy_(bias[0])
        self.norm = float(start.data.centers.norms.square().mean().sqrt())
        self._freeze()

    def _freeze(self) -> None:
        network, train = self.settings.network, self.settings.training.train
        first, last = train in ("all", "first"), train in ("all", "output") and network.output == "trained"
        for layer, weights, biased in (
            (self.first, first, network.bias != "none"),
            *((layer, train == "all", network.bias == "all") for layer in self.hidden),
            (self.last, last, network.bias == "all"),
        ):
            layer.weight.requires_grad_(weights)
            layer.bias.requires_grad_(weights and biased)

    def forward(self, inputs: Tensor) -> Tensor:
        network = self.settings.network
        active = self._first_active(self.first(inputs))
        for layer in self.hidden:
            active = self._active(layer(active))
        scale = network.multiplier * network.width**-network.output_power  # type: ignore[operator]
        return self.last(active) * scale  # type: ignore[no-any-return]

    def _first_active(self, seen: Tensor) -> Tensor:
        if self.settings.network.activation != "power":
            return self._active(seen)
        power, length = self.settings.network.power, self.first.weight.square().sum(dim=1).sqrt()
        assert power is not None
        return functional.relu(seen) ** power / (length * self.norm) ** (power - 1)

    def _active(self, seen: Tensor) -> Tensor:
        functions = {
            "relu": functional.relu,
            "power": functional.relu,
            "leaky_relu": lambda z: torch.where(z > 0, z, 0.1 * z),
            "linear": lambda z: z,
            "erf": torch.special.erf,
        }
        return functions[self.settings.network.activation](seen)


def literal_loss(run: Run, values: Tensor, label: Tensor) -> Tensor:
    """Of values [n, o] and label groups [n]."""
    return literal_losses(run, values, label).mean()


def literal_losses(run: Run, values: Tensor, label: Tensor) -> Tensor:
    """[n]: that of every point."""
    name = run.settings.training.loss
    if run.settings.network.labels == "binary":
        sign, value = 1.0 - 2.0 * label, values[:, 0]
        terms = {
            "logistic": (1 + (-sign * value).exp()).log(),
            "square": (value - sign) ** 2 / 2,
            "exponential": (-sign * value).exp(),
        }
        return terms[name]
    if name == "cross_entropy":
        return functional.cross_entropy(values, label, reduction="none")
    if name == "square":
        own, off = functional.one_hot(label, values.shape[1]), run.settings.training.off_target
        return ((values - own - off * (1 - own)) ** 2).sum(dim=1) / 2
    own = values[torch.arange(len(label)), label].unsqueeze(1)
    return (values - own).exp().sum(dim=1) - 1


def literal_batches(run: Run) -> Iterator[Tensor]:
    n, size = run.settings.data.n, run.settings.training.batch_size
    random = generator(run.seed, Stream.BATCHES)
    while True:
        order = random.permutation(n) if size else np.arange(n)
        yield from (
            torch.from_numpy(part) for part in np.split(order[: n // (size or n) * (size or n)], n // (size or n))
        )


def literal_trajectory(run: Run) -> dict[int, tuple[LiteralNetwork, float]]:
    """The network and its loss on all training points after each number of steps of STEPS."""
    seen, data, settings = {}, training_set(run, "cpu"), run.settings
    label, network, batches = start_of(run).label, LiteralNetwork(run), literal_batches(run)
    leaves, training = [one for one in network.parameters() if one.requires_grad], settings.training
    if training.optimizer == "adam":
        optimizer: torch.optim.Optimizer = torch.optim.Adam(
            leaves, training.learning_rate, weight_decay=training.weight_decay
        )
    else:
        optimizer = torch.optim.SGD(
            leaves,
            training.learning_rate,
            training.momentum or 0.0,
            weight_decay=training.weight_decay,
            nesterov=training.optimizer == "nesterov",
        )
    for step in range(max(STEPS) + 1):
        if step in STEPS:
            copy = LiteralNetwork(run)
            copy.load_state_dict(network.state_dict())
            seen[step] = copy, float(literal_loss(run, network(data.inputs), label).detach())
        rows = next(batches)
        optimizer.zero_grad()
        loss = literal_loss(run, network(data.inputs[rows]), label[rows]) / settings.network.multiplier**2
        loss.backward()
        optimizer.step()
    return seen


def assert_same_trajectory(engine: str = "autograd", **changes: Any) -> None:
    expected = literal_trajectory(mlp_run(**changes))
    for steps, (network, loss) in expected.items():
        found = trained(mlp_run(**(changes | {"training__steps": steps, "training__engine": engine})))
        pairs = [(found.networks.weights, network.first.weight), (found.networks.bias, network.first.bias)]
        pairs += [(found.upper.output, network.last.weight), (found.upper.output_bias, network.last.bias)]
        for number, layer in enumerate(network.hidden):
            pairs += [(found.upper.hidden[number], layer.weight), (found.upper.hidden_bias[number], layer.bias)]
        for mine, theirs in pairs:
            torch.testing.assert_close(mine[0], theirs.detach(), rtol=1e-9, atol=1e-12, msg=f"after {steps} steps")
        assert float(found.networks.loss[0]) == pytest.approx(loss, rel=1e-9), f"loss after {steps} steps"


ACTIVATIONS: dict[str, dict[str, Any]] = {
    "relu": {},
    "leaky_relu": {"network__activation": "leaky_relu"},
    "linear": {"network__activation": "linear"},
    "erf": {"network__activation": "erf"},
    "power 1.5": {"network__activation": "power", "network__power": 1.5},
    "power 3": {"network__activation": "power"},
}
LOSSES = [
    ("binary", "logistic"),
    ("binary", "square"),
    ("binary", "exponential"),
    (3, "cross_entropy"),
    (3, "square"),
    (3, "exponential"),
]
TRAINED = {"network__output": "trained", "network__output_scale": 0.5}
STARTS: dict[str, dict[str, Any]] = {
    "fixed": {},
    "as the fixed one": {"network__output": "trained"},
    "balanced": {"network__output": "trained", "network__init": "balanced"},
    "orthogonal": {**TRAINED, "network__init": "orthogonal", "network__depth": 3},
    "pairs, multiplied": {**TRAINED, "network__symmetric": "pairs", "network__multiplier": 4.0},
    "all biases, NTK": {**TRAINED, "network__bias": "all", "network__output_power": 0.5, "network__depth": 4},
    "no bias": {**TRAINED, "network__bias": "none", "network__hidden_scale": 0.7, "network__depth": 3},
    "first only": {**TRAINED, "network__depth": 3, "training__train": "first"},
    "output only": {**TRAINED, "network__depth": 3, "training__train": "output", "network__bias": "all"},
}


ENGINES = ["gram", "autograd"]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("depth", [2, 3, 4, 5])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_follows_the_literal_loop(activation: str, depth: int, engine: str) -> None:
    assert_same_trajectory(engine, network__depth=depth, network__width=3, **TRAINED, **ACTIVATIONS[activation])


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("depth", [2, 3])
@pytest.mark.parametrize(("labels", "loss"), LOSSES)
def test_every_loss_follows_the_literal_loop(labels: str | int, loss: str, depth: int, engine: str) -> None:
    assert_same_trajectory(
        engine, network__labels=labels, training__loss=loss, network__width=2, network__depth=depth, **TRAINED
    )


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("labels", ["binary", 3])
def test_every_start_follows_the_literal_loop(labels: str | int, start: str, engine: str) -> None:
    assert_same_trajectory(engine, network__labels=labels, network__width=4, **STARTS[start])


CASES = [(optimizer, "autograd") for optimizer in OPTIMIZERS]
CASES += [(optimizer, "gram") for optimizer in OPTIMIZERS if optimizer != "adam"]


@pytest.mark.parametrize("activation", ["relu", "power 3"])
@pytest.mark.parametrize(("optimizer", "engine"), CASES)
def test_every_optimizer_follows_the_literal_loop(optimizer: str, engine: str, activation: str) -> None:
    changes = TRAINED | ACTIVATIONS[activation] | OPTIMIZERS[optimizer]
    assert_same_trajectory(engine, network__depth=3, network__labels=3, network__width=2, **changes)


@pytest.mark.parametrize("activation", ["relu", "power 3"])
@pytest.mark.parametrize("optimizer", ["momentum, decay", "batches"])
def test_gram_follows_the_literal_loop_with_many_points_in_few_dimensions(optimizer: str, activation: str) -> None:
    changes = ACTIVATIONS[activation] | OPTIMIZERS[optimizer]
    assert_same_trajectory("gram", data__n=40, data__d=12, network__depth=3, **changes)


@pytest.mark.parametrize("activation", ["erf", "power 1.5"])
def test_runs_of_several_data_sets_and_seeds_are_trained_as_each_alone(activation: str) -> None:
    changes = {"training__stop_margin": 1.0, "training__steps": 60, "training__learning_rate": 0.3, "data__draw": "law"}
    changes |= ACTIVATIONS[activation]
    runs = [mlp_run(seed, data__seed=seed // 2, **changes) for seed in range(6)]
    together = trained(*runs)
    assert len(set(together.steps.tolist())) > 1, "they stop at different times"
    for number, run in enumerate(runs):
        alone = trained(run)
        assert alone.steps[0] == together.steps[number]
        torch.testing.assert_close(alone.networks.weights[0], together.networks.weights[number])
        torch.testing.assert_close(alone.networks.loss[0], together.networks.loss[number])


def test_gram_refuses_what_it_does_not_hold_for() -> None:
    with pytest.raises(ValueError, match="adam"):
        mlp_gram.train([start_of(mlp_run(training__optimizer="adam"))])


@pytest.mark.parametrize("depth", [2, 3])
@pytest.mark.parametrize("labels", ["binary", 3])
@pytest.mark.parametrize("output_scale", [None, 0.5])
def test_pairs_start_with_outputs_of_0(output_scale: float | None, labels: str | int, depth: int) -> None:
    changes = {"network__output": "trained", "network__output_scale": output_scale, "network__symmetric": "pairs"}
    network = LiteralNetwork(mlp_run(network__depth=depth, network__width=4, network__labels=labels, **changes))
    inputs = torch.randn(50, 30, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert float(network(inputs).abs().max()) < 1e-14
    assert network.last.weight.count_nonzero() > 0


@pytest.mark.parametrize("draw", ["law", "literal"])
def test_orthogonal_rows_are_as_long_as_normal_ones_on_average(draw: str) -> None:
    run = mlp_run(data__draw=draw, network__init="orthogonal", network__width=5, network__depth=3)
    start = start_of(run)
    expected = run.settings.network.init_scale**2 * run.settings.data.d * torch.eye(10, dtype=torch.float64)
    torch.testing.assert_close(start.weights[0] @ start.weights[0].T, expected)
    hidden = start.upper.hidden[0][0]
    torch.testing.assert_close(hidden @ hidden.T, 2 * torch.eye(10, dtype=torch.float64))


def test_hidden_layers_keep_the_size_of_signals() -> None:
    run = mlp_run(network__width=200, network__depth=5, network__init_scale=1.0)
    start = start_of(run)
    active = torch.relu(torch.randn(400, 60, dtype=torch.float64, generator=torch.Generator().manual_seed(0)))
    size = active.square().mean()
    for weights in start.upper.hidden:
        active = torch.relu(weights[0] @ active)
    assert float(active.square().mean() / size) == pytest.approx(1.0, abs=0.4)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("batch_size", [None, 5])
@pytest.mark.parametrize(("stop", "value"), [("stop_margin", 1.5), ("stop_loss", 0.2)])
def test_training_stops_by_margin_or_loss(stop: str, value: float, batch_size: int | None, engine: str) -> None:
    changes: dict[str, Any] = {"training__learning_rate": 0.2, "training__batch_size": batch_size}
    changes |= {"training__engine": engine}
    changes |= {"training__steps": 500, f"training__{stop}": value}
    (result,) = results(run_stack(stack(mlp_run(**changes))))
    steps = result.measures["steps_taken"]
    assert steps is not None
    assert 0 < steps < 500
    assert batch_size is None or steps % 5 == 0, "epochs of 25 points are 5 batches"
    before = int(steps) - (1 if batch_size is None else 5)
    reached = [_margin_and_loss(mlp_run(**(changes | {"training__steps": count}))) for count in (before, int(steps))]
    (margin_before, loss_before), (margin, loss) = reached
    assert margin_before < value <= margin if stop == "stop_margin" else loss_before > value >= loss


def _margin_and_loss(run: Run) -> tuple[float, float]:
    found, data = trained(run), training_set(run, "cpu")
    start = start_of(run)
    network = LiteralNetwork(run)
    with torch.no_grad():
        network.first.weight.copy_(found.networks.weights[0])
        network.first.bias.copy_(found.networks.bias[0])
        values = network(data.inputs)[:, 0] * (1 - 2 * start.label)
    return float(values.min()), float(found.networks.loss[0])


def test_where_nothing_stops_it_training_takes_its_steps() -> None:
    (result,) = results(run_stack(stack(mlp_run(training__stop_margin=1e6))))
    assert result.measures["steps_taken"] == 30


def test_a_large_multiplier_keeps_weights_at_their_start() -> None:
    changes = {"network__symmetric": "pairs", "network__width": 8, "network__init_scale": 0.3}
    moved = []
    for multiplier in (1.0, 100.0):
        run = mlp_run(**changes, network__multiplier=multiplier)
        start, after = start_of(run).weights, trained(run).networks.weights
        moved.append(float((after - start).norm() / start.norm()))
    assert moved[1] < 0.05 * moved[0]


def test_a_neurons_side_is_that_to_which_it_pushes() -> None:
    run = mlp_run(network__output="trained", network__output_scale=1.0, network__width=4, network__bias="none")
    found = trained(run)
    pushed = found.shown().own[0]  # [M, k]
    sign = found.upper.output[0, 0] > 0  # [M]
    assert torch.equal(pushed[:, :2], sign.unsqueeze(1).expand(-1, 2))
    assert torch.equal(pushed[:, 2:], ~sign.unsqueeze(1).expand(-1, 2))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("batch_size", [None, 5])
def test_training_stops_when_it_is_asked_to(batch_size: int | None, engine: str) -> None:
    asked = iter([False, False, True])
    with pytest.raises(Stopped):
        mlp.train_networks(
            [mlp_run(training__batch_size=batch_size, training__engine=engine)], "cpu", lambda: next(asked)
        )


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_what_is_left_of_the_start_is_told_where_it_is_known(activation: str, engine: str) -> None:
    """Literal weights less `left` times the start lie in the span of the training points."""
    run = mlp_run(
        **ACTIVATIONS[activation], training__weight_decay=0.3, training__engine=engine, training__batch_size=10
    )
    start, (result,) = start_of(run), results(run_stack(stack(run)))
    unknown = engine == "autograd" and run.settings.network.activation == "power"
    assert (result.measures["start_share"] is None) == unknown
    if unknown:
        return
    (fitted,) = mlp.ENGINES[engine]([start], None)
    inputs = training_set(run, "cpu").inputs  # 25 points in 30 dimensions
    outside = torch.eye(30, dtype=torch.float64) - torch.linalg.pinv(inputs) @ inputs
    rest = fitted.weights - fitted.left.unsqueeze(-1) * start.weights
    assert float((rest @ outside).norm()) < 1e-10 * float(rest.norm())
    assert bool((fitted.left < 1).all())
