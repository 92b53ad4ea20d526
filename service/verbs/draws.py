"""What the runs of each cell of a diagram are independent draws of."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from phaselab.db.reading import point_rows
from phaselab.db.reading.point_rows import PointRow
from phaselab.db.schema.database import Session
from phaselab.domain.answers.cell_queries import CellQuery, Place
from phaselab.domain.answers.cells import Drawn
from phaselab.domain.results import summaries
from phaselab.domain.results.draws import at_most, draws_of, summarize_draws
from phaselab.domain.results.over import Over
from phaselab.domain.specs.stored import base_value
from phaselab.service.verbs.pieces import Piece, Pieces
from phaselab.service.verbs.selection import Selection

MOST_READ = 20_000
"""Most runs of an answer that are read one by one to tell what they are draws of, where their own seeds are those of
their data."""


def drawn(session: Session, selection: Selection, query: CellQuery, pieces: Pieces) -> dict[Place, Drawn]:
    """What the runs of each cell are draws of, but for cells whose runs each have data of their own.

    Runs of one settings share data where `data.seed` is given. Several settings in a cell share what their seeds share;
    where data seeds are given, each is one draw, and else the runs tell.
    """
    data_seeds = {piece: data_seed(selection, found[0]) for piece, found in pieces.points.items()}
    cells: dict[Place, list[Piece]] = defaultdict(list)
    for piece in pieces.points:
        cells[piece[0]].append(piece)
    seeds = {cell: [data_seeds[piece] for piece in some] for cell, some in cells.items()}
    by_data = {cell for cell, given in seeds.items() if len(set(given)) > 1 and None not in given}
    alone = {cell for cell, given in seeds.items() if len(given) == 1}
    found = {cell: Drawn(Over.WEIGHTS) for cell in alone if seeds[cell] != [None]}
    merged = pieces.merged(lambda piece: (piece[0], data_seeds[piece]) if piece[0] in by_data else None)
    means: dict[Place, list[tuple[int, float | None]]] = defaultdict(list)
    for (cell, _), row in merged.items():
        summary = summaries.summary_of(row, query.measure)
        means[cell].append((summaries.counts(row)[0], summary.mean if summary else None))
    for cell, of_data in means.items():
        of_runs = sum(runs > 0 for runs, _ in of_data)
        found[cell] = Drawn(Over.DATA, of_runs, summaries.summarize(mean for _, mean in of_data))
    from_runs = {cell: some for cell, some in cells.items() if cell not in alone and cell not in by_data}
    found |= _bounded(query, pieces, from_runs, data_seeds)
    left = {cell: some for cell, some in from_runs.items() if cell not in found}
    return found | _drawn_from_runs(session, query, left, data_seeds)


def _bounded(
    query: CellQuery, pieces: Pieces, cells: Mapping[Place, Sequence[Piece]], data_seeds: Mapping[Piece, int | None]
) -> dict[Place, Drawn]:
    """The same, at most as sure, from summaries alone: of cells whose runs all have data of their own, where they are
    too many to be read one by one."""
    rows = pieces.merged(lambda piece: piece if piece[0] in cells else None)
    if sum(summaries.counts(row)[0] for row in rows.values()) <= MOST_READ:
        return {}
    found = {}
    for cell, some in cells.items():
        sums = [summaries.summary_of(rows[piece], query.measure) for piece in some]
        defined = [one for one in sums if one is not None]
        if defined and all(data_seeds[piece] is None for piece in some):
            over = at_most(defined)
            found[cell] = Drawn(Over.DATA, over.n, over)
    return found


def _drawn_from_runs(
    session: Session,
    query: CellQuery,
    cells: Mapping[Place, Sequence[Piece]],
    data_seeds: Mapping[Piece, int | None],
) -> dict[Place, Drawn]:
    """The same of cells of which only the runs tell."""
    if not cells:
        return {}
    wanted = sorted({piece[1] for some in cells.values() for piece in some})
    settings, seeds, values = point_rows.read_seeds(session, query.experiments, wanted, query.measure)
    bounds = {one: np.searchsorted(settings, [one, one + 1]) for one in wanted}
    found = {}
    for cell, pieces in cells.items():
        rows = [np.arange(*bounds[piece[1]]) for piece in pieces]
        data = [
            seeds[some] if data_seeds[piece] is None else np.full(len(some), data_seeds[piece], np.int64)
            for some, piece in zip(rows, pieces, strict=True)
        ]
        chosen = np.concatenate(rows)
        if len(chosen):
            draws = draws_of(np.concatenate(data), seeds[chosen])
            found[cell] = Drawn(draws.over, draws.n, summarize_draws(draws, values[chosen]))
    return found


def data_seed(selection: Selection, point: PointRow) -> int | None:
    """The data seed that a point's runs share; None where each run's own seed is that of its data."""
    spec = selection.experiments[point.experiment_id].spec
    given = point.values["data.seed"] if "data.seed" in point.values else base_value(spec, "data.seed")
    return given if isinstance(given, int) else None
