"""The exact radii against SCIP, a solver of mixed-integer programs that proves its optimum."""

import numpy as np
import pytest
from pyscipopt import Model, quicksum

from phaselab.workers.exact.exact import Readout, robust_radii
from tests.workers.exact_reference import Case, random_case, trained_case

TOLERANCE = 1e-4
"""Relative, of a radius: SCIP meets constraints to 1e-8 and proves the radius's square within 1e-5."""


def least_flip(case: Case, point: int, readout: str, unit: float) -> tuple[float, float]:
    """Proven lower and upper bound of the least |u| that flips a point, infinite where none does. `unit` is about as
    long: tolerances are absolute.
    """
    sides, own_side = np.array(case.side_of_group), case.side[point]
    opposing = np.flatnonzero(sides != own_side)
    targets = [opposing] if readout == "sum" else [np.array([j]) for j in opposing]
    found = [_program(case, point, readout, target, unit) for target in targets]
    return min(lower for lower, _ in found), min(upper for _, upper in found)


def _program(case: Case, point: int, readout: str, opposing: np.ndarray, unit: float) -> tuple[float, float]:
    """The same where the groups `opposing` together outweigh the own ones (together, or each under `max`).

    p = z - s with z, s >= 0 of which one is 0 makes z = relu(p).
    """
    largest = max(np.abs(case.preactivations[point]).max(), np.abs(case.factor).max() * unit)
    p0, factor = case.preactivations[point] / largest, case.factor * unit / largest
    model = Model()
    model.hideOutput()
    model.setParam("limits/gap", 1e-5)
    model.setParam("numerics/feastol", 1e-8)
    u = [model.addVar(lb=None) for _ in p0]
    on, off = [model.addVar() for _ in p0], [model.addVar() for _ in p0]
    for r, row in enumerate(factor):
        model.addCons(on[r] - off[r] == p0[r] + quicksum(a * v for a, v in zip(row, u, strict=True) if a))
        model.addConsSOS1([on[r], off[r]])
    values = [quicksum(on[r] for r in np.flatnonzero(case.group == i)) for i in range(len(case.side_of_group))]
    own = [values[i] for i, side in enumerate(case.side_of_group) if side == case.side[point]]
    for weight in [quicksum(own)] if readout == "sum" else own:
        model.addCons(weight <= quicksum(values[j] for j in opposing))
    square = model.addVar()
    model.addCons(quicksum(v * v for v in u) <= square)
    model.setObjective(square)
    model.optimize()
    if model.getStatus() == "infeasible":
        return np.inf, np.inf
    assert model.getStatus() in ("optimal", "gaplimit")
    lower, upper = np.sqrt(max(model.getDualbound(), 0.0)), np.sqrt(model.getObjVal())
    return lower * unit, upper * unit


def assert_agrees(case: Case, point: int, readout: Readout, lower: float, upper: float) -> None:
    proven = least_flip(case, point, readout, unit=upper if 0 < upper < np.inf else 1.0)
    assert lower <= proven[1] * (1 + TOLERANCE) + 1e-6, (proven, lower, upper)
    assert upper >= proven[0] * (1 - TOLERANCE) - 1e-6, (proven, lower, upper)


@pytest.mark.parametrize("readout", ["sum", "max"])
def test_random_networks(readout: Readout):
    rng = np.random.default_rng(7)
    for _ in range(100):
        case = random_case(rng, most_neurons=10, points=1)
        radii = robust_radii(*case.tensors(), readout)
        assert_agrees(case, 0, readout, radii.lower[0].item(), radii.upper[0].item())


@pytest.mark.parametrize(("groups", "width", "bias"), [(2, 5, True), (10, 1, False)], ids=["binary", "clusters"])
@pytest.mark.parametrize("readout", ["sum", "max"])
def test_published_networks(groups: int, width: int, bias: bool, readout: Readout):
    case = trained_case(groups, width, bias, seed=0)
    radii = robust_radii(*case.tensors(), readout)
    for point in range(10):
        assert_agrees(case, point, readout, radii.lower[point].item(), radii.upper[point].item())
