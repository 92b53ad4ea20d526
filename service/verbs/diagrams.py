"""The verbs of phase diagrams and of lines: a measure, aggregated over seeds, on two axes or along one."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from phaselab.db.schema.database import Database, Session
from phaselab.domain.answers.cell_queries import CellQuery, DiagramQuery, LineQuery, Place
from phaselab.domain.answers.cells import Found
from phaselab.domain.answers.diagram import Diagram, build_diagram
from phaselab.domain.answers.differences import Differences, build_differences
from phaselab.domain.answers.lines import Lines, build_lines
from phaselab.domain.results.measure import EXPERIMENT, LAYER
from phaselab.domain.results.measures import LAYERED, MEASURES
from phaselab.domain.settings.faults import Fault, InvalidInput, pointer
from phaselab.service.verbs.apart import found_apart, of_each
from phaselab.service.verbs.found import find
from phaselab.service.verbs.pieces import places_of
from phaselab.service.verbs.profiles import along_layers
from phaselab.service.verbs.selection import check_nothing_hides, check_parameters, select

MOST_CELLS = 250_000
"""Most cells of an answer."""


def diagram(database: Database, query: DiagramQuery) -> Diagram:
    """The phase diagram. Raises NotFound for an unknown experiment, InvalidInput for a query that has no answer: an
    unknown parameter or measure, conditions that nothing meets, or a parameter that varies unseen."""
    _check(query, {"/x": query.x, "/y": query.y})
    with database.reading() as session:
        return build_diagram(query, _found(session, query, "put it on an axis"))


def differences(database: Database, query: DiagramQuery) -> Differences:
    """The differences of two experiments, cell by cell. Raises as `diagram` does, of each of them."""
    _check(query, {"/x": query.x, "/y": query.y})
    with database.reading() as session:
        alone = {number: replace(query, experiments=(number,)) for number in query.experiments}
        found = of_each(query.experiments, lambda number: _found(session, alone[number], "put it on an axis"))
    told = build_differences(query, list(found.values()))
    faults = [
        Fault(place, f"these experiments have no value of {axis.parameter} in common; name another parameter")
        for place, axis in (("/x", told.x), ("/y", told.y))
        if not axis.values
    ]
    if faults:
        raise InvalidInput(faults)
    return told


def lines(database: Database, query: LineQuery) -> Lines:
    """Lines of a measure, along a parameter or along layers. Raises as `diagram` does, and Damaged along layers."""
    apart = {pointer("by", i): path for i, path in enumerate(query.by) if path != EXPERIMENT}
    if query.x == LAYER:
        _check(query, apart)
        return along_layers(database, query)
    _check(query, {"/x": query.x} | apart)
    remedy = "tell the lines apart by it with by={path}"
    with database.reading() as session:
        return build_lines(query, found_apart(query, lambda asked: _found(session, asked, remedy)))


def _check(query: CellQuery, axes: Mapping[str, str]) -> None:
    """Raises InvalidInput for what no experiment could answer; `axes`: the parameters, by the place that names them."""
    faults = check_parameters({**axes, **{pointer("marginalize", i): path for i, path in enumerate(query.marginalize)}})
    if query.measure not in MEASURES:
        faults.append(Fault("/measure", f"no measure {query.measure!r}; known: {', '.join(MEASURES)}"))
    elif query.x == LAYER and query.measure not in LAYERED:
        faults.append(Fault("/measure", f"{query.measure} is not of layers; those that are: {', '.join(LAYERED)}"))
    for place, path in axes.items():
        if place != "/x" and path == query.x:
            faults.append(Fault(place, f"x and {place.split('/')[1]} are the same parameter; name two"))
    faults += [
        Fault(pointer("marginalize", i), f"{path} tells the cells apart; leave it out here")
        for i, path in enumerate(query.marginalize)
        if path in axes.values()
    ]
    if faults:
        raise InvalidInput(faults)


def _found(session: Session, query: CellQuery, remedy: str) -> Found:
    """What the database holds for a query; `remedy` says how a parameter that varies unseen can be shown."""
    selection = select(session, query.experiments, query.where)
    shown = (query.x, *query.across, *query.marginalize)
    choices = f"or {remedy}, or average over it with marginalize={{path}}"
    check_nothing_hides(selection, shown, "/marginalize", choices)
    _check_size(query, places_of(selection, query))
    return find(session, selection, query)


def _check_size(query: CellQuery, places: Sequence[Place]) -> None:
    """Raises InvalidInput where the values along and across would cross to more cells than are answered."""
    cells = len({x for x, _ in places}) * len({across for _, across in places})
    if cells > MOST_CELLS:
        detail = (
            f"{query.x} crosses {' and '.join(query.across)} to {cells:,} cells; at most {MOST_CELLS:,} are answered:"
        )
        raise InvalidInput([Fault("/x", f"{detail} fix or narrow a parameter with where")])
