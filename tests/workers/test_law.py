"""The law of the draw against the literal draw: two-sample tests over runs, and the geometry it promises."""

import numpy as np
import pytest
import torch
from scipy.stats import ks_2samp

from phaselab.domain.results.results import RunResult
from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.stacks import Stack
from phaselab.workers.data import law
from phaselab.workers.data.sources import training_set
from phaselab.workers.families.two_layer import train_networks
from phaselab.workers.trial.run_stack import run_stack
from tests.workers.runs import results, small_run

SEEDS = 240
LEVEL = 1e-3
"""Probability, over all tests of a setting together, that equal distributions are told apart by chance."""
SETTINGS = {
    "binary": {"network__labels": "binary", "network__init_scale": 0.2, "data__n": 20, "data__d": 40},
    "clusters, oblique, noisy": {
        "network__labels": "clusters",
        "network__width": 2,
        "network__init_scale": 0.02,
        "data__center_cosine": 0.3,
        "data__label_noise": 0.15,
        "data__snr": 1.3,
    },
    "n > d, unbalanced": {"network__labels": 3, "data__n": 30, "data__d": 16, "data__positive_clusters": 3},
}
MEASURES = (
    "train_loss",
    "test_accuracy",
    "averaging_index",
    "feature_fraction",
    "start_share",
    "noise_share",
    "robust_radius_sum",
    "robust_radius_max",
)


def sample(draw: str, seeds: range, **changes: object) -> list[RunResult]:
    runs = [small_run(seed, data__draw=draw, attack__methods=["exact"], **changes) for seed in seeds]
    return results(run_stack(Stack(tuple(runs))))


def column(sampled: list[RunResult], name: str) -> list[float]:
    return [value for result in sampled if (value := result.measures[name]) is not None]


@pytest.mark.parametrize("setting", SETTINGS)
def test_runs_have_the_same_distribution(setting: str) -> None:
    by_law = sample("law", range(SEEDS), **SETTINGS[setting])
    literal = sample("literal", range(SEEDS, 2 * SEEDS), **SETTINGS[setting])
    names = [name for name in MEASURES if column(literal, name)]
    assert len(names) >= 5
    for name in names:
        p = ks_2samp(column(by_law, name), column(literal, name)).pvalue
        assert p > LEVEL / len(names), f"{name}: p = {p}"


def test_the_two_sample_tests_would_notice() -> None:
    """Features that are weaker against the noise by 15 % are told apart at the same level."""
    by_law = sample("law", range(SEEDS), **SETTINGS["binary"])
    weaker = sample("literal", range(SEEDS, 2 * SEEDS), **SETTINGS["binary"], data__snr=0.85)
    assert ks_2samp(column(by_law, "train_loss"), column(weaker, "train_loss")).pvalue < LEVEL / len(MEASURES)


def gram_sample(draw: str, seeds: range, **changes: object) -> np.ndarray:
    """[seeds, numbers]: inner products of inputs and initial weights of tiny draws, and how three test points are
    seen."""
    tiny = {"data__k": 2, "data__n": 3, "data__d": 7, "training__steps": 0, "network__width": 1} | changes
    tiny |= {"attack__test_points": 3}
    runs, networks = train_networks([small_run(seed, data__draw=draw, **tiny) for seed in seeds], "cpu", None)
    rows = []
    for run, weights, seen in zip(runs, networks.weights, networks.preactivations, strict=True):  # [2, e''], [2, 3]
        data = training_set(run, "cpu")
        inputs, centers = data.inputs.clone(), data.centers.points
        inputs[:, : centers.shape[1]] -= centers[data.cluster]
        products = [
            inputs @ inputs.T,
            inputs @ weights[:, : inputs.shape[1]].T,
            weights @ weights.T,
            seen,
            seen.T @ seen,
        ]
        rows.append(torch.cat([product.flatten() for product in products]).numpy())
    return np.array(rows)


SHAPED = {"data__clone": "gaussian", "data__k": 4, "data__center_cosine": 0.3, "data__d": 9}


@pytest.mark.parametrize("changes", [{}, SHAPED, SHAPED | {"data__noise_dims": 2}, {"data__noise_dims": 4}], ids=str)
def test_noise_and_weights_have_the_same_inner_products(changes: dict[str, object]) -> None:
    by_law, literal = gram_sample("law", range(250), **changes), gram_sample("literal", range(250, 500), **changes)
    p_values = [ks_2samp(a, b).pvalue for a, b in zip(by_law.T, literal.T, strict=True) if a.std() > 1e-5]
    assert min(p_values) > LEVEL / len(p_values)


def test_the_tests_of_inner_products_would_notice() -> None:
    """Two dimensions of noise less."""
    by_law = gram_sample("law", range(250), data__noise_dims=2)
    literal = gram_sample("literal", range(250, 500), data__noise_dims=4)
    assert min(ks_2samp(a, b).pvalue for a, b in zip(by_law.T, literal.T, strict=True)) < LEVEL / by_law.shape[1]


@pytest.mark.parametrize(("n", "columns", "neurons"), [(3, 3, 6), (8, 8, 6), (30, 8, 6), (3, 3, 2)])
def test_the_law_of_few_noise_dims_tells_those_that_points_leave_over_apart(n: int, columns: int, neurons: int) -> None:
    run = small_run(data__n=n, data__d=40, data__noise_dims=8, data__draw="law")
    data, weights = law.draw_training_set(run), law.draw_weights(run, neurons)
    assert data.inputs.shape == (n, 4 + columns)
    assert weights.shape == (neurons, 4 + columns + min(neurons, 8 - columns) + neurons)
    assert bool((data.inputs[:, :4] == data.centers.points[data.cluster]).all())


@pytest.mark.parametrize(("n", "d"), [(3, 20), (30, 20), (16, 20), (5, 4)])
def test_the_law_takes_as_many_coordinates_as_vectors_or_dimensions(n: int, d: int) -> None:
    run = small_run(data__n=n, data__d=d, data__draw="law")
    data, weights = law.draw_training_set(run), law.draw_weights(run, 6)
    assert data.inputs.shape == (n, 4 + min(n, d - 4))
    assert weights.shape == (6, min(d, 4 + n + 6))


def test_a_billion_dimensions_cost_and_mean_nothing_special() -> None:
    huge = results(run_stack(Stack(tuple(small_run(seed, data__d=10**9, **HUGE) for seed in range(3)))))
    for result in huge:
        assert result.measures["test_accuracy"] == 1
        assert (result.measures["averaging_index"] or 0) > 0.9
        relative = result.measures["robust_radius_sum_relative"]
        assert relative is not None
        assert 0.8 * 0.5 < relative <= 0.5 * 1.001  # at most R / sqrt(k), less for 25 noisy points a cluster


HUGE = {
    "data__n": 100,
    "network__init_scale": 1e-9,
    "training__learning_rate": 2e-9,
    "training__steps": 20,
    "attack__radii": [0.0, 1e4],
}


@pytest.mark.parametrize("draw", ["law", "literal"])
@pytest.mark.parametrize(("k", "n"), [(4, 40), (7, 40), (10, 6)])
def test_exact_balance_gives_every_cluster_as_many_points_or_one_more(draw: str, k: int, n: int) -> None:
    one = small_run(data__k=k, data__n=n, data__d=30, data__draw=draw, data__balance="exact")
    drawn = [training_set(Run.of(one.settings, seed), "cpu").cluster for seed in range(3)]
    for cluster in drawn:
        counts = torch.bincount(cluster, minlength=k)
        assert counts.sum() == n
        assert counts.max() - counts.min() == (1 if n % k else 0)
    assert not torch.equal(drawn[0], drawn[1]), "the order is drawn"
    if n % k:
        more = [torch.bincount(cluster, minlength=k).argsort().tolist() for cluster in drawn]
        assert more[0] != more[1] or more[0] != more[2], "which clusters have more is drawn"
