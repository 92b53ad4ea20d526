"""Runs in their forms: JSON, and tables of an experiment's runs, of a run's curves and of its cosines."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from phaselab.api.answers.tables import Row, as_type, value_type
from phaselab.domain.answers.curves import CurveQuery, Curves, RunCurves, group_curves
from phaselab.domain.answers.theory import flip_radius
from phaselab.domain.results.measures import MEASURES, Measures
from phaselab.domain.results.phases import Phase, Thresholds, phase
from phaselab.domain.settings.parameters import parameters
from phaselab.service.verbs.runs import RunDetail, RunView

_HEAD = pa.schema([("key", pa.string()), ("seed", pa.int64()), ("state", pa.string())])
_TAIL = pa.schema(
    [
        ("phase", pa.string()),
        ("trust", pa.string()),
        ("flags", pa.string()),
        ("seconds", pa.float64()),
        ("landed_at", pa.timestamp("us", tz="UTC")),
        ("reason", pa.string()),
    ]
)
CURVES_SCHEMA = pa.schema(
    [("readout", pa.string()), ("method", pa.string()), ("radius", pa.float64()), ("accuracy", pa.float64())]
)
COSINES_SCHEMA = pa.schema([("centre", pa.int64()), ("neuron", pa.int64()), ("cosine", pa.float64())])


def view_json(view: RunView) -> dict[str, Any]:
    """A run in a list: where it stands, its point's values, what was measured, whether it can be trusted."""
    return _row_json(view.run) | {"values": view.values}


def _row_json(row: Any) -> dict[str, Any]:
    names = ("key", "seed", "state", "attempts", "landed_at", "seconds", "reason")
    trust = None if row.trust is None else {"verdict": row.trust, "flags": row.flags}
    measured = {"measures": row.measures, "phase": phase_of(row.measures), "trust": trust}
    return {name: getattr(row, name) for name in names} | measured


def phase_of(measures: Measures) -> Phase | None:
    """The phase of a run by the default thresholds."""
    return phase(measures, Thresholds())


def run_json(detail: RunDetail) -> dict[str, Any]:
    """One run whole; `curves`, `cosines` and `provenance` are null until it is done."""
    stored = detail.stored
    arrays = stored.arrays
    curves = arrays and [vars(curve) | {"radii": detail.radii} for curve in arrays.curves]
    settings = detail.read
    return _row_json(stored.row) | {
        "settings": detail.settings,
        "curves": curves,
        "cosines": None if arrays is None else arrays.cosines,
        "theory": [settings and flip_radius(settings, readout) for readout in ("sum", "max")],
        "provenance": stored.provenance,
        "traceback": stored.traceback,
        "experiments": stored.experiments,
    }


def run_curves(detail: RunDetail) -> Curves:
    """The curves of one run, as a group of one."""
    assert detail.stored.arrays is not None
    radii = np.array(detail.radii)
    found = [
        RunCurves({}, detail.read, curve.readout, curve.method, radii, curve.accuracy[None])
        for curve in detail.stored.arrays.curves
    ]
    row = detail.stored.row
    return Curves(CurveQuery(()), group_curves(found), 0, (f"run {row.key[:12]}, seed {row.seed}",))


def experiment_runs_schema(axes: Sequence[str]) -> pa.Schema:
    """The columns of a table of an experiment's runs: its axes under their paths, every measure."""
    values = [pa.field(path, _type_of(path)) for path in axes]
    measures = [pa.field(name, pa.float64()) for name in MEASURES]
    return pa.schema([*_HEAD, *values, *measures, *_TAIL])


def _type_of(path: str) -> pa.DataType:
    """The type of an axis; text for a parameter that an older version had."""
    entry = parameters().get(path)
    return value_type(entry.types if entry else ("text",))


def experiment_run_rows(views: Iterable[RunView], axes: Sequence[str]) -> Iterator[Row]:
    """One row a run, in the columns of `experiment_runs_schema`."""
    kinds = {path: _type_of(path) for path in axes}
    for view in views:
        run = view.run
        values = [as_type(view.values[path], kind) for path, kind in kinds.items()]
        label = phase_of(run.measures)
        tail = (label and label.value, run.trust, " ".join(run.flags), run.seconds, run.landed_at, run.reason)
        yield [run.key, run.seed, run.state.value, *values, *run.measures.values(), *tail]


def curve_rows(detail: RunDetail) -> Iterator[Row]:
    """One row a radius of every curve of a run."""
    assert detail.stored.arrays is not None
    for curve in detail.stored.arrays.curves:
        for radius, accuracy in zip(detail.radii, curve.accuracy.tolist(), strict=True):
            yield [curve.readout, curve.method, radius, accuracy]


def cosine_rows(matrix: npt.NDArray[np.float32]) -> Iterator[Row]:
    """One row a centre and neuron, counted from 1."""
    for (centre, neuron), cosine in np.ndenumerate(matrix):
        yield [centre + 1, neuron + 1, float(cosine)]
