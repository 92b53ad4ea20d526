"""The runs of each cell, summed up."""

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace

from phaselab.db.reading import point_rows
from phaselab.db.schema.database import Session
from phaselab.domain.answers.cell_queries import CellQuery, Place
from phaselab.domain.answers.cells import PointSummary
from phaselab.domain.results import summaries
from phaselab.domain.results.phases import DECIDING
from phaselab.domain.results.statistics import is_quantile
from phaselab.domain.specs.stored import readable_settings
from phaselab.service.verbs.pieces import Piece, Pieces
from phaselab.service.verbs.selection import Selection

SAME_NETWORKS = ("data.seed", "attack.")
"""How parameters begin that leave open neither what is drawn nor what is trained."""


def summed_up(session: Session, selection: Selection, query: CellQuery, pieces: Pieces) -> list[PointSummary]:
    """One summary for each cell (of quantiles: for each settings in each cell)."""
    whole = is_quantile(query.statistic)
    group: Callable[[Piece], Hashable] = (lambda piece: piece) if whole else (lambda piece: piece[0])
    merged = pieces.merged(group)
    first: dict[Hashable, Piece] = {group(piece): piece for piece in reversed(list(pieces.points))}  # of each group
    names = tuple(dict.fromkeys((query.measure, *DECIDING)))
    mixed = _mixed(query, pieces)
    found = [
        _point_summary(first[one], row, names, selection.texts[first[one][1]], first[one][0] in mixed)
        for one, row in merged.items()
    ]
    return _with_samples(session, query, found, pieces) if whole else found


def _mixed(query: CellQuery, pieces: Pieces) -> frozenset[Place]:
    """The cells that hold settings of more than one training: only what is averaged over can differ in a cell."""
    if all(path.startswith(SAME_NETWORKS) for path in query.marginalize):
        return frozenset()
    count = Counter(place for place, _ in pieces.points)
    return frozenset(place for place, settings in count.items() if settings > 1)


def _with_samples(
    session: Session, query: CellQuery, found: Sequence[PointSummary], pieces: Pieces
) -> list[PointSummary]:
    """The summaries with the measure of every one of their runs, each run once."""
    settings_ids = sorted({settings_id for _, settings_id in pieces.points})
    values = point_rows.read_measure(session, query.experiments, settings_ids, query.measure)
    filled = []
    for summary, points in zip(found, pieces.points.values(), strict=True):
        sample: dict[int, float] = {}
        for point in points:
            sample |= values.get((point.experiment_id, point.settings_id), {})
        filled.append(replace(summary, sample=tuple(sample.values())))
    return filled


def _point_summary(piece: Piece, row: summaries.Floats, names: Sequence[str], text: str, mixed: bool) -> PointSummary:
    n, suspect = summaries.counts(row)
    return PointSummary(
        place=piece[0],
        settings=readable_settings(text),
        n=n,
        suspect=suspect,
        measures={name: summaries.summary_of(row, name) for name in names},
        phases=summaries.phase_counts(row),
        mixed=mixed,
    )
