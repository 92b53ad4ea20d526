"""What the answers about runs are made of: lists, one run whole, tables of runs, of a run's curves and its cosines."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np

from phaselab.domain.answers.curve_fields import THEORY_RADIUS, at_radius, listed
from phaselab.domain.answers.fields import (
    Answer,
    Field,
    Many,
    Maybe,
    Named,
    Record,
    Table,
    page_of,
    parameter_columns,
    through,
)
from phaselab.domain.answers.theory import TheoryRadius, flip_on_curve
from phaselab.domain.results.measures import MEASURES, Measures
from phaselab.domain.results.phases import DEFAULT_THRESHOLDS, Phase, phase
from phaselab.domain.results.results import READOUTS, Curve
from phaselab.domain.results.trust import checks_of
from phaselab.domain.settings.settings import RadiiIn
from phaselab.service.verbs.run_lists import RunPage, RunView
from phaselab.service.verbs.runs import Cosines, Origin, RunDetail, RunRow, arrays_of, profiles_of


def phase_of(measures: Measures) -> Phase | None:
    """The phase of a run by the default thresholds."""
    return phase(measures, DEFAULT_THRESHOLDS)


_KEY: Field[RunRow] = Field("key", "text", lambda run: run.key, "The run key.")
_SEED: Field[RunRow] = Field("seed", "integer", lambda run: run.seed, "The seed.")
_STATE: Field[RunRow] = Field("state", "text", lambda run: run.state, "Where it stands.")
_LANDED: Field[RunRow] = Field("landed_at", Maybe("time"), lambda run: run.landed_at, "When it ended.")
_SECONDS: Field[RunRow] = Field("seconds", Maybe("number"), lambda run: run.seconds, "Its share of computing time.")
_REASON: Field[RunRow] = Field("reason", Maybe("text"), lambda run: run.reason, "Why it failed.")
_PHASE: Field[RunRow] = Field("phase", Maybe("text"), lambda run: phase_of(run.measures), "Its phase.")
_VERDICT: Field[RunRow] = Field("verdict", "text", lambda run: run.trust, "`ok` or `suspect`.")
_FLAGS: Field[RunRow] = Field("flags", Many("text"), lambda run: run.flags, "The checks that it failed.")
_TRUST = Record((_VERDICT, _FLAGS))
_IMPORTED_BY: Field[RunRow] = Field(
    "imported_by", Maybe("text"), lambda run: run.imported_by, "Who read its result in; null when computed here."
)

RUN: Record[RunRow] = Record(
    (
        _KEY,
        _SEED,
        _STATE,
        Field("attempts", "integer", lambda run: run.attempts, "How often it was handed out."),
        _LANDED,
        _SECONDS,
        _REASON,
        Field("measures", Named(Maybe("number")), lambda run: run.measures, "Its measures by name."),
        _PHASE,
        Field("trust", Maybe(_TRUST), lambda run: run if run.trust else None, "Whether its curves can be believed."),
        _IMPORTED_BY,
    )
)
"""A run: where it stands, what was measured, whether it can be trusted."""


def _row(view: RunView) -> RunRow:
    return view.run


_VALUES: Field[RunView] = Field("values", Named(Maybe("value")), lambda view: view.values, "Its point's axis values.")
_PAGE = page_of(Record((*through(_row, RUN.fields), _VALUES)), "Runs, in the order that was asked for.")
_TOTAL: Field[RunPage] = Field("total", "integer", lambda page: page.total, "How many there are, told with the first.")
RUNS = Record((*_PAGE.fields, _TOTAL))


def runs_table(views: Iterable[RunView], axes: Sequence[str]) -> Table[RunView]:
    """One row a run: the experiment's axes under their paths, every measure."""
    values: tuple[Field[RunView], ...] = parameter_columns(axes, lambda view: view.values)
    measures = through(_row, map(_measure, MEASURES))
    tail = through(_row, (_PHASE, _TRUST_COLUMN, _FLAGS_COLUMN, _SECONDS, _LANDED, _REASON, _IMPORTED_BY))
    return Table((*through(_row, (_KEY, _SEED, _STATE)), *values, *measures, *tail), views)


def _measure(name: str) -> Field[RunRow]:
    return Field(name, Maybe("number"), lambda run: run.measures[name], MEASURES[name].meaning)


_TRUST_COLUMN: Field[RunRow] = Field("trust", Maybe("text"), _VERDICT.of, _VERDICT.meaning)
_FLAGS_COLUMN: Field[RunRow] = Field("flags", "text", lambda run: " ".join(run.flags), _FLAGS.meaning)


class _RunCurve(NamedTuple):
    """A curve of a run, its radii [E] and their unit."""

    curve: Curve
    radii: tuple[float, ...]
    radii_in: RadiiIn


_HEAD: tuple[Field[_RunCurve], ...] = (
    Field("readout", "text", lambda one: one.curve.readout, "How the outputs were read: `sum` or `max`."),
    Field("method", "text", lambda one: one.curve.method, "The attack or exact method."),
    Field("radii_in", "text", lambda one: one.radii_in, "Unit of the radii, as `attack.radii_in`."),
)
_RADIUS: Field[_RunCurve] = Field("radius", "number", lambda one: one.radii, "L2 radius, in the unit of radii_in.")
_ACCURACY: Field[_RunCurve] = Field(
    "accuracy", "number", lambda one: one.curve.accuracy, "Robust accuracy; of `exact`, the share proved right."
)
_UPPER: Field[_RunCurve] = Field(
    "accuracy_upper", Maybe("number"), lambda one: one.curve.accuracy_upper, "Of `exact`, not proved wrong; else null."
)
_CURVE = Record((*_HEAD, listed(_ACCURACY), listed(_UPPER), listed(_RADIUS)))


def _curves(detail: RunDetail) -> list[_RunCurve] | None:
    arrays = detail.stored.arrays
    return None if arrays is None else [_RunCurve(curve, detail.radii, detail.radii_in) for curve in arrays.curves]


def _cosines(detail: RunDetail) -> object:
    return detail.stored.arrays and detail.stored.arrays.cosines


def _theory(detail: RunDetail) -> list[TheoryRadius | None]:
    settings = detail.read
    return [None if settings is None else flip_on_curve(settings, readout) for readout in READOUTS]


def _checks(detail: RunDetail) -> Sequence[str]:
    return () if detail.read is None else checks_of(detail.read)


def _row_of(detail: RunDetail) -> RunRow:
    return detail.stored.row


_ORIGIN: Record[Origin] = Record(
    (
        Field("imported_by", "text", lambda origin: origin.imported_by, "Who read it in."),
        Field("imported_at", "time", lambda origin: origin.imported_at, "When."),
        Field("source", "text", lambda origin: origin.source, "Of which experiment elsewhere, as its file says."),
    )
)
_NUMBER = Maybe("number")
_MATRIX = Many(Many(_NUMBER))
WHOLE_RUN: Record[RunDetail] = Record(
    (
        *through(_row_of, RUN.fields),
        Field("common_key", "text", lambda detail: detail.stored.common_key, "Its key, were it everyone's."),
        Field("settings", Named("any"), lambda detail: detail.settings, "Its canonical settings."),
        Field("curves", Maybe(Many(_CURVE)), _curves, "Its robustness curves; null until it is done."),
        Field("cosines", Maybe(_MATRIX), _cosines, "Cosines [k, neurons] of centres and weights; null likewise."),
        Field("profiles", Maybe(Named(Many(_NUMBER))), profiles_of, "Measures of every hidden layer; null likewise."),
        Field("theory", Many(Maybe(THEORY_RADIUS)), _theory, "The radius of theory for each readout, or null."),
        Field("checks", Many("text"), _checks, "The checks that a run of its settings goes through, by their flags."),
        Field("provenance", Maybe(Named("text")), lambda detail: detail.stored.provenance, "What computed it."),
        Field("origin", Maybe(_ORIGIN), lambda detail: detail.stored.origin, "Where an imported result is from."),
        Field("traceback", Maybe("text"), lambda detail: detail.stored.traceback, "The traceback, if it failed."),
        Field("experiments", Many("integer"), lambda detail: detail.stored.experiments, "Who wants it, of those seen."),
    )
)

_Row: TypeAlias = tuple[_RunCurve, int]


def _first(row: _Row) -> _RunCurve:
    return row[0]


def curves_table(detail: RunDetail) -> Table[_Row]:
    """One row a radius of every curve of a run. Raises NotFound for a run without a result."""
    curves = [_RunCurve(curve, detail.radii, detail.radii_in) for curve in arrays_of(detail).curves]
    rows = ((one, place) for one in curves for place in range(len(one.radii)))
    return Table((*through(_first, _HEAD), at_radius(_RADIUS), at_radius(_ACCURACY), at_radius(_UPPER)), rows)


_Entry: TypeAlias = tuple[tuple[int, ...], np.float32]
_COSINE: tuple[Field[_Entry], ...] = (
    Field("centre", "integer", lambda entry: entry[0][0] + 1, "The centre, counted from 1."),
    Field("neuron", "integer", lambda entry: entry[0][1] + 1, "The neuron, counted from 1."),
    Field("cosine", "number", lambda entry: entry[1], "The cosine of the two."),
)
COSINES: Answer[Cosines] = Answer(
    Record(
        (
            Field("key", "text", lambda found: found.key, "The run key."),
            Field("cosines", _MATRIX, lambda found: found.matrix, "Cosines [k, neurons] of centres and weights."),
        )
    ),
    lambda found: Table(_COSINE, np.ndenumerate(found.matrix)),
)
