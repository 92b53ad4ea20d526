"""The verbs of runs: an experiment's in pages or all of them, and one run whole."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from phaselab.db.reading import run_rows
from phaselab.db.reading.run_rows import Origin as Origin
from phaselab.db.reading.run_rows import RunRow as RunRow
from phaselab.db.reading.run_rows import WholeRun
from phaselab.db.schema.database import Database
from phaselab.db.writing.arrays import RunArrays
from phaselab.domain.answers.conditions import Condition
from phaselab.domain.answers.curves import CurveQuery, Curves, RunCurves, group_curves
from phaselab.domain.results.results import Curve
from phaselab.domain.settings.parameters import Value
from phaselab.domain.settings.settings import RadiiIn, Settings
from phaselab.domain.specs.stored import misfit_of, readable_settings, stored_object, stored_radii, stored_radii_in
from phaselab.service.base.cursors import place_of
from phaselab.service.base.errors import NotFound
from phaselab.service.verbs.selection import Selection, select

MAX_PAGE = 1000


@dataclass(frozen=True)
class RunView:
    """A run of an experiment and the axis values of its point."""

    run: RunRow
    values: Mapping[str, Value]


@dataclass(frozen=True)
class RunPage:
    """Some runs of an experiment, and the cursor of those that follow, if any."""

    items: tuple[RunView, ...]
    next: str | None


def runs(
    database: Database,
    experiment_id: int,
    cursor: str | None = None,
    limit: int = 100,
    where: Sequence[Condition] = (),
) -> RunPage:
    """A page of an experiment's runs. Raises NotFound, or InvalidInput for a cursor that was never given out or
    conditions that nothing meets."""
    after = place_of(cursor, 2**63 - 1) or 0
    size = min(limit, MAX_PAGE)
    with database.reading() as session:
        selection = select(session, [experiment_id], where)
        values = _first_values(selection)
        only = sorted(values) if where else None
        rows = run_rows.page_of_runs(session, experiment_id, after, size + 1, only)
    items = tuple(RunView(row, values[row.settings_id]) for row in rows[:size])
    return RunPage(items, str(items[-1].run.id) if len(rows) > size else None)


def all_runs(
    database: Database, experiment_id: int, where: Sequence[Condition] = (), batch: int = 5_000
) -> Iterator[RunView]:
    """Every run of an experiment, in constant memory; the first call to next() raises what `runs` raises."""
    with database.reading() as session:
        selection = select(session, [experiment_id], where)
    values = _first_values(selection)
    only = sorted(values) if where else None
    after = 0
    while True:
        with database.reading() as session:
            rows = run_rows.page_of_runs(session, experiment_id, after, batch, only)
        yield from (RunView(row, values[row.settings_id]) for row in rows)
        if len(rows) < batch:
            return
        after = rows[-1].id


def _first_values(selection: Selection) -> dict[int, Mapping[str, Value]]:
    """The axis values of the first point of every settings."""
    values: dict[int, Mapping[str, Value]] = {}
    for point in selection.points:
        values.setdefault(point.settings_id, point.values)
    return values


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
    """One run by its key. Raises NotFound."""
    with database.reading() as session:
        found = run_rows.whole_run(session, key)
        if found is None:
            raise NotFound(f"there is no run {key}")
        text = found.settings
        radii, radii_in = stored_radii(text), stored_radii_in(text)
        return RunDetail(found, stored_object(text), radii, radii_in, readable_settings(text), misfit_of(text))


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
    return Cosines(key, arrays_of(detail).cosines, detail.stored.row.seed, detail.read, detail.misfit)


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
    name = f"run {key[:12]}, seed {detail.stored.row.seed}"
    return Curves(CurveQuery(()), group_curves(found), names=(name,))


def _row(curve: Curve) -> npt.NDArray[np.float64] | None:
    """The upper curve as that of one run, [1, E]."""
    return None if curve.accuracy_upper is None else curve.accuracy_upper[None]


def arrays_of(detail: RunDetail) -> RunArrays:
    """What only a run with a result has. Raises NotFound."""
    stored = detail.stored
    if stored.arrays is None:
        raise NotFound(f"run {stored.row.key} has no result: it is {stored.row.state}")
    return stored.arrays
