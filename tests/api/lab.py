"""A lab at work, for the pages of admins: accounts, a queue, workers, failures, sizes, quotas, a backup."""

from datetime import timedelta

from sqlalchemy import insert, update

from phaselab.db.care.sizes import BACKUP, note_size
from phaselab.db.queue import leadership, quota_use, workforce
from phaselab.db.queue.leases import take_stack
from phaselab.db.queue.workforce import Node, Share, Trial
from phaselab.db.schema import tables
from phaselab.db.schema.clock import database_time
from phaselab.db.schema.database import Database
from phaselab.db.writing import audit
from phaselab.db.writing.computed import hour_of
from phaselab.service.verbs import accounts
from phaselab.service.verbs.rights import Role
from tests.db.rows import store

NODES = (Node("node-a", "big.lab", 8.0, 1.0, 2), Node("node-b", "small.lab", 2.0, 0.0, 1))


def at_work(database: Database) -> dict[str, str]:
    """Fill a database that has the experiments of `tests.api.conftest`; the tokens of the accounts.

    Experiment 3 is ada's and computed, 4 waits behind it, 5 is of bob, who has computed enough, 6 is cyd's and paused.
    """
    tokens = {name: accounts.create(database, name, weight) for name, weight in (("ada", 2.0), ("bob", 1.0))}
    tokens |= {"boss": accounts.create(database, "boss", role=Role.ADMIN), "cyd": accounts.create(database, "cyd")}
    accounts.change(database, "bob", seconds_a_day=100.0, bytes_stored=10**6, runs_queued=1000)
    for number, owner in enumerate(("ada", "ada", "bob", "cyd")):
        store(database, owner=owner, name=f"of {owner} {number}", data={"d": 70 + number, "n": 20})
    with database.transaction() as session:
        now = database_time(session)
        taken = take_stack(session, 3, lambda _: 5, "scheduler", 60.0)
        assert taken is not None
        session.execute(update(tables.experiments).where(tables.experiments.c.id == 6).values(status="paused"))
        assert leadership.acquire(session, "big.lab:pid/17/4", 600.0)
        computes = Trial("trial-1", "node-a", 42.0, 3, "ada", len(taken.stack.runs), "training", 0.25)
        shares = (Share("ada", 30.0, 1), Share("bob", 90.0, 0))
        workforce.tell(session, NODES, (computes, Trial("trial-2", "node-b", 3.0)), shares)
        session.execute(insert(tables.computed).values(owner="bob", hour=hour_of(now), seconds=140.0))
        quota_use.note(session, {"bob": 250_000})
        audit.note(session, BACKUP, subject="monday.db")
        for days in (1, 2, 3):
            day = f"{now - timedelta(days=days):%Y-%m-%d}"
            session.execute(insert(tables.sizes).values(day=day, bytes=10**6 - days * 10**4))
    note_size(database)
    return tokens
