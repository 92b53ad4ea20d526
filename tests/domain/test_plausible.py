"""What settings imply of a result: what runs give passes, what none gives is named."""

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from phaselab.domain.families.resolve import resolve
from phaselab.domain.results.measures import MEASURES
from phaselab.domain.results.plausible import implausible, most_bytes
from phaselab.domain.results.results import Curve, RunResult
from phaselab.domain.results.trust import Trust
from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.settings import Settings
from tests.results import made_up

ATTACK = {"radii": [0, 1, 2], "test_points": 10}
RUN = Run.of(resolve(Settings.model_validate({"data": {"k": 4, "d": 64, "n": 20}, "attack": ATTACK})), 0)
GOOD = made_up(RUN)


def curve(accuracy: list[float], method: Any = "pgd", readout: Any = "sum") -> tuple[Curve, ...]:
    return (Curve(readout, method, np.array(accuracy)),)


def bracket(upper: list[float], method: Any = "exact") -> tuple[Curve, ...]:
    return (Curve("sum", method, np.array([1.0, 0.4, 0.1]), np.array(upper)),)


@pytest.mark.parametrize(
    "base",
    [
        {},
        {"network": {"labels": "clusters", "width": 3}},
        {"network": {"kind": "mlp", "depth": 6}},
        {"data": {"source": "digits"}},
        {"data": {"source": "cifar10"}, "network": {"kind": "resnet18", "width": 2}},
        {"data": {"source": "cifar10"}, "features": {"kind": "resnet18", "width": 2}},
    ],
)
def test_what_a_run_gives_is_plausible_and_fits_its_line(base: dict[str, Any]) -> None:
    run = Run.of(resolve(Settings.model_validate(base | {"attack": ATTACK})), 0)
    result = made_up(run)
    assert implausible(run.settings, result) == []
    curves = [[bound.tolist() for bound in one.bounds] for one in result.curves]
    profiles = {name: one.tolist() for name, one in result.profiles.items()}
    numbers = [result.cosines.tolist(), curves, dict(result.measures), profiles]
    assert len(json.dumps(numbers)) < most_bytes(run.settings)


@pytest.mark.parametrize(
    ("result", "place"),
    [
        (replace(GOOD, measures={"x": 1.0}), "/measures/x"),
        (replace(GOOD, measures={"train_accuracy": 7.0}), "/measures/train_accuracy"),
        (replace(GOOD, measures={"train_loss": -1.0}), "/measures/train_loss"),
        (replace(GOOD, measures={"train_loss": math.inf}), "/measures/train_loss"),
        (replace(GOOD, measures={"train_loss": math.nan}), "/measures/train_loss"),
        (replace(GOOD, curves=curve([1.0, 0.5])), "/curves/0"),
        (replace(GOOD, curves=curve([1.0, 0.4, 0.5])), "/curves/0"),
        (replace(GOOD, curves=curve([7.0, 0.4, 0.3])), "/curves/0"),
        (replace(GOOD, curves=curve([1.0, 0.4, -0.1])), "/curves/0"),
        (replace(GOOD, curves=curve([1.0, math.nan, 0.1])), "/curves/0"),
        (replace(GOOD, curves=2 * curve([1.0, 0.4, 0.1])), "/curves/1"),
        (replace(GOOD, curves=curve([1.0, 0.4, 0.1], method="magic")), "/curves/0"),
        (replace(GOOD, curves=bracket([1.0, 0.4, 0.1], method="pgd")), "/curves/0"),
        (replace(GOOD, curves=bracket([1.0, 0.4])), "/curves/0"),
        (replace(GOOD, curves=bracket([1.0, 0.5, 0.6])), "/curves/0"),
        (replace(GOOD, curves=bracket([1.0, 0.5, math.nan])), "/curves/0"),
        (replace(GOOD, curves=bracket([2.0, 0.5, 0.1])), "/curves/0"),
        (replace(GOOD, curves=bracket([1.0, 0.3, 0.1])), "/curves/0"),
        (replace(GOOD, curves=curve([1.0, 0.4, 0.1], readout="mean")), "/curves/0"),
        (replace(GOOD, cosines=np.zeros((4, 5), np.float32)), "/cosines"),
        (replace(GOOD, cosines=np.zeros((0, 0), np.float32)), "/cosines"),
        (replace(GOOD, cosines=GOOD.cosines * 2 + 2), "/cosines"),
        (replace(GOOD, trust=Trust(("odd",))), "/flags"),
        (replace(GOOD, seconds=1e308), "/seconds"),
        (replace(GOOD, seconds=-1.0), "/seconds"),
    ],
)
def test_what_no_run_gives_is_named(result: RunResult, place: str) -> None:
    assert [fault.pointer for fault in implausible(RUN.settings, result)] == [place]


def test_rounding_and_what_is_undefined_are_plausible() -> None:
    rounded: dict[str, float | None] = {"train_accuracy": 1 + 1e-7, "averaging_index": -1e-7}
    cosines = GOOD.cosines.copy()
    cosines[0, 0], cosines[:, 1] = 1 + 1e-6, math.nan
    assert implausible(RUN.settings, replace(GOOD, measures=dict.fromkeys(MEASURES), cosines=cosines)) == []
    assert implausible(RUN.settings, replace(GOOD, measures=rounded)) == []


DEEP = made_up(Run.of(resolve(Settings.model_validate({"network": {"kind": "mlp", "depth": 3}, "attack": ATTACK})), 0))
LAST = DEEP.measures["subclass_variance"] or 0.0


@pytest.mark.parametrize(
    ("profile", "said"),
    [
        ({"subclass_variance": [LAST]}, "2 hidden layers has 2 numbers"),
        ({"subclass_variance": [0.1, 0.2, LAST]}, "2 hidden layers has 2 numbers"),
        ({"subclass_variance": [7.0, LAST]}, "out of its range"),
        ({"subclass_variance": [0.5, LAST + 0.1]}, "that of the last layer"),
        ({"subclass_variance": [0.5, math.nan]}, "that of the last layer"),
        ({"train_loss": [0.5, 0.5]}, "no measure of layers"),
        ({"beauty": [0.5, 0.5]}, "no measure of layers"),
    ],
)
def test_a_profile_is_of_every_layer_and_ends_in_the_measure(profile: dict[str, list[float]], said: str) -> None:
    settings = resolve(Settings.model_validate({"network": {"kind": "mlp", "depth": 3}, "attack": ATTACK}))
    assert implausible(settings, DEEP) == []
    result = replace(DEEP, profiles={name: np.array(values) for name, values in profile.items()})
    (fault,) = implausible(settings, result)
    assert fault.pointer == f"/profiles/{next(iter(profile))}"
    assert said in fault.detail


def test_a_network_of_one_layer_has_no_profile() -> None:
    value = GOOD.measures["compression"]
    result = replace(GOOD, profiles={"compression": np.array([value])})
    assert [fault.pointer for fault in implausible(RUN.settings, result)] == ["/profiles/compression"]
