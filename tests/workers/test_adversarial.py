"""Adversarial training: both engines against a literal loop that attacks in plain torch, and what they share."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from phaselab.domain.answers.theory import flip_radius
from phaselab.domain.families.cost import estimate_seconds
from phaselab.domain.families.registry import family_of
from phaselab.domain.families.resolve import resolve
from phaselab.domain.settings.faults import InvalidInput
from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.settings import Settings
from phaselab.domain.settings.stacks import trajectories
from phaselab.workers.data import image_data
from phaselab.workers.data.sources import training_set
from phaselab.workers.families import mlp, two_layer
from phaselab.workers.families.registry import bytes_needed
from phaselab.workers.networks.factor import span_factor
from phaselab.workers.networks.groups import lead
from phaselab.workers.networks.trained import Networks
from phaselab.workers.networks.two_layer import outputs
from phaselab.workers.training import adversarial
from phaselab.workers.training.adversarial import FirstLayer, OnInputs, in_span
from phaselab.workers.trial.run_stack import run_stack
from tests.workers.runs import results, small_run, stack
from tests.workers.test_mlp import LiteralNetwork, literal_batches, literal_losses, start_of

STEPS = (1, 3, 8)
ENGINES = ("gram", "autograd")


def run_of(seed: int = 0, **changes: Any) -> Run:
    """A small run in float64 on a literal draw, trained adversarially."""
    base = {"training__precision": "float64", "data__draw": "literal", "training__adversarial_radius": 1.5}
    return small_run(seed, **(base | changes))


def first_layers(run: Run) -> Networks:
    if run.settings.network.kind == "mlp":
        return mlp.train_networks([run], "cpu", None)[1].networks
    return two_layer.train_networks([run], "cpu", None)[1]


def literally_attacked(run: Run, network: LiteralNetwork, inputs: Tensor, label: Tensor) -> Tensor:
    """Seven steps of 2.5 / 7 of the radius along the loss's gradient, back into the ball; the worst of all places."""
    radius = run.settings.training.adversarial_radius
    assert radius is not None
    moved, worst, largest = torch.zeros_like(inputs), torch.zeros_like(inputs), torch.full((len(inputs),), -np.inf)
    for step in range(8):
        at = (inputs + moved).requires_grad_()
        each = literal_losses(run, network(at), label)  # [n]
        (slope,) = torch.autograd.grad(each.sum(), at)
        higher = each.detach() > largest
        worst[higher], largest = moved[higher], torch.maximum(each.detach(), largest)
        if step < 7:
            moved = moved + 2.5 * radius / 7 * slope / slope.norm(dim=1, keepdim=True)
            moved = moved / (moved.norm(dim=1, keepdim=True) / radius).clamp_min(1)
            moved = moved.where(slope.norm(dim=1, keepdim=True) > 0, 0.0)
    return inputs + worst


def literal_weights(run: Run) -> dict[int, Tensor]:
    """The first layer [M, d] after each number of steps of STEPS."""
    data, training, label = training_set(run, "cpu"), run.settings.training, start_of(run).label
    network, batches, seen = LiteralNetwork(run), literal_batches(run), {}
    optimizer = torch.optim.SGD(
        [one for one in network.parameters() if one.requires_grad],
        training.learning_rate,
        training.momentum or 0.0,
        weight_decay=training.weight_decay,
    )
    for step in range(1, max(STEPS) + 1):
        rows = next(batches)
        inputs = data.inputs[rows]
        if step > 1 or run.settings.network.symmetric == "none":
            inputs = literally_attacked(run, network, inputs, label[rows])
        optimizer.zero_grad()
        (literal_losses(run, network(inputs), label[rows]).mean() / run.settings.network.multiplier**2).backward()
        optimizer.step()
        if step in STEPS:
            seen[step] = network.first.weight.detach().clone()
    return seen


DECAY = {"training__optimizer": "momentum", "training__weight_decay": 0.05}
TRAINED = {"network__output": "trained", "network__output_scale": 0.5}
CASES: dict[str, dict[str, Any]] = {
    "binary": {},
    "binary, far": {"training__adversarial_radius": 4.0, "network__width": 3, **DECAY},
    "clusters, batches": {"network__labels": "clusters", "training__batch_size": 8, **DECAY},
    "relu, trained, depth 3": {**TRAINED, "network__depth": 3, "network__labels": 3, "network__width": 2},
    "leaky_relu, square": {"network__activation": "leaky_relu", "training__loss": "square"},
    "erf, exponential, depth 3": {**TRAINED, "network__activation": "erf", "training__loss": "exponential", **DECAY},
    "power, batches": {"network__activation": "power", "training__batch_size": 8, **DECAY},
    "power, depth 3, groups": {**TRAINED, "network__activation": "power", "network__depth": 3, "network__labels": 3},
    "off target": {"network__labels": 3, "training__loss": "square", "training__off_target": -0.5},
    "linear, square, groups": {"network__activation": "linear", "network__labels": 3, "training__loss": "square"},
    "pairs": {**TRAINED, "network__symmetric": "pairs", "network__multiplier": 100.0},
    "pairs, depth 3": {**TRAINED, "network__symmetric": "pairs", "network__depth": 3, "network__bias": "all"},
}


@pytest.mark.parametrize("case", CASES)
def test_both_engines_follow_a_literal_loop(case: str) -> None:
    changes = {"network__kind": "mlp"} | CASES[case]
    plain = {"network__depth", "network__activation", "network__symmetric", "training__loss"}.isdisjoint(changes)
    for steps, weights in literal_weights(run_of(**changes)).items():
        for kind in ("mlp", "two_layer") if plain else ("mlp",):
            for engine in ENGINES:
                asked = changes | {"network__kind": kind, "training__steps": steps, "training__engine": engine}
                found = first_layers(run_of(**asked)).weights[0]
                assert float((found - weights).norm() / weights.norm()) < 1e-9, (kind, engine, steps)


@pytest.mark.parametrize("labels", ["binary", "clusters"])
def test_engines_agree_on_the_law_of_the_draw(labels: str) -> None:
    """There, weights have coordinates past those of the inputs, into which points are moved, too."""
    runs = [
        run_of(network__labels=labels, data__draw="law", data__d=200, training__steps=8, training__engine=engine)
        for engine in ENGINES
    ]
    gram, autograd = (first_layers(run) for run in runs)
    assert gram.weights.shape[2] > training_set(runs[0], "cpu").inputs.shape[1]
    torch.testing.assert_close(gram.weights, autograd.weights, rtol=1e-9, atol=1e-12)


def test_runs_of_several_data_sets_are_trained_together_as_each_is_alone() -> None:
    runs = [run_of(seed, training__steps=5) for seed in range(3)]
    together = two_layer.train_networks(runs, "cpu", None)[1]
    for i, run in enumerate(runs):
        torch.testing.assert_close(together.weights[i], first_layers(run).weights[0], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("kind", ["two_layer", "mlp"])
def test_looks_on_the_way_see_what_shorter_trainings_end_in(kind: str, engine: str) -> None:
    runs = [run_of(network__kind=kind, training__engine=engine, training__steps=steps) for steps in (2, 5)]
    together = results(run_stack(stack(*runs)))
    for run, looked_at in zip(runs, together, strict=True):
        (alone,) = results(run_stack(stack(run)))
        for name in ("train_loss", "averaging_index", "start_share", "noise_share"):
            seen, expected = looked_at.measures[name], alone.measures[name]
            assert seen == (expected if expected is None else pytest.approx(expected, rel=1e-9)), name


def test_what_is_left_of_the_start_is_all_that_the_data_never_touched() -> None:
    """Outside the span of 20 training points in 30 dimensions the weights are A W0: A is read off there. Without the
    matrix A, autograd does not tell."""
    run = run_of(data__n=20, data__center_cosine=0.3, training__weight_decay=0.1, training__steps=10)
    data = training_set(run, "cpu")
    initial = two_layer.start_training(trajectories([run]), data, "cpu").weights[0].numpy()
    gram = first_layers(run)
    points, centers = (np.linalg.qr(x.numpy().T).Q for x in (data.inputs, data.centers.points))
    untouched = np.eye(30) - points @ points.T
    mixed = gram.weights[0].numpy() @ untouched @ np.linalg.pinv(initial @ untouched)  # A [M, M]
    left = mixed @ initial
    learned = gram.weights[0].numpy() - left
    assert np.abs(mixed - np.diag(np.diag(mixed))).max() > 1e-3, "neurons hold other neurons' starts"
    assert np.abs(learned @ untouched).max() < 1e-12
    total = (left**2).sum() + (learned**2).sum()
    beyond = learned - learned @ centers @ centers.T
    assert gram.start_share.item() == pytest.approx((left**2).sum() / total, rel=1e-9)
    assert gram.noise_share.item() == pytest.approx((beyond**2).sum() / total, rel=1e-9)
    (result,) = results(run_stack(stack(run_of(training__steps=3, training__engine="autograd"))))
    assert result.measures["start_share"] is result.measures["noise_share"] is None


def test_the_attack_in_the_span_stays_in_the_ball_and_raises_every_loss() -> None:
    random = torch.Generator().manual_seed(0)
    weights, inputs = (
        torch.randn(*shape, 40, dtype=torch.float64, generator=random) for shape in ((3, 8), (3, 50))
    )  # [3, 8, 40], [3, 50, 40]
    network, label = (
        two_layer.network_of(run_of(network__labels="clusters", network__width=2).settings),
        torch.arange(50) % 4,
    )
    seen = weights @ inputs.mT

    def judge(at: Tensor) -> Tensor:
        return lead(outputs(at, network.layout), label)

    found = in_span(seen, span_factor(weights), judge, 0.7)
    perturbation = weights.mT @ found.mixing  # [3, 40, 50]
    assert float(perturbation.norm(dim=1).max()) < 0.7 + 1e-12
    torch.testing.assert_close(found.seen, seen + weights @ perturbation)
    has_gradient = (seen > 0).any(dim=1)
    assert bool((judge(found.seen) < judge(seen))[has_gradient].all())


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("kind", ["two_layer", "mlp"])
def test_points_at_which_all_neurons_are_off_are_not_moved_and_teach_nothing(kind: str, engine: str) -> None:
    run = run_of(network__kind=kind, network__init_scale=0.0, training__engine=engine, training__steps=2)
    assert not first_layers(run).weights.any()


def test_a_point_that_was_moved_to_where_there_is_no_gradient_starts_again() -> None:
    """The first step turns off the only neuron that is on; from there on it starts at the point again, and again gets
    no farther."""
    weights = torch.tensor([[1.0, 0.0], [-1.0, 0.0]], dtype=torch.float64)
    inputs, label = torch.tensor([[0.1, 0.0]], dtype=torch.float64), torch.zeros(1, dtype=torch.long)
    run = run_of(network__width=1, training__adversarial_radius=0.25)
    network = two_layer.network_of(run.settings)

    def above(seen: Tensor) -> Tensor:
        return outputs(seen - 0.02, network.layout)  # both are off within 0.02 of 0

    layer = FirstLayer(weights, torch.zeros(2, dtype=torch.float64), above, lead)
    reference = OnInputs(run, inputs, 2, 1)(inputs, label, layer, None)
    found = in_span(weights @ inputs.T, span_factor(weights), lambda at: lead(above(at), label), 0.25)
    torch.testing.assert_close(found.seen, weights @ reference.T)
    assert float(reference[0, 0]) == pytest.approx(0.1 - 2.5 * 0.25 / 7)  # 0.0107, where both are off


def test_pixels_keep_to_their_box_and_need_autograd(monkeypatch: pytest.MonkeyPatch) -> None:
    images = {"data": {"source": "digits", "n": 30}, "attack": {"test_points": 20, "radii": [0.0, 0.5]}}
    training = {"adversarial_radius": 1.0, "steps": 3, "learning_rate": 0.1}
    run = Run.of(resolve(Settings.model_validate(images | {"training": training})), 0)
    assert run.settings.training.engine == "autograd"
    seen: list[Tensor] = []
    moved = adversarial.moved

    def noted(*arguments: Any) -> Tensor:
        seen.append(moved(*arguments))
        return seen[-1]

    monkeypatch.setattr(adversarial, "moved", noted)
    results(run_stack(stack(run)))
    inputs = training_set(run, "cpu").inputs
    box = image_data.box(run.settings.data, inputs)
    assert len(seen) == 3
    for one in seen:
        assert bool((one >= box.low).all() and (one <= box.high).all())
        assert 0.1 < float((one - inputs).norm(dim=1).max()) < 1 + 1e-5
    with pytest.raises(InvalidInput, match="keep to a box; use engine: autograd"):
        resolve(Settings.model_validate(images | {"training": training | {"engine": "gram"}}))


@pytest.mark.parametrize("kind", ["two_layer", "mlp"])
def test_no_radius_is_plain_training_under_the_key_of_old(kind: str) -> None:
    plain, zero = small_run(network__kind=kind), small_run(network__kind=kind, training__adversarial_radius=0.0)
    hardened = small_run(network__kind=kind, training__adversarial_radius=0.5)
    assert plain == zero
    assert zero.key != hardened.key
    assert zero.settings.training.adversarial_radius == 0


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("kind", ["two_layer", "mlp"])
def test_it_costs_time_and_memory(kind: str, engine: str) -> None:
    plain, hardened = (
        small_run(
            network__kind=kind,
            training__engine=engine,
            data__n=2000,
            attack__test_points=1,
            training__adversarial_radius=radius,
        ).settings
        for radius in (0.0, 1.0)
    )
    assert estimate_seconds(hardened) > 1.3 * estimate_seconds(plain)
    assert bytes_needed(hardened) > 1.1 * bytes_needed(plain)
    assert family_of(hardened).neurons(hardened) == family_of(plain).neurons(plain)


def test_theory_is_silent() -> None:
    settings = small_run(data__k=10, data__d=3072, data__n=1000, training__adversarial_radius=5.0).settings
    assert flip_radius(settings, "sum").reason == "theory does not follow adversarial training"
