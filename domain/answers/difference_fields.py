"""What the answer of differences is made of: the columns of a cell, once for the matrices and for the table."""

from typing import TYPE_CHECKING, Any, TypeAlias

from phaselab.domain.answers.diagram_fields import ASKED, AXIS, OF_EXPERIMENTS, REVISION
from phaselab.domain.answers.fields import Answer, Field, Many, Maybe, Record, Table, parameter_column, through
from phaselab.domain.settings.parameters import Value

if TYPE_CHECKING:  # the client reads the names here, and does without the libraries that make differences
    from phaselab.domain.answers.differences import Difference, Differences

_NUMBER = Maybe("number")
DIFFERENCE: "Record[Difference]" = Record(
    (
        Field("value", _NUMBER, lambda one: one.value, "The second mean less the first; null where one is unknown."),
        Field("ci_low", _NUMBER, lambda one: one.low, "Lower end of the 95 % interval of the difference."),
        Field("ci_high", _NUMBER, lambda one: one.high, "Its upper end."),
        Field("n", "integer", lambda one: one.n, "Independent draws of the experiment that has fewer."),
        Field("first", _NUMBER, lambda one: one.first, "Mean of the measure in the first experiment."),
        Field("second", _NUMBER, lambda one: one.second, "Its mean in the second."),
        Field("reason", Maybe("text"), lambda one: one.reason, "Why there is no interval."),
    )
)
"""The columns of a cell; null where one of the experiments has not measured it."""
_KEPT = ("measure", "measure_title", "where", "marginalize")


def _matrix(column: "Field[Difference]") -> "Field[Differences]":
    """A column of the cells as a matrix [y][x]."""

    def of(found: "Differences") -> list[list[object]]:
        return [[column.of(cell) for cell in line] for line in found.cells]

    return Field(column.name, Many(Many(column.kind)), of, column.meaning)


_RECORD: "Record[Differences]" = Record(
    (
        *OF_EXPERIMENTS,
        Field("x", AXIS, lambda found: found.x, "The horizontal axis: the values that both have."),
        Field("y", AXIS, lambda found: found.y, "The vertical axis, likewise."),
        *(one for one in ASKED if one.name in _KEPT),
        *map(_matrix, DIFFERENCE.fields),
        REVISION,
    )
)

_Row: TypeAlias = "tuple[Value, Value, Difference]"


def _cell(row: _Row) -> "Difference":
    return row[2]


def _table(found: "Differences") -> Table[_Row]:
    """One row a cell: x, y, then its columns."""
    x: Field[_Row] = parameter_column("x", found.x.parameter, lambda row: row[0])
    y: Field[_Row] = parameter_column("y", found.y.parameter, lambda row: row[1])
    rows: Any = (
        (x_value, y_value, cell)
        for y_value, line in zip(found.y.values, found.cells, strict=True)
        for x_value, cell in zip(found.x.values, line, strict=True)
    )
    notes = {"x": found.query.x, "y": found.query.y, "measure": found.query.measure}
    return Table((x, y, *through(_cell, DIFFERENCE.fields)), rows, notes)


DIFFERENCES: "Answer[Differences]" = Answer(_RECORD, _table)
