"""What refinements say of points that have no results, and of the sides of the levels that they are refined by."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeVar

import numpy as np

from phaselab.db.schema.database import Session
from phaselab.db.writing.refining import Refining, read_refining
from phaselab.domain.answers.cell_queries import CellQuery, Place
from phaselab.domain.answers.refined import Mark, Progress, Refined
from phaselab.domain.refining.auditing import Audit
from phaselab.domain.refining.deciding import Decision, decide, is_cut_short
from phaselab.domain.refining.labels import phase_of, side_of
from phaselab.domain.refining.seen import NOTHING
from phaselab.domain.results.phases import DEFAULT_THRESHOLDS, Phase
from phaselab.domain.specs.refine import Level
from phaselab.service.verbs.pieces import places_of
from phaselab.service.verbs.selection import Selection

T = TypeVar("T", Phase | None, Mark)


class Inferred(NamedTuple):
    """The phase that is inferred at each place, null where a refinement is by a level; sides of levels, of what was
    measured, too; and the refinements."""

    phases: Mapping[Place, Phase | None]
    sides: Mapping[Place, Mark]
    refinements: tuple[Refined, ...]


def inferred(session: Session, selection: Selection, query: CellQuery) -> Inferred:
    """What refinements say at the points that were selected. Nothing where phases are asked for by other thresholds
    than refinements go by, nor where they contradict each other."""
    phases: dict[Place, set[Phase | None]] = defaultdict(set)
    sides: dict[Place, set[Mark]] = defaultdict(set)
    refinements = []
    places = places_of(selection, query)
    refined = [number for number, row in selection.experiments.items() if row.spec.get("refine") is not None]
    for experiment_id in refined if query.thresholds == DEFAULT_THRESHOLDS else ():
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
        by = found.refine.by
        for place, label in known:
            phases[place].add(None if isinstance(by, Level) else phase_of(label))
        if isinstance(by, Level):
            marks = _sides(found, by, says)
            for place, position in asked:
                sides[place].add(marks[position])
        refinements.append(_refined(experiment_id, found, decision, [position for _, position in asked], len(known)))
    return Inferred(_agreed(phases), _agreed(sides), tuple(refinements))


def _agreed(found: Mapping[Place, set[T]]) -> dict[Place, T]:
    return {place: next(iter(some)) for place, some in found.items() if len(some) == 1}


def _sides(found: Refining, by: Level, inferred: Sequence[int]) -> list[Mark]:
    """The side of every point of an experiment, measured or inferred."""
    measured = found.slices.of_points([one.label for one in found.seen]).tolist()
    certain = found.slices.of_points([(one.settled & one.certain).astype(np.int64) for one in found.seen]).tolist()
    return [
        Mark(side_of(own, by), bool(sure)) if other == NOTHING else Mark(side_of(other, by), True)
        for own, sure, other in zip(measured, certain, inferred, strict=True)
    ]


def _refined(experiment_id: int, found: Refining, decision: Decision, asked: Sequence[int], known: int) -> Refined:
    """The refinement of an experiment, its audit that of the slices that the points asked for are in."""
    slices = sorted(set(found.slices.places[list(asked), 0].tolist()))
    rounds = [decision.rounds[i] for i in slices]
    by = found.refine.by
    return Refined(
        experiment=experiment_id,
        by=f"{by.measure} at {by.level:g}" if isinstance(by, Level) else "phase",
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
