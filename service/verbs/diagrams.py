"""The verb of phase diagrams: a measure and the phase, aggregated over seeds, on two axes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from phaselab.db.reading import point_rows
from phaselab.db.reading.point_rows import PointRow
from phaselab.db.schema.database import Database, Session
from phaselab.domain.answers.diagram import Diagram, DiagramQuery, PointSummary, build_diagram
from phaselab.domain.results import summaries
from phaselab.domain.results.measures import MEASURES
from phaselab.domain.results.phases import DECIDING
from phaselab.domain.results.statistics import is_quantile
from phaselab.domain.settings.faults import Fault, InvalidInput, pointer
from phaselab.domain.settings.parameters import Value
from phaselab.domain.specs.stored import readable_settings
from phaselab.service.verbs.draws import drawn
from phaselab.service.verbs.lacks import lacks
from phaselab.service.verbs.pieces import Pieces, Place, pieces_of
from phaselab.service.verbs.selection import Selection, check_nothing_hides, check_parameters, select


def diagram(database: Database, query: DiagramQuery) -> Diagram:
    """The phase diagram. Raises NotFound for an unknown experiment, InvalidInput for a query that has no answer: an
    unknown parameter or measure, conditions that nothing meets, or a parameter that varies unseen."""
    _check_diagram(query)
    with database.reading() as session:
        selection = select(session, query.experiments, query.where)
        remedy = "or put it on an axis, or average over it with marginalize={path}"
        check_nothing_hides(selection, (query.x, query.y, *query.marginalize), "/marginalize", remedy)
        pieces = pieces_of(session, selection, query)
        points = _summaries(session, selection, query, pieces)
        draws = drawn(session, selection, query, pieces)
        lacking = lacks(session, selection, query)
    return build_diagram(query, points, selection.revision, selection.names, lacking, draws)


def _check_diagram(query: DiagramQuery) -> None:
    named = {"/x": query.x, "/y": query.y}
    named |= {pointer("marginalize", i): path for i, path in enumerate(query.marginalize)}
    faults = check_parameters(named)
    if query.measure not in MEASURES:
        faults.append(Fault("/measure", f"no measure {query.measure!r}; known: {', '.join(MEASURES)}"))
    if query.x == query.y:
        faults.append(Fault("/y", "x and y are the same parameter; name two"))
    faults += [
        Fault(pointer("marginalize", i), f"{path} is an axis of the diagram; leave it out here")
        for i, path in enumerate(query.marginalize)
        if path in (query.x, query.y)
    ]
    if faults:
        raise InvalidInput(faults)


def _summaries(session: Session, selection: Selection, query: DiagramQuery, pieces: Pieces) -> list[PointSummary]:
    """One summary for each cell (of quantiles: for each settings in each cell)."""
    whole = is_quantile(query.statistic)
    group: Callable[[Place], tuple[Value, ...]] = (lambda place: place) if whole else (lambda place: place[:2])
    merged = pieces.merged(group)
    first = {group(place): place for place in reversed(list(pieces.places))}  # of each group, its first settings
    names = tuple(dict.fromkeys((query.measure, *DECIDING)))
    found = [_point_summary(query, first[one], row, names, selection.texts) for one, row in merged.items()]
    return _with_samples(session, query, found, pieces.places) if whole else found


def _with_samples(
    session: Session,
    query: DiagramQuery,
    found: Sequence[PointSummary],
    places: Mapping[Place, Sequence[PointRow]],
) -> list[PointSummary]:
    """The summaries with the measure of every one of their runs, each run once."""
    settings_ids = sorted({place[2] for place in places})
    values = point_rows.read_measure(session, query.experiments, settings_ids, query.measure)
    filled = []
    for summary, points in zip(found, places.values(), strict=True):
        sample: dict[int, float] = {}
        for point in points:
            sample |= values.get((point.experiment_id, point.settings_id), {})
        filled.append(replace(summary, sample=tuple(sample.values())))
    return filled


def _point_summary(
    query: DiagramQuery,
    place: Place,
    row: summaries.Floats,
    names: Sequence[str],
    texts: Mapping[int, str],
) -> PointSummary:
    n, suspect = summaries.counts(row)
    return PointSummary(
        values={query.x: place[0], query.y: place[1]},
        settings=readable_settings(texts[place[2]]),
        n=n,
        suspect=suspect,
        measures={name: summaries.summary_of(row, name) for name in names},
        phases=summaries.phase_counts(row),
    )
