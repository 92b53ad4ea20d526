"""The audit as admins read it."""

from collections.abc import Sequence
from dataclasses import dataclass

from phaselab.db.reading.audit import Deed as Deed
from phaselab.db.reading.audit import deeds_done, list_deeds
from phaselab.db.schema.database import Database
from phaselab.db.writing.audit import ACTOR as ACTOR
from phaselab.db.writing.audit import Actor as Actor
from phaselab.service.base.cursors import place_of

OPERATOR = Actor("operator", "command line")
"""Whose deeds those of commands are."""


@dataclass(frozen=True)
class DeedPage:
    """Some deeds, newest first, and the cursor of those that follow, if any."""

    items: Sequence[Deed]
    next: str | None


def deeds(
    database: Database,
    cursor: str | None = None,
    limit: int = 50,
    account: str | None = None,
    experiment_id: int | None = None,
    deed: str | None = None,
) -> DeedPage:
    """A page of what was done: all, or by an account, to an experiment, of a kind. Raises InvalidInput for a cursor
    that was never given out."""
    before = place_of(cursor)
    with database.reading() as session:
        found, following = list_deeds(session, before, limit, account, experiment_id, deed)
    return DeedPage(found, None if following is None else str(following))


def kinds(database: Database) -> Sequence[str]:
    """The kinds of deeds that have been done."""
    with database.reading() as session:
        return deeds_done(session)
