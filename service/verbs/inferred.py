"""What refinements say of points that have no results."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from phaselab.db.schema.database import Session
from phaselab.db.writing.refining import Refining, read_refining
from phaselab.domain.answers.cell_queries import CellQuery, Place
from phaselab.domain.answers.refined import Progress, Refined
from phaselab.domain.refining.auditing import Audit
from phaselab.domain.refining.deciding import Decision, decide, is_cut_short
from phaselab.domain.refining.labels import phase_of
from phaselab.domain.refining.seen import NOTHING
from phaselab.domain.results.phases import DEFAULT_THRESHOLDS, Phase
from phaselab.domain.specs.refine import Level
from phaselab.service.verbs.pieces import places_of
from phaselab.service.verbs.selection import Selection


def inferred(
    session: Session, selection: Selection, query: CellQuery
) -> tuple[Mapping[Place, Phase | None], tuple[Refined, ...]]:
    """The phase that is inferred at each place, null where a refinement is by a level; and the refinements. Nothing
    where phases are asked for by other thresholds than refinements go by."""
    labels: dict[Place, set[Phase | None]] = defaultdict(set)
    refinements = []
    places = places_of(selection, query)
    for experiment_id in selection.experiments if query.thresholds == DEFAULT_THRESHOLDS else ():
        found = read_refining(session, experiment_id)
        if found is None:
            continue
        asked = [
            (place, point.position)
            for place, point in zip(places, selection.points, strict=True)
            if point.experiment_id == experiment_id
        ]
        decision = decide(found.seen, found.refine.audit, found.refine.seed, found.purse)
        says = found.slices.of_points([one.inferred for one in decision.rounds]).tolist()
        known = [(place, says[position]) for place, position in asked if says[position] != NOTHING]
        for place, label in known:
            labels[place].add(None if isinstance(found.refine.by, Level) else phase_of(label))
        refinements.append(_refined(experiment_id, found, decision, [position for _, position in asked], len(known)))
    return {place: next(iter(some)) for place, some in labels.items() if len(some) == 1}, tuple(refinements)


def _refined(experiment_id: int, found: Refining, decision: Decision, asked: Sequence[int], known: int) -> Refined:
    """The refinement of an experiment, its audit that of the slices that the points asked for are in."""
    slices = sorted(set(found.slices.places[list(asked), 0].tolist()))
    rounds = [decision.rounds[i] for i in slices]
    return Refined(
        experiment=experiment_id,
        by=f"{found.refine.by.measure} at {found.refine.by.level:g}" if isinstance(found.refine.by, Level) else "phase",
        progress=_progress(found, decision),
        measured=found.runs - found.held,
        runs=found.runs,
        inferred=known,
        first=sum((one.first for one in rounds), Audit()),
        later=sum((one.later for one in rounds), Audit()),
    )


def _progress(found: Refining, decision: Decision) -> Progress:
    if not found.ended and (decision.moves or any(one.waiting.any() for one in found.seen)):
        return Progress.REFINING
    short = is_cut_short(found.seen, found.refine.audit, found.refine.seed, found.purse)
    return Progress.BUDGET if short else Progress.COMPLETE
