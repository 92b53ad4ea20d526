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
)

PRESETS: Mapping[str, Preset] = {preset.name: preset for preset in _ENTRIES}
"""Every preset by its name."""
