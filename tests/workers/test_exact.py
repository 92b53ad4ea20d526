"""The exact radii against brute force, closed forms, invariances, and on trained networks."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from phaselab.workers.exact.exact import Readout, RobustRadii, robust_radii
from tests.workers.exact_reference import (
    Case,
    branch_and_bound_of,
    brute_force_radius,
    orthogonal_case,
    radii_of,
    random_case,
    readout_value,
    trained,
)

READOUTS: tuple[Readout, Readout] = ("sum", "max")
FAR = 1e6
"""Beyond this, a bound of a point that cannot be flipped is what double precision makes of it."""


@pytest.fixture(autouse=True)
def one_thread():
    """Tiny tensors: more threads would only cost time."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def assert_attained(case: Case, radii: RobustRadii, readout: Readout) -> None:
    """Re-predict every point at its perturbation, a hair further out."""
    for i in np.flatnonzero(radii.upper.isfinite() & (radii.upper > 0)):
        u = radii.perturbation[i].numpy()
        assert np.linalg.norm(u) <= radii.upper[i].item() * (1 + 1e-12)
        moved = case.preactivations[i] + case.factor @ u * (1 + 1e-9)
        size = np.abs(case.preactivations[i]).sum() + np.abs(case.factor @ u).sum()
        assert case.side[i] * readout_value(case, moved, readout) <= 1e-9 * size


@pytest.mark.parametrize("readout", READOUTS)
def test_both_methods_agree_with_brute_force(readout: Readout):
    """The upper bound may be longer where the nearest flip only touches: where rounding could undo it."""
    rng = np.random.default_rng(READOUTS.index(readout))
    flips = touching = 0  # of both methods
    for number in range(150):
        case = random_case(rng, most_neurons=8 if number % 15 == 0 else 6, points=2)
        expected, for_certain = brute_force(case, readout), brute_force(harder(case), readout, only_sure=True)
        reached = np.isfinite(expected)
        for found in (radii_of(case, readout), branch_and_bound_of(case, readout)):
            assert_attained(case, found, readout)
            assert (found.lower.numpy() <= expected * (1 + 1e-6) + 1e-9).all()
            assert (found.upper.numpy() >= expected * (1 - 1e-6) - 1e-9).all()
            assert (found.upper.numpy() <= for_certain * (1 + 1e-5) + 1e-9).all()
            np.testing.assert_allclose(found.lower[reached], expected[reached], rtol=1e-6, atol=1e-9)
            assert (found.lower[~reached] > 10).all()
            touching += (found.upper.numpy()[reached] > expected[reached] * (1 + 1e-6) + 1e-9).sum()
            flips += ((expected > 0) & reached).sum()
    assert flips > 200
    assert touching < 0.1 * flips


def brute_force(case: Case, readout: Readout, only_sure: bool = False) -> np.ndarray:
    return np.array([brute_force_radius(case, i, readout, only_sure) for i in range(len(case.side))])


def harder(case: Case) -> Case:
    """The same points with a little more on their own side and a little less against it."""
    own = np.array(case.side_of_group)[case.group] == case.side[:, None]
    size = np.abs(case.preactivations).max() + np.abs(case.factor).max()
    return replace(case, preactivations=case.preactivations + 1e-4 * size * np.where(own, 1, -1))


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), readout=st.sampled_from(READOUTS), budget=st.integers(1, 40))
def test_brackets_are_certified_whatever_the_budget(seed: int, readout: Readout, budget: int):
    """Branch and bound stopped early brackets the radius that enumeration finds, and its upper bound is attained."""
    case = random_case(np.random.default_rng(seed), most_neurons=16, points=8)
    radii = radii_of(case, readout)
    bracket = branch_and_bound_of(case, readout, budget)
    assert (radii.lower <= radii.upper).all()
    assert (bracket.lower <= bracket.upper).all()
    assert (bracket.lower <= radii.upper * (1 + 1e-7)).all()
    assert (bracket.upper >= radii.lower * (1 - 1e-7)).all()
    assert_attained(case, bracket, readout)
    assert_attained(case, radii, readout)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), readout=st.sampled_from(READOUTS), scale=st.floats(1e-6, 1e6))
def test_invariant_under_scale_and_order(seed: int, readout: Readout, scale: float):
    """Scaling weights and biases, or reordering neurons in a group, groups in a side, changes no radius."""
    rng = np.random.default_rng(seed)
    case = random_case(rng, most_neurons=12, points=5)
    radii = radii_of(case, readout)
    scaled = replace(case, preactivations=scale * case.preactivations, factor=scale * case.factor)
    within = np.concatenate([i * case.width + rng.permutation(case.width) for i in range(len(case.side_of_group))])
    positive = case.side_of_group.count(1)
    groups = np.concatenate([rng.permutation(positive), positive + rng.permutation(len(case.side_of_group) - positive)])
    across = (groups[:, None] * case.width + np.arange(case.width)).ravel()
    for changed in (scaled, reordered(case, within), reordered(case, across)):
        same = radii_of(changed, readout)
        torch.testing.assert_close(same.upper, radii.upper, rtol=1e-6, atol=1e-9)
        torch.testing.assert_close(same.lower.clamp_max(FAR), radii.lower.clamp_max(FAR), rtol=1e-6, atol=1e-9)


def reordered(case: Case, order: np.ndarray) -> Case:
    return replace(case, preactivations=case.preactivations[:, order], factor=case.factor[order])


@pytest.mark.parametrize("k", [4, 6, 10])
def test_closed_forms_at_the_centres(k: int):
    """Averaging R / sqrt(k); max of a decoupled network R / sqrt(2); its sum R / sqrt(1 + k / 2)."""
    R = 7.0
    centers = R * np.eye(k)
    half = np.repeat([1, 0], k // 2)
    averaging = np.repeat([half @ centers, (1 - half) @ centers], 3, axis=0)  # 3 equal neurons a side
    sides = (1,) * (k // 2) + (-1,) * (k // 2)
    cases: list[tuple[Case, Readout, float]] = [
        (orthogonal_case(averaging, (1, -1), 3, centers[: k // 2]), "sum", R / np.sqrt(k)),
        (orthogonal_case(averaging, (1, -1), 3, centers[: k // 2]), "max", R / np.sqrt(k)),
        (orthogonal_case(centers, sides, 1, centers[: k // 2]), "max", R / np.sqrt(2)),
        (orthogonal_case(centers, sides, 1, centers[: k // 2]), "sum", R / np.sqrt(1 + k / 2)),
    ]
    for case, readout, expected in cases:
        radii = radii_of(case, readout)
        np.testing.assert_allclose(radii.lower, expected, rtol=1e-8)
        np.testing.assert_allclose(radii.upper, expected, rtol=1e-8)


@pytest.mark.parametrize("name", ["binary", "clusters"])
@pytest.mark.parametrize("readout", READOUTS)
def test_published_networks_are_solved_to_rounding(name: str, readout: Readout):
    radii = radii_of(trained(name), readout)
    assert ((radii.upper - radii.lower) <= 1e-9 * radii.upper).all()
    assert_attained(trained(name), radii, readout)
    expected = {("binary", "sum"): 17.5, ("binary", "max"): 17.5, ("clusters", "max"): 38.2, ("clusters", "sum"): 24.8}
    assert radii.upper.median().item() == pytest.approx(expected[name, readout], rel=0.03)


def test_binary_readouts_agree():
    """Two groups: the sum of one group a side is the largest of one group a side."""
    by_sum, by_max = radii_of(trained("binary"), "sum"), radii_of(trained("binary"), "max")
    torch.testing.assert_close(by_sum.upper, by_max.upper, rtol=0, atol=0)


def test_many_opposing_neurons_are_solved():
    """2^20 patterns of neurons that point many ways: branch and bound closes the bracket."""
    case = trained("wide")
    few = replace(case, preactivations=case.preactivations[:15], side=case.side[:15])
    radii = radii_of(few, "sum")
    assert ((radii.upper - radii.lower) <= 1e-6 * radii.upper).all()
    assert_attained(few, radii, "sum")
    early = radii_of(few, "sum", budget=1)
    assert (early.lower <= radii.upper).all()
    assert (early.upper >= radii.lower).all()
    assert (early.lower < radii.lower * (1 - 1e-3)).any(), "one node cannot be enough everywhere"


def test_a_stack_gives_the_radii_of_its_runs():
    runs = [trained("clusters", seed) for seed in (0, 1)]
    p, factor, side = (
        torch.from_numpy(np.stack(values))
        for values in zip(*((run.preactivations, run.factor, run.side) for run in runs), strict=True)
    )
    stacked = robust_radii(p[:, :300], factor, runs[0].tensors()[2], side[:, :300], "sum")
    for i, run in enumerate(runs):
        few = replace(run, preactivations=run.preactivations[:300], side=run.side[:300])
        alone = radii_of(few, "sum")
        torch.testing.assert_close(stacked.upper[i], alone.upper, rtol=1e-9, atol=0)
        torch.testing.assert_close(stacked.lower[i], alone.lower, rtol=1e-9, atol=0)


def test_a_wrong_or_undecided_point_has_radius_zero():
    case = orthogonal_case(np.eye(2), (1, -1), 1, np.array([[1.0, 3.0], [2.0, 2.0], [-1.0, -1.0]]))
    for readout in READOUTS:
        radii = radii_of(case, readout)
        assert radii.lower.tolist() == radii.upper.tolist() == [0, 0, 0]
        assert not radii.perturbation.any()


def test_a_network_that_ignores_its_input_cannot_be_flipped():
    """Own neurons have no weights and a positive bias, opposing ones none at all."""
    case = Case(np.array([[1.0, -1.0]]), np.zeros((2, 2)), np.arange(2), (1, -1), np.array([1]))
    for readout in READOUTS:
        radii = radii_of(case, readout)
        assert radii.lower.tolist() == radii.upper.tolist() == [np.inf]


def test_single_precision_input_and_no_points():
    case = trained("clusters")
    p, factor, layout, side = case.tensors()
    single = robust_radii(p.float(), factor.float(), layout, side, "max")
    double = robust_radii(p, factor, layout, side, "max")
    assert single.upper.dtype == torch.float64
    torch.testing.assert_close(single.upper, double.upper, rtol=1e-4, atol=1e-4)
    assert robust_radii(p[:0], factor, layout, side[:0], "sum").lower.shape == (0,)
