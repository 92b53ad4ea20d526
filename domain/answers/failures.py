"""Failed runs of an experiment by what they say of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from phaselab.domain.answers.fields import Answer, Field, Many, Maybe, Record, Table


@dataclass(frozen=True)
class FailuresQuery:
    """The failures of one experiment, those of the `limit` most frequent reasons."""

    experiment_id: int
    limit: int = 100


@dataclass(frozen=True)
class Failure:
    """A reason, how many runs failed for it, and the key of one of them. The reason is null while another experiment
    has such a run computed again."""

    reason: str | None
    count: int
    key: str


@dataclass(frozen=True)
class Failures:
    """The failures of a query, most frequent first."""

    items: Sequence[Failure]


FAILURE: Record[Failure] = Record(
    (
        Field("reason", Maybe("text"), lambda one: one.reason, "Why they failed; null while one is computed again."),
        Field("count", "integer", lambda one: one.count, "How many runs failed for it."),
        Field("key", "text", lambda one: one.key, "The key of one of them."),
    )
)
FAILURES: Answer[Failures] = Answer(
    Record((Field("items", Many(FAILURE), lambda found: found.items, "Reasons, the most frequent first."),)),
    lambda found: Table(FAILURE.fields, found.items),
)
