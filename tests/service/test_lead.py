"""The lead, on real databases."""

import threading
from datetime import datetime

from sqlalchemy import select

from phaselab.db.schema.database import Database
from phaselab.db.schema.tables import leader
from phaselab.service.scheduling.lead import Lead
from phaselab.service.scheduling.watchdog import Watchdog
from tests.faults.harness import wait_until


def expiry(database: Database) -> datetime:
    with database.reading() as session:
        return session.execute(select(leader.c.expires_at)).scalar_one()


def test_a_leader_renews_while_another_writes_at_length(postgresql_url: str) -> None:
    """A long submission must not cost the scheduler its lead."""
    database = Database(postgresql_url)
    lead = Lead(database, 2.0)
    assert lead.wait(threading.Event())
    first = expiry(database)
    with database.transaction():
        lead.keep(Watchdog())
        wait_until(lambda: expiry(database) > first, "the lead is renewed", 20)
    lead.give_up()
    database.close()


def test_who_is_told_to_stop_stands_by_no_longer(database: Database) -> None:
    first, second, stopping = Lead(database, 60.0), Lead(database, 60.0), threading.Event()
    first._holder = "elsewhere:1/2/3"  # of another machine, so that nobody here can know whether it lives
    assert first.wait(stopping)
    waiting: list[bool] = []
    thread = threading.Thread(target=lambda: waiting.append(second.wait(stopping)))
    thread.start()
    stopping.set()
    thread.join()
    assert waiting == [False]
    stopping.clear()
    first.give_up()
    assert second.wait(stopping)
    second.give_up()
