"""Submit: from what a user sent to an experiment in the database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from phaselab.db.reading import experiments
from phaselab.db.schema.database import Database
from phaselab.db.writing import audit
from phaselab.domain.answers.claim_faults import check_claims
from phaselab.domain.refining.faults import check_refine
from phaselab.domain.settings.faults import Fault, InvalidInput
from phaselab.domain.specs.draft import Draft, make_draft
from phaselab.domain.specs.points import LIMITS, Limits, plan
from phaselab.domain.specs.spec import Spec, parse_spec
from phaselab.domain.specs.stored import Misfit, stored_spec
from phaselab.service.base.addresses import is_allowed
from phaselab.service.base.configuration import NO_QUOTAS, Quotas
from phaselab.service.base.errors import Conflict
from phaselab.service.base.quotas import room_of

MOST_JUDGED = 1_000_000
"""Most points that the claims of an experiment ask for together: each claim all of them, an order once a group."""


@dataclass(frozen=True)
class Submitted:
    """An experiment that was submitted; `created` is False when the same submission was there already. `runs` counts
    distinct runs, `cached` those that are done already, `skipped` the points that were impossible."""

    id: int
    created: bool
    points: int
    skipped: int
    runs: int
    cached: int


def submit(
    database: Database,
    spec_data: object,
    owner: str,
    idempotency_key: str | None = None,
    limits: Limits = LIMITS,
    notify_allow: Sequence[str] = (),
    usual: Quotas = NO_QUOTAS,
) -> Submitted:
    """Store a new experiment.

    The same spec under the same idempotency key of the same owner gives the experiment that is there. Raises
    InvalidInput for a spec that cannot be used, Conflict for a key that another spec was submitted under, QuotaExceeded
    for more than the owner may ask for, by its own quotas or the `usual` ones. A spec may name in `notify` what is in
    or under `notify_allow`.
    """
    draft, room = drafted(spec_data, limits, notify_allow), room_of(database, owner, usual)
    with database.transaction() as session:
        if idempotency_key is not None:
            earlier = experiments.find_submitted(session, owner, idempotency_key)
            if earlier is not None:
                return _again(earlier, draft.plan.spec, idempotency_key)
        room.insist_on_size(len(draft.runs))
        experiment_id = experiments.create_experiment(session, draft, owner, idempotency_key)
        room.insist(session)
        stored = experiments.get_experiment(session, experiment_id)
        audit.note(session, "submit", experiment_id, owner=owner, runs=len(draft.runs))
    assert stored is not None
    return _submitted(stored, True)


def drafted(spec_data: object, limits: Limits, notify_allow: Sequence[str]) -> Draft:
    """What a user sent, made ready to be stored. Raises InvalidInput for a spec that cannot be used here."""
    spec = parse_spec(spec_data)
    _check_notify(spec, notify_allow)
    return planned(spec, limits)


def planned(spec: Spec, limits: Limits) -> Draft:
    """A spec made ready to be stored, whoever it comes from. Raises InvalidInput for one whose points, claims or
    refinement cannot be used."""
    check_claims(spec.claims)
    drafted = make_draft(plan(spec, limits))
    check_refine(drafted.plan)
    asked = sum(len(claim.expect.groups or (0,)) for claim in spec.claims) * len(drafted.plan.points)
    if asked > MOST_JUDGED:
        detail = f"they ask for {asked:,} points in all, and at most {MOST_JUDGED:,} are judged; leave some out"
        raise InvalidInput([Fault("/claims", detail)])
    return drafted


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
    return _submitted(earlier, False)


def _is_stored_as(stored: Mapping[str, Any], spec: Spec) -> bool:
    try:
        return stored_spec(stored) == spec
    except Misfit:
        return False  # it fits this version no more, and what was sent does


def _submitted(row: experiments.ExperimentRow, created: bool) -> Submitted:
    return Submitted(row.id, created, row.points, row.skipped, row.total, row.cached)
