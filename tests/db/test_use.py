from datetime import datetime, timedelta

import pytest
from sqlalchemy import update

from phaselab.db.queue.fair_use import decayed_seconds
from phaselab.db.schema.clock import database_time
from phaselab.db.schema.database import Database
from phaselab.db.schema.tables import runs
from tests.db.rows import finish, store


def used(database: Database, half_life: float = 3600) -> dict[str, float]:
    with database.reading() as session:
        return dict(decayed_seconds(session, half_life))


def landed(database: Database, seconds: float, ago: timedelta) -> None:
    """Every run that has landed took `seconds`, and landed so long ago."""
    with database.transaction() as session:
        at: datetime = database_time(session) - ago
        session.execute(update(runs).where(runs.c.seconds.is_not(None)).values(seconds=seconds, landed_at=at))


def test_what_landed_counts_to_its_owner_and_what_was_there_before_does_not(database: Database) -> None:
    finish(database, store(database, owner="ada"))
    store(database, owner="bob")
    landed(database, 2.0, timedelta())
    assert used(database) == {"ada": pytest.approx(18 * 2.0, rel=0.1)}


@pytest.mark.parametrize("half_lives", [0.9, 2.0, 7.5])
def test_half_is_forgotten_every_half_life(database: Database, half_lives: float) -> None:
    finish(database, store(database))
    landed(database, 1.0, timedelta(seconds=100 * half_lives))
    assert used(database, 100) == {"ada": pytest.approx(18 * 0.5**half_lives, rel=0.12)}


def test_the_distant_past_is_forgotten(database: Database) -> None:
    finish(database, store(database))
    landed(database, 1.0, timedelta(seconds=100 * 9))
    assert used(database, 100) == {}


@pytest.mark.parametrize("seconds", [1e308, float("inf"), -1.0])
def test_seconds_that_no_run_took_count_nothing(database: Database, seconds: float) -> None:
    finish(database, store(database))
    landed(database, seconds, timedelta())
    assert used(database) == {"ada": 0.0}


def test_nobody_has_used_anything_of_an_empty_database(database: Database) -> None:
    assert used(database) == {}
