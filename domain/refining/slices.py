"""The points of an experiment as slices of a lattice: each combination of values of the axes that are not refined."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from phaselab.domain.refining.lattice import Flags, Whole
from phaselab.domain.refining.seen import NOTHING, Seen
from phaselab.domain.settings.parameters import Value
from phaselab.domain.specs.refine import Refine


@dataclass(frozen=True)
class Slices:
    """So many slices of one shape, and the slice and the places on x and y of every point, [points, 3]."""

    count: int
    shape: tuple[int, int]
    places: Whole

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """The shape of each."""
        return [self.shape] * self.count

    def of_points(self, slices: Sequence[Whole]) -> Whole:
        """What is said of every point, [points], of what is said of the places [x, y] of each slice."""
        found: Whole = np.stack(slices)[tuple(self.places.T)]
        return found

    def seen(self, seeds: int, coarse: int, points: "SeenPoints") -> tuple[Seen, ...]:
        """What has been seen, slice by slice."""
        kinds: dict[str, Any] = {
            "possible": np.ones(len(self.places), dtype=np.bool_),
            "results": points.results,
            "asked": points.asked,
            "waiting": points.waiting,
            "label": points.label,
            "certain": points.certain,
            "known": points.known,
        }
        laid = {name: self._laid(values, NOTHING if name == "label" else 0) for name, values in kinds.items()}
        return tuple(Seen(seeds, coarse, **{name: of[i] for name, of in laid.items()}) for i in range(self.count))

    def _laid(self, values: npt.NDArray[Any], blank: int) -> npt.NDArray[Any]:
        """Values of points [points] as [slices, x, y]."""
        laid = np.full((self.count, *self.shape), blank, dtype=values.dtype)
        laid[tuple(self.places.T)] = values
        return laid


@dataclass(frozen=True)
class SeenPoints:
    """What `Seen` tells of places, of points in their order: arrays [points]."""

    results: Whole
    asked: Whole
    waiting: Flags
    label: Whole
    certain: Flags
    known: Flags


def slices_of(refine: Refine, values: Sequence[Mapping[str, Value]]) -> Slices:
    """The slices of points, given the axis values of each."""
    xs, x = np.unique([_number(one[refine.x]) for one in values], return_inverse=True)
    ys, y = np.unique([_number(one[refine.y]) for one in values], return_inverse=True)
    others = [tuple(one[path] for path in one if path not in (refine.x, refine.y)) for one in values]
    numbers = {other: i for i, other in enumerate(dict.fromkeys(others))}
    places = np.stack([np.array([numbers[other] for other in others]), x, y], axis=1).astype(np.int64)
    return Slices(len(numbers), (len(xs), len(ys)), places)


def _number(value: Value) -> float:
    return float(value) if isinstance(value, int | float) else np.nan
