"""Measures on weights whose values are known by hand, and on random ones by definition."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from phaselab.domain.results.measures import MEASURES
from phaselab.domain.settings.radii import center_norm
from phaselab.domain.settings.settings import Settings
from phaselab.workers.data.training_set import Centers, center_coordinates
from phaselab.workers.exact.exact import RobustRadii
from phaselab.workers.families.two_layer import FAMILY
from phaselab.workers.measures import measures
from phaselab.workers.measures.every import FUNCTIONS, LAYERED
from phaselab.workers.measures.shown import Shown, cosines, feature_fraction, features_held, own_side, weight_shares
from phaselab.workers.networks.trained import Geometry, geometry
from phaselab.workers.networks.two_layer import network_of
from phaselab.workers.trial.run_stack import run_stack
from tests.workers.runs import results, small_run, stack

SETTINGS = small_run(network__labels="binary", network__width=1).settings
"""2 neurons, 4 clusters."""


def test_every_measure_of_the_catalogue_has_its_function_and_no_other() -> None:
    assert set(FUNCTIONS) | set(LAYERED) == set(MEASURES)
    assert not set(FUNCTIONS) & set(LAYERED)
    assert set(LAYERED) == {name for name, entry in MEASURES.items() if entry.layered}


def test_a_made_up_measure_is_an_entry_and_a_function(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = replace(MEASURES["train_loss"], name="made_up", families=("two_layer",))
    monkeypatch.setitem(MEASURES, "made_up", entry)  # type: ignore[arg-type]
    with pytest.raises(KeyError, match="made_up"):  # a measure without a function is never a nan
        run_stack(stack(small_run()))
    monkeypatch.setitem(FUNCTIONS, "made_up", lambda shown: 2 * shown.loss)
    (result,) = results(run_stack(stack(small_run())))
    assert result.measures["made_up"] == pytest.approx(2 * result.measures["train_loss"])  # type: ignore[operator]


def shown(neurons: Geometry, settings: Settings = SETTINGS) -> Shown:
    """Networks that show these neurons and nothing else."""
    nothing = torch.zeros(1)
    norms = torch.full((1, settings.data.k), center_norm(settings.data), dtype=torch.float64)
    own = own_side(settings, network_of(settings).layout)
    parts = features_held(neurons, centers_of(settings))
    return Shown(nothing, nothing, {"sum": nothing, "max": nothing}, neurons, parts, own, norms, nothing)


def shape_of(coefficients: list[list[float]], rest: list[float]) -> Geometry:
    """Neurons with these coefficients along orthogonal centres of norm R, and `rest` outside their span."""
    radius = math.sqrt(30)
    weights = torch.zeros(1, len(coefficients), 4 + len(coefficients), dtype=torch.float64)
    for i, (row, outside) in enumerate(zip(coefficients, rest, strict=True)):
        weights[0, i, :4] = torch.tensor(row)
        weights[0, i, 4 + i] = outside
    return geometry(weights, radius * torch.eye(4, dtype=torch.float64))


@pytest.mark.parametrize(
    ("coefficients", "index", "ratio"),
    [
        ([[1, 1, 0, 0], [0, 0, 2, 2]], 1.0, 1.0),
        ([[1, 0, 0, 0], [0, 0, 0, 3]], 0.0, math.inf),
        ([[1, 1, 9, 9], [9, 9, 1, 1]], 1.0, 1.0),  # the other side's features do not count
        ([[1, -1, 0, 0], [0, 0, 1, 1]], 0.5 * (2 / 2) + 0.5 * 0, math.inf),
        ([[2, 1, 0, 0], [0, 0, 2, 1]], 25 / 17 - 1, 2.0),
        ([[-1, -1, 0, 0], [0, 0, 1, 1]], 1.0, math.inf),  # a neuron without features is left out
    ],
)
def test_averaging_index_and_coefficient_ratio(coefficients: list[list[float]], index: float, ratio: float) -> None:
    shape = shape_of(coefficients, [0.0, 0.0])
    assert float(measures.averaging_index(shown(shape))) == pytest.approx(index)
    assert float(measures.coefficient_ratio(shown(shape))) == pytest.approx(ratio)
    evenness = {1.0: 1.0, 2.0: 0.5}.get(ratio)
    if evenness is not None:
        assert float(measures.coefficient_evenness(shown(shape))) == pytest.approx(evenness)


def test_evenness_is_0_where_a_coefficient_is_not_positive_and_a_median() -> None:
    """Of two neurons with 1/4 and 0 the mean of both; of the ratios 4 and infinity the median is infinite."""
    shape = shape_of([[4, 1, 9, 9], [9, 9, 1, -1]], [0.0, 0.0])
    assert float(measures.coefficient_evenness(shown(shape))) == pytest.approx(1 / 8)
    assert math.isinf(measures.coefficient_ratio(shown(shape)))


def test_averaging_index_weighs_neurons_by_their_squared_norm() -> None:
    shape = shape_of([[1, 1, 0, 0], [0, 0, 2, 0]], [0.0, 0.0])
    assert float(measures.averaging_index(shown(shape))) == pytest.approx(2 / (2 + 4))


def test_averaging_index_is_undefined_without_features_and_where_no_side_has_two_clusters() -> None:
    nothing = shape_of([[0, 0, 1, 1], [1, 1, 0, 0]], [0.0, 0.0])
    assert math.isnan(measures.averaging_index(shown(nothing)))
    two = small_run(network__labels="binary", network__width=1, data__k=2).settings
    pair = geometry(torch.eye(2, dtype=torch.float64).unsqueeze(0), math.sqrt(30) * torch.eye(2, dtype=torch.float64))
    assert math.isnan(measures.averaging_index(shown(pair, two)))


def test_neurons_of_a_side_of_one_cluster_do_not_count() -> None:
    """One cluster against three: the second neuron has 2, 1, 1, so that PR = 36 / 18, whatever the first has."""
    lonely = small_run(network__labels="binary", network__width=1, data__positive_clusters=1).settings
    found = measures.averaging_index(shown(shape_of([[9, 1, 1, 1], [1, 2, 1, 1]], [0.0, 0.0]), lonely))
    assert float(found) == pytest.approx((36 / 18 - 1) / 2)


@pytest.mark.parametrize("cosine", [-0.2, 0.0, 0.5, 0.8])
@pytest.mark.parametrize(("held", "index"), [([1, 0, 0, 0], 0.0), ([1, 1, 0, 0], 1.0), ([2, 1, 0, 0], 25 / 17 - 1)])
def test_the_index_sees_what_a_neuron_was_made_of_whatever_the_cosine_of_centres(
    cosine: float, held: list[int], index: float
) -> None:
    """By products with centres at cosine 0.8 a neuron of one centre had the index 0.95."""
    settings = small_run(network__labels="binary", network__width=1, data__center_cosine=cosine).settings
    centers = center_coordinates(settings.data)
    other = [held[2], held[3], held[0], held[1]]
    weights = torch.tensor([held, other], dtype=torch.float64) @ centers
    beside = torch.nn.functional.pad(weights, (0, 2), value=3.0).unsqueeze(0)  # what lies outside of the span
    assert float(measures.averaging_index(shown(geometry(beside, centers), settings))) == pytest.approx(index, abs=1e-9)


def test_of_class_means_a_neuron_holds_its_products_with_them() -> None:
    points = torch.randn(4, 9, dtype=torch.float64, generator=torch.Generator().manual_seed(5))
    means = Centers.means(torch.cat([points[:3], 0 * points[3:]]))
    parts = features_held(geometry(points.unsqueeze(0), means.points), means)[0]
    expected = [[float(w @ m / m.norm()) for m in points[:3]] + [0.0] for w in points]
    torch.testing.assert_close(parts, torch.tensor(expected, dtype=torch.float64))


def test_a_neuron_on_no_side_holds_no_centre_evenly() -> None:
    networks = shown(shape_of([[1, 1, 0, 0], [0, 0, 1, 1]], [0.0, 0.0]))
    none = replace(networks, own=torch.zeros_like(networks.own))
    assert math.isinf(FUNCTIONS["coefficient_ratio"](none))
    assert float(FUNCTIONS["coefficient_evenness"](none)) == 0.0


def test_the_gap_is_that_between_the_medians_of_the_bounds() -> None:
    lower, upper = torch.tensor([[0.0, 1.0, 4.0]]), torch.tensor([[0.5, 3.0, 4.0]])
    bounds = RobustRadii(lower, upper, torch.zeros(1, 3, 1))
    networks = replace(shown(shape_of([[1, 1, 0, 0], [0, 0, 1, 1]], [0.0, 0.0])), radii={"sum": bounds})
    assert float(FUNCTIONS["robust_radius_gap_sum"](networks)) == 2.0
    assert float(FUNCTIONS["robust_radius_sum"](networks)) == 1.0
    assert math.isnan(FUNCTIONS["robust_radius_gap_max"](networks))


def test_a_radius_without_an_upper_bound_counts_with_its_lower_one() -> None:
    lower, upper = torch.tensor([[7.0, 9.0, math.inf]]), torch.tensor([[math.inf, math.inf, math.inf]])
    bounds = RobustRadii(lower, upper, torch.zeros(1, 3, 1))
    networks = replace(shown(shape_of([[1, 1, 0, 0], [0, 0, 1, 1]], [0.0, 0.0])), radii={"sum": bounds})
    assert float(FUNCTIONS["robust_radius_sum"](networks)) == 9.0


def test_deciles_are_of_points_and_lie_between_them() -> None:
    """Of 0, 1, ..., 4, inf: a tenth is halfway from the first to the second, nine tenths halfway to infinity."""
    values = torch.tensor([[3.0, 0.0, 1.0, 2.0, 4.0, math.inf]])
    bounds = RobustRadii(values, values, torch.zeros(1, 6, 1))
    networks = replace(shown(shape_of([[1, 1, 0, 0], [0, 0, 1, 1]], [0.0, 0.0])), radii={"max": bounds})
    assert float(FUNCTIONS["robust_radius_max_q10"](networks)) == 0.5
    assert float(FUNCTIONS["robust_radius_max_q90"](networks)) == math.inf
    assert math.isnan(FUNCTIONS["robust_radius_sum_q10"](networks))


@pytest.mark.parametrize("level", [0.0, 0.1, 0.37, 0.5, 0.9, 1.0])
def test_quantiles_are_those_of_numpy(level: float) -> None:
    values = torch.randn(3, 11, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    expected = np.quantile(values.numpy(), level, axis=1)
    np.testing.assert_allclose(measures.quantile(values, level).numpy(), expected, rtol=1e-12)


@pytest.mark.parametrize("labels", ["binary", 3, "clusters"])
def test_the_own_label_is_the_group_of_the_largest_output(labels: str | int) -> None:
    """Counted point by point, from pre-activations alone; a tie is wrong."""
    run = small_run(network__labels=labels, network__width=2, training__steps=5)
    (trained,) = FAMILY.train([run], "cpu", None).trained
    networks = trained.networks  # type: ignore[attr-defined]
    on = networks.preactivations[0].clamp_min(0).double().numpy()  # [M, N]
    outputs = on.reshape(-1, 2, on.shape[1]).mean(axis=1)  # [c, N]
    own = networks.label[0].numpy()
    right = [outputs[g, i] > np.delete(outputs[:, i], g).max() for i, g in enumerate(own)]
    assert trained.clean["label"].item() == pytest.approx(np.mean(right))


def centers_of(settings: Settings) -> Centers:
    return Centers.known(settings.data, center_coordinates(settings.data))


def test_feature_fraction_is_the_share_inside_the_span() -> None:
    shape = shape_of([[1, 1, 0, 0], [0, 0, 1, 1]], [2.0, 0.0])
    assert float(feature_fraction(shape, centers_of(SETTINGS))) == pytest.approx(4 / 8)


def test_feature_fraction_of_oblique_centres_is_that_of_the_projection() -> None:
    settings = small_run(data__center_cosine=0.6).settings
    random = torch.Generator().manual_seed(3)
    centers = center_coordinates(settings.data)  # [4, 4]
    norms, cosines = centers.norm(dim=1), centers @ centers.T / 30
    torch.testing.assert_close(norms, torch.full((4,), math.sqrt(30), dtype=torch.float64))
    assert cosines[0, 1].item() == pytest.approx(0.6)
    weights = torch.randn(1, 3, 9, dtype=torch.float64, generator=random)
    basis = np.linalg.qr(np.vstack([centers.T.numpy(), np.zeros((5, 4))])).Q
    expected = np.linalg.norm(weights[0].numpy() @ basis) ** 2 / np.linalg.norm(weights[0].numpy()) ** 2
    assert float(feature_fraction(geometry(weights, centers), centers_of(settings))) == pytest.approx(expected)


def test_weights_are_their_start_what_was_learned_of_features_and_memory_of_noise() -> None:
    """Two neurons: one learned 3 along a centre and 1 outside of all, the other kept its start of length 2, and what
    was learned against it (-1) is none of the start."""
    start, learned = torch.zeros(1, 2, 6), torch.zeros(1, 2, 6)
    learned[0, 0, 1], learned[0, 0, 5], learned[0, 1, 4] = 3, 1, -1
    start[0, 1, 4] = 2
    of_start, noise = weight_shares(start, start + learned, centers_of(SETTINGS))
    assert (of_start.item(), noise.item()) == pytest.approx((4 / 15, 2 / 15))
    nothing = weight_shares(0 * start, 0 * start, centers_of(SETTINGS))
    assert all(math.isnan(share.item()) for share in nothing)


def test_cosines_are_those_of_centres_and_weights_and_zero_for_dead_neurons() -> None:
    shape = shape_of([[3, 0, 0, 0], [0, 0, 0, 0]], [4.0, 0.0])
    norms = torch.full((1, 4), center_norm(SETTINGS.data), dtype=torch.float64)
    assert cosines(shape, norms)[0].T.tolist() == pytest.approx(np.array([[0.6, 0, 0, 0], [0, 0, 0, 0]]), abs=1e-12)


@pytest.mark.parametrize(
    ("values", "expected"),
    [([3.0, 1.0, 2.0], 2.0), ([4.0, 1.0, 2.0, 3.0], 2.5), ([1.0, math.inf, math.inf], math.inf), ([1.0], 1.0)],
)
def test_median(values: list[float], expected: float) -> None:
    assert float(measures.median(torch.tensor(values))) == expected


def test_means_that_do_not_depend_on_each_other_span_what_known_centres_span() -> None:
    known = centers_of(small_run(data__center_cosine=0.6).settings)
    means = Centers.means(known.points)
    torch.testing.assert_close(means.norms, known.norms)
    weights = torch.randn(2, 3, 9, dtype=torch.float64, generator=torch.Generator().manual_seed(4))
    shape = geometry(weights, known.points)
    torch.testing.assert_close(feature_fraction(shape, means), feature_fraction(shape, known))
