"""What is not well with the service, in sentences for its admin, each with what to look at or do."""

from collections.abc import Iterator
from datetime import timedelta

from phaselab.domain.results.failure_kinds import FailureKind
from phaselab.domain.settings.texts import span
from phaselab.service.verbs.overview import Overview

LONG_STACK = 0.8
"""The part of the longest time for a stack from which on a worker may be stuck."""
DAYS_LEFT = 14
BACKUP_DAYS = 7
OURS = {
    FailureKind.WORKER: "their workers died: look at the memory of the nodes, and at the log of the scheduler",
    FailureKind.DATA: "files of data sets are missing: `phaselab data fetch` on the nodes",
    FailureKind.UNSTORABLE: "what was computed cannot be stored: a fault of the code that computes",
    FailureKind.EXCEPTION: "of a fault of the code: the newest run has its traceback",
}
"""Kinds of failures that are nobody's spec, and what to do."""


def concerns(seen: Overview) -> Iterator[str]:
    """What is not well; nothing while all is."""
    if seen.lead.reason is not None:
        yield seen.lead.reason
    if seen.slots == 0:
        yield "no node holds a trial: look at the nodes, and at PHASELAB_TRIAL_CPUS and PHASELAB_TRIAL_GPUS"
    for experiment, reason in seen.asides.items():
        yield f"nothing of experiment {experiment} can be handed out: {reason}; the log of the scheduler says more"
    for one in seen.trials:
        if one.experiment_id is not None and one.seconds > LONG_STACK * seen.stack_limit_seconds:
            yield (
                f"a trial has computed one stack of experiment {one.experiment_id} for {span(one.seconds)}, and is"
                f" killed after {span(seen.stack_limit_seconds)} (PHASELAB_STACK_LIMIT_SECONDS)"
            )
    for failing in seen.failing:
        if failing.day and failing.kind in OURS:
            yield f"{failing.day} {'run' if failing.day == 1 else 'runs'} failed in a day, {OURS[failing.kind]}"
    yield from _of_storage(seen)


def _of_storage(seen: Overview) -> Iterator[str]:
    storage = seen.storage
    if storage.days_left is not None and storage.days_left < DAYS_LEFT:
        yield f"the disk of the database lasts for {storage.days_left:.0f} days more, as it grows: delete, or make room"
    if storage.free_bytes is not None and storage.free_bytes < storage.bytes:
        yield "the disk of the database has less room than the database takes: `phaselab db vacuum` needs as much"
    if storage.backup_at is not None and seen.at - storage.backup_at > timedelta(days=BACKUP_DAYS):
        ago = span((seen.at - storage.backup_at).total_seconds())
        yield f"the last backup by `phaselab db backup` is {ago} old"
