"""The verb of lines along layers: a measure that every hidden layer has, aggregated over seeds, against the layer."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from phaselab.db.reading import point_rows
from phaselab.db.reading.point_rows import PointRow, SeededProfiles
from phaselab.db.schema.database import Database, Session
from phaselab.domain.answers.cell_queries import LineQuery, Place
from phaselab.domain.answers.cells import Drawn, Found, Lack, PointSummary
from phaselab.domain.answers.lines import Lines, build_lines
from phaselab.domain.families.registry import layers_of
from phaselab.domain.results.draws import draws_of, summarize_draws
from phaselab.domain.results.statistics import is_quantile
from phaselab.domain.results.summaries import summarize
from phaselab.domain.settings.parameters import Value
from phaselab.domain.settings.settings import Settings
from phaselab.domain.specs.stored import readable_settings
from phaselab.service.verbs.apart import found_apart
from phaselab.service.verbs.draws import data_seed
from phaselab.service.verbs.lacks import lacks
from phaselab.service.verbs.selection import Selection, check_nothing_hides, select

Group = tuple[Value, ...]
ANYWHERE = "data.k"
"""A parameter that every run has: what lacks is asked for by it, and then added up over it."""


def along_layers(database: Database, query: LineQuery) -> Lines:
    """Lines along the hidden layers, 1 being the first; networks of different depth end where they end.

    Raises NotFound, InvalidInput for a parameter that varies unseen, Damaged.
    """
    with database.reading() as session:
        return build_lines(query, found_apart(query, lambda asked: _found(session, asked)))


def _found(session: Session, query: LineQuery) -> Found:
    """What is found of every layer that a network of a group has, whether it has been trained or not."""
    selection = select(session, query.experiments, query.where)
    choices = "or tell the lines apart by it with by={path}, or average over it with marginalize={path}"
    check_nothing_hides(selection, (*query.by, *query.marginalize), "/marginalize", choices)
    kinds = {number: readable_settings(text) for number, text in selection.texts.items()}
    layers = {number: 0 if one is None else layers_of(one) for number, one in kinds.items()}
    settings_ids = sorted({point.settings_id for point in selection.points})
    profiles = dict(point_rows.read_profiles(session, query.experiments, settings_ids, query.measure, layers))
    failed = _failed(session, selection, query)
    points: list[PointSummary] = []
    drawn: dict[Place, Drawn] = {}
    lacking: dict[Place, Lack] = {}
    for group, of_settings in _groups(selection, query).items():
        for layer in range(1, max((layers[number] for number in of_settings), default=0) + 1):
            place, deep = (layer, group), {i: point for i, point in of_settings.items() if layers[i] >= layer}
            seen = {number: profiles[number] for number in deep if number in profiles}
            points += [_summary(place, query, kinds[number], profiles.get(number)) for number in deep]
            if seen:
                drawn[place] = _drawn(selection, deep, seen, layer)
            if group in failed:
                lacking[place] = failed[group]
    return Found(points, selection.revision, selection.names, lacking, drawn)


def _groups(selection: Selection, query: LineQuery) -> Mapping[Group, Mapping[int, PointRow]]:
    """Of every group its settings, each with a point that has them."""
    columns = [selection.values(path) for path in query.by]
    groups: Sequence[Group] = list(zip(*columns, strict=True)) if columns else [()] * len(selection.points)
    found: defaultdict[Group, dict[int, PointRow]] = defaultdict(dict)
    for group, point in zip(groups, selection.points, strict=True):
        found[group].setdefault(point.settings_id, point)
    return found


def _summary(
    place: tuple[int, Group], query: LineQuery, settings: Settings | None, found: SeededProfiles | None
) -> PointSummary:
    """The runs of some settings at a layer, summed up."""
    if found is None:
        return PointSummary(place, settings, 0, 0, {query.measure: None}, {})
    values = found.values[:, place[0] - 1]
    known = values[~np.isnan(values)].tolist()
    sample = tuple(known) if is_quantile(query.statistic) else ()
    measures = {query.measure: summarize(known)}
    return PointSummary(place, settings, len(values), int(found.suspect.sum()), measures, {}, sample)


def _drawn(
    selection: Selection, points: Mapping[int, PointRow], seen: Mapping[int, SeededProfiles], layer: int
) -> Drawn:
    """What the runs of a layer of a group are draws of."""
    given = {number: data_seed(selection, points[number]) for number in seen}
    of_data = [
        one.seeds if given[number] is None else np.full(len(one.seeds), given[number], np.int64)
        for number, one in seen.items()
    ]
    draws = draws_of(np.concatenate(of_data), np.concatenate([one.seeds for one in seen.values()]))
    values = np.concatenate([one.values[:, layer - 1] for one in seen.values()])
    return Drawn(draws.over, draws.n, summarize_draws(draws, values))


def _failed(session: Session, selection: Selection, query: LineQuery) -> Mapping[Group, Lack]:
    """The runs of each group that failed; whether all did."""
    asked = replace(query, x=query.by[0] if query.by else ANYWHERE)
    found: defaultdict[Group, list[Lack]] = defaultdict(list)
    for (_, group), lack in lacks(session, selection, asked).items():
        if lack.failed:
            found[group].append(lack)
    return {
        group: Lack(sum(lack.failed for lack in some), all(lack.all_failed for lack in some))
        for group, some in found.items()
    }
