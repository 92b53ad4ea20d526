"""What a diagram's answer is made of: the columns of its cells, once for the matrices and for the table."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from phaselab.domain.answers.counts import interval_words
from phaselab.domain.answers.fields import Answer, Field, Many, Maybe, Record, Table, parameter_column, through
from phaselab.domain.results.measures import MEASURES
from phaselab.domain.settings.parameters import Value

if TYPE_CHECKING:  # the client reads the names here, and does without the libraries that make diagrams
    from phaselab.domain.answers.axes import PictureAxis
    from phaselab.domain.answers.cell_queries import CellQuery
    from phaselab.domain.answers.cells import Cell
    from phaselab.domain.answers.crossings import Crossing
    from phaselab.domain.answers.diagram import Diagram, DiagramBoundary
    from phaselab.domain.answers.refined import Refined
    from phaselab.domain.answers.theory_curves import TheoryCurve, TheoryGap
    from phaselab.domain.results.phases import Thresholds

_NUMBER = Maybe("number")

_STATES = (
    "`measured`, `inferred` (by a refinement), `pending`, `failed` (all its runs) or `impossible` (left out); null"
    " where no point is."
)

_OVER = "What intervals are over: `seeds`, `data` (runs on the same data averaged first), `weights` (one data set)."
_SHARE = "Share of these runs that have this phase themselves; they chose it, so among all seeds it is less."

CELL: "Record[Cell]" = Record(
    (
        Field("n", "integer", lambda cell: cell.n, "Independent draws: runs that share data are one."),
        Field("runs", "integer", lambda cell: cell.runs, "Runs with a result."),
        Field("defined", "integer", lambda cell: cell.defined, "Runs that define the measure."),
        Field("interval_over", Maybe("text"), lambda cell: cell.interval_over, _OVER),
        Field("value", _NUMBER, lambda cell: cell.value, "The statistic of the measure, which pictures show."),
        Field("mean", _NUMBER, lambda cell: cell.mean, "Mean of the measure over draws."),
        Field("sd", _NUMBER, lambda cell: cell.sd, "Its standard deviation over runs; null for one."),
        Field("ci_low", _NUMBER, lambda cell: cell.ci_low, "Lower end of the 95 % interval of the mean."),
        Field("ci_high", _NUMBER, lambda cell: cell.ci_high, "Its upper end."),
        Field("low", _NUMBER, lambda cell: cell.low, "The least value of a run."),
        Field("high", _NUMBER, lambda cell: cell.high, "The greatest value of a run."),
        Field(
            "phase",
            Maybe("text"),
            lambda cell: cell.phase,
            "The phase, by the means of the measures that decide, or inferred.",
        ),
        Field("phase_share", _NUMBER, lambda cell: cell.phase_share, _SHARE),
        Field("suspect", "integer", lambda cell: cell.suspect, "Runs whose attack is not trusted."),
        Field("phase_share_low", _NUMBER, lambda cell: cell.phase_share_low, "Lower end of Wilson's 95 % interval."),
        Field("phase_share_high", _NUMBER, lambda cell: cell.phase_share_high, "Its upper end."),
        Field("state", Maybe("text"), lambda cell: cell.state, _STATES),
        Field("failed", "integer", lambda cell: cell.failed, "Runs that ended without a result."),
    )
)
"""The columns of a cell; null where nothing was measured."""

AXIS: "Record[PictureAxis]" = Record(
    (
        Field("parameter", "text", lambda axis: axis.parameter, "The parameter on this axis; `layer` along layers."),
        Field("values", Many(Maybe("value")), lambda axis: axis.values, "Its values in drawing order."),
        Field("title", "text", lambda axis: axis.title, "The parameter, symbol and unit."),
        Field("scale", "text", lambda axis: axis.scale, "`linear`, `log` or `category`."),
        Field("coordinates", Many("number"), lambda axis: axis.coordinates, "Where each value stands."),
        Field("edges", Many("number"), lambda axis: axis.edges, "Where cells meet, one more than there are values."),
    )
)
_POINTS = Many(Many("number"))
_BOUNDARY: "Record[DiagramBoundary]" = Record(
    (
        Field("between", Many("text"), lambda line: line.between, "The two phases, or sides of a level."),
        Field("points", _POINTS, lambda line: line.points, "Its corners (x, y) in the axes' coordinates."),
    )
)
_CROSSING: "Record[Crossing]" = Record(
    (
        Field("between", Many("text"), lambda one: one.between, "The phases, or sides of a level, before and behind."),
        Field("along", "text", lambda one: one.along, "The axis along which it is crossed, `x` or `y`."),
        Field("at", Maybe("value"), lambda one: one.at, "The value of the other axis."),
        Field("value", "number", lambda one: one.value, "Where, in the axis' coordinates: midway between the ends."),
        Field("low", "number", lambda one: one.low, "The last cell that is certain of what is before."),
        Field("high", "number", lambda one: one.high, "The first that is certain of what is behind."),
        Field("steps", "integer", lambda one: one.steps, "Steps from value to value between them; 1 leaves no doubt."),
    )
)


def _of_first(end: int) -> "Callable[[Refined], float | None]":
    return lambda one: one.first.interval[end] if one.first.interval else None


def _share(one: "Refined") -> float | None:
    return one.first.disagreed / one.first.checked if one.first.checked else None


_AUDIT: "Record[Refined]" = Record(
    (
        Field("checked", "integer", lambda one: one.first.checked, "Inferred points that were measured all the same."),
        Field("disagreed", "integer", lambda one: one.first.disagreed, "Those of them that were something else."),
        Field("share", _NUMBER, _share, "Their share: an estimate for all that was inferred then."),
        Field("ci_low", _NUMBER, _of_first(0), "Lower end of Wilson's 95 % interval of the share."),
        Field("ci_high", _NUMBER, _of_first(1), "Its upper end."),
        Field("later_checked", "integer", lambda one: one.later.checked, "Measured after refining had gone on there."),
        Field("later_disagreed", "integer", lambda one: one.later.disagreed, "Those of them that were something else."),
    )
)
_REFINED: "Record[Refined]" = Record(
    (
        Field("experiment", "integer", lambda one: one.experiment, "The experiment that is refined."),
        Field("by", "text", lambda one: one.by, "What its boundaries are between."),
        Field("progress", "text", lambda one: one.progress, "`refining`, `complete` or `budget_used_up`."),
        Field("measured", "integer", lambda one: one.measured, "Runs of the experiment that are not held."),
        Field("runs", "integer", lambda one: one.runs, "Its runs."),
        Field("inferred", "integer", lambda one: one.inferred, "Points that are inferred, of those asked for."),
        Field("audit", _AUDIT, lambda one: one, "What audits say of the slices that the points asked for are in."),
        Field("words", "text", lambda one: one.words, "All this in words."),
    )
)
_CURVE: "Record[TheoryCurve]" = Record(
    (
        Field("name", "text", lambda curve: curve.name, "What the curve is."),
        Field("formula", "text", lambda curve: curve.formula, "Its formula."),
        Field("points", _POINTS, lambda curve: curve.points, "Its points (x, y) in the axes' coordinates."),
    )
)
_GAP: "Record[TheoryGap]" = Record(
    (
        Field("name", "text", lambda gap: gap.name, "The curve that is not drawn."),
        Field("at", Many(Maybe("value")), lambda gap: gap.at, "Where, by values of the axis that it runs along."),
        Field("reason", "text", lambda gap: gap.reason, "Why, of the first of them."),
    )
)


_THRESHOLDS: "Record[Thresholds]" = Record(
    (
        Field("trained_accuracy", "number", lambda of: of.trained_accuracy, "`untrained` below, on both sets."),
        Field("lazy_share", "number", lambda of: of.lazy_share, "`lazy` from this start_share."),
        Field("memory_share", "number", lambda of: of.memory_share, "`memorising` from this noise_share."),
        Field("averaging_from", "number", lambda of: of.averaging_from, "`feature_averaging` from this index."),
        Field("learning_up_to", "number", lambda of: of.learning_up_to, "`feature_learning` up to this index."),
    )
)


def _matrix(column: "Field[Cell]") -> "Field[Diagram]":
    """A column of the cells as a matrix [y][x]."""

    def of(found: "Diagram") -> list[list[object]]:
        return [[column.of(cell) for cell in line] for line in found.cells]

    return Field(column.name, Many(Many(column.kind)), of, column.meaning)


def _over(found: "Diagram") -> str:
    return interval_words(cell.interval_over for line in found.cells for cell in line)


def _conditions(found: Any) -> list[str]:
    return [str(condition) for condition in found.query.where]


OF_EXPERIMENTS: tuple[Field[Any], ...] = (
    Field("experiments", Many("integer"), lambda found: found.query.experiments, "The experiments asked of."),
    Field("names", Many("text"), lambda found: found.names, "Their names."),
)
"""What diagrams and lines are of."""
ASKED: tuple[Field[Any], ...] = (
    Field("measure", "text", lambda found: found.query.measure, "The measure."),
    Field("measure_title", "text", lambda found: MEASURES[found.query.measure].title, "The measure in words."),
    Field("statistic", "text", lambda found: found.query.statistic, "The statistic that `value` holds."),
    Field("where", Many("text"), _conditions, "The conditions asked for."),
    Field("marginalize", Many("text"), lambda found: found.query.marginalize, "The parameters averaged over."),
    Field("thresholds", _THRESHOLDS, lambda found: found.query.thresholds, "Where its phases begin and end."),
)
"""What was asked, of diagrams and of lines."""


def over(words: Callable[[Any], str]) -> Field[Any]:
    """What the intervals of cells are over, in words."""
    return Field("interval_over_words", "text", words, "What 95 % intervals are over, in words; empty without runs.")


REVISION: Field[Any] = Field("revision", "integer", lambda found: found.revision, "Rises with every result that lands.")


def notes(query: "CellQuery") -> dict[str, str]:
    """What a table's columns do not say of what was asked."""
    thresholds = " ".join(f"{name}:{value:g}" for name, value in query.thresholds.values().items())
    return {"x": query.x, "measure": query.measure, "statistic": query.statistic, "thresholds": thresholds}


_RECORD: "Record[Diagram]" = Record(
    (
        *OF_EXPERIMENTS,
        Field("x", AXIS, lambda found: found.x, "The horizontal axis."),
        Field("y", AXIS, lambda found: found.y, "The vertical axis."),
        *ASKED,
        over(_over),
        *(_matrix(column) for column in CELL.fields),
        Field(
            "boundaries",
            Many(_BOUNDARY),
            lambda found: found.boundaries,
            "Polylines between phases, and of the level refined by.",
        ),
        Field("crossings", Many(_CROSSING), lambda found: found.crossings, "Where rows and columns pass into a phase."),
        Field("refinements", Many(_REFINED), lambda found: found.refinements, "The refinements behind it."),
        Field("theory", Many(_CURVE), lambda found: found.theory, "Curves of theory."),
        Field("theory_gaps", Many(_GAP), lambda found: found.theory_gaps, "Where theory is silent, and why."),
        REVISION,
    )
)

_Row: TypeAlias = "tuple[Value, Value, Cell]"


def _cell(row: _Row) -> "Cell":
    return row[2]


_COLUMNS = through(_cell, CELL.fields)


def _table(found: "Diagram") -> Table[_Row]:
    """One row a cell: x, y, then its columns."""
    query = found.query
    x: Field[_Row] = parameter_column("x", found.x.parameter, lambda row: row[0])
    y: Field[_Row] = parameter_column("y", found.y.parameter, lambda row: row[1])
    rows = (
        (x_value, y_value, cell)
        for y_value, line in zip(found.y.values, found.cells, strict=True)
        for x_value, cell in zip(found.x.values, line, strict=True)
    )
    return Table((x, y, *_COLUMNS), rows, notes(query) | {"y": query.y})


DIAGRAM: "Answer[Diagram]" = Answer(_RECORD, _table)
