"""The radius of the decision between all groups, against brute force and closed forms."""

from dataclasses import replace

import numpy as np
import torch

from phaselab.workers.exact.exact import decision_radii, robust_radii
from tests.workers.exact_reference import brute_force_radius, orthogonal_case, random_case, trained


def test_the_radius_of_the_decision_between_all_groups():
    """Against brute force, where the own group is one side and every other group the other."""
    rng = np.random.default_rng(3)
    for _ in range(40):
        case = random_case(rng, most_neurons=6, points=2)
        groups = len(case.side_of_group)
        group = rng.integers(groups, size=2)
        expected = np.zeros(2)
        for i in range(2):
            sides = tuple(1 if g == group[i] else -1 for g in range(groups))
            alone = replace(case, side_of_group=sides, side=np.ones(2, dtype=np.int64))
            expected[i] = brute_force_radius(alone, i, "max")
        p, factor, layout, _ = case.tensors()
        found = decision_radii(p, factor, layout, torch.tensor(group))
        assert (found.lower.numpy() <= expected * (1 + 1e-6) + 1e-9).all()
        assert (found.upper.numpy() >= expected * (1 - 1e-6) - 1e-9).all()
        reached = np.isfinite(expected)
        np.testing.assert_allclose(found.lower[reached], expected[reached], rtol=1e-6, atol=1e-9)


def test_with_two_groups_the_decision_is_the_sign():
    case = trained("binary")
    p, factor, layout, side = case.tensors()
    decided, signed = decision_radii(p, factor, layout, (side == -1).long()), robust_radii(*case.tensors(), "sum")
    torch.testing.assert_close(decided.upper, signed.upper, rtol=1e-12, atol=0)


def test_the_decision_at_the_centres_of_a_decoupled_network():
    """R / sqrt(2), by whichever other group; and a wrong label has radius 0."""
    centers = 7.0 * np.eye(6)
    case = orthogonal_case(centers, (1, 1, 1, -1, -1, -1), 1, centers)
    p, factor, layout, _ = case.tensors()
    radii = decision_radii(p, factor, layout, torch.arange(6))
    np.testing.assert_allclose(radii.lower, 7 / np.sqrt(2), rtol=1e-8)
    np.testing.assert_allclose(radii.upper, 7 / np.sqrt(2), rtol=1e-8)
    assert not decision_radii(p, factor, layout, torch.arange(6).roll(1)).upper.any()
