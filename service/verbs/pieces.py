"""The pieces that an answer is merged from: summaries of runs, each with the cell and the settings that it is of."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from phaselab.db.reading import point_rows
from phaselab.db.reading.point_rows import PointRow
from phaselab.db.schema.database import Session
from phaselab.domain.answers.cell_queries import CellQuery, Place
from phaselab.domain.results import summaries
from phaselab.domain.results.phases import DEFAULT_THRESHOLDS
from phaselab.domain.specs.stored import seeds_of
from phaselab.service.verbs.selection import Selection

Piece = tuple[Place, int]
"""A cell and settings that it has."""
Group = TypeVar("Group", bound=Hashable)


@dataclass(frozen=True)
class Pieces:
    """Summaries of runs [rows, WIDTH], in which no run counts twice, and the piece that each is of."""

    points: Mapping[Piece, Sequence[PointRow]]
    of: Sequence[Piece]
    rows: summaries.Floats

    def merged(self, group: Callable[[Piece], Group | None]) -> dict[Group, summaries.Floats]:
        """One summary for all pieces of each group, in order of first sight; None: of none."""
        groups = {piece: found for piece in self.points if (found := group(piece)) is not None}
        numbers = {found: i for i, found in enumerate(dict.fromkeys(groups.values()))}
        kept = [i for i, piece in enumerate(self.of) if piece in groups]
        dealt = [numbers[groups[self.of[i]]] for i in kept]
        rows = summaries.merge_groups(self.rows[kept], dealt, len(numbers))
        return {found: rows[i] for found, i in numbers.items()}


def pieces_of(session: Session, selection: Selection, query: CellQuery) -> Pieces:
    """The pieces of a diagram or of lines: stored summaries of points where they serve, else sums over run rows."""
    points: dict[Piece, list[PointRow]] = defaultdict(list)
    for point, place in zip(selection.points, places_of(selection, query), strict=True):
        points[place, point.settings_id].append(point)
    from_runs = query.thresholds != DEFAULT_THRESHOLDS
    chosen = {piece: () if from_runs else _covering(selection, found) for piece, found in points.items()}
    unions = _unions(session, selection, [piece[1] for piece, found in chosen.items() if not found], query)
    stored = [(one, piece) for piece, found in chosen.items() for one in found]
    rows = summaries.from_bytes([one.summary for one, _ in stored], [one.measures for one, _ in stored])
    summed = [(unions[piece[1]], piece) for piece, found in chosen.items() if not found]
    if summed:
        rows = np.concatenate([rows, [row for row, _ in summed]])
    return Pieces(points, [piece for _, piece in (*stored, *summed)], rows)


def places_of(selection: Selection, query: CellQuery) -> list[Place]:
    """The cell of every point."""
    columns = [selection.values(path) for path in query.across]
    across = list(zip(*columns, strict=True)) if columns else [()] * len(selection.points)
    return list(zip(selection.values(query.x), across, strict=True))


def _covering(selection: Selection, points: Sequence[PointRow]) -> Sequence[PointRow]:
    """Those points, among some with equal settings, that together count every run of all once: their experiments'
    seeds hold those of the others, and no two have a seed in common. None where there are no such points, and where the
    phases of one were counted by another rule, or it is damaged."""
    if not all(summaries.serves(point.summary, point.measures) for point in points):
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
    session: Session, selection: Selection, settings_ids: Sequence[int], query: CellQuery
) -> Mapping[int, summaries.Floats]:
    """Summaries, from run rows, of settings whose runs no single point covers."""
    if not settings_ids:
        return {}
    return point_rows.sum_up_union(session, list(selection.experiments), sorted(set(settings_ids)), query.thresholds)
