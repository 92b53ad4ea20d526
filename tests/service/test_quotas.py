"""Quotas: what is refused, with which figures and until when; and who waits for another day."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from phaselab.db.reading import use
from phaselab.db.schema import tables
from phaselab.db.schema.clock import database_time
from phaselab.db.schema.database import Database
from phaselab.service.base.configuration import NO_QUOTAS, Quotas
from phaselab.service.base.errors import QuotaExceeded
from phaselab.service.scheduling.work_queue import WorkQueue
from phaselab.service.verbs import accounts, experiments
from phaselab.service.verbs.rights import Caller
from phaselab.service.verbs.submit import submit
from tests.db.rows import finish, store

SPEC = {"data": {"d": 40, "n": 20}, "attack": {"radii": [0, 1], "test_points": 10}, "seeds": 6}


def ask(database: Database, name: str, usual: Quotas = NO_QUOTAS, **more: Any) -> int:
    return submit(database, SPEC | {"name": name} | more, "ada", None, usual=usual).id


@pytest.fixture
def lab(database: Database) -> Database:
    accounts.create(database, "ada")
    return database


def test_an_experiment_has_so_many_runs_at_most(lab: Database) -> None:
    with pytest.raises(QuotaExceeded, match="has at most 5 runs, and this one 6"):
        ask(lab, "six", Quotas(runs_each=5))
    ask(lab, "six", Quotas(runs_each=6))
    accounts.change(lab, "ada", runs_each=2)
    with pytest.raises(QuotaExceeded, match="at most 2 runs"):
        ask(lab, "another", Quotas(runs_each=6))
    accounts.change(lab, "ada", runs_each=None)
    ask(lab, "another", Quotas(runs_each=6), data={"d": 41, "n": 20})


def test_so_many_runs_wait_at_most(lab: Database) -> None:
    usual = Quotas(runs_queued=10)
    first = ask(lab, "first", usual)
    with pytest.raises(QuotaExceeded, match="at most 10 runs of ada may wait, and 12 would"):
        ask(lab, "second", usual, data={"d": 41, "n": 20})
    assert len(experiments.list_experiments(lab).items) == 1, "what is refused is not there"
    experiments.cancel(lab, first, Caller("ada"))
    ask(lab, "second", usual, data={"d": 41, "n": 20})


def test_results_take_so_many_bytes_at_most(lab: Database) -> None:
    one = store(lab, owner="ada")
    finish(lab, one)
    with lab.reading() as session:
        stored = use.stored_bytes(session, "ada")
        assert use.stored_bytes(session, "bob") == 0
    assert stored > 0
    with pytest.raises(QuotaExceeded, match=f"may take {stored:,} bytes, and take {stored:,}"):
        ask(lab, "more", Quotas(bytes_stored=stored))
    ask(lab, "more", Quotas(bytes_stored=stored + 1))
    experiments.delete(lab, one, Caller("ada"))
    with lab.reading() as session:
        assert use.stored_bytes(session, "ada") == 0


def computed(database: Database, hours_ago: Mapping[int, float]) -> None:
    """Let runs of an experiment of ada's have been computed, so many hours ago in so many seconds."""
    one = store(database, owner="ada", seeds=len(hours_ago))
    finish(database, one)
    with database.transaction() as session:
        now, ids = database_time(session), tables.runs.c.id
        session.execute(update(tables.runs).values(seconds=0.0))
        for number, (hours, seconds) in enumerate(hours_ago.items(), start=1):
            at = now - timedelta(hours=hours, minutes=30)
            session.execute(update(tables.runs).where(ids == number).values(landed_at=at, seconds=seconds))


def test_a_day_s_computing_is_forgotten_hour_by_hour(lab: Database) -> None:
    computed(lab, {1: 100.0, 5: 40.0, 30: 1000.0})
    with lab.reading() as session:
        day = use.day_of(session, "ada")
        assert use.seconds_of(session, ["ada", "bob"]) == {"ada": 140.0}
    assert (day.seconds, day.hours[1], day.hours[5]) == (140.0, 100.0, 40.0)
    assert day.falls_under(120) == day.at + timedelta(hours=19), "once the 40 s are a day old"
    assert day.falls_under(50) == day.at + timedelta(hours=23)
    assert use.Day(datetime(2026, 1, 1, tzinfo=UTC), (1.0,) * 24).falls_under(0) == datetime(2026, 1, 2, tzinfo=UTC)


def test_who_has_computed_enough_today_waits_and_is_told_until_when(lab: Database) -> None:
    accounts.create(lab, "bob")
    computed(lab, {1: 100.0, 5: 40.0})
    waiting, others = store(lab, owner="ada", data={"d": 77, "n": 20}), store(lab, owner="bob", data={"d": 78, "n": 20})
    usual = Quotas(seconds_a_day=120)
    with pytest.raises(
        QuotaExceeded, match=r"compute 120 s a day, and has computed 140 s.*room again in 19 h, at"
    ) as told:
        ask(lab, "more", usual)
    assert told.value.seconds == 19 * 3600
    assert {one.id for one in WorkQueue(lab, 60.0).candidates()} == {waiting, others}
    assert {one.id for one in WorkQueue(lab, 60.0, usual).candidates()} == {others}
    accounts.change(lab, "ada", seconds_a_day=150.0)
    assert {one.id for one in WorkQueue(lab, 60.0, usual).candidates()} == {waiting, others}, "its own quota goes first"
    assert ask(lab, "more", usual)


def test_without_accounts_there_are_no_quotas(sqlite_database: Database) -> None:
    assert ask(sqlite_database, "six", Quotas(0, 0, 0.0, 0))
    assert WorkQueue(sqlite_database, 60.0, Quotas(0, 0, 0.0, 0)).candidates()
