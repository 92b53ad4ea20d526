"""What the answer of lines is made of: the columns of cells, once for the lists and for the table."""

from typing import TYPE_CHECKING, TypeAlias

from phaselab.domain.answers.counts import interval_words
from phaselab.domain.answers.diagram_fields import ASKED, AXIS, CELL, OF_EXPERIMENTS, REVISION, notes, over
from phaselab.domain.answers.fields import (
    Answer,
    Field,
    Many,
    Maybe,
    Named,
    Record,
    Table,
    parameter_column,
    parameter_columns,
    through,
)
from phaselab.domain.settings.parameters import Value

if TYPE_CHECKING:  # the client reads the names here, and does without the libraries that make lines
    from phaselab.domain.answers.cells import Cell
    from phaselab.domain.answers.lines import Line, Lines
    from phaselab.domain.answers.theory_lines import TheoryLine

_THEORY: "Record[TheoryLine]" = Record(
    (
        Field("formula", Maybe("text"), lambda theory: theory.formula, "Its formula, where one serves all of x."),
        Field("values", Many(Maybe("number")), lambda theory: theory.values, "Its value at every x; null if silent."),
        Field("reason", Maybe("text"), lambda theory: theory.reason, "Why it is silent, where it first is."),
    )
)


def _along(column: "Field[Cell]") -> "Field[Line]":
    """A column of the cells as a list along x."""

    def of(line: "Line") -> list[object]:
        return [column.of(cell) for cell in line.cells]

    return Field(column.name, Many(column.kind), of, column.meaning)


_LINE: "Record[Line]" = Record(
    (
        Field("group", Named(Maybe("value")), lambda line: line.group, "The group's values of the `by` parameters."),
        *map(_along, CELL.fields),
        Field("theory", Maybe(_THEORY), lambda line: line.theory, "The idealised network's; null of other measures."),
    )
)


def _over(found: "Lines") -> str:
    return interval_words(cell.interval_over for line in found.lines for cell in line.cells)


_RECORD: "Record[Lines]" = Record(
    (
        *OF_EXPERIMENTS,
        Field("x", AXIS, lambda found: found.x, "The axis that the lines run along."),
        Field("by", Many("text"), lambda found: found.query.by, "The parameters that tell lines apart."),
        *ASKED,
        over(_over),
        Field("lines", Many(_LINE), lambda found: found.lines, "One for every group."),
        REVISION,
    )
)

_Row: TypeAlias = "tuple[Line, Value, int]"


def _cell(row: _Row) -> "Cell":
    return row[0].cells[row[2]]


def _theory(row: _Row) -> float | None:
    return row[0].theory.values[row[2]] if row[0].theory else None


def _table(found: "Lines") -> Table[_Row]:
    """One row a value of x of every line: its group's values, x, then the columns of its cell."""
    query = found.query
    groups: tuple[Field[_Row], ...] = parameter_columns(query.by, lambda row: row[0].group)
    x: Field[_Row] = parameter_column("x", query.x, lambda row: row[1])
    theory: Field[_Row] = Field("theory", Maybe("number"), _theory, "The idealised network's value.")
    rows = ((line, value, place) for line in found.lines for place, value in enumerate(found.x.values))
    return Table((*groups, x, *through(_cell, CELL.fields), theory), rows, notes(query))


LINES: "Answer[Lines]" = Answer(_RECORD, _table)
