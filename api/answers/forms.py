"""Diagrams and curves in their forms: JSON as the contract says, and long tables, one row a cell or radius."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from phaselab.api.answers.tables import Row, as_type, value_type
from phaselab.domain.answers.axes import PictureAxis
from phaselab.domain.answers.curves import Curves, GroupCurve
from phaselab.domain.answers.diagram import Diagram
from phaselab.domain.results.measures import MEASURES
from phaselab.domain.settings.parameters import parameters

MATRICES = ("n", "value", "mean", "sd", "ci_low", "ci_high", "low", "high", "phase", "phase_share", "suspect")
_SHARES = ("phase_share_low", "phase_share_high")
_INTEGERS = frozenset({"n", "suspect"})


def diagram_json(diagram: Diagram) -> dict[str, Any]:
    """A diagram as the contract says: axes, matrices [y][x], boundaries, theory, revision."""
    query = diagram.query
    return {
        "experiments": query.experiments,
        "names": diagram.names,
        "x": _axis_json(diagram.x),
        "y": _axis_json(diagram.y),
        "measure": query.measure,
        "measure_title": MEASURES[query.measure].title,
        "statistic": query.statistic,
        "where": [str(condition) for condition in query.where],
        "marginalize": query.marginalize,
        **{name: diagram.matrix(name) for name in (*MATRICES, *_SHARES)},
        "boundaries": diagram.boundaries,
        "theory": diagram.theory,
        "revision": diagram.revision,
    }


def _axis_json(axis: PictureAxis) -> dict[str, Any]:
    return {
        "parameter": axis.parameter,
        "values": axis.values,
        "title": parameters()[axis.parameter].title,
        "scale": axis.scale,
        "coordinates": axis.coordinates,
        "edges": axis.edges,
    }


def diagram_schema(diagram: Diagram) -> pa.Schema:
    """The columns of a diagram's table."""
    x, y = (value_type(parameters()[axis.parameter].types) for axis in (diagram.x, diagram.y))
    text = frozenset({"phase"})
    fields = [pa.field("x", x), pa.field("y", y)]
    for name in (*MATRICES, *_SHARES):
        kind = pa.int64() if name in _INTEGERS else pa.string() if name in text else pa.float64()
        fields.append(pa.field(name, kind))
    names = {b"x": diagram.x.parameter, b"y": diagram.y.parameter, b"measure": diagram.query.measure}
    names[b"statistic"] = diagram.query.statistic
    return pa.schema(fields, metadata=names)


def diagram_rows(diagram: Diagram) -> Iterator[Row]:
    """One row a cell: x, y, then its fields."""
    schema = diagram_schema(diagram)
    for y, line in zip(diagram.y.values, diagram.cells, strict=True):
        for x, cell in zip(diagram.x.values, line, strict=True):
            fields = (getattr(cell, name) for name in schema.names[2:])
            yield [as_type(value, field.type) for value, field in zip((x, y, *fields), schema, strict=True)]


def curves_json(curves: Curves) -> dict[str, Any]:
    """Curves: one entry a group, readout and method."""
    query = curves.query
    return {
        "experiments": query.experiments,
        "names": curves.names,
        "by": query.by,
        "where": [str(condition) for condition in query.where],
        "curves": curves.curves,
        "revision": curves.revision,
    }


def curves_schema(curves: Curves) -> pa.Schema:
    """The columns of a table of curves: the parameters of the groups, then the curve's own."""
    groups = [pa.field(path, value_type(parameters()[path].types)) for path in curves.query.by]
    text = [pa.field(name, pa.string()) for name in ("readout", "method")]
    numbers = [pa.field(name, pa.float64()) for name in ("radius", "mean", "ci_low", "ci_high")]
    return pa.schema([*groups, *text, pa.field("n", pa.int64()), *numbers])


def curve_rows(curves: Curves) -> Iterator[Row]:
    """One row a radius of every curve."""
    kinds = {path: value_type(parameters()[path].types) for path in curves.query.by}
    for curve in curves.curves:
        group = [as_type(curve.group[path], kind) for path, kind in kinds.items()]
        for i, radius in enumerate(curve.radii):
            yield [*group, curve.readout, curve.method, curve.n, radius, curve.mean[i], *_interval(curve, i)]


def _interval(curve: GroupCurve, index: int) -> tuple[float | None, float | None]:
    if curve.ci_low is None or curve.ci_high is None:
        return None, None
    return curve.ci_low[index], curve.ci_high[index]
