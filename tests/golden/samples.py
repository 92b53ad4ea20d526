"""Which runs are kept as golden numbers: some of every preset, and of every family with its options.

Presets of clusters are taken as they are, with fewer test points; those of images are cut down to seconds, on made-up
pixels. `python -m tests.golden.write` computes them anew and writes `golden.json`.
"""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from phaselab.domain.families.resolve import resolve
from phaselab.domain.settings.runs import Run, run_key
from phaselab.domain.settings.settings import Settings
from phaselab.domain.specs.points import plan
from phaselab.domain.specs.spec import parse_spec
from phaselab.service.base.presets import presets

POINTS = 4
"""Points of a preset that are computed, spread over its plan."""
_RESNET = {"width": 4}
_SHORT_ATTACK = {"test_points": 20, "steps": 3, "radii": [0.0, 0.3, 0.6]}
_RESNET_CUT = {
    "data": {"n": 200},
    "network": _RESNET,
    "training": {"steps": 6, "batch_size": 50, "precision": "float64"},
    "attack": _SHORT_ATTACK,
}
_HEAD_CUT = {
    "data": {"n": 200},
    "features": {"width": 4, "steps": 6, "batch_size": 50, "precision": "float64"},
    "training": {"steps": 50, "precision": "float64"},
    "attack": {"test_points": 50},
}
CUT: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "adversarial": {
        "data": {"n": 100},
        "training": {"steps": 40, "precision": "float64"},
        "attack": {"test_points": 50, "radii": [0, 20]},
    },
    "digits": {"training": {"steps": 200}, "attack": {"test_points": 50, "steps": 10}},
    "kernel-rich": {"data": {"d": 100, "n": 20}, "training": {"steps": 500}, "attack": {"test_points": 100}},
    "codes": {"training": {"steps": 100}, "attack": {"test_points": 100}},
    "compression": {"training": {"steps": 60}, "attack": {"test_points": 100}},
    "both-layers": {"training": {"steps": 60}, "attack": {"test_points": 100}},
    "prelu": {"training": {"steps": 200}, "attack": {"test_points": 50, "steps": 10}},
    "fig2-cifar10": _HEAD_CUT,
    "fig2-cifar10-small": _HEAD_CUT,
    "fig3-mnist": _RESNET_CUT,
    "fig3-mnist-small": _RESNET_CUT,
    "fig3-cifar10": _RESNET_CUT,
    "fig3-cifar10-small": _RESNET_CUT,
}
"""What is changed of a preset before it is computed."""
_SMALL = {
    "data": {"k": 6, "d": 200, "n": 60},
    "network": {"init_scale": 1e-3},
    "training": {"learning_rate": 0.02, "steps": 60},
    "attack": {"test_points": 100, "radii": [0.0, 2.0, 4.0, 6.0, 8.0]},
}
_SMALL_RESNET = {
    "data": {"source": "digits", "n": 100, "normalization": "standard"},
    "network": {"kind": "resnet18", "width": 4},
    "training": {"optimizer": "nesterov", "learning_rate": 0.1, "steps": 6, "batch_size": 50, "precision": "float64"},
    "attack": {"test_points": 20, "radii": [0.0, 0.5, 1.0], "steps": 3},
}
OPTIONS: Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any]]] = {
    "two_layer momentum, weight decay": (
        _SMALL,
        {"training": {"optimizer": "momentum", "momentum": 0.8, "weight_decay": 1e-3}},
    ),
    "two_layer mini-batches, float64": (_SMALL, {"training": {"batch_size": 20, "precision": "float64"}}),
    "two_layer nesterov": (_SMALL, {"training": {"optimizer": "nesterov"}}),
    "two_layer adam": (_SMALL, {"training": {"optimizer": "adam", "learning_rate": 1e-3}}),
    "two_layer label noise, oblique": (_SMALL, {"data": {"label_noise": 0.1, "center_cosine": 0.2, "snr": 1.5}}),
    "two_layer three groups, wide, restarts": (
        _SMALL,
        {"network": {"labels": 3, "width": 4}, "attack": {"restarts": 2}},
    ),
    "two_layer clusters, sides of 2 and 4": (
        _SMALL,
        {"network": {"labels": "clusters"}, "data": {"positive_clusters": 2}},
    ),
    "two_layer literal draw, data seed": (_SMALL, {"data": {"draw": "literal", "seed": 7}}),
    "two_layer gaussian clone": (_SMALL, {"data": {"clone": "gaussian"}}),
    "two_layer mean clone, literal": (_SMALL, {"data": {"clone": "mean", "draw": "literal"}}),
    "two_layer noise in few directions": (_SMALL, {"data": {"noise_dims": 70}}),
    "mlp clone of digits": (
        {"data": {"source": "digits", "n": 200, "clone": "gaussian"}, "network": {"kind": "mlp", "init_scale": 1e-2}},
        {"training": {"learning_rate": 0.5, "precision": "float64"}, "attack": {"test_points": 20, "steps": 3}},
    ),
    "diagonal, three layers": (
        {"data": {"source": "sparse_regression", "d": 40, "n": 12}, "network": {"kind": "diagonal", "depth": 3}},
        {
            "network": {"init_scale": 0.2},
            "training": {"learning_rate": 0.02, "steps": 600},
            "attack": {"test_points": 40, "radii": [0.0, 0.3], "steps": 5},
        },
    ),
    "two_layer orthonormal inputs": (
        {"data": {"source": "orthogonal", "k": 3, "n": 12, "d": 20, "perturbation": 0.5}, "network": {"labels": 3}},
        {"training": {"learning_rate": 1.0, "steps": 60}, "attack": {"test_points": 30, "radii": [0.0, 0.2, 0.4]}},
    ),
    "two_layer on a grid": (
        {"data": {"source": "grid", "k": 4, "n": 40, "d": 5}, "network": {"init_scale": 0.1}},
        {"training": {"learning_rate": 5.0, "steps": 60}, "attack": {"test_points": 30, "radii": [0.0, 0.1, 0.2]}},
    ),
    "two_layer adversarial, mini-batches": (
        _SMALL,
        {
            "network": {"labels": 3, "width": 2},
            "training": {"adversarial_radius": 3.0, "batch_size": 20, "precision": "float64", "weight_decay": 1e-3},
        },
    ),
    "mlp adversarial, power, depth 3": (
        _SMALL,
        {
            "network": {"kind": "mlp", "depth": 3, "activation": "power", "output": "trained"},
            "training": {"adversarial_radius": 3.0, "precision": "float64"},
        },
    ),
    "mlp three layers, trained": (
        _SMALL,
        {"network": {"kind": "mlp", "depth": 3, "width": 4, "output": "trained", "bias": "all"}},
    ),
    "mlp power 3, stopped by margin": (
        _SMALL,
        {"network": {"kind": "mlp", "activation": "power"}, "training": {"learning_rate": 0.2, "stop_margin": 0.3}},
    ),
    "mlp erf, pairs, multiplied, clusters": (
        _SMALL,
        {
            "network": {
                "kind": "mlp",
                "labels": "clusters",
                "activation": "erf",
                "output": "trained",
                "output_scale": 1.0,
                "output_power": 0.5,
                "width": 4,
                "symmetric": "pairs",
                "multiplier": 10.0,
            }
        },
    ),
    "mlp linear, orthogonal, depth 4, square loss, adam": (
        _SMALL,
        {
            "network": {"kind": "mlp", "activation": "linear", "depth": 4, "init": "orthogonal", "labels": 3},
            "training": {"loss": "square", "optimizer": "adam", "learning_rate": 1e-3},
        },
    ),
    "resnet18 crop, smoothing, cosine": (
        _SMALL_RESNET,
        {"training": {"augmentation": "flip_crop", "label_smoothing": 0.1, "schedule": "cosine"}},
    ),
    "resnet18 adversarial, clusters": (
        _SMALL_RESNET,
        {"network": {"labels": "clusters"}, "training": {"adversarial_radius": 0.2, "steps": 3}},
    ),
}
"""Base settings and what is changed of them, by what they show."""


def preset_runs(name: str) -> list[Run]:
    """The runs of a preset that are computed: seed 0 of a few points of its plan."""
    spec = dict(presets()[name].spec)
    cut = CUT.get(name, {"attack": {"test_points": 100}})
    points = plan(parse_spec(spec | _merged(spec, cut))).points
    places = sorted({round(i * (len(points) - 1) / (POINTS - 1)) for i in range(POINTS)})
    return [Run.of(points[place].settings, 0) for place in places]


def option_run(name: str) -> Run:
    """The run that shows an option."""
    base, changes = OPTIONS[name]
    return Run.of(resolve(Settings.model_validate(dict(base) | _merged(base, changes))), 3)


def preset_keys(name: str) -> str:
    """sha256 of the run keys of every run of a preset, in the order of its plan."""
    planned = plan(parse_spec(presets()[name].spec))
    keys = (run_key(point.settings_text, seed) for point in planned.points for seed in planned.spec.seed_list)
    return hashlib.sha256("\n".join(keys).encode()).hexdigest()


def samples() -> Iterator[tuple[str, Run]]:
    """Every run that is computed, under a name."""
    for name in presets():
        for number, run in enumerate(preset_runs(name)):
            yield f"preset {name}, {number}", run
    for name in OPTIONS:
        yield name, option_run(name)


def _merged(base: Mapping[str, Any], changes: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {group: {**base.get(group, {}), **values} for group, values in changes.items()}
