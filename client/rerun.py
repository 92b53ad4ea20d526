"""A stored run computed again on this machine: its numbers beside those that are stored, and its weights."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from phaselab.client.errors import Conflict, Invalid
from phaselab.client.files import made
from phaselab.client.parts import check_parts
from phaselab.domain.settings.runs import Run, canonical, run_key
from phaselab.domain.specs.stored import Misfit, stored_settings


def check_weights(file: str | Path | None) -> None:
    """Raises Invalid for a file that weights are not written in."""
    if file is not None and Path(file).suffix != ".npz":
        raise Invalid(f"{file} must end in .npz: that is what weights are written in", 400)


ROUNDING = 1e-3
"""Largest difference that is rounding: of float32, after training and attacks that carry it on."""
Arrays = Mapping[str, npt.NDArray[Any]]
Curves = Mapping[tuple[str, str], npt.NDArray[np.float64]]
"""Accuracies [radii] by readout and method."""


@dataclass(frozen=True, eq=False)
class Rerun:
    """A run as it was computed here: measures, curves by (readout, method), cosines [k, neurons] and trained `weights`
    by name. `differing` holds, of everything that is not bit for bit what the server has, the greatest difference: a
    share of its size where that is above 1. Runs that were trained in a stack with others differ by rounding."""

    key: str
    measures: Mapping[str, float | None]
    curves: Curves
    cosines: npt.NDArray[np.float32]
    weights: Arrays
    differing: Mapping[str, float]

    @property
    def same(self) -> bool:
        """Whether everything that the server has is bit for bit what was computed here."""
        return not self.differing

    @property
    def close(self) -> bool:
        """Whether nothing differs by more than rounding can explain."""
        return all(difference <= ROUNDING for difference in self.differing.values())

    @property
    def told(self) -> Mapping[str, Any]:
        """What it came to, in JSON's own types, with the shapes of its weights."""
        shapes = {name: list(tensor.shape) for name, tensor in self.weights.items()}
        differing = {name: found if np.isfinite(found) else None for name, found in self.differing.items()}
        ends = {"key": self.key, "same": self.same, "close": self.close}
        return ends | {"measures": dict(self.measures), "differing": differing, "weights": shapes}

    def save(self, file: str | Path, overwrite: bool = False) -> Path:
        """Save weights, cosines and measures as .npz. Raises Invalid where there is a file that must stay."""
        held: dict[str, Any] = {"cosines": self.cosines, "measures": np.array(json.dumps(dict(self.measures)))}
        held |= self.weights
        check_weights(file)
        return made(file, lambda out: np.savez(out, **held), overwrite)


def rerun(stored: Mapping[str, Any], device: str = "cpu") -> Rerun:
    """Compute a run again, as the server tells it. Raises PartMissing without the worker part, Conflict for a run that
    this version does not compute as it was, Invalid for one that gives no result here."""
    check_parts("computing a run again", ("worker",))
    run = _run_of(stored)
    from phaselab.workers.trial.rerun import NotComputed, compute  # noqa: PLC0415 - of the worker part

    try:
        found = compute(run, device)
    except NotComputed as fault:
        raise Invalid(f"run {run.key[:12]} gives no result here: {fault}", 400) from None
    result = found.result
    curves: Curves = {(str(one.readout), str(one.method)): one.accuracy for one in result.curves}
    return Rerun(
        run.key, result.measures, curves, result.cosines, found.tensors, _differing(stored, result.measures, curves)
    )


def _run_of(stored: Mapping[str, Any]) -> Run:
    """The run that a server tells of. Raises Conflict."""
    key, seed = str(stored.get("key")), int(stored.get("seed", 0))
    try:
        settings = stored_settings(json.dumps(stored.get("settings")))
    except Misfit as unfit:
        raise Conflict(f"run {key[:12]} cannot be computed by this version: {unfit}", 409) from None
    if run_key(canonical(settings), seed) != stored.get("common_key", key):  # a private run has another of its own
        detail = "its numbers are of another recipe, or its server has another version"
        raise Conflict(f"run {key[:12]} cannot be computed again bit for bit: {detail}", 409)
    return Run(settings, seed, key)


def _differing(
    stored: Mapping[str, Any],
    measures: Mapping[str, float | None],
    curves: Curves,
) -> dict[str, float]:
    """The greatest difference of every measure and curve that is stored otherwise; infinity where one has none."""
    found: dict[str, float] = {}
    for name, value in (stored.get("measures") or {}).items() if stored.get("curves") else ():
        if name in measures and value != measures[name]:
            here = measures[name]
            found[name] = float("inf") if value is None or here is None else abs(value - here) / max(1, abs(value))
    for curve in stored.get("curves") or ():
        name = (curve["readout"], curve["method"])
        if name in curves and curve["accuracy"] != curves[name].tolist():
            found[f"curve {' '.join(name)}"] = float(np.abs(np.array(curve["accuracy"]) - curves[name]).max())
    return found
