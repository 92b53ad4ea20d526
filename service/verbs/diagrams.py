"""The verb of phase diagrams: a measure and the phase, aggregated over seeds, on two axes."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from phaselab.db.reading import point_rows
from phaselab.db.reading.point_rows import PointRow
from phaselab.db.schema.database import Database, Session
from phaselab.domain.answers.diagram import Diagram, DiagramQuery, PointSummary, build_diagram
from phaselab.domain.results import summaries
from phaselab.domain.results.measures import MEASURES
from phaselab.domain.results.phases import DECIDING, DEFAULT_THRESHOLDS
from phaselab.domain.results.statistics import is_quantile
from phaselab.domain.settings.faults import Fault, InvalidInput, pointer
from phaselab.domain.settings.parameters import Value
from phaselab.domain.specs.stored import readable_settings, seeds_of
from phaselab.service.verbs.lacks import lacks
from phaselab.service.verbs.selection import Selection, check_nothing_hides, check_parameters, select

_Place = tuple[Value, Value, int]
"""A cell, by its values of x and y, and settings."""


def diagram(database: Database, query: DiagramQuery) -> Diagram:
    """The phase diagram. Raises NotFound for an unknown experiment, InvalidInput for a query that has no answer: an
    unknown parameter or measure, conditions that nothing meets, or a parameter that varies unseen."""
    _check_diagram(query)
    with database.reading() as session:
        selection = select(session, query.experiments, query.where)
        remedy = "or put it on an axis, or average over it with marginalize={path}"
        check_nothing_hides(selection, (query.x, query.y, *query.marginalize), "/marginalize", remedy)
        points = _summaries(session, selection, query)
        lacking = lacks(session, selection, query)
    return build_diagram(query, points, selection.revision, selection.names, lacking)


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


def _summaries(session: Session, selection: Selection, query: DiagramQuery) -> list[PointSummary]:
    """One summary for each cell (of quantiles: for each settings in each cell), in which no run counts twice."""
    places: dict[_Place, list[PointRow]] = defaultdict(list)
    for point, x, y in zip(selection.points, selection.values(query.x), selection.values(query.y), strict=True):
        places[x, y, point.settings_id].append(point)
    from_runs = query.thresholds != DEFAULT_THRESHOLDS
    chosen = {place: () if from_runs else _covering(selection, found) for place, found in places.items()}
    unions = _unions(session, selection, [place[2] for place, found in chosen.items() if not found], query)
    whole = is_quantile(query.statistic)
    first = {place if whole else place[:2]: place for place in reversed(places)}  # of each cell, its first settings
    numbers = {group: i for i, group in enumerate(dict.fromkeys(place if whole else place[:2] for place in places))}
    stored = [(one, place) for place, found in chosen.items() for one in found]
    rows = summaries.from_bytes([one.summary for one, _ in stored], [one.measures for one, _ in stored])
    summed = [(unions[place[2]], place) for place, found in chosen.items() if not found]
    if summed:
        rows = np.concatenate([rows, [row for row, _ in summed]])
    dealt = [numbers[place if whole else place[:2]] for _, place in (*stored, *summed)]
    merged = summaries.merge_groups(rows, dealt, len(numbers))
    names = tuple(dict.fromkeys((query.measure, *DECIDING)))
    found = [_point_summary(query, first[group], merged[i], names, selection.texts) for group, i in numbers.items()]
    return _with_samples(session, query, found, places) if whole else found


def _with_samples(
    session: Session,
    query: DiagramQuery,
    found: Sequence[PointSummary],
    places: Mapping[tuple[Value, Value, int], Sequence[PointRow]],
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


def _covering(selection: Selection, points: Sequence[PointRow]) -> Sequence[PointRow]:
    """Those points, among some with equal settings, that together count every run of all once: their experiments'
    seeds hold those of the others, and no two have a seed in common. None where there are no such points, and where the
    phases of one were counted by another rule."""
    if not all(summaries.counted_today(point.measures) for point in points):
        return ()
    if len(points) == 1:
        return points
    seeds = {point.experiment_id: seeds_of(selection.experiments[point.experiment_id].spec) for point in points}
    kept: list[PointRow] = []
    held: set[int] = set()
    for point in sorted(points, key=lambda point: -len(seeds[point.experiment_id])):
        own = seeds[point.experiment_id]
        if own <= held:
            continue
        if own & held:
            return ()
        kept.append(point)
        held |= own
    return kept


def _unions(
    session: Session, selection: Selection, settings_ids: Sequence[int], query: DiagramQuery
) -> Mapping[int, summaries.Floats]:
    """Summaries, from run rows, of settings whose runs no single point covers."""
    if not settings_ids:
        return {}
    return point_rows.sum_up_union(session, list(selection.experiments), sorted(set(settings_ids)), query.thresholds)


def _point_summary(
    query: DiagramQuery,
    place: tuple[Value, Value, int],
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
