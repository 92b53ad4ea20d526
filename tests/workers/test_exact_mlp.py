"""Exact radii of `mlp`: outputs with weights of either sign, leaks, biases, and linear networks of any depth.

Held to brute force over the signs of all neurons, to SCIP's proven optimum, to the closed form of linear networks, and
to `two_layer`. `PHASELAB_HUNT=50` draws fifty times as many networks.
"""

import itertools
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from pyscipopt import Model, quicksum

from phaselab.domain.families.resolve import resolve
from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.settings import Settings
from phaselab.workers.attacks.attacks import Attacks
from phaselab.workers.attacks.brackets import fed
from phaselab.workers.exact import exact
from phaselab.workers.exact.exact import RobustRadii
from phaselab.workers.exact.mlp import folded
from phaselab.workers.exact.weighed import Weighed, weighed_decision, weighed_flips, weighed_radii
from phaselab.workers.families.contract import Trained
from phaselab.workers.families.mlp import TrainedMlps
from phaselab.workers.families.registry import family_of
from tests.workers.exact_reference import least_norm

Array = NDArray[np.float64]
ROUNDS = int(os.environ.get("PHASELAB_HUNT", "1"))
pytestmark = [pytest.mark.timeout(0)] if ROUNDS > 1 else []  # a hunt takes as long as it takes
LEAKS = (0.0, 0.1, 0.5, 1.0)


@dataclass(frozen=True)
class Net:
    """A network in D dimensions with a point or more: F = V a(p + L u) + c."""

    leak: float
    weights: Array  # V and c [o, M + 1]
    side_of_output: NDArray[np.int64]  # [o]
    preactivations: Array  # [N, M]
    factor: Array  # [M, D]
    side: NDArray[np.int64]  # [N]

    def radii(self, budget: int | None = None) -> RobustRadii:
        found = weighed_radii(*self.tensors(), torch.tensor(self.side)[None], budget)
        return RobustRadii(found.lower[0], found.upper[0], found.perturbation[0])

    def tensors(self) -> tuple[torch.Tensor, torch.Tensor, Weighed]:
        outputs = Weighed(torch.tensor(self.weights)[None], torch.tensor(self.side_of_output), self.leak)
        return torch.tensor(self.preactivations)[None], torch.tensor(self.factor)[None], outputs

    def margin(self, point: int, u: Array) -> Fraction:
        """Of the point's side over the other one at u, in rational arithmetic."""
        active = []
        for p, row in zip(self.preactivations[point], self.factor, strict=True):
            moved = Fraction(p) + sum(Fraction(a) * Fraction(b) for a, b in zip(row, u, strict=True))
            active.append(max(moved, Fraction(self.leak) * moved))
        outputs = [sum(Fraction(w) * a for w, a in zip(row, [*active, 1], strict=True)) for row in self.weights]
        mine = self.side_of_output == self.side[point]
        return max(itertools.compress(outputs, mine)) - max(itertools.compress(outputs, ~mine))


def drawn(rng: np.random.Generator, most_neurons: int, outputs: int | None = None, points: int = 2) -> Net:
    """A random network: with biases or without, at times dead, equal or parallel neurons and outputs of one sign."""
    count = int(rng.integers(2, 5)) if outputs is None else outputs
    neurons = int(rng.integers(1, most_neurons + 1))
    positive, dimensions = int(rng.integers(1, count)), int(rng.integers(2, neurons + 2))
    weights = rng.normal(size=(count, neurons + 1))
    weights[:, -1] *= rng.integers(2)
    rows = rng.normal(size=(neurons, dimensions))
    kind = rng.integers(6)
    if kind == 1:
        weights[0] = 0  # as the second output of a binary network
    elif kind == 2:
        rows[rng.integers(neurons)] = rows[rng.integers(neurons)] * rng.uniform(0.5, 2)
    elif kind == 3:
        weights = np.abs(weights)
    elif kind == 4:
        weights = np.round(weights)  # many equal ones, and zeros
    elif kind == 5:
        rows[rng.integers(neurons)] = 0
    seen = 2 * rng.normal(size=(points, dimensions)) @ rows.T + 0.5 * rng.normal(size=neurons)
    sides = np.array([1] * positive + [-1] * (count - positive))
    return Net(float(rng.choice(LEAKS)), weights, sides, seen, rows, rng.choice([-1, 1], size=points))


def brute_force(net: Net, point: int) -> float:
    """Least flip over all sign patterns of the neurons and all opposing outputs."""
    p, rows, best = net.preactivations[point], net.factor, np.inf
    own, opposing = (net.weights[net.side_of_output == sign * net.side[point]] for sign in (1, -1))
    for signs in itertools.product((-1, 1), repeat=len(p)):
        sign = np.array(signs)
        slope = np.append(np.where(sign > 0, 1.0, net.leak), 1.0)
        for output in opposing:
            flip = (output - own) * slope  # [g, M + 1]
            matrix = np.concatenate([sign[:, None] * rows, flip[:, :-1] @ rows])
            best = min(best, least_norm(matrix, np.append(-sign * p, -flip[:, :-1] @ p - flip[:, -1]), best, True))
    return best


def test_the_radius_of_the_label_against_brute_force():
    """Where the own output is one side and every other output the other; also where patterns are not enumerated."""
    rng, closed, total = np.random.default_rng(4), 0, 0
    for number in range(12 * ROUNDS):
        net = drawn(rng, most_neurons=4)
        group = rng.integers(len(net.weights), size=2)
        with pytest.MonkeyPatch.context() as patch:
            if number % 2:
                patch.setattr(exact, "PATTERNS", 0)
                patch.setattr(exact, "REPEATED", 0)
            found = weighed_decision(*net.tensors(), torch.tensor(group)[None])
        for point, (lower, upper) in enumerate(zip(found.lower[0].tolist(), found.upper[0].tolist(), strict=True)):
            sides = np.where(np.arange(len(net.weights)) == group[point], 1, -1)
            least = brute_force(replace(net, side_of_output=sides, side=np.ones(2, dtype=np.int64)), point)
            assert lower <= least * (1 + 1e-7) + 1e-9
            assert upper >= least * (1 - 1e-7) - 1e-9
            closed += upper - lower <= 1e-6 * upper or not np.isfinite(least)
            total += 1
    assert closed > 0.9 * total


def by_branching(net: Net) -> RobustRadii:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exact, "PATTERNS", 0)
        patch.setattr(exact, "REPEATED", 0)
        return net.radii()


def test_random_networks_against_brute_force():
    rng, closed, total = np.random.default_rng(1), 0, 0
    for _ in range(25 * ROUNDS):
        net = drawn(rng, most_neurons=5)
        for found in (net.radii(), by_branching(net)):
            for point, (lower, upper) in enumerate(zip(found.lower.tolist(), found.upper.tolist(), strict=True)):
                least = brute_force(net, point)
                assert lower <= least * (1 + 1e-7) + 1e-9
                assert upper >= least * (1 - 1e-7) - 1e-9
                assert lower <= upper
                if np.isfinite(upper):
                    assert net.margin(point, found.perturbation[point].numpy()) <= 0
                closed += upper - lower <= 1e-6 * upper or not np.isfinite(least)
                total += 1
    assert closed > 0.9 * total  # what stays open is a tie that rounding could undo


def test_rounding_cannot_carry_a_lower_bound_over_an_upper_one():
    """By both ways of solving, with descents from what the other one found; and nothing inside the ball flips."""
    rng = np.random.default_rng(2)
    for _ in range(8 * ROUNDS):
        net = drawn(rng, most_neurons=8, points=4)
        one, other = net.radii(), by_branching(net)
        assert bool((torch.maximum(one.lower, other.lower) <= torch.minimum(one.upper, other.upper)).all())
        again = weighed_flips(*net.tensors(), torch.tensor(net.side)[None], one.perturbation[None])[0]  # [N, D]
        found = (again != 0).any(1)
        assert bool((again.norm(dim=1)[found] <= one.upper[found] * (1 + 1e-9)).all())
        for point, lower in enumerate(torch.maximum(one.lower, other.lower).tolist()):
            direction = rng.normal(size=(6, net.factor.shape[1]))
            for u in direction / np.linalg.norm(direction, axis=1, keepdims=True) * min(lower, 1e3) * (1 - 1e-9):
                assert lower == 0 or net.margin(point, u) > 0


def scip(net: Net, point: int, unit: float) -> tuple[float, float]:
    """Proven bounds of the least |u|, about `unit` long, by mixed-integer programs: p = z - s of which one is 0."""
    own, opposing = (net.weights[net.side_of_output == sign * net.side[point]] for sign in (1, -1))
    found = [_program(net, point, own, output, unit) for output in opposing]
    return min(lower for lower, _ in found), min(upper for _, upper in found)


def _program(net: Net, point: int, own: Array, opposing: Array, unit: float) -> tuple[float, float]:
    model = Model()
    model.hideOutput()
    model.setParam("limits/gap", 1e-5)
    model.setParam("numerics/feastol", 1e-8)
    u = [model.addVar(lb=None) for _ in net.factor[0]]
    active = []
    for p, row in zip(net.preactivations[point], net.factor * unit, strict=True):
        on, off = model.addVar(), model.addVar()
        model.addCons(on - off == p + quicksum(a * v for a, v in zip(row, u, strict=True)))
        model.addConsSOS1([on, off])
        active.append(on - net.leak * off)
    for output in own:
        model.addCons(quicksum(w * a for w, a in zip(output - opposing, [*active, 1.0], strict=True)) <= 0)
    square = model.addVar()
    model.addCons(quicksum(v * v for v in u) <= square)
    model.setObjective(square)
    model.optimize()
    if model.getStatus() == "infeasible":
        return np.inf, np.inf
    bounds = (max(bound, 0.0) for bound in (model.getDualbound(), model.getObjVal()))  # 0 but for tolerances
    lower, upper = (unit * np.sqrt(bound) for bound in bounds)
    return lower, upper


@pytest.mark.parametrize("outputs", [2, 4])
def test_random_networks_against_scip(outputs: int):
    rng = np.random.default_rng(outputs)
    for _ in range(6 * ROUNDS):
        net = drawn(rng, most_neurons=8, outputs=outputs, points=1)
        found = net.radii()
        lower, upper = found.lower.item(), found.upper.item()
        proven = scip(net, 0, upper if 0 < upper < np.inf else 1.0)
        assert lower <= proven[1] * (1 + 1e-4) + 1e-6
        assert upper >= proven[0] * (1 - 1e-4) - 1e-6


def settings_of(
    family: str, methods: tuple[str, ...], changes: Mapping[str, Mapping[str, Any]] | None = None, **network: object
) -> Settings:
    """Small ones, in double precision; every method that holds where none is named."""
    attack = {"test_points": 25, "radii": [0.0, 2.0, 4.0, 6.0, 8.0], "steps": 10}
    settings: dict[str, Mapping[str, Any]] = {
        "data": {"k": 6, "d": 60, "n": 60},
        "network": {"kind": family, "init_scale": 1e-3, **network},
        "training": {"learning_rate": 0.05, "steps": 60, "precision": "float64"},
        "attack": attack | ({"methods": list(methods)} if methods else {}),
    }
    return resolve(Settings.model_validate(settings | dict(changes or {})))


def trained(family: str, **network: object) -> Trained:
    runs = [Run.of(settings_of(family, ("pgd", "exact"), **network), seed) for seed in range(2)]
    with torch.no_grad():
        (batch,) = family_of(runs[0].settings).train(runs, "cpu", None).trained
    return batch


@pytest.mark.parametrize("labels", ["binary", 4])
def test_an_mlp_that_is_a_two_layer_network_has_its_radii(labels: object):
    """By its layout; and by its output weights, as if they had been trained."""
    published, mlp = (trained(family, labels=labels, width=2) for family in ("two_layer", "mlp"))
    assert published.exact is not None
    assert mlp.exact is not None
    assert isinstance(mlp, TrainedMlps)
    seen, networks, weights = mlp.networks.preactivations.mT, mlp.networks, folded(mlp.network, mlp.upper)[0]
    for readout in ("sum", "max") if labels != "binary" else ("sum",):
        known, found = published.exact(readout), mlp.exact(readout)
        torch.testing.assert_close(found.lower, known.lower, rtol=1e-9, atol=0)
        torch.testing.assert_close(found.upper, known.upper, rtol=1e-9, atol=0)
        if readout == "max":
            outputs = Weighed(weights, mlp.network.layout.side_of_group, 0.0)
            other = weighed_radii(seen, networks.spanned, outputs, networks.side)
            torch.testing.assert_close(other.lower, known.lower, rtol=1e-6, atol=0)
            torch.testing.assert_close(other.upper, known.upper, rtol=1e-6, atol=0)
    if labels == "binary":
        return
    assert published.exact_label is not None
    assert mlp.exact_label is not None
    by_weights = weighed_decision(seen, networks.spanned, outputs, networks.label)
    for found in (mlp.exact_label(), by_weights):
        torch.testing.assert_close(found.lower, published.exact_label().lower, rtol=1e-6, atol=0)
        torch.testing.assert_close(found.upper, published.exact_label().upper, rtol=1e-6, atol=0)


@pytest.mark.parametrize("network", [{"width": 4}, {"width": 3, "output": "trained"}])
def test_the_radius_of_the_label_is_computed_where_it_is_cheap_or_asked_for(network: dict[str, object]):
    """Up to 4,096 patterns: of all neurons against an output, or where outputs are fixed of those of three others."""
    settings = settings_of("mlp", ("exact",), labels=4, **network)
    for changes, computed in (
        ({}, True),
        ({"network.width": 12}, False),
        ({"network.width": 12, "attack.label_radius": "always"}, True),
        ({"attack.methods": ("pgd",)}, False),
        ({"network.depth": 3, "attack.methods": ("certified",)}, False),
    ):
        run = Run.of(resolve(settings.with_values(changes)), 0)
        (batch,) = family_of(run.settings).train([run], "cpu", None).trained
        assert (batch.exact_label is not None) == computed, changes


@pytest.mark.parametrize(
    "network",
    [
        {"labels": "binary", "width": 3, "output": "trained", "bias": "all"},
        {"labels": "binary", "width": 3, "output": "trained", "activation": "leaky_relu", "init_scale": 0.1},
        {"labels": "clusters", "width": 1, "output": "trained", "output_scale": 1.0, "bias": "all"},
        {"labels": 3, "width": 2, "activation": "leaky_relu"},
        {"labels": 4, "width": 1, "output": "trained", "activation": "linear", "depth": 3, "bias": "all"},
    ],
    ids=lambda network: ", ".join(map(str, network.values())),
)
def test_no_attack_on_a_trained_network_goes_below_its_radii(network: dict[str, object]):
    """And what the method shows flips its point where it says."""
    with torch.no_grad():
        batch = trained("mlp", **network)
        attacked = Attacks(batch.runs[0].settings, batch.victim, batch.exact).all()
        bounds, contradicted = fed(batch.victim, batch.exact, attacked)
    assert not bool(contradicted.any())
    radii = torch.tensor([*attacked.radii, torch.inf], dtype=torch.float64)
    for readout in batch.victim.readouts:
        found = bounds[readout]
        assert bool((found.lower <= found.upper).all())
        assert bool((found.lower > 0).double().mean() > 0.5)
        assert bool((found.lower <= radii[attacked.broken[readout].first[0]] * (1 + 1e-9)).all())
        assert bool((found.upper - found.lower <= 1e-6 * found.upper).all())


@pytest.mark.parametrize("depth", [2, 3, 4, 5])
@pytest.mark.parametrize("labels", ["binary", 4])
def test_a_linear_network_has_the_radii_of_its_closed_form(depth: int, labels: object):
    batch = trained("mlp", labels=labels, width=2, depth=depth, activation="linear", output="trained", bias="all")
    assert isinstance(batch, TrainedMlps)
    assert batch.exact is not None
    weights, _ = folded(batch.network, batch.upper)  # [S, o, M + 1]
    rows = weights[..., :-1] @ batch.networks.weights  # [S, o, d]
    seen, side = batch.networks.preactivations, batch.networks.side
    values = weights[..., :-1] @ seen + weights[..., -1:]  # [S, o, N]
    signs = batch.network.layout.side_of_group
    if labels != "binary":
        rows = (rows * signs.view(-1, 1)).sum(1, keepdim=True)
        values = (values * signs.view(-1, 1)).sum(1, keepdim=True)
    closed = (values[:, 0] * side).clamp_min(0) / rows[:, 0].norm(dim=1, keepdim=True)  # [S, N]
    found = batch.exact("sum")
    torch.testing.assert_close(found.lower, closed, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(found.upper, closed, rtol=1e-6, atol=1e-9)
    assert bool((found.lower <= closed * (1 + 1e-12)).all())
    if labels == "binary":
        return
    assert batch.exact_label is not None
    label, rows = batch.networks.label, weights[..., :-1] @ batch.networks.weights  # [S, N], [S, o, d]
    values = weights[..., :-1] @ seen + weights[..., -1:]  # [S, o, N]
    ahead = values.gather(1, label.unsqueeze(1)) - values  # [S, o, N]
    apart = torch.cdist(rows, rows)[torch.arange(len(label)).unsqueeze(1), label].mT  # [S, o, N]
    others = torch.arange(4).view(1, -1, 1) != label.unsqueeze(1)
    nearest = (ahead.clamp_min(0) / apart).where(others, torch.inf).amin(1)  # [S, N]
    torch.testing.assert_close(batch.exact_label().lower, nearest, rtol=1e-6, atol=1e-6)
