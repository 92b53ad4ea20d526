"""What the database holds for a query of cells."""

from phaselab.db.schema.database import Session
from phaselab.domain.answers.cell_queries import CellQuery
from phaselab.domain.answers.cells import Found
from phaselab.service.verbs.draws import drawn
from phaselab.service.verbs.inferred import inferred
from phaselab.service.verbs.lacks import lacks
from phaselab.service.verbs.pieces import pieces_of
from phaselab.service.verbs.selection import Selection
from phaselab.service.verbs.sums import summed_up


def find(session: Session, selection: Selection, query: CellQuery) -> Found:
    """What is found at the points that were selected."""
    pieces = pieces_of(session, selection, query)
    said = inferred(session, selection, query)
    return Found(
        summed_up(session, selection, query, pieces),
        selection.revision,
        selection.names,
        lacks(session, selection, query),
        drawn(session, selection, query, pieces),
        said.phases,
        said.sides,
        said.refinements,
    )
