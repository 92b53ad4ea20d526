"""The family `diagonal` on sparse regression: its training, its penalties and measures, against independent ways."""

from typing import Any

import numpy as np
import pytest
import torch
from scipy.integrate import simpson, solve_ivp
from scipy.optimize import LinearConstraint, minimize

from phaselab.domain.families.resolve import resolve
from phaselab.domain.settings.faults import InvalidInput
from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.settings import Settings
from phaselab.workers.base.streams import Stream
from phaselab.workers.data import sparse_regression
from phaselab.workers.data.sources import training_set
from phaselab.workers.families.registry import family_of
from phaselab.workers.measures.interpolators import Penalty, least_l1, least_penalty
from phaselab.workers.trial.run_stack import run_stack
from tests.workers.runs import results, stack

SMALL: dict[str, dict[str, Any]] = {
    "data": {"source": "sparse_regression", "d": 20, "n": 6, "nonzeros": 2},
    "network": {"kind": "diagonal", "init_scale": 0.1},
    "training": {"learning_rate": 0.02, "steps": 20_000, "precision": "float64", "stop_loss": 1e-18},
    "attack": {"test_points": 200, "methods": []},
}


def run_of(seed: int = 0, **groups: dict[str, Any]) -> Run:
    merged = {name: SMALL.get(name, {}) | groups.get(name, {}) for name in SMALL | groups}
    return Run.of(resolve(Settings.model_validate(merged)), seed)


def beta_of(run: Run) -> np.ndarray:
    """[d]: what the family trains."""
    (trained,) = family_of(run.settings).train([run], "cpu", None).trained
    weights = trained.victim.networks.weights[0]  # type: ignore[attr-defined]
    return np.asarray(weights[0] - weights[1])


def points_of(run: Run) -> tuple[np.ndarray, np.ndarray]:
    inputs, responses = sparse_regression.draw(run, Stream.TRAINING, run.settings.data.n)
    return inputs.numpy(), responses.numpy()


def flow(run: Run, until: float) -> np.ndarray:
    """[d]: gradient flow from u = v = alpha, by an integrator of ordinary differential equations."""
    (inputs, responses), d = points_of(run), run.settings.data.d
    depth, alpha = run.settings.network.depth, run.settings.network.init_scale

    def moves(_: float, parts: np.ndarray) -> np.ndarray:
        u, v = parts[:d], parts[d:]
        slope = inputs.T @ (inputs @ (u**depth - v**depth) - responses) / len(responses)
        return -depth * np.concatenate([u ** (depth - 1) * slope, -(v ** (depth - 1)) * slope])

    parts = solve_ivp(moves, (0, until), np.full(2 * d, alpha), method="LSODA", rtol=1e-9, atol=1e-12).y[:, -1]
    return np.asarray(parts[:d] ** depth - parts[d:] ** depth)


@pytest.mark.parametrize(("depth", "alpha"), [(2, 0.01), (2, 0.3), (3, 0.1)])
def test_training_follows_gradient_flow(depth: int, alpha: float) -> None:
    short = {"learning_rate": 2e-3, "steps": 5_000}
    run = run_of(network={"depth": depth, "init_scale": alpha}, training=short)
    np.testing.assert_allclose(beta_of(run), flow(run, 10.0), atol=3e-3)


@pytest.mark.parametrize(("depth", "alpha"), [(2, 0.05), (3, 0.3)])
def test_the_penalty_is_least_where_an_independent_solver_finds_it(depth: int, alpha: float) -> None:
    """Scipy's trust region on the primal problem, against Newton's method on the dual; and gradient flow ends there."""
    run = run_of(network={"depth": depth, "init_scale": alpha}, training={"steps": 3000})
    (inputs, responses), penalty = points_of(run), Penalty(alpha, depth)
    least = least_penalty(inputs, responses, alpha, depth)
    begin = np.linalg.pinv(inputs) @ responses
    found = minimize(
        penalty.of,
        begin,
        jac=penalty.inverse,
        constraints=LinearConstraint(inputs, responses, responses),
        method="SLSQP",
        options={"maxiter": 500, "ftol": 1e-13},
    )
    assert found.fun == pytest.approx(least, rel=1e-6)
    assert penalty.of(begin) > least * (1 + 1e-6)
    assert penalty.of(beta_of(run)) == pytest.approx(least, rel=1e-3)


@pytest.mark.parametrize("depth", [2, 3])
def test_the_penalty_is_the_integral_of_its_slope(depth: int) -> None:
    penalty, beta = Penalty(0.2, depth), np.array([0.3, -0.001, 0.0, 2.0])
    np.testing.assert_allclose(penalty.beta(penalty.inverse(beta)), beta, atol=1e-12)
    steps = np.linspace(0, 1, 501)
    slopes = np.array([penalty.inverse(beta * t) @ beta for t in steps])
    assert penalty.of(beta) == pytest.approx(simpson(slopes, x=steps), rel=1e-4)


def test_a_small_start_has_the_least_l1_norm_and_a_large_one_the_least_l2_norm() -> None:
    small = run_of(network={"init_scale": 1e-4}, training={"learning_rate": 0.05, "steps": 6000})
    large = run_of(network={"init_scale": 1.0}, training={"learning_rate": 1e-3, "steps": 1000})
    inputs, responses = points_of(small)
    assert np.abs(beta_of(small)).sum() == pytest.approx(least_l1(inputs, responses), rel=1.2e-2)
    np.testing.assert_allclose(beta_of(large), np.linalg.pinv(inputs) @ responses, atol=0.01)


def test_measures_are_of_what_was_trained() -> None:
    runs = [
        run_of(seed, network={"init_scale": alpha}, training={"steps": 5000})
        for seed in (0, 1)
        for alpha in (0.01, 0.3)
    ]
    for run, result in zip(runs, results(run_stack(stack(*runs))), strict=True):
        beta, (inputs, responses) = beta_of(run), points_of(run)
        truth = np.r_[[0.5**0.5] * 2, np.zeros(18)]
        assert result.key == run.key
        assert result.measures["regression_error"] == pytest.approx(((beta - truth) ** 2).sum(), rel=1e-6)
        ratio = np.abs(beta).sum() / least_l1(inputs, responses)
        assert result.measures["beta_l1_ratio"] == pytest.approx(ratio, rel=1e-6)
        assert result.measures["q_gap"] == pytest.approx(0, abs=2e-2)
        assert result.measures["train_loss"] == pytest.approx(((inputs @ beta - responses) ** 2).mean() / 2, abs=1e-12)
        assert result.measures["averaging_index"] is None


def test_its_decision_is_the_sign_of_the_response() -> None:
    run = run_of(
        data={"n": 300, "response_noise": 0.5},
        training={"steps": 1000},
        attack={"radii": [0.0, 0.3], "methods": ["pgd"]},
    )
    (result,) = results(run_stack(stack(run)))
    inputs, responses = sparse_regression.draw(run, Stream.TEST, 200)
    values = inputs.numpy() @ beta_of(run)
    right = values * responses.numpy() > 0
    assert result.measures["test_accuracy"] == pytest.approx(right.mean())
    assert result.measures["test_accuracy"] < 0.95
    (curve,) = (one for one in result.curves if one.readout == "sum")
    far = np.abs(values) / np.linalg.norm(beta_of(run)) > 0.3
    assert curve.accuracy[1] == pytest.approx((right & far).mean(), abs=0.011)
    assert result.trust.verdict == "ok"


def test_points_have_the_law_that_they_say() -> None:
    run = run_of(data={"n": 20_000, "d": 5, "response_noise": 0.5})
    inputs, responses = sparse_regression.draw(run, Stream.TRAINING, 20_000)
    data = training_set(run, "cpu")
    assert float(responses.var()) == pytest.approx(1.25, rel=0.03)
    torch.testing.assert_close(torch.cov(inputs.T), torch.eye(5, dtype=torch.float64), rtol=0, atol=0.04)
    for j, sign in ((0, 1), (1, -1)):
        assert bool((responses[data.cluster == j] * sign >= 0).all())
        mean = data.inputs[data.cluster == j].mean(dim=0)
        torch.testing.assert_close(mean, data.centers.points[j], rtol=0, atol=0.04)


@pytest.mark.parametrize(
    ("groups", "pointer"),
    [
        ({"network": {"width": 3}}, "/network/width"),
        ({"network": {"depth": 4}}, "/network/depth"),
        ({"network": {"init_scale": 0.0}}, "/network/init_scale"),
        ({"network": {"bias": "all"}}, "/network/bias"),
        ({"training": {"batch_size": 2}}, "/training/batch_size"),
        ({"training": {"optimizer": "adam"}}, "/training/optimizer"),
        ({"training": {"engine": "gram"}}, "/training/engine"),
        ({"data": {"label_noise": 0.1}}, "/data/label_noise"),
        ({"data": {"nonzeros": 21}}, "/data/nonzeros"),
        ({"data": {"k": 4}}, "/data/k"),
        ({"data": {"source": "clusters", "nonzeros": 5}}, "/network/kind"),
    ],
)
def test_what_it_cannot_be_is_refused_at_its_place(groups: dict[str, dict[str, Any]], pointer: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        run_of(**groups)
    assert [fault.pointer for fault in refused.value.faults] == [pointer]
