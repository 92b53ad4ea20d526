"""One entry of the catalogue of measures."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from phaselab.domain.settings.entries import SourceName

LAYER = "layer"
"""What profiles are drawn along, in place of a parameter: the hidden layer, 1 being the first."""
EXPERIMENT = "experiment"
"""What lines and curves are told apart by in place of a parameter."""
LINEAR_FIRST = ("two_layer", "mlp")
"""The families whose first layer is linear in the input, for measures of what neurons see of it."""
WITH_FEATURES: tuple[SourceName, ...] = ("clusters", "images", "features", "orthogonal", "sparse_regression")
"""The sources whose centres can be told apart as features. On a grid they lie in a plane: what answers to one answers
to its neighbours, so measures of single features mean nothing there."""
Points = Literal["test_points", "training_points"]
"""What a measure can be a share of."""
Measures = Mapping[str, float | None]
"""A run's measures by name; null where a measure is undefined."""


@dataclass(frozen=True)
class Measure:
    """A named number of a run. `low` and `high` bound it, null where it is unbounded.

    `families` and `sources` are those that it is defined for, empty for all: every run of theirs is given it, as a
    number or as null where it is undefined; no other run is.

    What its interval over draws is made by (`results/intervals.py`): its bounds; `share_of`, the points of which it is
    the share that has something; and `heavy_tailed`, where a few runs outweigh all others, so that no interval covers.

    `layered`: every hidden layer has it. Its number is that of the last one; those of all are its profile.
    """

    name: str
    symbol: str
    low: float | None
    high: float | None
    unit: str
    meaning: str
    source: str
    families: tuple[str, ...] = ()
    sources: tuple[SourceName, ...] = ()
    share_of: Points | None = None
    heavy_tailed: bool = False
    layered: bool = False

    @property
    def title(self) -> str:
        """Axis title: the name in words, its symbol and its unit."""
        unit = f", {self.unit}" if self.unit else ""
        return f"{self.name.replace('_', ' ')} ({self.symbol}{unit})"
