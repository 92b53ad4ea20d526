"""The preset `offspan` at a small size: the radius off the span of the data, written out in numpy."""

import numpy as np
import pytest

from phaselab.workers.data import clusters
from phaselab.workers.data.sources import training_set
from phaselab.workers.families.two_layer import train_networks
from phaselab.workers.trial.run_stack import run_stack
from tests.workers.runs import results, small_run, stack

K, D, N, WIDTH = 4, 300, 60, 5


@pytest.mark.parametrize("scale", [1e-4, 1e-3])
def test_off_the_span_weights_are_their_start_and_the_radius_falls_with_it(scale: float) -> None:
    """|P g| of a point is init_scale sqrt((d - n - k) active) / m: an active neuron's start has d - n - k normals off
    the span of n points and k centres, and weighs 1 / m."""
    sizes = {"data__k": K, "data__d": D, "data__n": N, "network__width": WIDTH, "network__init_scale": scale}
    run = small_run(1, data__draw="literal", attack__methods=[], training__precision="float64", **sizes)
    (result,) = results(run_stack(stack(run)))
    (_, networks), data = train_networks([run], "cpu", None), training_set(run, "cpu")
    weights, bias = networks.weights[0].numpy(), networks.bias[0].numpy()
    centers = data.centers.points
    cluster, tested = clusters.draw_test_points(run, centers)
    sign = np.repeat([1.0, -1.0], WIDTH) / WIDTH
    seen = tested.numpy() @ weights.T + bias  # [N, M]
    side = np.where(cluster.numpy() < K // 2, 1, -1)
    margin = side * (np.maximum(seen, 0) @ sign)
    gradient = ((seen > 0) * sign) @ weights  # [N, d]
    basis = np.linalg.qr(np.concatenate([data.inputs.numpy(), centers.numpy()]).T)[0]  # [d, n + k]
    off = np.linalg.norm(gradient - gradient @ basis @ basis.T, axis=1)
    expected = scale * np.sqrt((D - N - K) * (seen > 0).sum(axis=1)) / WIDTH
    assert np.median(off / expected) == pytest.approx(1, abs=0.1)
    found = np.median(np.where(margin > 0, margin / off, 0))
    assert result.measures["offspan_radius_sum"] == pytest.approx(found, rel=1e-6)
