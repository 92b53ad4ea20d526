"""What is kept of points behind a layer, where squares cancel: rounding is nobody's compression."""

import numpy as np
import pytest
import torch

from phaselab.workers.families.past import input_compression
from phaselab.workers.networks.past import Moments
from tests.workers import plain

GROUPS, EACH, WIDTH = 3, 20, 5
LABEL = torch.arange(GROUPS).repeat(EACH)


def points(far: float, noise: float) -> torch.Tensor:
    """[n, M] float64: around centres that are so far from 0."""
    torch.manual_seed(3)
    centres = far * torch.randn(GROUPS, WIDTH, dtype=torch.float64)
    return centres[LABEL] + noise * torch.randn(len(LABEL), WIDTH, dtype=torch.float64)


@pytest.mark.parametrize("noise", [1.0, 1e-4])
def test_moments_tell_what_plain_loops_tell(noise: float) -> None:
    moments = Moments.of(points(1.0, noise).T.unsqueeze(0), LABEL, GROUPS)
    found = plain.compression(points(1.0, noise).numpy(), LABEL.numpy())
    assert float(moments.compression) == pytest.approx(found, rel=1e-5)
    spread = [points(1.0, noise)[group == LABEL].var(dim=0, correction=0).numpy() for group in range(GROUPS)]
    np.testing.assert_allclose(moments.spread[0].numpy(), spread, rtol=1e-5)


@pytest.mark.parametrize("noise", [0.0, 1e-9])
def test_points_that_are_one_but_for_rounding_are_one(noise: float) -> None:
    moments = Moments.of(points(1.0, noise).T.unsqueeze(0), LABEL, GROUPS)
    assert float(moments.compression) == 0
    assert not moments.within.any()
    assert not moments.spread.any()
    assert float(input_compression(points(1.0, noise), LABEL, GROUPS)) == 0


@pytest.mark.parametrize("far", [1.0, 1e3, 1e5])
def test_inputs_keep_their_noise_however_far_their_centres_are(far: float) -> None:
    given = points(far, 1.0)
    found = plain.compression(given.numpy(), LABEL.numpy())
    assert float(input_compression(given.float(), LABEL, GROUPS)) == pytest.approx(found, rel=0.01)
