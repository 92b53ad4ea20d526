"""The pieces that an answer is merged from: summaries of runs, each with the cell and the settings that it is of."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from phaselab.db.reading import point_rows
from phaselab.db.reading.point_rows import PointRow
from phaselab.db.schema.database import Session
from phaselab.domain.answers.diagram import DiagramQuery
from phaselab.domain.results import summaries
from phaselab.domain.results.phases import DEFAULT_THRESHOLDS
from phaselab.domain.settings.parameters import Value
from phaselab.domain.specs.stored import seeds_of
from phaselab.service.verbs.selection import Selection

Place = tuple[Value, Value, int]
"""A cell, by its values of x and y, and settings."""
Group = TypeVar("Group", bound=Hashable)


@dataclass(frozen=True)
class Pieces:
    """Summaries of runs [pieces, WIDTH], in which no run counts twice, and the place of each."""

    places: Mapping[Place, Sequence[PointRow]]
    of: Sequence[Place]
    rows: summaries.Floats

    def merged(self, group: Callable[[Place], Group | None]) -> dict[Group, summaries.Floats]:
        """One summary for all pieces of each group that a place belongs to, in order of first sight; None: of none."""
        groups = {place: found for place in self.places if (found := group(place)) is not None}
        numbers = {found: i for i, found in enumerate(dict.fromkeys(groups.values()))}
        kept = [i for i, place in enumerate(self.of) if place in groups]
        dealt = [numbers[groups[self.of[i]]] for i in kept]
        rows = summaries.merge_groups(self.rows[kept], dealt, len(numbers))
        return {found: rows[i] for found, i in numbers.items()}


def pieces_of(session: Session, selection: Selection, query: DiagramQuery) -> Pieces:
    """The pieces of a diagram: stored summaries of points where they serve, else sums over run rows."""
    places: dict[Place, list[PointRow]] = defaultdict(list)
    for point, x, y in zip(selection.points, selection.values(query.x), selection.values(query.y), strict=True):
        places[x, y, point.settings_id].append(point)
    from_runs = query.thresholds != DEFAULT_THRESHOLDS
    chosen = {place: () if from_runs else _covering(selection, found) for place, found in places.items()}
    unions = _unions(session, selection, [place[2] for place, found in chosen.items() if not found], query)
    stored = [(one, place) for place, found in chosen.items() for one in found]
    rows = summaries.from_bytes([one.summary for one, _ in stored], [one.measures for one, _ in stored])
    summed = [(unions[place[2]], place) for place, found in chosen.items() if not found]
    if summed:
        rows = np.concatenate([rows, [row for row, _ in summed]])
    return Pieces(places, [place for _, place in (*stored, *summed)], rows)


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
