"""What once made a certificate wrong, and the edges of what is certified."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from phaselab.domain.families.resolve import resolve
from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.settings import Settings
from phaselab.workers.exact.exact import Readout, RobustRadii, robust_radii
from phaselab.workers.families.two_layer import TwoLayers, train_networks
from phaselab.workers.networks.factor import span_factor
from phaselab.workers.networks.layout import GroupLayout
from phaselab.workers.networks.trained import weight_factor
from phaselab.workers.networks.two_layer import network_of
from tests.workers.exact_reference import Case, branch_and_bound_of, radii_of


def one_point(own: list[tuple[float, list[float]]], opposing: list[tuple[float, list[float]]]) -> Case:
    """A point of class +1, of the (pre-activation, row) of every neuron; as many neurons on both sides."""
    p = np.array([start for start, _ in own + opposing])
    rows = np.array([row for _, row in own + opposing])
    return Case(p[None], rows, np.repeat([0, 1], len(own)), (1, -1), np.array([1]))


def test_a_program_that_holds_at_the_point_itself_proves_no_distance():
    """13 opposing neurons in two dimensions, searched by branch and bound: the relaxations of many nodes hold at
    u = 0, and a cap that starts there would leave out the nearest flip.
    """
    own = [(0.6, [0.1, -0.2]), (1.3, [-0.2, 0.1]), (1.6, [0.3, -0.1]), *[(0.0, [0.0, 0.0])] * 10]
    opposing = [
        (-0.4, [0.5, -1.6]),
        (-0.6, [0.5, -2.4]),
        (-1.2, [0.1, -2.6]),
        (-1.3, [2.6, 0.9]),
        (-0.3, [-2.4, 1.5]),
        (-0.2, [-1.1, 1.2]),
        (-0.4, [1.2, -0.7]),
        (-0.9, [2.0, 0.3]),
        (-1.5, [-4.3, 1.1]),
        (-0.6, [2.2, 0.4]),
        (0.0, [0.2, -0.1]),
        (-0.8, [0.5, -1.9]),
        (-1.3, [3.4, -1.4]),
    ]
    radii = radii_of(one_point(own, opposing), "sum")
    nearest = np.hypot(0.55, 0.275)
    assert radii.lower.item() <= nearest * (1 + 1e-12)
    assert radii.lower.item() == pytest.approx(nearest, rel=2e-8)
    assert radii.upper.item() == pytest.approx(nearest, rel=1e-11)


@pytest.mark.parametrize("e", [1e-2, 1e-4, 1e-6, 3e-7, 1e-8, 1e-10, 1e-12, 1e-14, 1e-16])
@pytest.mark.parametrize("method", [radii_of, branch_and_bound_of])
def test_a_direction_that_hardly_counts_is_never_dropped(e: float, method: Callable[[Case, Readout], RobustRadii]):
    """Two own neurons that hold each other, and an opposing one that wins where they cannot follow, 1/2e away."""
    case = one_point([(1.0, [1.0, 0.0]), (1.0, [-1.0, 0.0])], [(0.5, [1.0, e]), (-1.0, [0.0, 0.0])])
    through_weights = replace(case, factor=span_factor(torch.tensor(case.factor)).numpy())
    true = np.sqrt(1 + (0.5 / e) ** 2)
    for each in (case, through_weights):
        radii = method(each, "sum")
        assert radii.lower.item() <= true * (1 + 1e-14)
        assert radii.upper.item() >= true * (1 - 1e-14)
        if e >= 1e-10:
            assert radii.lower.item() >= true * (1 - 1e-8 - 1e-14 / e)
            assert radii.upper.item() <= true * (1 + 1e-8 + 1e-13 / e)


def test_a_factor_from_the_weights_is_right_row_by_row():
    rng = np.random.default_rng(0)
    size = 10.0 ** rng.uniform(-12, 6, size=(3, 12, 1))
    weights = torch.tensor(size * rng.normal(size=(3, 12, 40)))
    weights[:, 1] = weights[:, 0] * 1e-5 + 1e-9 * weights[:, 1]
    factor = span_factor(weights)
    assert factor.shape == (3, 12, 12)
    length = weights.norm(dim=2)
    error = (factor @ factor.mT - weights @ weights.mT).abs() / (length.unsqueeze(1) * length.unsqueeze(2))
    assert error.max() < 1e-14


@pytest.mark.parametrize("e", [1e-2, 1e-6, 3e-7])
def test_the_radii_of_a_run_hold_for_its_weights(e: float) -> None:
    """Not for a square root of W W^T, which loses the direction in which the weights are short."""
    point = one_point([(1.0, [1.0, 0.0]), (1.0, [-1.0, 0.0])], [(0.5, [1.0, e]), (-1.0, [0.0, 0.0])])
    spec = {"data": {"k": 2, "d": 4, "n": 8}, "network": {"labels": "binary", "width": 2}, "training": {"steps": 1}}
    run = Run.of(resolve(Settings.model_validate(spec | {"attack": {"test_points": 1}})), seed=0)
    _, networks = train_networks([run], "cpu", None)
    weights = torch.tensor(point.factor).unsqueeze(0)  # [1, 4, 2]
    planted = replace(
        networks,
        weights=weights,
        weight_products=weights @ weights.mT,
        factor=weight_factor(weights @ weights.mT),
        preactivations=torch.tensor(point.preactivations).view(1, 4, 1),
        side=torch.ones(1, 1, dtype=torch.long),
    )
    radii = TwoLayers([run], planted, network_of(run.settings)).exact("sum")
    true = np.sqrt(1 + (0.5 / e) ** 2)
    assert radii.lower.item() <= true <= radii.upper.item()
    assert radii.lower.item() == pytest.approx(true, rel=1e-7)
    assert radii.upper.item() == pytest.approx(true, rel=1e-6)


def test_nothing_is_said_of_numbers_that_are_not_finite():
    p = torch.tensor([[np.nan, -1.0], [np.inf, 1.0], [1e200, 1.0], [2.0, 1.0]], dtype=torch.float64)
    radii = robust_radii(p, torch.eye(2), GroupLayout.build((1, -1), 1), torch.ones(4, dtype=torch.long), "sum")
    assert radii.lower[:3].tolist() == [0, 0, 0]
    assert radii.upper[:3].tolist() == [np.inf, np.inf, np.inf]
    assert radii.upper[3].item() == pytest.approx(np.sqrt(0.5), rel=1e-12)


def test_ties_are_decided_without_rounding():
    """0.1 + 0.2 > 0.3 in the exact value of these doubles, and 0.5 + 0.25 = 0.75."""
    p = torch.tensor([[0.1, 0.2, 0.3, -1.0], [0.5, 0.25, 0.75, -1.0]], dtype=torch.float64)
    radii = robust_radii(p, torch.eye(4), GroupLayout.build((1, -1), 2), torch.ones(2, dtype=torch.long), "sum")
    assert radii.upper[0] > 0
    assert radii.upper[1] == 0
