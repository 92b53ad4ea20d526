"""Attacks in the span of the weights against a plain d-dimensional attack on the literal network, and against the
exact robust radius.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from phaselab.domain.families.resolve import resolve
from phaselab.domain.results.results import READOUTS, Readout
from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.settings import Settings
from phaselab.domain.settings.stacks import trajectories
from phaselab.workers.attacks.attacks import Attacked, Attacks, radii_of
from phaselab.workers.attacks.inputs import InputMargin, InputPoints, Outputs
from phaselab.workers.attacks.landscape import Way
from phaselab.workers.attacks.pgd import break_points
from phaselab.workers.attacks.span_victim import SpanVictim
from phaselab.workers.data import clusters
from phaselab.workers.data.image_data import Box
from phaselab.workers.data.sources import training_set
from phaselab.workers.families.two_layer import TwoLayers, start_training, train_networks
from phaselab.workers.networks.layout import GroupLayout
from phaselab.workers.networks.trained import Networks
from phaselab.workers.networks.two_layer import TwoLayer, network_of
from phaselab.workers.training import autograd
from phaselab.workers.trial.run_stack import run_stack
from tests.workers.runs import results, small_run, stack

RADII = (0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0)
FORMS = {
    "binary": {"network__labels": "binary", "network__width": 3},
    "clusters": {"network__labels": "clusters", "network__width": 1},
    "groups": {"network__labels": 3, "network__width": 2, "data__positive_clusters": 1},
    "wider than the input": {"network__labels": "clusters", "network__width": 3, "data__d": 10},
}


def attacked_run(form: str, **changes: object) -> Run:
    return small_run(
        5, data__draw="literal", attack__radii=RADII, training__precision="float64", **FORMS[form], **changes
    )


class Literal:
    """A run's trained network as a function of its inputs, and its literal test points."""

    def __init__(self, run: Run) -> None:
        data = training_set(run, "cpu")
        start = start_training(trajectories([run]), data, "cpu")
        (trained,) = autograd.train([start])
        self.weights, self.bias, self.network = trained.weights[0], trained.bias[0], start.network
        self.cluster, self.inputs = clusters.draw_test_points(run, data.centers.points)
        self.side = torch.where(self.cluster < (run.settings.data.positive_clusters or 2), 1.0, -1.0).double()

    def outputs(self, inputs: Tensor) -> Tensor:
        """[N, d] -> [N, c]"""
        active = (inputs @ self.weights.T + self.bias).relu()
        return active.view(len(inputs), self.network.layout.outputs, -1).mean(dim=2)

    def margin(self, inputs: Tensor, readout: Readout, points: Tensor) -> Tensor:
        positive = self.network.layout.side_of_group == 1
        of_groups = self.outputs(inputs)
        by_side = of_groups[:, positive], of_groups[:, ~positive]
        if readout == "sum":
            value = by_side[0].sum(dim=1) - by_side[1].sum(dim=1)
        else:
            value = by_side[0].amax(dim=1) - by_side[1].amax(dim=1)
        return value * self.side[points]


Objective = Callable[[Tensor], Tensor]
"""Inputs [N, d] -> [N]: what a step goes down."""


def majorant(literal: Literal, readout: Readout) -> Objective:
    """h = V - a.q / width with the pattern a that the greedy search finds for each point, slopes by autograd."""
    width, outputs = literal.network.layout.width, literal.network.layout.outputs
    own = (literal.network.layout.side_of_group * literal.side.unsqueeze(1) > 0).repeat_interleave(width, 1)  # [N, M]
    group = torch.arange(outputs).repeat_interleave(width)  # [M]

    def height(point: Tensor, patterns: Tensor) -> Tensor:
        of_own = literal.outputs(point) * own[:, ::width]
        value = of_own.sum(1) if readout == "sum" else of_own.amax(1)
        return value - (patterns * (point @ literal.weights.T + literal.bias)).sum(1) / width

    def distance(patterns: Tensor) -> Tensor:
        point = literal.inputs.clone().requires_grad_()
        heights = height(point, patterns)
        (slope,) = torch.autograd.grad(heights.sum(), point)
        return heights.detach() / slope.norm(dim=1)

    def best(candidates: list[Tensor], allowed: list[Tensor]) -> tuple[Tensor, Tensor]:
        distances = torch.stack(
            [distance(one.double()).where(here, torch.inf) for one, here in zip(candidates, allowed, strict=True)]
        )
        nearest, which = distances.min(dim=0)
        return nearest, torch.stack(candidates)[which, torch.arange(len(which))]

    whole = [~own] if readout == "sum" else [~own & (group == j) for j in range(outputs)]
    nearest, patterns = best(whole, [one.any(1) for one in whole])
    started = patterns
    while True:
        flips = [patterns ^ (torch.arange(len(group)) == r) for r in range(len(group))]
        closer, flipped = best(flips, list(started.T))
        better = (closer < nearest * (1 - 1e-9)) & (nearest > 0)
        if not better.any():
            return lambda point: height(point, patterns.double())
        nearest, patterns = closer.where(better, nearest), flipped.where(better.unsqueeze(1), patterns)


def objective(literal: Literal, readout: Readout, way: str) -> Objective:
    if way == "majorant":
        return majorant(literal, readout)
    return lambda point: literal.margin(point, readout, torch.arange(len(point)))


WAYS = ("majorant", "own")
"""The ways of `pgd`, in its order."""


def plain_pgd(literal: Literal, readout: Readout, steps: int, ways: Sequence[str]) -> list[float]:
    """Robust accuracy at RADII by the textbook loop in R^d, every radius by itself, then made never to rise."""
    everything, objectives = torch.arange(len(literal.inputs)), [objective(literal, readout, way) for way in ways]
    robust, curve = torch.ones(len(literal.inputs), dtype=torch.bool), []
    for radius in RADII:
        for down in objectives:
            moved = torch.zeros_like(literal.inputs)
            for _ in range(steps + 1):
                point = (literal.inputs + moved).requires_grad_()
                robust &= literal.margin(point, readout, everything).detach() > 0
                (gradient,) = torch.autograd.grad(down(point).sum(), point)
                norm = gradient.norm(dim=1, keepdim=True)
                moved = moved - 2.5 * radius / steps * gradient / norm.where(norm > 0, torch.ones_like(norm))
                moved = moved * (radius / moved.norm(dim=1, keepdim=True).clamp_min(1e-300)).clamp_max(1)
        curve.append(float(robust.double().mean()))
    return curve


@pytest.mark.parametrize("readout", READOUTS)
@pytest.mark.parametrize("form", FORMS)
def test_pgd_is_the_literal_attack_in_both_ways(form: str, readout: Readout) -> None:
    run = attacked_run(form, attack__steps=25)
    result = results(run_stack(stack(run)))[0]
    curve = next(curve for curve in result.curves if (curve.method, curve.readout) == ("pgd", readout))
    plain = plain_pgd(Literal(run), readout, 25, WAYS)
    assert curve.accuracy == pytest.approx(plain, abs=1.01 / 60)  # one point
    assert len(set(plain)) > 2, "the radii are telling"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("readout", READOUTS)
@pytest.mark.parametrize("form", FORMS)
def test_each_way_is_the_literal_loop_along_its_gradient(form: str, readout: Readout, way: str) -> None:
    run = attacked_run(form)
    runs, networks = train_networks([run], "cpu", None)
    ways = victim_of(runs, networks).readout(readout).ways
    found = break_points([ways[WAYS.index(way)]], RADII, 25, 1, no_noise).accuracy(len(RADII))[0, 0].tolist()
    assert found == pytest.approx(plain_pgd(Literal(run), readout, 25, [way]), abs=1.01 / 60)


@pytest.mark.parametrize("form", ["binary", "clusters"])
def test_native_attack_on_two_outputs_follows_the_readout(form: str) -> None:
    run = attacked_run(form, attack__steps=25, data__k=2)
    curves = {(curve.method, curve.readout): curve.accuracy for curve in results(run_stack(stack(run)))[0].curves}
    plain = plain_pgd(Literal(run), "sum", 25, ["own"])
    for readout in READOUTS:
        assert curves["pgd_native", readout] == pytest.approx(plain, abs=1.01 / 60)


@pytest.mark.parametrize("readout", READOUTS)
@pytest.mark.parametrize("form", FORMS)
def test_one_loop_gives_the_same_points_on_both_landscapes(form: str, readout: Readout) -> None:
    run = attacked_run(form)
    literal = Literal(run)
    points = without_box(lambda inputs: literal.outputs(inputs).T, literal.inputs, literal.side, literal.network)
    runs, networks = train_networks([run], "cpu", None)
    _, span = victim_of(runs, networks).readout(readout).ways
    found = [break_points([way], RADII, 20, 1, no_noise) for way in (Way(InputMargin(points, readout)), span)]
    agree = (found[0].first == found[1].first).double().mean()
    assert float(agree) >= 59 / 60


@pytest.mark.parametrize("readout", READOUTS)
@pytest.mark.parametrize("form", FORMS)
def test_no_point_is_safe_beyond_its_exact_radius(form: str, readout: Readout) -> None:
    runs, networks = trained(form, range(6), attack__test_points=300)
    exact = two_layers(runs, networks).exact(readout)
    safe = victim_of(runs, networks).points.safe_radius(readout)
    assert (safe <= exact.upper * (1 + 1e-6)).all()
    assert float((safe / exact.lower)[exact.lower > 0].median()) > 0.3, "the bound is of use"


@pytest.mark.parametrize("labels", ["binary", "clusters", 4])
def test_pgd_comes_close_to_exact_at_the_published_setting(labels: str | int) -> None:
    """With one start; along the readout's own gradient alone it leaves up to 0.97 more."""
    spec = {"network": {"labels": labels}, "attack": {"test_points": 500, "methods": ["pgd", "exact"]}}
    run = Run.of(resolve(Settings.model_validate(spec)), seed=0)
    result = results(run_stack(stack(run)))[0]
    curves = {(curve.method, curve.readout): np.asarray(curve.accuracy) for curve in result.curves}
    for readout in READOUTS:
        assert (curves["pgd", readout] - curves["exact", readout]).max() <= 0.01
    assert result.trust.verdict == "ok"


def no_noise(radius_number: int, restart: int) -> Tensor:
    raise AssertionError("no point needed a random start")


def without_box(outputs: Outputs, inputs: Tensor, side: Tensor, network: TwoLayer) -> InputPoints:
    """A network as it is attacked on its inputs, with no bounds of their values."""
    bound = torch.full_like(inputs[0], torch.inf)
    label = torch.zeros(len(inputs), dtype=torch.long)
    groups = network.layout.outputs
    return InputPoints(outputs, groups, network.positive_groups, inputs, side, label, Box(-bound, bound), len(inputs))


def test_any_module_is_attacked_on_its_inputs() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(48, 1)).double()
    inputs = torch.randn(20, 1, 6, 6, dtype=torch.float64)
    side = model(inputs).detach().squeeze(1).sign()

    def outputs(flat: Tensor) -> Tensor:
        score = model(flat.view(-1, 1, 6, 6)).squeeze(1)
        return torch.stack([score, torch.zeros_like(score)])

    points = without_box(outputs, inputs.flatten(1), side, TwoLayer(GroupLayout.build((1, -1), 1), "logistic"))
    broken = break_points([Way(InputMargin(points, "sum"))], [0.0, 0.5, 50.0], 20, 1, no_noise)
    accuracy = broken.accuracy(3)[0, 0].tolist()
    assert accuracy[0] == 1
    assert accuracy[2] < 0.2
    assert accuracy[1] > accuracy[2]


def native_of(literal: Literal, run: Run, label: Tensor) -> dict[Readout, list[float]]:
    """`pgd_native` by the textbook loop on cross-entropy in R^d, the iterate of highest loss scored."""
    points, steps = torch.arange(len(literal.inputs)), run.settings.attack.steps
    robust = {readout: literal.margin(literal.inputs, readout, points) > 0 for readout in READOUTS}
    curves: dict[Readout, list[float]] = {readout: [] for readout in READOUTS}
    for radius in RADII:
        moved, best = torch.zeros_like(literal.inputs), torch.full_like(literal.side, -np.inf)
        strongest = moved
        for _ in range(steps + 1):
            point = (literal.inputs + moved).requires_grad_()
            loss = nn.functional.cross_entropy(literal.outputs(point), label, reduction="none")
            (gradient,) = torch.autograd.grad(loss.sum(), point)
            better = loss.detach() > best
            best = torch.where(better, loss.detach(), best)
            strongest = torch.where(better.unsqueeze(1), moved, strongest)
            moved = moved + 2.5 * radius / steps * gradient / gradient.norm(dim=1, keepdim=True).clamp_min(1e-300)
            moved = moved * (radius / moved.norm(dim=1, keepdim=True).clamp_min(1e-300)).clamp_max(1)
        for readout in READOUTS:
            robust[readout] &= literal.margin(literal.inputs + strongest, readout, points) > 0
            curves[readout].append(float(robust[readout].double().mean()))
    return curves


def test_native_attack_follows_the_networks_own_loss() -> None:
    run = attacked_run("clusters", attack__methods=["pgd_native"], attack__steps=20)
    result = results(run_stack(stack(run)))[0]
    literal = Literal(run)
    plain = native_of(literal, run, literal.cluster)
    assert {curve.method for curve in result.curves} == {"pgd_native"}
    for curve in result.curves:
        assert curve.accuracy == pytest.approx(plain[curve.readout], abs=2.01 / 60)


def two_layers(runs: Sequence[Run], networks: Networks) -> TwoLayers:
    return TwoLayers(runs, networks, network_of(runs[0].settings))


def victim_of(runs: Sequence[Run], networks: Networks) -> SpanVictim:
    victim = two_layers(runs, networks).victim
    assert isinstance(victim, SpanVictim)
    return victim


def attack(runs: Sequence[Run], networks: Networks) -> Attacked:
    found = two_layers(runs, networks)
    return Attacks(runs[0].settings, found.victim, found.exact).all()


def trained(form: str, seeds: range, **changes: object) -> tuple[list[Run], Networks]:
    return train_networks([small_run(seed, **FORMS[form], **changes) for seed in seeds], "cpu", None)


@pytest.mark.parametrize("form", FORMS)
def test_no_attack_beats_the_exact_radius_and_no_curve_rises(form: str) -> None:
    runs, networks = trained(form, range(3), attack__radii=RADII, attack__restarts=3)
    attacked = attack(runs, networks)
    radii = torch.tensor([*radii_of(runs[0].settings), torch.inf])
    for readout in READOUTS:
        assert (attacked.exact[readout].lower <= radii[attacked.broken[readout].first[0]] * (1 + 1e-5)).all()
        for method in ("pgd", "pgd_native", "exact"):
            curve = attacked.accuracy[method, readout]
            assert (curve.diff(dim=1) <= 0).all()
            assert (curve >= attacked.accuracy["exact", readout] - 1e-12).all()


def test_restarts_only_ever_break_more() -> None:
    curves = []
    for restarts in (1, 4):
        runs, networks = trained("clusters", range(4), attack__radii=RADII, attack__restarts=restarts)
        curves.append(attack(runs, networks).accuracy["pgd", "sum"])
    assert (curves[1] <= curves[0]).all()
    assert (curves[1] < curves[0]).any()


def test_a_point_whose_readout_is_zero_is_wrong() -> None:
    runs, networks = trained("clusters", range(1), training__steps=0, network__init_scale=0.0)
    attacked = attack(runs, networks)
    for accuracy in attacked.accuracy.values():
        assert accuracy.max() == 0
