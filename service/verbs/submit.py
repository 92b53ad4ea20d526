"""Submit: from what a user sent to an experiment in the database."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from phaselab.db.reading import experiments
from phaselab.db.schema.database import Database
from phaselab.domain.families.cost import estimate_seconds
from phaselab.domain.families.extractor import extractor
from phaselab.domain.settings.faults import Fault, InvalidInput
from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.settings import Settings
from phaselab.domain.settings.stacks import shape
from phaselab.domain.specs.draft import Draft, make_draft
from phaselab.domain.specs.points import plan
from phaselab.domain.specs.spec import Spec, parse_spec
from phaselab.domain.specs.stored import Misfit, stored_spec
from phaselab.service.base.addresses import is_allowed
from phaselab.service.base.errors import Conflict
from phaselab.service.scheduling.sizing import MOST_RUNS, clamp

STACK_SECONDS = 1.0
"""Computing time that a stack is cut to, for the estimate of a dry run."""


@dataclass(frozen=True)
class Estimate:
    """What computing an experiment would take: stacks, and seconds on one core. Cached runs take nothing."""

    stacks: int
    seconds: float


@dataclass(frozen=True)
class Submitted:
    """What a submission came to.

    `id` is null for a dry run; `created` is False for a dry run and when the same submission was there already.
    `runs` counts distinct runs, `cached` those that are done already, `skipped` the points that were impossible.
    `estimate` is made for dry runs only.
    """

    id: int | None
    created: bool
    points: int
    skipped: int
    runs: int
    cached: int
    estimate: Estimate | None = None


def submit(
    database: Database,
    spec_data: object,
    owner: str,
    idempotency_key: str | None = None,
    dry_run: bool = False,
    max_runs: int = 1_000_000,
    notify_allow: Sequence[str] = (),
) -> Submitted:
    """Store a new experiment, or with `dry_run` tell what it would be and store nothing.

    The same spec under the same idempotency key of the same owner gives the experiment that is there. Raises
    InvalidInput for a spec that cannot be used, Conflict for a key that another spec was submitted under. A spec may
    name in `notify` what is in or under `notify_allow`.
    """
    spec = parse_spec(spec_data)
    _check_notify(spec, notify_allow)
    drafted = make_draft(plan(spec, max_runs))
    if dry_run:
        return _dry_run(database, drafted)
    with database.transaction() as session:
        if idempotency_key is not None:
            earlier = experiments.find_submitted(session, owner, idempotency_key)
            if earlier is not None:
                return _again(earlier, spec, idempotency_key)
        experiment_id = experiments.create_experiment(session, drafted, owner, idempotency_key)
        stored = experiments.get_experiment(session, experiment_id)
    assert stored is not None
    return Submitted(stored.id, True, stored.points, stored.skipped, stored.total, stored.cached)


def _check_notify(spec: Spec, allowed: Sequence[str]) -> None:
    if spec.notify is not None and not is_allowed(spec.notify, allowed):
        which = f"only {', '.join(allowed)} and what is under it" if allowed else "none"
        detail = f"the server may not send to {spec.notify[:200]!r}; it allows {which} (its setting notify_allow)"
        raise InvalidInput([Fault("/notify", detail)])


def _again(earlier: experiments.ExperimentRow, spec: Spec, idempotency_key: str) -> Submitted:
    if not _is_stored_as(earlier.spec, spec):
        raise Conflict(
            f"the Idempotency-Key {idempotency_key!r} was used for another spec (experiment {earlier.id});"
            " send a new key with a new spec"
        )
    return Submitted(earlier.id, False, earlier.points, earlier.skipped, earlier.total, earlier.cached)


def _is_stored_as(stored: Mapping[str, Any], spec: Spec) -> bool:
    try:
        return stored_spec(stored) == spec
    except Misfit:
        return False  # it fits this version no more, and what was sent does


def _dry_run(database: Database, drafted: Draft) -> Submitted:
    with database.reading() as session:
        found = experiments.survey(session, drafted)
    return Submitted(
        None,
        False,
        len(drafted.plan.points),
        drafted.plan.skipped,
        found.runs,
        found.cached,
        estimate(found.to_compute),
    )


def estimate(to_compute: Sequence[tuple[Settings, int]]) -> Estimate:
    """What so many runs of each settings take, stacked by shape as the scheduler does before it has measured."""
    runs: Counter[str] = Counter()
    seconds: Counter[str] = Counter()
    for settings, count in to_compute:
        kind = shape(settings)
        runs[kind] += count
        seconds[kind] += math.ceil(count * estimate_seconds(settings) * 1e6)  # whole microseconds
    stacks = sum(
        math.ceil(count / clamp(count * 1e6 * STACK_SECONDS / seconds[kind], MOST_RUNS)) for kind, count in runs.items()
    )
    return Estimate(stacks, sum(seconds.values()) / 1e6 + _extractor_seconds(to_compute))


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
