"""What the runs of each cell of a diagram are independent draws of."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from phaselab.db.reading import point_rows
from phaselab.db.reading.point_rows import PointRow
from phaselab.db.schema.database import Session
from phaselab.domain.answers.diagram import DiagramQuery, Drawn
from phaselab.domain.answers.diagram import Place as Cell
from phaselab.domain.results import summaries
from phaselab.domain.results.draws import draws_of, summarize_draws
from phaselab.domain.results.over import Over
from phaselab.domain.specs.stored import base_value
from phaselab.service.verbs.pieces import Pieces, Place
from phaselab.service.verbs.selection import Selection


def drawn(session: Session, selection: Selection, query: DiagramQuery, pieces: Pieces) -> dict[Cell, Drawn]:
    """What the runs of each cell are draws of, but for cells whose runs each have data of their own.

    Runs of one settings share data where `data.seed` is given. Several settings in a cell share what their seeds share;
    where data seeds are given, each is one draw, and else the runs tell.
    """
    data_seeds = {place: _data_seed(selection, found[0]) for place, found in pieces.places.items()}
    cells: dict[Cell, list[Place]] = defaultdict(list)
    for place in pieces.places:
        cells[place[:2]].append(place)
    seeds = {cell: [data_seeds[place] for place in places] for cell, places in cells.items()}
    by_data = {cell for cell, given in seeds.items() if len(set(given)) > 1 and None not in given}
    alone = {cell for cell, given in seeds.items() if len(given) == 1}
    found = {cell: Drawn(Over.WEIGHTS) for cell in alone if seeds[cell] != [None]}
    merged = pieces.merged(lambda place: (*place[:2], data_seeds[place]) if place[:2] in by_data else None)
    means: dict[Cell, list[tuple[int, float | None]]] = defaultdict(list)
    for group, row in merged.items():
        summary = summaries.summary_of(row, query.measure)
        means[group[:2]].append((summaries.counts(row)[0], summary.mean if summary else None))
    for cell, of_data in means.items():
        of_runs = sum(runs > 0 for runs, _ in of_data)
        found[cell] = Drawn(Over.DATA, of_runs, summaries.summarize(mean for _, mean in of_data))
    from_runs = {cell: places for cell, places in cells.items() if cell not in alone and cell not in by_data}
    return found | _drawn_from_runs(session, query, from_runs, data_seeds)


def _drawn_from_runs(
    session: Session,
    query: DiagramQuery,
    cells: Mapping[Cell, Sequence[Place]],
    data_seeds: Mapping[Place, int | None],
) -> dict[Cell, Drawn]:
    """The same of cells of which only the runs tell."""
    if not cells:
        return {}
    wanted = sorted({place[2] for places in cells.values() for place in places})
    settings, seeds, values = point_rows.read_seeds(session, query.experiments, wanted, query.measure)
    bounds = {one: np.searchsorted(settings, [one, one + 1]) for one in wanted}
    found = {}
    for cell, places in cells.items():
        rows = [np.arange(*bounds[place[2]]) for place in places]
        data = [
            seeds[some] if data_seeds[place] is None else np.full(len(some), data_seeds[place], np.int64)
            for some, place in zip(rows, places, strict=True)
        ]
        chosen = np.concatenate(rows)
        if len(chosen):
            draws = draws_of(np.concatenate(data), seeds[chosen])
            found[cell] = Drawn(draws.over, draws.n, summarize_draws(draws, values[chosen]))
    return found


def _data_seed(selection: Selection, point: PointRow) -> int | None:
    """The data seed that a point's runs share; None where each run's own seed is that of its data."""
    spec = selection.experiments[point.experiment_id].spec
    given = point.values["data.seed"] if "data.seed" in point.values else base_value(spec, "data.seed")
    return given if isinstance(given, int) else None
