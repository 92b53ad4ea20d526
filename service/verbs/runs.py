"""The verbs of one run: the whole of it, its cosines, its curves."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from phaselab.db.reading import run_rows
from phaselab.db.reading.run_rows import Origin as Origin
from phaselab.db.reading.run_rows import RunRow as RunRow
from phaselab.db.reading.run_rows import WholeRun
from phaselab.db.schema.database import Database, Session
from phaselab.db.writing.arrays import RunArrays
from phaselab.domain.answers.curves import CurveQuery, Curves, RunCurves, group_curves
from phaselab.domain.families.registry import layers_of
from phaselab.domain.results.measures import LAYERED
from phaselab.domain.results.results import Curve
from phaselab.domain.settings.settings import RadiiIn, Settings
from phaselab.domain.specs.stored import misfit_of, readable_settings, stored_object, stored_radii, stored_radii_in
from phaselab.service.base.errors import Conflict, NotFound

KEY_LETTERS = 64
LEAST_LETTERS = 6
"""Fewest letters of a key that a run is found by."""


@dataclass(frozen=True)
class RunDetail:
    """One run whole: what is stored, its canonical settings as stored and as this version reads them (null where they
    do not fit it, and `misfit` says why), and the radii [E] of its curves with their
    unit."""

    stored: WholeRun
    settings: Mapping[str, Any]
    radii: tuple[float, ...]
    radii_in: RadiiIn
    read: Settings | None
    misfit: str | None


def run(database: Database, key: str) -> RunDetail:
    """One run by its key, or by the beginning of it. Raises NotFound, or Conflict where several keys begin so."""
    with database.reading() as session:
        found = run_rows.whole_run(session, _whole_key(session, key))
        if found is None:
            raise NotFound(f"there is no run {key}")
        text = found.settings
        radii, radii_in = stored_radii(text), stored_radii_in(text)
        return RunDetail(found, stored_object(text), radii, radii_in, readable_settings(text), misfit_of(text))


def _whole_key(session: Session, key: str) -> str:
    """The key that begins with these letters; themselves where they are whole. Raises NotFound or Conflict."""
    if len(key) == KEY_LETTERS:
        return key
    if len(key) < LEAST_LETTERS:
        raise NotFound(f"{key} is too short to find a run by: give {LEAST_LETTERS} letters of its key or more")
    found = run_rows.find_keys(session, key)
    if not found:
        raise NotFound(f"there is no run whose key begins with {key}")
    if len(found) > 1:
        shown = " and ".join(one[: len(key) + 8] for one in found)
        raise Conflict(f"several runs have keys that begin with {key}, as {shown}: give more letters")
    return found[0]


@dataclass(frozen=True)
class Cosines:
    """The cosines [k, neurons] of a run's centres and weights, and the run: its key, seed, and settings as this version
    reads them (null where they do not fit it, and `misfit` says why)."""

    key: str
    matrix: npt.NDArray[np.float32]
    seed: int
    settings: Settings | None
    misfit: str | None


def cosines(database: Database, key: str) -> Cosines:
    """The cosine matrix of a run. Raises NotFound, also for a run without a result."""
    detail = run(database, key)
    return Cosines(detail.stored.row.key, arrays_of(detail).cosines, detail.stored.row.seed, detail.read, detail.misfit)


def curves_of_run(database: Database, key: str) -> Curves:
    """The curves of one run, as a group of one. Raises NotFound, also for a run without a result."""
    detail = run(database, key)
    places, seed = np.array(detail.radii), np.array([detail.stored.row.seed])
    found = [
        RunCurves(
            {}, detail.read, one.readout, one.method, places, one.accuracy[None], seed, seed, _row(one), detail.radii_in
        )
        for one in arrays_of(detail).curves
    ]
    name = f"run {detail.stored.row.key[:12]}, seed {detail.stored.row.seed}"
    return Curves(CurveQuery(()), group_curves(found), names=(name,))


def _row(curve: Curve) -> npt.NDArray[np.float64] | None:
    """The upper curve as that of one run, [1, E]."""
    return None if curve.accuracy_upper is None else curve.accuracy_upper[None]


def profiles_of(detail: RunDetail) -> Mapping[str, Sequence[float | None]] | None:
    """The layered measures that a run was given, each of every hidden layer, from the first to the last: of a single
    layer, its number. Null without a result; one that is not known is left out."""
    stored = detail.stored
    if stored.arrays is None:
        return None
    deep = {name: [None if math.isnan(x) else x for x in one.tolist()] for name, one in stored.arrays.profiles.items()}
    if detail.read is not None and layers_of(detail.read) == 1:
        deep |= {name: [stored.row.measures[name]] for name in stored.measured if name in LAYERED}
    return {name: deep[name] for name in LAYERED if name in deep}


def arrays_of(detail: RunDetail) -> RunArrays:
    """What only a run with a result has. Raises NotFound."""
    stored = detail.stored
    if stored.arrays is None:
        raise NotFound(f"run {stored.row.key} has no result: it is {stored.row.state}")
    return stored.arrays
