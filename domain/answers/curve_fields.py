"""What the answers of robustness curves are made of: the columns of a curve, once for JSON and for tables."""

from typing import TYPE_CHECKING, Any, TypeAlias

from phaselab.domain.answers.counts import interval_words
from phaselab.domain.answers.fields import Answer, Field, Many, Maybe, Named, Record, Table, parameter_columns, through

if TYPE_CHECKING:  # the client reads the names here, and does without the libraries that make curves
    from phaselab.domain.answers.curves import Curves, GroupCurve
    from phaselab.domain.answers.theory import TheoryRadius

THEORY_RADIUS: "Record[TheoryRadius]" = Record(
    (
        Field("readout", "text", lambda radius: radius.readout, "`sum` or `max`."),
        Field("formula", Maybe("text"), lambda radius: radius.formula, "The closed form; R = snr sqrt(d)."),
        Field("radius", Maybe("number"), lambda radius: radius.radius, "The median radius, noise counted."),
        Field(
            "ideal", Maybe("number"), lambda radius: radius.ideal, "The closed form's value; null if clusters differ."
        ),
        Field("reason", Maybe("text"), lambda radius: radius.reason, "Why theory is silent; null where it speaks."),
    )
)
_NUMBER = Maybe("number")

HEAD: "Record[GroupCurve]" = Record(
    (
        Field("readout", "text", lambda curve: curve.readout, "How the outputs were read: `sum` or `max`."),
        Field("method", "text", lambda curve: curve.method, "The attack or exact method."),
        Field("n", "integer", lambda curve: curve.n, "Independent draws in the group: runs that share data are one."),
        Field("runs", "integer", lambda curve: curve.runs, "Runs in the group."),
        Field("interval_over", "text", lambda curve: curve.interval_over, "What intervals are over, as in diagrams."),
        Field("radii_in", "text", lambda curve: curve.radii_in, "Unit of radii and theory, as `attack.radii_in`."),
    )
)
"""The columns that are one value a curve."""
ALONG: "Record[GroupCurve]" = Record(
    (
        Field("radius", "number", lambda curve: curve.radii, "L2 radius, in the unit of radii_in."),
        Field("mean", "number", lambda curve: curve.mean, "Mean robust accuracy over draws; of `exact`, proved right."),
        Field(
            "mean_upper", _NUMBER, lambda curve: curve.mean_upper, "Of `exact`, mean share not proved wrong; null else."
        ),
        Field(
            "ci_low",
            _NUMBER,
            lambda curve: curve.ci_low,
            "Lower end of its 95 % interval; null for one draw.",
        ),
        Field("ci_high", _NUMBER, lambda curve: curve.ci_high, "Its upper end."),
    )
)
"""The columns that have a value at every radius; each is found as the whole list of them, or null."""


def listed(column: Field[Any]) -> Field[Any]:
    """A column along the radii as the list that JSON holds; that of the radii under the name `radii`."""
    name = "radii" if column.name == "radius" else column.name
    kind = Maybe(Many(column.kind.item)) if isinstance(column.kind, Maybe) else Many(column.kind)
    return Field(name, kind, column.of, column.meaning)


_CURVE: "Record[GroupCurve]" = Record(
    (
        Field("group", Named(Maybe("value")), lambda curve: curve.group, "The group's values of the `by` parameters."),
        *HEAD.fields,
        *map(listed, ALONG.fields),
        Field("theory", Maybe(THEORY_RADIUS), lambda curve: curve.theory, "The radius of theory, where it has one."),
    )
)


def _conditions(found: "Curves") -> list[str]:
    return [str(condition) for condition in found.query.where]


def _over(found: "Curves") -> str:
    return interval_words(curve.interval_over for curve in found.curves)


_RECORD: "Record[Curves]" = Record(
    (
        Field("experiments", Many("integer"), lambda found: found.query.experiments, "The experiments asked of."),
        Field("names", Many("text"), lambda found: found.names, "Their names."),
        Field("by", Many("text"), lambda found: found.query.apart, "The parameters that tell groups apart."),
        Field("where", Many("text"), _conditions, "The conditions asked for."),
        Field("interval_over_words", "text", _over, "What 95 % intervals are over, in words; empty without runs."),
        Field("curves", Many(_CURVE), lambda found: found.curves, "One for every group, readout and method."),
        Field("revision", "integer", lambda found: found.revision, "Rises with every result that lands."),
    )
)

_Row: TypeAlias = "tuple[GroupCurve, int]"


def _curve(row: _Row) -> "GroupCurve":
    return row[0]


def at_radius(column: Field[Any]) -> Field[tuple[Any, int]]:
    """A column along the radii as a row (curve, place of the radius) holds it."""

    def of(row: tuple[Any, int]) -> object:
        values: Any = column.of(row[0])
        return None if values is None else values[row[1]]

    return Field(column.name, column.kind, of, column.meaning)


_COLUMNS: tuple[Field[_Row], ...] = (*through(_curve, HEAD.fields), *map(at_radius, ALONG.fields))


def _table(found: "Curves") -> Table[_Row]:
    """One row a radius of every curve: its group's values, then its columns."""
    groups: tuple[Field[_Row], ...] = parameter_columns(found.query.apart, lambda row: row[0].group)
    rows = ((curve, place) for curve in found.curves for place in range(len(curve.radii)))
    return Table((*groups, *_COLUMNS), rows)


CURVES: "Answer[Curves]" = Answer(_RECORD, _table)
