"""Certified radii of networks of any depth: lines about activations, bounds in balls, and what no attack may go below.

`PHASELAB_HUNT=50` draws fifty times as many networks.
"""

import itertools
import os
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch
from torch import Tensor

from phaselab.domain.results.results import Readout, RunResult
from phaselab.domain.results.trust import checks_of
from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.stacks import Stack
from phaselab.workers.exact.bands import Band, erf_band, leaky_band, power_band
from phaselab.workers.exact.certified import Certified
from phaselab.workers.exact.mlp import exact_of
from phaselab.workers.exact.propagation import Balls, Cap, Functions
from phaselab.workers.exact.together import _radii
from phaselab.workers.networks.groups import read_out
from phaselab.workers.networks.layout import GroupLayout
from phaselab.workers.networks.mlp import ACTIVATIONS, Mlp, Upper, outputs
from phaselab.workers.trial.run_stack import run_stack
from tests.workers.test_exact_mlp import settings_of

ROUNDS = int(os.environ.get("PHASELAB_HUNT", "1"))
pytestmark = [pytest.mark.timeout(0)] if ROUNDS > 1 else []  # a hunt takes as long as it takes
RUNS = 3
NEURONS = 4
POINTS = 5


def drawn(
    rng: np.random.Generator, activation: str, depth: int, power: float | None = None
) -> tuple[Certified, Tensor]:
    """A stack of random networks of four outputs, and L of their first layer [S, M, D]."""
    shape, span = (RUNS, NEURONS, NEURONS), int(rng.integers(2, 5))
    layout = GroupLayout.build((1, 1, -1, -1), 1)
    network = Mlp(layout, depth, activation, power, "cross_entropy", binary=False)
    bias = float(rng.choice([0.0, 0.5]))
    upper = Upper(
        tuple(torch.tensor(rng.normal(size=shape)) for _ in range(depth - 2)),
        tuple(bias * torch.tensor(rng.normal(size=shape[:2])) for _ in range(depth - 2)),
        torch.tensor(rng.normal(size=shape)),
        bias * torch.tensor(rng.normal(size=shape[:2])),
        torch.ones(RUNS).double(),
        torch.tensor(rng.uniform(0.5, 2, size=RUNS)),
    )
    factor = torch.tensor(rng.normal(size=(RUNS, NEURONS, span)) * rng.choice([0.3, 1.0, 3.0]))
    return Certified(network, upper, factor.norm(dim=2)), factor


def seen_from(rng: np.random.Generator, factor: Tensor) -> Tensor:
    """[S, N, M] pre-activations of random points."""
    x = torch.tensor(rng.normal(size=(RUNS, POINTS, factor.shape[2])) * rng.choice([0.5, 2.0]))
    return x @ factor.mT + torch.tensor(rng.choice([0.0, 0.5]) * rng.normal(size=(RUNS, 1, NEURONS)))


def margins(method: Certified, seen: Tensor, side: Tensor, readout: Readout) -> Tensor:
    """[S, N] of pre-activations [S, N, M] and classes [S, N]."""
    return read_out(outputs(seen.mT, method.length, method.upper, method.network), method.network, readout) * side


KINDS = [("relu", None), ("leaky_relu", None), ("erf", None), ("power", 1.5), ("power", 3.0)]


@pytest.mark.parametrize("kind", ["relu", "leaky_relu", "erf", "power"])
def test_lines_hold_on_their_intervals(kind: str):
    rng = np.random.default_rng(0)
    scale = 10.0 ** rng.uniform(-6, 1.5, size=(3, 2000))
    low = torch.tensor(rng.normal(size=2000) * scale[0])
    high = low + torch.tensor(rng.exponential(size=2000) * scale[1] * (rng.random(2000) < 0.95))
    power, size = float(rng.uniform(1, 8)), torch.tensor(scale[2])
    band: Band = {
        "relu": lambda: leaky_band(low, high, 0.0),
        "leaky_relu": lambda: leaky_band(low, high, 0.1),
        "erf": lambda: erf_band(low, high),
        "power": lambda: power_band(low, high, power, size),
    }[kind]()
    for share in [*np.linspace(0, 1, 41).tolist(), 1e-9, 1 - 1e-9]:
        z = torch.minimum(torch.maximum(low + share * (high - low), low), high)
        value = size * (z.clamp_min(0) / size).pow(power) if kind == "power" else ACTIVATIONS[kind](z)
        assert bool((band.under_slope * z + band.under <= value).all())
        assert bool((band.over_slope * z + band.over >= value).all())
    assert bool((band.under_slope >= 0).all() & (band.over_slope >= 0).all())
    gap = band.over_slope * low + band.over - band.under_slope * low - band.under
    point = high == low
    assert bool((gap.abs() <= 1e-9 * (low.abs() + band.size) + 1e-13)[point].all())
    assert band.under_slope.dtype == band.over_slope.dtype == torch.float64


@pytest.mark.parametrize("depth", [2, 3, 4])
@pytest.mark.parametrize(("activation", "power"), KINDS)
def test_nothing_inside_a_certified_ball_flips(activation: str, power: float | None, depth: int):
    """Not random perturbations, and not descents of the margin from them."""
    rng = np.random.default_rng(depth)
    for _ in range(2 * ROUNDS):
        method, factor = drawn(rng, activation, depth, power)
        seen = seen_from(rng, factor)
        for readout in ("sum", "max"):
            value = margins(method, seen, torch.ones(RUNS, POINTS), readout)
            side = torch.where(value > 0, 1, -1)  # every point is right, but where all outputs are 0
            lower, upper = method.bounds(seen, factor, side, readout)
            assert torch.equal(upper == torch.inf, value != 0)
            assert torch.equal(lower > 0, value != 0)
            for start in range(4):
                u = torch.tensor(np.random.default_rng(start).normal(size=(RUNS, POINTS, factor.shape[2])))
                assert bool((_descent(method, seen, factor, side, readout, u, lower) > 0)[lower > 0].all())


def _descent(
    method: Certified, seen: Tensor, factor: Tensor, side: Tensor, readout: Readout, u: Tensor, radius: Tensor
) -> Tensor:
    """[S, N]: the least margin on the way of gradient descent on the sphere."""
    least = torch.full_like(radius, torch.inf)
    for step in range(15):
        u = (u / u.norm(dim=-1, keepdim=True) * radius.unsqueeze(-1)).detach().requires_grad_()
        margin = margins(method, seen + u @ factor.mT, side, readout)
        least = torch.minimum(least, margin.detach())
        (gradient,) = torch.autograd.grad(margin.sum(), u)
        length = gradient.norm(dim=-1, keepdim=True)
        u = u.detach() - radius.unsqueeze(-1) / (1 + step) * gradient / length.where(length > 0, 1.0)
    return least


@pytest.mark.parametrize("depth", [2, 3, 4])
@pytest.mark.parametrize(("activation", "power"), KINDS)
def test_nothing_flips_inside_what_bands_prove_that_points_share(activation: str, power: float | None, depth: int):
    """Of groups of one point, and of all points of a class, of which less is proved."""
    rng, radii = np.random.default_rng(depth), [0.02 * 1.3**i for i in range(24)]
    found = [0, 0]
    for _ in range(2 * ROUNDS):
        method, factor = drawn(rng, activation, depth, power)
        seen = seen_from(rng, factor)
        balls = Balls(method.network, method.upper, seen, factor, method.length)
        for readout in ("sum", "max"):
            side = torch.where(margins(method, seen, torch.ones(RUNS, POINTS), readout) > 0, 1, -1)
            groups = torch.arange(POINTS).expand(RUNS, POINTS), (side > 0).long()
            for number, group in enumerate(groups):
                safe = _radii(balls, group, side, readout, radii)
                found[number] += int((safe > 0).sum())
                for start in range(2):
                    u = torch.tensor(np.random.default_rng(start).normal(size=(RUNS, POINTS, factor.shape[2])))
                    assert bool((_descent(method, seen, factor, side, readout, u, safe) > 0)[safe > 0].all())
    assert found[0] > found[1] > 0


def test_certified_radii_are_no_larger_than_exact_ones():
    """Of two layers, which have both; and no empty promise."""
    rng, shares = np.random.default_rng(5), list[float]()
    for activation in ("relu", "leaky_relu"):
        for _ in range(4 * ROUNDS):
            method, factor = drawn(rng, activation, 2)
            seen = seen_from(rng, factor)
            for readout in ("sum", "max"):
                side = torch.tensor(rng.choice([-1, 1], size=(RUNS, POINTS)))
                lower, upper = method.bounds(seen, factor, side, readout)
                exact = exact_of(method.network, method.upper, fixed=False).radii(seen, factor, side, readout)
                assert bool((lower <= exact.upper).all())
                assert bool(((upper == 0) == (exact.upper == 0)).all())
                share = (lower / exact.lower)[(exact.lower > 0) & exact.lower.isfinite()]
                shares.append(share.median().item())
    assert np.median(shares) > 0.5


def test_bounds_hold_in_rational_arithmetic():
    """Whatever cancels: no comparison here has a tolerance, and without what is conceded for rounding some fail."""
    rng, tight = np.random.default_rng(6), 0
    for _ in range(6 * ROUNDS):
        method, factor = drawn(rng, "relu", 3)
        size = torch.tensor(10.0 ** rng.uniform(-8, 8, size=NEURONS))
        method = replace(
            method, upper=replace(method.upper, hidden=(method.upper.hidden[0] / size,))
        )  # weights of very unlike sizes
        factor, seen = factor * size.unsqueeze(1), seen_from(rng, factor) * size
        functions = _one_function(method)
        balls = Balls(method.network, method.upper, seen, factor, method.length)
        for radius, share in ((0.0, -1.0), (0.3, -1.0), (0.3, 0.5)):  # all of a ball, and a cap of it
            length = torch.full((RUNS, POINTS), radius).double()
            u = torch.tensor(rng.normal(size=(RUNS, POINTS, factor.shape[2])))
            u = u / u.norm(dim=-1, keepdim=True)
            cap = Cap(length, u if share > 0 else torch.zeros_like(u), share * length)
            u = u * radius * rng.uniform(max(share, 0.0) + 1e-9, 1 - 1e-9)
            known = balls.intervals(cap, balls.intervals(Cap.ball(length, factor.shape[2])))
            least = balls.least(functions, balls.bands(known), cap)[..., 0]
            for run, point in itertools.product(range(RUNS), range(POINTS)):
                value = _rational(method, functions, run, seen[run, point], factor[run], u[run, point])
                assert Fraction(least[run, point].item()) <= value
                tight += radius == 0 and float(value) - least[run, point].item() <= 1e-10 * float(functions.sizes.max())
    assert tight > 0


def _one_function(method: Certified) -> Functions:
    rows, constant = method.upper.output[:, :1], method.upper.output_bias[:, :1]  # [S, 1, M], [S, 1]
    return Functions(rows.unsqueeze(1), constant.unsqueeze(1), rows.abs(), constant.abs())


def _rational(method: Certified, functions: Functions, run: int, seen: Tensor, factor: Tensor, u: Tensor) -> Fraction:
    def product(rows: Tensor, vector: list[Fraction]) -> list[Fraction]:
        return [sum(Fraction(a) * b for a, b in zip(row, vector, strict=True)) for row in rows.tolist()]

    moved = product(factor, [Fraction(a) for a in u.tolist()])
    active = [max(Fraction(p) + q, Fraction(0)) for p, q in zip(seen.tolist(), moved, strict=True)]
    for weights, bias in zip(method.upper.hidden, method.upper.hidden_bias, strict=True):
        values = product(weights[run], active)
        active = [max(p + Fraction(b), Fraction(0)) for p, b in zip(values, bias[run].tolist(), strict=True)]
    return product(functions.rows[run, 0], active)[0] + Fraction(functions.constant[run, 0, 0].item())


@pytest.mark.parametrize(
    "network",
    [
        {"labels": "binary", "width": 3, "depth": 3, "output": "trained", "bias": "all"},
        {"labels": 3, "width": 2, "depth": 4, "activation": "leaky_relu"},
        {"labels": "clusters", "width": 1, "activation": "erf", "output": "trained", "init_scale": 0.1},
        {"labels": "clusters", "width": 1, "activation": "power", "power": 2.0},
    ],
    ids=lambda network: ", ".join(map(str, network.values())),
)
def test_a_run_has_a_bracket_and_says_so(network: dict[str, object]):
    run = Run.of(settings_of("mlp", (), **network), 0)
    (result,) = run_stack(Stack((run,)))
    assert isinstance(result, RunResult)
    assert run.settings.attack.methods == ("certified", "pgd", "pgd_native")
    assert "beats_certificate" in checks_of(run.settings)
    assert "beats_certificate" not in result.trust.flags
    curves = {(curve.readout, curve.method): curve for curve in result.curves}
    for readout in ("sum", "max"):
        certified, attacked = curves[readout, "certified"], curves[readout, "pgd"]
        assert certified.accuracy_upper is not None
        assert np.all(certified.accuracy <= certified.accuracy_upper)
        assert np.all(certified.accuracy <= attacked.accuracy + 1e-9)
        assert np.all(certified.accuracy_upper <= attacked.accuracy + 1e-9)
        lower, upper = (result.measures[f"{name}_radius_{readout}"] for name in ("certified", "attacked"))
        gap = result.measures[f"robust_radius_gap_{readout}"]
        assert lower is not None
        assert upper is not None
        assert gap is not None
        assert 0 < lower < upper * (1 + 1e-4)
        assert lower + gap <= upper * (1 + 1e-3)
        assert result.measures[f"robust_radius_{readout}"] is None


def test_certified_alone_needs_no_attack():
    run = Run.of(settings_of("mlp", ("certified",), labels="binary", width=2, depth=3), 0)
    (result,) = run_stack(Stack((run,)))
    assert isinstance(result, RunResult)
    assert {curve.method for curve in result.curves} == {"certified"}
    assert set(result.trust.flags) <= set(checks_of(run.settings))
    assert (result.measures["certified_radius_sum"] or 0) > 0


def test_a_box_leaves_certified_radii_what_they_are():
    changes = {
        "data": {"source": "digits", "n": 60},
        "attack": {"test_points": 12, "radii": [0.0, 0.2, 1.0], "steps": 5},
    }
    run = Run.of(settings_of("mlp", (), changes, labels="binary", width=3, depth=3, init_scale=0.3), 0)
    (result,) = run_stack(Stack((run,)))
    assert isinstance(result, RunResult)
    assert "beats_certificate" not in result.trust.flags
    curves = {curve.method: curve for curve in result.curves if curve.readout == "sum"}
    upper = curves["certified"].accuracy_upper
    assert upper is not None
    assert np.all(curves["certified"].accuracy <= curves["pgd"].accuracy)
    assert np.all(upper <= curves["pgd"].accuracy + 1e-9)


def test_the_most_over_a_cap_is_no_less_than_anywhere_in_it():
    rng = np.random.default_rng(8)
    normal, height = torch.tensor(rng.normal(size=(1, 200, 3))), torch.tensor(rng.normal(size=(1, 200)))
    cap = Cap.below(height, normal, torch.ones(1, 200).double(), 1e-14)
    vectors = torch.tensor(rng.normal(size=(1, 200, 4, 3)))
    most, reached = cap.most(vectors, 1e-14), torch.full((1, 200, 4), -torch.inf).double()
    for _ in range(2000):
        u = torch.tensor(rng.normal(size=(1, 200, 3)))
        u = u / u.norm(dim=-1, keepdim=True) * torch.tensor(rng.uniform(size=(1, 200, 1)) ** 0.2)
        inside = height + (normal * u).sum(-1) <= 0  # [1, N]
        value = (vectors @ u.unsqueeze(-1)).squeeze(-1).masked_fill(~inside.unsqueeze(-1), -torch.inf)
        reached = torch.maximum(reached, value)
    assert bool((reached <= most).all())
    found = reached.isfinite()
    assert bool(found.double().mean() > 0.7)
    assert (most - reached)[found].median() < 0.2  # and no idle bound
