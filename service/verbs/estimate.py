"""Estimate: what an experiment would come to, with nothing stored."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from phaselab.db.reading import experiments
from phaselab.db.schema.database import Database
from phaselab.domain.families.cost import estimate_seconds
from phaselab.domain.families.extractor import extractor
from phaselab.domain.refining.typical import typical_share
from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.settings import Settings
from phaselab.domain.settings.stacks import shape
from phaselab.domain.specs.points import LIMITS, Limits
from phaselab.service.scheduling.sizing import MOST_RUNS, clamp
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
    database: Database, spec_data: object, limits: Limits = LIMITS, notify_allow: Sequence[str] = ()
) -> Estimate:
    """What `submit` would make of a spec. Raises InvalidInput as it would."""
    draft = drafted(spec_data, limits, notify_allow)
    with database.reading() as session:
        found = experiments.survey(session, draft)
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
    measured."""
    runs: Counter[str] = Counter()
    seconds: Counter[str] = Counter()
    for settings, count in to_compute:
        kind = shape(settings)
        runs[kind] += count
        seconds[kind] += math.ceil(count * estimate_seconds(settings) * 1e6)  # whole microseconds
    stacks = sum(
        math.ceil(count / clamp(count * 1e6 * STACK_SECONDS / seconds[kind], MOST_RUNS)) for kind, count in runs.items()
    )
    return stacks, sum(seconds.values()) / 1e6 + _extractor_seconds(to_compute)


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
