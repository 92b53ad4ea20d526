"""The runs of an experiment as a lattice: one dimension an axis and one for the seed, as xarray has them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from phaselab.client.pictured import library
from phaselab.domain.results.measures import MEASURES

SEED = "seed"
_WORDS = ("key", "state", "phase", "trust", "reason")


def runs_frame(runs: Sequence[Mapping[str, Any]], axes: Sequence[str]) -> pd.DataFrame:
    """One row a run: its key, seed and state, the axes under their paths, every measure, and what was made of it."""
    measures = list(runs[0]["measures"]) if runs else list(MEASURES)
    rows = [
        {name: run[name] for name in ("key", SEED, "state")}
        | {path: run["values"].get(path) for path in axes}
        | run["measures"]
        | {"phase": run["phase"], "trust": (run["trust"] or {}).get("verdict")}
        | {name: run[name] for name in ("seconds", "reason")}
        for run in runs
    ]
    columns = ["key", SEED, "state", *axes, *measures, "phase", "trust", "seconds", "reason"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.astype(dict.fromkeys([*measures, "seconds"], "float64"))


def lattice(frame: pd.DataFrame, axes: Sequence[str]) -> tuple[dict[str, list[Any]], dict[str, npt.NDArray[Any]]]:
    """The values along each axis and of seeds, in the order of the rows, and of every other column an array over them:
    numbers with nan, words with None, where there is no run."""
    dimensions = [*axes, SEED]
    along = {name: list(dict.fromkeys(frame[name].tolist())) for name in axes}
    along[SEED] = sorted(set(frame[SEED].tolist()))
    places = {name: {value: i for i, value in enumerate(values)} for name, values in along.items()}
    index = tuple(np.array([places[name][value] for value in frame[name].tolist()], int) for name in dimensions)
    shape = tuple(len(along[name]) for name in dimensions)
    arrays: dict[str, npt.NDArray[Any]] = {}
    for column in frame.columns.difference(dimensions, sort=False):
        words = column in _WORDS
        array = np.full(shape, None if words else np.nan, object if words else np.float64)
        array[index] = frame[column].astype(object).where(frame[column].notna(), None) if words else frame[column]
        arrays[str(column)] = array
    return along, arrays


def as_dataset(frame: pd.DataFrame, axes: Sequence[str], attributes: Mapping[str, Any]) -> Any:
    """An xarray.Dataset of runs. Raises PartMissing."""
    xarray = library("xarray", "to_xarray")
    along, arrays = lattice(frame, axes)
    dimensions = [*axes, SEED]
    coordinates = {name: (name, _coordinate(values)) for name, values in along.items()}
    return xarray.Dataset({name: (dimensions, array) for name, array in arrays.items()}, coordinates, dict(attributes))


def _coordinate(values: Sequence[Any]) -> npt.NDArray[Any]:
    """Values along an axis; those that are not all numbers each as it is, where numpy would make texts of numbers."""
    numbers = all(isinstance(value, int | float) for value in values)
    return np.array(values, None if numbers else object)
