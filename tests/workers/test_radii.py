"""Radii in norms of centres: the same attacks, told in another unit."""

import math
from typing import Any

import numpy as np
import pytest

from phaselab.domain.results.results import RunResult
from phaselab.workers.trial.run_stack import run_stack
from tests.workers.runs import results, small_run, stack


def computed(**changes: Any) -> RunResult:
    (found,) = results(run_stack(stack(small_run(**changes))))
    return found


@pytest.mark.parametrize("snr", [1.0, 2.5])
def test_curves_measures_and_trust_are_those_of_the_same_radii_in_data_units(snr: float) -> None:
    relative = np.array([0.0, 0.1, 0.25, 0.5, 0.75, 1.0])
    norm = snr * math.sqrt(small_run().settings.data.d)
    one = computed(data__snr=snr, attack__radii=relative.tolist(), attack__radii_in="center_norm")
    other = computed(data__snr=snr, attack__radii=(norm * relative).tolist())
    assert one.measures == other.measures
    assert one.trust == other.trust
    for curve, twin in zip(one.curves, other.curves, strict=True):
        assert (curve.method, curve.readout) == (twin.method, twin.readout)
        assert curve.accuracy == pytest.approx(twin.accuracy, abs=1.01 / 60)
    middle = one.curves[0].accuracy[1:-1]
    assert ((middle > 0) & (middle < 1)).any(), "the radii are where curves fall"


def test_a_run_is_told_in_its_own_norm_whatever_stack_it_is_asked_in() -> None:
    runs = [small_run(data__snr=snr, attack__radii=[0.0, 0.5], attack__radii_in="center_norm") for snr in (1.0, 2.0)]
    with pytest.raises(ValueError, match="same shape"):
        stack(*runs)
