"""Whether the service can do what it is for."""

from dataclasses import dataclass

from phaselab.db.queue import leadership
from phaselab.db.schema.database import Database, Session

NOBODY = "no scheduler has the lead, so nothing is computed; the log of `phaselab serve` or `scheduler` says why"


@dataclass(frozen=True)
class Readiness:
    """Whether a scheduler has the lead; and the reason, as far as it is known, why nothing is computed: none has, or
    the last one ended before it could work."""

    leads: bool
    reason: str | None


def note_trouble(database: Database, reason: str | None) -> None:
    """Write down why nothing is computed, until a scheduler works; None: nothing is in the way. Raises DatabaseAway."""
    with database.transaction(alone=False) as session:
        if reason is None:
            leadership.end_trouble(session)
        else:
            leadership.note_trouble(session, reason)


def readiness(database: Database) -> Readiness:
    """How ready the service is, by what the database tells. Raises DatabaseAway."""
    with database.reading() as session:
        return ready_by(session)


def ready_by(session: Session) -> Readiness:
    """The same, in a session."""
    leads = leadership.holder_of(session) is not None
    trouble = leadership.trouble_of(session)
    return Readiness(leads, trouble or (None if leads else NOBODY))
