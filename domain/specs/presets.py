"""Presets: specs that answer a known question, and the pictures that show the answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Picture:
    """A picture worth drawing of an experiment: its kind and the query parameters that make it."""

    kind: Literal["diagram", "curves", "cosines"]
    query: Mapping[str, str]


@dataclass(frozen=True)
class Preset:
    """A spec under a name: what it asks, and what to look at when it is done."""

    name: str
    meaning: str
    spec: Mapping[str, Any]
    pictures: tuple[Picture, ...]


_PUBLISHED_DATA = {"source": "clusters", "k": 10, "d": 3072, "n": 1000, "snr": 1.0}
_PUBLISHED_TRAINING = {"optimizer": "gd", "learning_rate": 1e-3, "steps": 100}
_PUBLISHED = {
    "data": _PUBLISHED_DATA,
    "network": {"kind": "two_layer", "init_scale": 1e-5},
    "training": _PUBLISHED_TRAINING,
}
_BOTH_LABELS = {"network.labels": ["binary", "clusters"]}

_RESNET = {"kind": "resnet18"}
_SGD = {"optimizer": "nesterov", "momentum": 0.9, "weight_decay": 5e-4, "schedule": "triangle"}
_FULL_TRAINING = {**_SGD, "learning_rate": 0.2, "batch_size": 500, "precision": "mixed"}
_EXTRACTOR = {"kind": "resnet18", "labels": "clusters", "augmentation": "flip_crop"}
_OF_HEADS = {
    "network": {"kind": "two_layer", "init_scale": 1e-5},
    "training": {"optimizer": "gd", "learning_rate": 1.0, "steps": 300},
    "attack": {"norm": "l2", "radii": {"start": 0.0, "stop": 4.0, "num": 17}, "test_points": 1000},
    "sweep": _BOTH_LABELS,
    "seeds": 3,
}
_BY_LABELS = (Picture("curves", {"by": "network.labels"}),)
_HEADS = (Picture("cosines", {}), *_BY_LABELS)

_ENTRIES = (
    Preset(
        "fig2",
        "Do the weights of a network trained on binary labels point to all features of a side, and those of a network"
        " trained on cluster labels to one each? The cosines of centres and neurons, as in the published Figure 2.",
        {
            "name": "fig2: cosines of centres and neurons",
            **_PUBLISHED,
            "attack": {"norm": "l2", "radii": [0, 10, 20, 30, 40], "test_points": 1000},
            "sweep": _BOTH_LABELS,
            "seeds": 3,
        },
        (Picture("cosines", {}),),
    ),
    Preset(
        "fig3",
        "How robust are the two networks? Robust accuracy against radius, as in the published Figure 3.",
        {
            "name": "fig3: robustness of binary against cluster labels",
            **_PUBLISHED,
            "attack": {"norm": "l2", "radii": {"start": 0, "stop": 60, "num": 31}, "test_points": 1000},
            "sweep": _BOTH_LABELS,
            "seeds": 5,
        },
        (Picture("curves", {"by": "network.labels"}),),
    ),
    Preset(
        "granularity",
        "How fine must labels be before features are learned one by one? Labels from binary to one per cluster against"
        " the number of clusters.",
        {
            "name": "granularity: labels against clusters",
            **_PUBLISHED,
            "attack": {"norm": "l2", "radii": {"start": 0, "stop": 60, "num": 13}, "test_points": 1000},
            "sweep": {
                "data.k": [4, 6, 8, 10, 14, 20],
                "network.labels": ["binary", 2, 3, 4, 5, 6, 8, 10, 14, "clusters"],
            },
            "seeds": 5,
            "impossible": "skip",
        },
        (
            Picture("diagram", {"x": "data.k", "y": "network.labels", "measure": "averaging_index"}),
            Picture("diagram", {"x": "data.k", "y": "network.labels", "measure": "robust_radius_max"}),
            Picture("curves", {"by": "network.labels", "where": "data.k=10", "method": "exact"}),
        ),
    ),
    Preset(
        "lazy",
        "When do the weights leave their random start? Scale of the initial weights against the number of clusters.",
        {
            "name": "lazy: initial scale against clusters",
            **_PUBLISHED,
            "attack": {"norm": "l2", "radii": {"start": 0, "stop": 60, "num": 13}, "test_points": 1000},
            "sweep": {
                "data.k": [4, 6, 8, 10, 14, 20],
                "network.init_scale": {"logspace": [1e-6, 1e-1, 11]},
            },
            "seeds": 5,
        },
        (
            Picture("diagram", {"x": "data.k", "y": "network.init_scale", "measure": "feature_fraction"}),
            Picture("diagram", {"x": "data.k", "y": "network.init_scale", "measure": "averaging_index"}),
            Picture("curves", {"by": "network.init_scale", "where": "data.k=10", "method": "exact"}),
        ),
    ),
    Preset(
        "digits",
        "Does it hold on real images? Two-layer networks on scikit-learn's 8 x 8 digits, even against odd, from two"
        " labels to ten; exact radii beside attacks that keep pixels in their box.",
        {
            "name": "digits: parity from two labels to ten",
            "data": {"source": "digits", "n": 1000},
            "network": {"kind": "two_layer", "width": 3, "init_scale": 1e-3},
            "training": {"optimizer": "gd", "learning_rate": 1.0, "steps": 2000},
            "attack": {"norm": "l2", "radii": {"start": 0.0, "stop": 1.5, "num": 16}, "test_points": 500},
            "sweep": {"network.labels": ["binary", 2, 4, 6, 8, "clusters"]},
            "seeds": 3,
        },
        _BY_LABELS,
    ),
    Preset(
        "fig2-cifar10",
        "Does it hold on features of real images? Two-layer heads on the features of a ResNet-18 trained on CIFAR-10:"
        " ten groups of 3 neurons on ten labels against 15 and 15 on two, as in the published Figure 2 (c, d). Sized"
        " for a GPU.",
        {
            "name": "fig2-cifar10: heads on features, two labels and ten",
            "data": {"source": "cifar10", "n": 50_000, "normalization": "standard", "seed": 0},
            "features": {
                **_EXTRACTOR,
                "learning_rate": 0.2,
                "steps": 3000,
                "batch_size": 500,
                "precision": "mixed",
            },
            **_OF_HEADS,
        },
        _HEADS,
    ),
    Preset(
        "fig2-cifar10-small",
        "fig2-cifar10 in minutes on a CPU: the features of a ResNet-18 a quarter as wide, trained on 25,000 images.",
        {
            "name": "fig2-cifar10-small: heads on features, two labels and ten",
            "data": {"source": "cifar10", "n": 25_000, "normalization": "standard", "seed": 0},
            "features": {**_EXTRACTOR, "width": 16, "learning_rate": 0.05, "steps": 4000, "batch_size": 50},
            **_OF_HEADS,
        },
        _HEADS,
    ),
    Preset(
        "fig3-mnist",
        "The published Figure 3 on MNIST: ResNet-18, even against odd, on two labels and on ten. Sized for a GPU.",
        {
            "name": "fig3-mnist: parity on two labels and on ten",
            "data": {"source": "mnist", "n": 60_000, "normalization": "unit"},
            "network": _RESNET,
            "training": {**_FULL_TRAINING, "steps": 1200, "augmentation": "crop"},
            "attack": {"norm": "l2", "radii": {"start": 0.0, "stop": 2.0, "num": 21}, "test_points": 1000},
            "sweep": _BOTH_LABELS,
            "seeds": 3,
        },
        _BY_LABELS,
    ),
    Preset(
        "fig3-mnist-small",
        "fig3-mnist in minutes on a CPU: a ResNet-18 an eighth as wide, 2,000 training images, 100 test images, one"
        " seed.",
        {
            "name": "fig3-mnist-small: parity on two labels and on ten",
            "data": {"source": "mnist", "n": 2000, "normalization": "unit"},
            "network": {"kind": "resnet18", "width": 8},
            "training": {**_SGD, "learning_rate": 0.1, "batch_size": 100, "steps": 120},
            "attack": {
                "norm": "l2",
                "radii": {"start": 0.0, "stop": 2.0, "num": 6},
                "test_points": 100,
            },
            "sweep": _BOTH_LABELS,
            "seeds": 1,
        },
        _BY_LABELS,
    ),
    Preset(
        "fig3-cifar10",
        "The published Figure 3 on CIFAR-10: ResNet-18, the first five classes against the last five, on two labels and"
        " on ten. Sized for a GPU.",
        {
            "name": "fig3-cifar10: five classes against five on two labels and on ten",
            "data": {"source": "cifar10", "n": 50_000, "normalization": "standard"},
            "network": _RESNET,
            "training": {**_FULL_TRAINING, "steps": 3000, "augmentation": "flip_crop"},
            "attack": {"norm": "l2", "radii": {"start": 0.0, "stop": 0.8, "num": 11}, "test_points": 1000},
            "sweep": _BOTH_LABELS,
            "seeds": 3,
        },
        _BY_LABELS,
    ),
    Preset(
        "fig3-cifar10-small",
        "fig3-cifar10 in minutes on a CPU: a ResNet-18 a quarter as wide, 25,000 training images, each seen eight"
        " times, 200 test images, one seed.",
        {
            "name": "fig3-cifar10-small: five classes against five on two labels and on ten",
            "data": {"source": "cifar10", "n": 25_000, "normalization": "standard"},
            "network": {"kind": "resnet18", "width": 16},
            "training": {
                **_SGD,
                "learning_rate": 0.05,
                "batch_size": 50,
                "steps": 4000,
                "augmentation": "flip_crop",
            },
            "attack": {
                "norm": "l2",
                "radii": {"start": 0.0, "stop": 0.8, "num": 6},
                "test_points": 200,
                "steps": 20,
            },
            "sweep": _BOTH_LABELS,
            "seeds": 1,
        },
        _BY_LABELS,
    ),
)

PRESETS: Mapping[str, Preset] = {preset.name: preset for preset in _ENTRIES}
"""Every preset by its name."""
