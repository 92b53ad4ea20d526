"""Estimate: what an experiment would come to, with nothing stored."""

import math
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from phaselab.db.reading import experiments
from phaselab.db.schema.database import Database
from phaselab.domain.families.cost import estimate_seconds, training_seconds
from phaselab.domain.families.extractor import extractor
from phaselab.domain.refining.typical import typical_share
from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.settings import Settings
from phaselab.domain.settings.stacks import shape, training_of
from phaselab.domain.specs.points import LIMITS, Limits
from phaselab.service.scheduling.sizing import stacks_of
from phaselab.service.verbs.submit import drafted

STACK_SECONDS = 1.0
"""Computing time that a stack is cut to."""


@dataclass(frozen=True)
class Estimate:
    """What an experiment would come to: `points`, `skipped` ones that are impossible, distinct `runs`, `cached` ones
    that are done already, and for the rest `stacks` and `seconds` on one core. Of a refinement the rest is what it
    would measure if one boundary ran through each slice from corner to corner; `measured` counts it and what is done.
    """

    points: int
    skipped: int
    runs: int
    cached: int
    measured: int
    stacks: int
    seconds: float


def estimate(
    database: Database, spec_data: object, owner: str, limits: Limits = LIMITS, notify_allow: Sequence[str] = ()
) -> Estimate:
    """What `submit` would make of an owner's spec. Raises InvalidInput as it would."""
    draft = drafted(spec_data, limits, notify_allow)
    with database.reading() as session:
        found = experiments.survey(session, draft, owner)
    part = typical_share(draft.plan)
    stacks, seconds = _computing(found.to_compute)
    left = found.runs - found.cached
    return Estimate(
        points=len(draft.plan.points),
        skipped=draft.plan.skipped,
        runs=found.runs,
        cached=found.cached,
        measured=found.cached + math.ceil(left * part),
        stacks=math.ceil(stacks * part),
        seconds=seconds * part,
    )


def _computing(to_compute: Sequence[tuple[Settings, int]]) -> tuple[int, float]:
    """(stacks, seconds) of so many runs of each settings, stacked by shape as the scheduler does before it has
    measured; runs of one training train once."""
    alike: defaultdict[str, _Work] = defaultdict(_Work)
    for same in _by_training(to_compute):
        work, trained = alike[shape(same[0][0])], 0
        for settings, count in same:  # the longest first: it is the training of as many of the others
            training = training_seconds(settings)
            work.runs += count
            work.looking += count * (estimate_seconds(settings) - training)
            new = max(0, count - trained)
            work.trainings += new
            work.training += new * training
            trained += new
    stacks = sum(stacks_of(one.runs, one.trainings, one.training, one.looking, STACK_SECONDS) for one in alike.values())
    seconds = sum(one.training + one.looking for one in alike.values())
    return stacks, round(seconds, 6) + _extractor_seconds(to_compute)


@dataclass
class _Work:
    """Runs of one shape, their trainings, and the seconds of both."""

    runs: int = 0
    trainings: int = 0
    training: float = 0.0
    looking: float = 0.0


def _by_training(to_compute: Sequence[tuple[Settings, int]]) -> Iterable[Sequence[tuple[Settings, int]]]:
    """Those that are one training together, the longest first."""
    found: defaultdict[Hashable, list[tuple[Settings, int]]] = defaultdict(list)
    for settings, count in to_compute:
        found[training_of(settings)].append((settings, count))
    return (sorted(same, key=lambda one: -one[0].training.steps) for same in found.values())


def _extractor_seconds(to_compute: Sequence[tuple[Settings, int]]) -> float:
    """What training the extractors of so many runs of each settings takes, each once: one for all runs on the same
    images. Whether their features are there already the database does not know."""
    needed: dict[str, tuple[float, int]] = {}
    for settings, count in to_compute:
        one = extractor(Run.of(settings, 0))
        if one is not None:
            image_sets = count if settings.data.seed is None else 1
            _, most = needed.get(one.key, (0.0, 0))
            needed[one.key] = (estimate_seconds(one.settings), max(most, image_sets))
    return sum(seconds * image_sets for seconds, image_sets in needed.values())
