"""How much of its quotas an account has used."""

from collections.abc import Sequence
from dataclasses import dataclass

from phaselab.db.reading import use
from phaselab.db.schema.database import Database
from phaselab.service.base.configuration import Quotas
from phaselab.service.base.quotas import quotas_of, stored_of


@dataclass(frozen=True)
class Part:
    """A quota: its name among settings, what it limits, how much of that the account has now (null: it is of one
    experiment), and the most that it may have (null: no limit)."""

    name: str
    meaning: str
    used: float | None
    most: float | None


def use_of(database: Database, account: str, usual: Quotas) -> Sequence[Part]:
    """The quotas of an account, its own or the usual ones, and what it has of them; bytes as of a while ago."""
    with database.reading() as session:
        quotas = quotas_of(session, account, usual) or usual
        day = use.day_of(session, account).seconds
        stored = stored_of(database, session, account)
        return (
            Part("runs_each", "runs of one experiment", None, quotas.runs_each),
            Part("runs_queued", "runs that wait", use.waiting_runs(session, account), quotas.runs_queued),
            Part("seconds_a_day", "computing seconds of the last 24 hours", day, quotas.seconds_a_day),
            Part("bytes_stored", "bytes of results", stored, quotas.bytes_stored),
        )
