"""Every parameter that may vary inside a stack, one by one: each run gets the numbers that it has alone.

And two runs that differ in nothing else have numbers of their own, or this would show nothing.
"""

from typing import Any

import numpy as np
import pytest

from phaselab.domain.families.registry import family_of
from phaselab.domain.families.resolve import resolve
from phaselab.domain.families.rules import is_for_family, is_for_source
from phaselab.domain.families.sources import source_of
from phaselab.domain.results.results import RunResult
from phaselab.domain.settings.parameters import parameters
from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.settings import Settings
from phaselab.domain.settings.stacks import Stack
from phaselab.workers.trial.run_stack import run_stack

VALUES: dict[str, tuple[Any, Any]] = {
    "data.snr": (1.0, 1.5),
    "data.center_cosine": (0.0, 0.2),
    "data.balance": ("random", "exact"),
    "data.clone": ("mean", "gaussian"),
    "data.perturbation": (0.5, 2.0),
    "data.nonzeros": (1, 3),
    "data.response_noise": (0.0, 0.5),
    "data.label_noise": (0.0, 0.3),
    "data.seed": (1, 2),
    "network.init_scale": (0.05, 0.2),
    "network.output_power": (1.0, 0.5),
    "network.hidden_scale": (1.0, 0.5),
    "network.output_scale": (1.0, 0.5),
    "network.multiplier": (1.0, 3.0),
    "training.learning_rate": (0.05, 0.02),
    "training.momentum": (0.5, 0.8),
    "training.weight_decay": (0.0, 0.1),
    "training.output_weight_decay": (0.0, 0.5),
    "training.steps": (3, 8),
}
"""Two values of every parameter that varies. A new one needs its line."""
SMALL: dict[str, Any] = {
    "data": {"k": 4, "d": 30, "n": 25},
    "network": {"init_scale": 0.1},
    "training": {"optimizer": "momentum", "learning_rate": 0.05, "steps": 30},
    "attack": {"test_points": 60, "radii": [0.0, 1.0, 2.0, 4.0], "steps": 10},
}
IMAGES: dict[str, Any] = {
    "data": {"source": "digits", "n": 60},
    "training": {"optimizer": "momentum", "learning_rate": 0.05, "steps": 4, "precision": "float64"},
    "attack": {"test_points": 20, "radii": [0.0, 1.0], "steps": 2},
}
MLP = {"kind": "mlp", "depth": 3, "output": "trained", "init_scale": 0.1, "output_scale": 0.7, "symmetric": "pairs"}
BASES: dict[str, dict[str, Any]] = {
    "gram, law": SMALL,
    "gram, literal, groups": SMALL | {"data": SMALL["data"] | {"draw": "literal"}, "network": {"labels": 3}},
    "autograd": SMALL | {"training": SMALL["training"] | {"engine": "autograd"}},
    "mlp": SMALL | {"network": MLP},
    "orthogonal": SMALL | {"data": {"source": "orthogonal", "k": 4, "d": 30, "n": 25}},
    "grid": SMALL | {"data": {"source": "grid", "k": 4, "d": 30, "n": 25}},
    "diagonal": SMALL
    | {
        "data": {"source": "sparse_regression", "d": 30, "n": 25},
        "network": {"kind": "diagonal", "init_scale": 0.1},
    },
    "pixels": IMAGES | {"network": {"init_scale": 0.1}},
    "resnet18": IMAGES
    | {"network": {"kind": "resnet18", "width": 2}, "training": IMAGES["training"] | {"batch_size": 30}},
}
VARYING = [path for path, parameter in parameters().items() if parameter.entry.varies]


def varies(base: dict[str, Any], path: str) -> bool:
    """Whether the runs of a base have the parameter."""
    settings, parameter = resolve(Settings.model_validate(base)), parameters()[path]
    return is_for_family(parameter, family_of(settings)) and is_for_source(parameter, source_of(settings))


CASES = [(name, path) for name, base in BASES.items() for path in VARYING if varies(base, path)]


def run_of(base: dict[str, Any], path: str, value: object, seed: int = 0) -> Run:
    group, name = path.split(".")
    groups = base | {group: base.get(group, {}) | {name: value}}
    return Run.of(resolve(Settings.model_validate(groups)), seed)


def numbers(*runs: Run) -> list[np.ndarray[Any, Any]]:
    """Of every run of one stack, all its numbers in one row; a null is -1."""
    rows = []
    for outcome in run_stack(Stack(runs)):
        assert isinstance(outcome, RunResult), outcome
        measures = [-1.0 if value is None else value for value in outcome.measures.values()]
        rows.append(np.concatenate([measures, *(curve.accuracy for curve in outcome.curves), outcome.cosines.ravel()]))
    return rows


def assert_alone_as_together(*runs: Run) -> None:
    """Up to the rounding of float32, and up to a point of a curve that lies on the edge."""
    together, points = numbers(*runs), runs[0].settings.attack.test_points
    alone = [row for run in runs for row in numbers(run)]
    for one, other in zip(together, alone, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1.01 / points)
        close = np.isclose(one, other, rtol=1e-3, atol=1e-4)
        assert close.mean() > 0.9
    assert not np.allclose(alone[0], alone[1], rtol=1e-3, atol=1e-4), "the parameter changes nothing here"


def test_every_parameter_that_varies_is_tested() -> None:
    assert set(VALUES) == set(VARYING) == {path for _, path in CASES}


@pytest.mark.parametrize(("base", "path"), CASES)
def test_a_run_does_not_depend_on_the_other_of_its_stack(base: str, path: str) -> None:
    assert_alone_as_together(*(run_of(BASES[base], path, value) for value in VALUES[path]))


@pytest.mark.parametrize("base", [name for name in BASES if name != "diagonal"])  # which does not start at random
def test_nor_does_it_where_they_differ_in_the_seed(base: str) -> None:
    assert_alone_as_together(*(run_of(BASES[base], "data.seed", 3, seed) for seed in (0, 1)))
