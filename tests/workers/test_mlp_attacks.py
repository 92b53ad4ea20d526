"""Attacks on networks of any depth in the span of their first layer's weights, against the inputs themselves."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from phaselab.domain.results.results import READOUTS
from phaselab.domain.settings.runs import Run
from phaselab.workers.attacks.attacks import Attacks, radii_of
from phaselab.workers.attacks.climb import AtThePoints, climb
from phaselab.workers.attacks.inputs import InputMargin, InputPoints
from phaselab.workers.attacks.landscape import Way
from phaselab.workers.attacks.mlp_span import MlpMargin
from phaselab.workers.attacks.mlp_victim import MlpVictim
from phaselab.workers.attacks.pgd import _by_runs, break_points
from phaselab.workers.attacks.shrink import attacked_radii
from phaselab.workers.attacks.span_victim import SpanVictim
from phaselab.workers.data import clusters
from phaselab.workers.data.image_data import Box
from phaselab.workers.data.sources import training_set
from phaselab.workers.families.mlp import TrainedMlps, train_networks
from phaselab.workers.networks.mlp import outputs
from phaselab.workers.trial.run_stack import run_stack
from tests.workers.runs import results, small_run, stack
from tests.workers.test_mlp import ACTIVATIONS, TRAINED, mlp_run

FORMS: dict[str, dict[str, Any]] = {
    "binary": {"network__labels": "binary", "network__width": 4},
    "groups": {"network__labels": 3, "network__width": 3},
}
CASES = [
    (form, activation, depth)
    for form, depths in zip(FORMS, ((2, 4), (4, 2)), strict=True)
    for activation, depth in zip(ACTIVATIONS, 3 * depths, strict=True)
]
"""At depth 2 and 4 in turn."""


def run_of(form: str, activation: str, depth: int, **changes: Any) -> Run:
    return mlp_run(**(FORMS[form] | ACTIVATIONS[activation] | TRAINED | {"network__depth": depth} | changes))


@torch.no_grad()
def victim_and_inputs(run: Run) -> tuple[TrainedMlps, MlpVictim, InputPoints]:
    """A trained network in the span of its weights, and the same on its inputs, in a box without walls."""
    (_,), trained = train_networks([run], "cpu", None)
    victim = trained.victim
    assert isinstance(victim, MlpVictim)
    centers = training_set(run, "cpu").centers.points
    inputs = clusters.draw_test_points(run, centers)[1]  # [N, d]
    weights, bias = trained.networks.weights[0], trained.networks.bias[0].unsqueeze(1)
    upper, length = trained.upper.each(lambda one: one[0]), weights.norm(dim=-1)
    wall = torch.full((run.settings.data.d,), 1e9, dtype=inputs.dtype)
    points = InputPoints(
        lambda moved: outputs(weights @ moved.T + bias, length, upper, trained.network),
        trained.network.layout.outputs,
        trained.network.positive_groups,
        inputs,
        victim.side[0].to(inputs),
        trained.networks.label[0],
        Box(-wall, wall),
        len(inputs),
    )
    return trained, victim, points


@pytest.mark.parametrize(("form", "activation", "depth"), CASES)
@torch.no_grad()
def test_scores_and_gradients_are_those_on_the_inputs(form: str, activation: str, depth: int) -> None:
    """A perturbation u in the span is delta = W^T L^+ u of the input; the gradient by u is L^+ W times it."""
    trained, victim, points = victim_and_inputs(run_of(form, activation, depth))
    weights, factor = trained.networks.weights[0], trained.networks.factor[0]
    carry = weights.T @ torch.linalg.pinv(factor, hermitian=True)  # [d, M]
    random = torch.Generator().manual_seed(1)
    u = torch.randn(1, len(weights), 60, dtype=torch.float64, generator=random)
    for readout in READOUTS:
        mine = victim.readout(readout).ways[0].landscape.look(u)
        theirs = InputMargin(points, readout).look((carry @ u[0]).unsqueeze(0))
        torch.testing.assert_close(mine.score, theirs.score, rtol=1e-8, atol=1e-10)
        gradient = (carry.T @ theirs.gradient[0]).unsqueeze(0)
        ours, other = (one / one.norm(dim=1, keepdim=True).clamp_min(1e-300) for one in (mine.gradient, gradient))
        torch.testing.assert_close(ours, other, rtol=1e-6, atol=1e-6)
        torch.testing.assert_close(theirs.gradient[0].norm(dim=0), gradient[0].norm(dim=0), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize(("form", "activation", "depth"), CASES)
@torch.no_grad()
def test_attacks_in_the_span_break_what_attacks_on_the_inputs_break(form: str, activation: str, depth: int) -> None:
    _, victim, points = victim_and_inputs(run_of(form, activation, depth))
    for readout in READOUTS:
        broken = []
        for landscape in (victim.readout(readout).ways[0].landscape, InputMargin(points, readout)):
            wanted = torch.ones(1, 60, dtype=torch.bool)
            ended = climb(Way(landscape), 2.5, 20, AtThePoints(landscape.zeros()), wanted)
            broken.append(ended.margins[0] <= 0)
        assert bool(broken[0].any())
        assert float((broken[0] != broken[1]).double().mean()) <= 1 / 60


@pytest.mark.parametrize(("form", "activation", "depth"), CASES)
@torch.no_grad()
def test_no_gradient_is_longer_than_its_bound(form: str, activation: str, depth: int) -> None:
    _, victim, points = victim_and_inputs(run_of(form, activation, depth))
    for readout in READOUTS:
        landscape = victim.readout(readout).ways[0].landscape
        assert isinstance(landscape, MlpMargin)
        safe, margin = landscape.points.safe_radius(readout)[0], landscape.clean()[0, 0]
        if run_of(form, activation, depth).settings.network.activation == "power":
            assert bool((safe == 0).all())
            continue
        bound = (margin / safe)[margin != 0]  # the same of every point
        assert float(bound.max() / bound.min()) == pytest.approx(1.0, rel=1e-9)
        for size in (0.0, 1.0, 5.0, 50.0):
            moved = size * torch.randn(1, 30, 60, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
            steepest = InputMargin(points, readout).look(moved).gradient.norm(dim=1).max()
            assert float(steepest) <= float(bound.min()) * (1 + 1e-9)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("activation", ["relu", "erf"])
@torch.no_grad()
def test_points_that_are_left_out_as_safe_withstand_the_attack(form: str, activation: str) -> None:
    """Attacked all the same, the same points break at the same radii."""
    runs = [replace(run_of(form, activation, 3, attack__radii=[0.25, 0.5, 1.0, 2.0]), seed=seed) for seed in (0, 1)]
    _, trained = train_networks(runs, "cpu", None)
    victim = trained.victim
    for readout in READOUTS:
        settings = runs[0].settings
        ways = victim.readout(readout).ways
        safe = ways[0].landscape.safe_radius()
        bare = [replace(way, landscape=replace(way.landscape, safe=torch.zeros_like(safe))) for way in ways]
        noise, arguments = victim.noise(0), (radii_of(settings), 20, 1)
        first = [break_points(either, *arguments, noise).first for either in (ways, bare)]
        assert torch.equal(*first)
        spared = sum(int((safe >= radius).sum()) for radius in radii_of(settings))
        assert spared > safe.numel() / 10


def test_runs_of_few_points_are_attacked_together_and_of_many_alone() -> None:
    counts = [5, 3, 0, 5, 9, 4]
    wanted = torch.arange(10).expand(6, 10) < torch.tensor(counts).unsqueeze(1)
    batches = _by_runs(wanted, 10)
    assert torch.equal(torch.stack(batches).sum(dim=0), wanted.long())  # every point once
    assert [batch.sum(dim=1).nonzero().flatten().tolist() for batch in batches] == [[4], [0, 3], [1, 5]]
    assert _by_runs(torch.zeros(2, 3, dtype=torch.bool), 10) == []


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("form", FORMS)
def test_curves_never_rise_and_can_be_trusted_in_what_does_not_depend_on_the_attack(form: str, activation: str) -> None:
    run = run_of(form, activation, 3, data__draw="law", training__precision="float32", attack__restarts=2)
    (result,) = results(run_stack(stack(run)))
    for curve in result.curves:
        assert bool((curve.accuracy[1:] <= curve.accuracy[:-1]).all())
        clean = {"max": "test_accuracy", "sum": "test_accuracy_sum"}[curve.readout]
        assert curve.accuracy[0] == pytest.approx(result.measures[clean], abs=1e-9)
    assert not {"clean_mismatch", "not_adversarial", "beats_certificate", "no_gradient"} & set(result.trust.flags)


@pytest.mark.parametrize(("form", "activation", "depth"), CASES)
@torch.no_grad()
def test_whatever_straight_lines_break_the_attack_breaks(form: str, activation: str, depth: int) -> None:
    run = run_of(form, activation, depth)
    trained, victim, _ = victim_and_inputs(run)
    radii = radii_of(run.settings)
    attacked = Attacks(run.settings, trained.victim, None).all()
    found = 0
    for readout in READOUTS:
        flips = victim.lines(60).flips(readout, radii[-1])[0]  # [60]
        for number, radius in enumerate(radii):
            broken = attacked.broken[readout].first[0, 0] <= number
            assert bool(broken[flips * (1 + 1e-3) <= radius].all())
            found += int((flips <= radius).sum())
    assert found > 0


@pytest.mark.parametrize("form", FORMS)
@torch.no_grad()
def test_starts_on_lines_lie_inside_the_ball_and_flip_in_the_order_of_their_lines(form: str) -> None:
    _, victim, _ = victim_and_inputs(run_of(form, "relu", 3))
    for readout in READOUTS:
        toward = victim.searched(60).toward(readout, 3.0)  # [L, 1, M, 60]
        lengths = toward.norm(dim=2)[:, 0]  # [L, 60]
        assert bool((lengths <= 3.0 * (1 + 1e-9)).all())
        assert bool((lengths[1:] >= lengths[:-1] * (1 - 1e-9)).all())
        landscape = victim.readout(readout).ways[0].landscape
        flipped = landscape.look(toward[0]).verdicts[0] <= 0
        assert torch.equal(flipped[0], victim.lines(60).flips(readout, 3.0)[0].isfinite())


@pytest.mark.parametrize(("form", "activation", "depth"), CASES)
@torch.no_grad()
def test_what_broke_a_point_is_shortened_as_long_as_it_breaks_it(form: str, activation: str, depth: int) -> None:
    run = run_of(form, activation, depth)
    trained, victim, _ = victim_and_inputs(run)
    attacked = Attacks(run.settings, trained.victim, None).all()
    for readout in READOUTS:
        broken, landscape = attacked.broken[readout], victim.readout(readout).ways[0].landscape
        found = attacked_radii(victim.readout(readout), broken)[0]
        radii = torch.tensor([*radii_of(run.settings), torch.inf], dtype=torch.float64)
        assert bool((found <= radii[broken.first[0, 0]] * (1 + 1e-9)).all())
        assert bool((found[broken.first[0, 0] > 0] > 0).all())
        assert torch.equal(found.isfinite(), broken.first[0, 0] < len(radii) - 1)
        assert bool((found >= landscape.safe_radius()[0].clamp_min(0)).all())
        flips = victim.lines(60).flips(readout, radii_of(run.settings)[-1])[0]
        assert bool((found <= flips * (1 + 2e-4)).all())
        shorter = found < flips * (1 - 1e-9)  # then it lies on the way to what broke the point
        unit = broken.witness / broken.witness.norm(dim=1, keepdim=True).clamp_min(1e-300)
        there = landscape.look(unit * found.nan_to_num(posinf=0.0)).verdicts[0, 0]
        assert bool((there[shorter] <= 1e-12).all())


def test_an_attack_on_powers_is_not_fooled_by_gradients_that_vanish() -> None:
    """Robust radii are at most half the distance of opposing centres, R / sqrt(2); gradients alone find 0.8 R and more,
    for they are 0 where opposing neurons are off."""
    changes: dict[str, Any] = {"data__k": 6, "data__d": 300, "data__n": 120, "network__init_scale": 1e-3}
    changes |= {"network__activation": "power", "network__width": 4, "training__learning_rate": 0.3}
    changes |= {"training__steps": 3000, "training__stop_margin": 1.0, "attack__test_points": 150}
    changes |= {"attack__radii": [float(radius) for radius in range(0, 20)], "network__kind": "mlp"}
    for labels in ("binary", "clusters"):
        (result,) = results(run_stack(stack(small_run(network__labels=labels, **changes))))
        assert result.measures["test_accuracy"] == 1.0
        for readout in READOUTS:
            radius = result.measures[f"attacked_radius_{readout}_relative"]
            assert radius is not None
            assert 0.3 < radius < 0.5**0.5 * 1.02
        assert not {"line_search_wins", "above_ceiling", "not_adversarial"} & set(result.trust.flags)


@pytest.mark.parametrize("kind", ["two_layer", "mlp"])
@pytest.mark.parametrize("methods", [[], ["exact"]])
def test_nothing_is_made_ready_for_attacks_that_nobody_asks_for(
    kind: str, methods: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Straight lines to every opposing centre cost more than a training on few points."""

    def refused(*_: object) -> object:
        raise AssertionError("nobody asked for an attack")

    for victim in (MlpVictim, SpanVictim):
        monkeypatch.setattr(victim, "own_loss", refused)
    (result,) = results(run_stack(stack(small_run(network__kind=kind, attack__methods=methods))))
    assert {curve.method for curve in result.curves} == set(methods)


@pytest.mark.parametrize("output", ["fixed", "trained"])
@torch.no_grad()
def test_the_attack_wakes_neurons_that_are_off(output: str) -> None:
    """The nearest flips of decoupled networks by `sum` turn on opposing neurons that no gradient sees at the point:
    without the majorant an eighth of the points withstood what is 5 % beyond their radius."""
    small = {"data__k": 8, "data__d": 200, "data__n": 200, "network__labels": "clusters", "network__width": 2}
    changes = {"network__output": output, "training__steps": 300, "training__learning_rate": 0.05}
    radii = [0.25 * number for number in range(44)]
    run = mlp_run(**small, **changes, network__init_scale=1e-3, attack__radii=radii, attack__steps=40)
    (_,), trained = train_networks([run], "cpu", None)
    objective = trained.victim.readout("sum")
    assert trained.exact is not None
    upper = trained.exact("sum").upper[0]
    first = [
        break_points(ways, radii, 40, 1, trained.victim.noise(0)).first[0, 0]
        for ways in (objective.ways, objective.ways[:2])
    ]
    at = torch.tensor([*radii, torch.inf], dtype=torch.float64)
    late = [float((at[one] > (upper + 0.25) * 1.05).double().mean()) for one in first]
    assert late[0] <= 0.02 < 0.05 < late[1]
