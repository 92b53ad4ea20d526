"""Preset double-edged at a small size, against a network that plain numpy trains, draws points for, and moves."""

import numpy as np
import pytest
from numpy.typing import NDArray

from phaselab.workers.trial.run_stack import run_stack
from tests.workers.runs import results, small_run, stack

D, N, STEPS, RATE = 512, 240, 300, 6e-3
"""As published, the rate is about 3/d."""


def moved_along_centres(k: int, seed: int) -> float:
    """Median length, over the centres' norm, at which test points of a trained network change their class on the way
    along the sum of the other side's centres less that of their own."""
    draw, norm = np.random.default_rng(seed), np.sqrt(D)
    cluster = np.arange(N) % k
    side = np.where(np.arange(k) < k // 2, 1.0, -1.0)
    x, y = points(draw, cluster), side[cluster]
    w, b = 1e-5 * draw.standard_normal((10, D)), 1e-5 * draw.standard_normal(10)
    sign = np.repeat([0.2, -0.2], 5)  # five neurons a side, each a fifth
    for _ in range(STEPS):
        seen = x @ w.T + b
        slope = -(y / (1 + np.exp(y * (np.maximum(seen, 0) @ sign))))[:, None] * (seen > 0) * sign / N
        w, b = w - RATE * slope.T @ x, b - RATE * slope.sum(0)
    chosen = draw.integers(k, size=200)
    test, own = points(draw, chosen), side[chosen]
    direction = -own[:, None] * np.pad(side, (0, D - k)) / np.sqrt(k)
    lengths = np.linspace(0, norm, 801)
    start, along = test @ w.T + b, direction @ w.T  # [N, M] each
    margin = own * (np.maximum(start + lengths[:, None, None] * along, 0) @ sign)  # [lengths, N]
    assert (margin[0] > 0).all()
    return float(np.median(lengths[(margin <= 0).argmax(axis=0)]) / norm)


def points(draw: np.random.Generator, cluster: NDArray[np.int64]) -> NDArray[np.float64]:
    """Points around the first axes, times the root of d."""
    x = draw.standard_normal((len(cluster), D))
    x[np.arange(len(cluster)), cluster] += np.sqrt(D)
    return x


def test_the_averaged_direction_flips_at_the_root_of_the_number_of_clusters() -> None:
    radii = {}
    for k in (4, 16):
        run = small_run(
            data__k=k,
            data__d=D,
            data__n=N,
            data__balance="exact",
            network__width=5,
            network__init_scale=1e-5,
            training__learning_rate=RATE,
            training__steps=STEPS,
            attack__methods=["exact"],
            attack__test_points=200,
        )
        (result,) = results(run_stack(stack(run)))
        measured, exact = (result.measures[f"{name}_radius_max_relative"] for name in ("averaged", "robust"))
        assert measured is not None
        assert exact is not None
        assert measured == pytest.approx(moved_along_centres(k, 0), rel=0.04)
        assert measured == pytest.approx(k**-0.5, rel=0.04)
        assert 0.85 * measured < exact <= measured
        radii[k] = exact
    assert np.log(radii[16] / radii[4]) / np.log(4) == pytest.approx(-0.5, abs=0.05)
