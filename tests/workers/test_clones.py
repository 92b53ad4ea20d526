"""Clones of labels, and noise in few directions: the moments of drawn points against those of real ones."""

import numpy as np
import pytest
import torch
from torch import Tensor

from phaselab.domain.answers.theory import flip_radius
from phaselab.domain.families.resolve import resolve
from phaselab.domain.settings.faults import InvalidInput
from phaselab.domain.settings.labels import label_groups
from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.settings import Settings
from phaselab.workers.data import clusters, image_data
from phaselab.workers.data.sources import training_set
from phaselab.workers.families.resnet18 import look, train_resnet
from phaselab.workers.trial.run_stack import run_stack
from tests.workers.runs import results, small_run, stack

MANY = {"data__k": 5, "data__d": 8, "data__n": 40_000, "data__center_cosine": 0.2, "training__precision": "float64"}


def of_label(run: Run, label: int) -> Tensor:
    """[n', e]: the training points of a label group."""
    data = training_set(run, "cpu")
    groups = torch.tensor(label_groups(run.settings).group_of_cluster)
    return data.inputs[groups[data.cluster] == label].double()


@pytest.mark.parametrize("draw", ["literal", "law"])
@pytest.mark.parametrize(("clone", "noise_dims"), [("gaussian", None), ("mean", None), ("gaussian", 2)])
def test_a_clone_has_the_moments_of_the_points_of_its_label(draw: str, clone: str, noise_dims: int | None) -> None:
    """Up to chance: the standard error of a covariance of 16,000 points is about 0.03 here."""
    settings = MANY | {"data__draw": draw, "data__noise_dims": noise_dims}
    for label in (0, 1):
        real = of_label(small_run(0, **settings), label)
        drawn = of_label(small_run(0, **settings, data__clone=clone), label)
        torch.testing.assert_close(drawn.mean(dim=0), real.mean(dim=0), rtol=0, atol=0.06)
        expected, found = torch.cov(real.T), torch.cov(drawn.T)
        if clone == "mean":
            expected = torch.eye(len(expected), dtype=torch.float64) * expected.trace() / len(expected)
        torch.testing.assert_close(found, expected, rtol=0, atol=0.16)


def test_a_clone_is_no_mixture() -> None:
    """Points of a label lie around their centres, those of its Gaussian clone also between them."""
    wide = MANY | {"data__center_cosine": 0.0, "data__snr": 3.0, "data__n": 4000}
    near = []
    for clone in ("none", "gaussian"):
        data = training_set(small_run(0, **wide, data__clone=clone), "cpu")
        near.append(
            float(
                (torch.cdist(data.inputs, clusters_of(data.centers.points, data.inputs)).amin(dim=1) < 5)
                .double()
                .mean()
            )
        )
    assert near[0] > 0.99
    assert near[1] < 0.6


def clusters_of(centers: Tensor, inputs: Tensor) -> Tensor:
    """[k, e]: centres in all coordinates of the inputs."""
    return torch.nn.functional.pad(centers, (0, inputs.shape[1] - centers.shape[1]))


def test_the_gaussian_clone_of_a_label_of_one_cluster_is_its_law() -> None:
    real, clone = (small_run(3, network__labels="clusters", data__clone=clone) for clone in ("none", "gaussian"))
    one, other = results(run_stack(stack(real, clone)))
    assert one.key != other.key
    assert one.measures == other.measures


def test_theory_does_not_speak_of_clones_nor_of_noise_in_few_directions() -> None:
    for data, words in (({"clone": "gaussian"}, "clones of labels"), ({"noise_dims": 100}, "every direction")):
        reason = flip_radius(resolve(Settings.model_validate({"data": data})), "max").reason
        assert reason is not None
        assert words in reason


@pytest.mark.parametrize(
    ("data", "pointer", "words"),
    [
        ({"noise_dims": 91}, "/data/noise_dims", "it must be in 0..90, or left out"),
        ({"noise_dims": 9, "clone": "mean"}, "/data/clone", "use clone: gaussian"),
        ({"noise_dims": 50_000, "d": 100_000, "draw": "literal"}, "/data/d", "too large"),
    ],
)
def test_what_cannot_be_drawn_is_refused(data: dict[str, object], pointer: str, words: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        resolve(Settings.model_validate({"data": {"d": 100} | data}))
    assert {fault.pointer: words in fault.detail for fault in refused.value.faults} == {pointer: True}


@pytest.mark.parametrize("q", [0, 3])
def test_noise_is_in_that_many_directions_orthogonal_to_the_centres(q: int) -> None:
    run = small_run(0, data__draw="literal", data__noise_dims=q, training__precision="float64")
    data = training_set(run, "cpu")
    cluster, tested = clusters.draw_test_points(run, data.centers.points)
    noise = torch.cat([data.inputs - data.centers.points[data.cluster], tested - data.centers.points[cluster]])
    assert int(torch.linalg.matrix_rank(noise)) == q
    torch.testing.assert_close(noise @ data.centers.points.T, torch.zeros(len(noise), 4, dtype=torch.float64))
    if q:
        assert float(noise.square().sum(dim=1).mean()) == pytest.approx(q, rel=0.3)


@pytest.mark.parametrize("n", [5, 60])
def test_what_is_off_the_span_of_few_directions_is_the_same_by_either_draw(n: int) -> None:
    """Also of more points than dimensions, which leave some of them out all the same."""
    given = {"data__noise_dims": 8, "data__n": n, "attack__methods": []}
    means = []
    for draw in ("law", "literal"):
        found = results(run_stack(stack(*(small_run(seed, data__draw=draw, **given) for seed in range(60)))))
        means.append(np.mean([result.measures["offspan_radius_sum"] for result in found]))
    assert means[0] == pytest.approx(means[1], rel=0.2)
    assert means[0] > 1


def test_without_noise_every_point_is_its_centre_by_either_draw() -> None:
    """The radius of the median point is then R / sqrt(k), whatever the seed."""
    given = {"data__noise_dims": 0, "data__n": 40, "data__balance": "exact", "network__init_scale": 1e-6}
    for draw in ("law", "literal"):
        (result,) = results(run_stack(stack(small_run(1, data__draw=draw, **given, training__steps=300))))
        assert result.measures["averaging_index"] == pytest.approx(1, abs=5e-3)
        assert result.measures["robust_radius_max_relative"] == pytest.approx(0.5, rel=1e-3)
        assert result.measures["noise_share"] == pytest.approx(0, abs=1e-7)


def plain(inputs: np.ndarray, y: np.ndarray, weights: np.ndarray, rate: float, steps: int) -> np.ndarray:
    """Gradient descent on the published network, without biases, in numpy: the weights [2 m, d] of both signs."""
    m = len(weights) // 2
    sign = np.repeat([1.0, -1.0], m) / m
    for _ in range(steps):
        seen = inputs @ weights.T  # [n, 2 m]
        push = y / (1 + np.exp(y * (np.maximum(seen, 0) @ sign)))  # [n]
        weights = weights + rate * ((push[:, None] * (seen > 0) * sign).T @ inputs) / len(inputs)
    return weights


def test_an_independent_clone_and_training_give_the_accuracy_and_the_index_of_the_preset() -> None:
    """Numpy's multivariate normals of the moments written out, plain descent, and real points; means over ten seeds."""
    k, d, n, snr, m, rate, steps = 4, 60, 300, 0.3, 2, 0.05, 150
    runs = [
        small_run(
            seed,
            **{"data__k": k, "data__d": d, "data__n": n, "data__snr": snr, "data__clone": "gaussian"},
            **{"network__width": m, "network__init_scale": 1e-4, "attack__test_points": 1000, "attack__methods": []},
            **{"training__learning_rate": rate, "training__steps": steps},
        )
        for seed in range(10)
    ]
    ours = [
        (one.measures["test_accuracy"], one.measures["averaging_index"]) for one in results(run_stack(stack(*runs)))
    ]
    theirs = []
    for seed in range(10):
        random = np.random.default_rng(seed)
        centers = snr * d**0.5 * np.eye(k, d)
        means = centers[:2].mean(axis=0), centers[2:].mean(axis=0)
        pairs = centers[:2] - means[0], centers[2:] - means[1]
        y = random.choice([1, -1], size=n)
        inputs = np.empty((n, d))
        for label, mean, pair in zip((1, -1), means, pairs, strict=True):
            inputs[y == label] = random.multivariate_normal(mean, np.eye(d) + pair.T @ pair / 2, (y == label).sum())
        weights = plain(inputs, y, 1e-4 * random.standard_normal((2 * m, d)), rate, steps)
        cluster = random.integers(k, size=1000)
        tested = np.maximum((centers[cluster] + random.standard_normal((1000, d))) @ weights.T, 0)
        right = (tested[:, :m].mean(axis=1) > tested[:, m:].mean(axis=1)) == (cluster < 2)
        held = np.maximum(weights[:, :k], 0).reshape(2, m, 2, 2)[[0, 1], :, [0, 1]].reshape(2 * m, 2)
        ratio = (held**2).sum(axis=1) ** 2 / (held**4).sum(axis=1)
        theirs.append((right.mean(), np.average(ratio - 1, weights=(weights**2).sum(axis=1))))
    np.testing.assert_allclose(np.mean(ours, axis=0), np.mean(theirs, axis=0), atol=0.02)


DIGITS = {"data": {"source": "digits", "n": 900}, "attack": {"test_points": 20, "radii": [0.0], "methods": []}}


def digits(clone: str, **groups: dict[str, object]) -> Run:
    data = DIGITS["data"] | {"clone": clone} | groups.pop("data", {})
    return Run.of(resolve(Settings.model_validate(DIGITS | {"data": data} | groups)), 0)


@pytest.mark.parametrize("normalization", ["unit", "standard"])
def test_a_clone_of_images_has_the_moments_of_its_label_inside_the_box(normalization: str) -> None:
    """Of pixels that are seldom at a bound, for the box cuts off what lies outside."""
    real, shaped, even = (
        digits(clone, data={"normalization": normalization}) for clone in ("none", "gaussian", "mean")
    )
    limits = image_data.box(real.settings.data, torch.zeros(1))
    of_real, of_shaped, of_even = (of_label(run, 0) for run in (real, shaped, even))
    for drawn in (of_shaped, of_even):
        assert bool((drawn >= limits.low - 1e-6).all() & (drawn <= limits.high + 1e-6).all())
    scale = float((limits.high - limits.low)[0])
    mean, sd = of_real.mean(dim=0), of_real.std(dim=0)
    inner = (mean - sd > limits.low) & (mean + sd < limits.high)
    assert int(inner.sum()) > 10
    torch.testing.assert_close(of_shaped.mean(dim=0)[inner], mean[inner], rtol=0, atol=0.04 * scale)
    correlations = [np.corrcoef(drawn[:, inner].T) for drawn in (of_real, of_shaped, of_even)]
    apart = [np.abs(one - correlations[0])[~np.eye(len(one), dtype=bool)].mean() for one in correlations]
    assert apart[1] < 0.08 < 0.15 < apart[2]


def test_centres_of_images_are_those_of_real_ones_and_clones_go_by_labels() -> None:
    real, two, ten = (
        training_set(digits("none"), "cpu"),
        *(training_set(digits("gaussian", network={"labels": labels}), "cpu") for labels in ("binary", "clusters")),
    )
    assert torch.equal(real.centers.points, two.centers.points)
    assert torch.equal(real.cluster, two.cluster)
    assert not torch.equal(two.inputs, ten.inputs)
    zeros = [data.inputs[data.cluster == 0].mean(dim=0) for data in (real, two, ten)]
    assert float((zeros[2] - zeros[0]).norm()) < 0.3 < float((zeros[1] - zeros[0]).norm())


def test_a_resnet_is_trained_on_clones_and_its_centres_are_of_real_images() -> None:
    short = {"network": {"kind": "resnet18", "width": 2}, "training": {"steps": 2, "batch_size": 50}}
    run = digits("gaussian", data={"n": 100}, **short)
    trained = train_resnet(run, "cpu", None)
    cluster, real = image_data.real_training_images(run)
    assert torch.equal(trained.real.flatten(1), real)
    assert not torch.equal(trained.images.flatten(1), real)
    with torch.no_grad():
        centers = look(trained, run, None).centers
        features = trained.network.features(trained.real).double()
    expected = torch.stack([features[cluster == j].mean(dim=0) for j in range(10)]) - features.mean(dim=0)
    torch.testing.assert_close(centers, expected, rtol=1e-4, atol=1e-6)
