"""Quotas: what is refused, with which figures and until when; and who waits for another day."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import insert, select

from phaselab.db.reading import use
from phaselab.db.schema import tables
from phaselab.db.schema.clock import database_time
from phaselab.db.schema.database import Database, Session
from phaselab.db.writing.computed import hour_of
from phaselab.service.base import quotas
from phaselab.service.base.configuration import NO_QUOTAS, Quotas
from phaselab.service.base.errors import QuotaExceeded
from phaselab.service.scheduling.work_queue import WorkQueue
from phaselab.service.verbs import accounts, experiments
from phaselab.service.verbs.portable import export_experiment, import_experiment
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


def computed(database: Database, hours_ago: Mapping[int, float]) -> datetime:
    """Let so many seconds have been computed for ada in those hours; when this one began."""
    with database.transaction() as session:
        hour = hour_of(database_time(session))
        rows = [{"owner": "ada", "hour": hour - timedelta(hours=age), "seconds": one} for age, one in hours_ago.items()]
        session.execute(insert(tables.computed), rows)
    return hour


def test_a_day_s_computing_is_forgotten_hour_by_hour(lab: Database) -> None:
    hour = computed(lab, {1: 100.0, 5: 40.0, 24: 1000.0})
    with lab.reading() as session:
        day = use.day_of(session, "ada")
        assert use.seconds_of(session, ["ada", "bob"]) == {"ada": 140.0}
    assert (day.seconds, day.hours[1], day.hours[5]) == (140.0, 100.0, 40.0)
    assert day.falls_under(120) == hour + timedelta(hours=19), "when the hour of the 40 s is a day old"
    assert day.falls_under(50) == hour + timedelta(hours=23)
    assert use.Day(datetime(2026, 1, 1, 0, 20, tzinfo=UTC), (1.0,) * 24).falls_under(0) == datetime(
        2026, 1, 2, tzinfo=UTC
    )


def test_what_lands_is_computed_for_whoever_asked_for_it(lab: Database) -> None:
    first, second = store(lab, owner="ada"), store(lab, owner="bob")
    finish(lab, first)
    third = store(lab, owner="eve")
    with lab.reading() as session:
        runs = session.execute(select(tables.runs.c.seconds)).scalars().all()
        assert experiments.experiment(lab, third).counts.cached == len(runs), "nothing is computed for eve"
        seconds = use.seconds_of(session, ["ada", "bob", "eve"])
    assert seconds == {"ada": pytest.approx(sum(runs)), "bob": pytest.approx(sum(runs))}
    experiments.delete(lab, first)
    experiments.delete(lab, second)
    with lab.reading() as session:
        assert use.seconds_of(session, ["ada"]) == {"ada": pytest.approx(sum(runs))}, "deleting gives no time back"


def test_who_has_computed_enough_today_waits_and_is_told_until_when(lab: Database) -> None:
    accounts.create(lab, "bob")
    hour = computed(lab, {1: 100.0, 5: 40.0})
    waiting, others = store(lab, owner="ada", data={"d": 77, "n": 20}), store(lab, owner="bob", data={"d": 78, "n": 20})
    usual = Quotas(seconds_a_day=120)
    with pytest.raises(
        QuotaExceeded, match=r"compute 120 s a day, and has computed 140 s.*room again in 1[89] h.*, at"
    ) as told:
        ask(lab, "more", usual)
    with lab.reading() as session:
        left = (hour + timedelta(hours=19) - database_time(session)).total_seconds()
    assert told.value.seconds == pytest.approx(left, abs=5)
    assert {one.id for one in WorkQueue(lab, 60.0).candidates()} == {waiting, others}
    assert {one.id for one in WorkQueue(lab, 60.0, usual).candidates()} == {others}
    accounts.change(lab, "ada", seconds_a_day=150.0)
    assert {one.id for one in WorkQueue(lab, 60.0, usual).candidates()} == {waiting, others}, "its own quota goes first"
    assert ask(lab, "more", usual)


def test_without_accounts_there_are_no_quotas(sqlite_database: Database) -> None:
    assert ask(sqlite_database, "six", Quotas(0, 0, 0.0, 0))
    assert WorkQueue(sqlite_database, 60.0, Quotas(0, 0, 0.0, 0)).candidates()


def test_asking_again_is_held_to_quotas_too(lab: Database) -> None:
    usual, one = Quotas(runs_queued=6), ask(lab, "one")
    experiments.cancel(lab, one)
    two = ask(lab, "two", data={"d": 41, "n": 20})
    with pytest.raises(QuotaExceeded, match="at most 6 runs of ada may wait, and 12 would"):
        experiments.retry(lab, one, usual=usual)
    assert experiments.experiment(lab, one).counts.queued == 0, "what is refused is not done"
    experiments.pause(lab, two)
    experiments.resume(lab, two, usual=usual)
    experiments.pause(lab, two)
    with pytest.raises(QuotaExceeded, match="at most 5 runs of ada may wait, and 6 would"):
        experiments.resume(lab, two, usual=Quotas(runs_queued=5))
    assert experiments.experiment(lab, two).row.status == "paused"
    experiments.cancel(lab, two)
    experiments.retry(lab, one, usual=usual)


def test_what_is_read_in_is_held_to_quotas_too(lab: Database) -> None:
    one = store(lab, owner="bob")
    finish(lab, one)
    content = b"".join(export_experiment(lab, one))
    total = experiments.experiment(lab, one).counts.total
    for few, said in (
        (Quotas(runs_each=total - 1), f"has at most {total - 1} runs, and this one {total}"),
        (Quotas(bytes_stored=len(content) - 1), f"take 0, and these are {len(content):,} more"),
    ):
        with pytest.raises(QuotaExceeded, match=said):
            import_experiment(lab, BytesIO(content), "ada", usual=few)
    assert len(experiments.list_experiments(lab).items) == 1
    enough = Quotas(runs_each=total, bytes_stored=len(content))
    experiments.delete(lab, one)
    assert import_experiment(lab, BytesIO(content), "ada", usual=enough).new == total
    with lab.reading() as session:
        assert use.seconds_of(session, ["ada"]) == {}, "it was computed elsewhere"


def test_the_sum_of_bytes_is_taken_again_only_where_that_is_cheap(
    lab: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a million runs it takes seconds, and everyone who submits would wait for it."""
    sums = []

    def slowly(session: Session, owner: str) -> int:
        sums.append(owner)
        clock.now += 2.0
        return 900 if len(sums) < 3 else 100

    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(quotas, "time", SimpleNamespace(monotonic=lambda: clock.now))
    monkeypatch.setattr(use, "stored_bytes", slowly)
    usual = Quotas(bytes_stored=1000)
    for expected, wait in ((1, 0.0), (1, 97.0), (2, 3.0)):
        clock.now += wait
        assert quotas.room_of(lab, "ada", usual).stored == 900
        assert len(sums) == expected
    with pytest.raises(QuotaExceeded):
        quotas.room_of(lab, "ada", Quotas(bytes_stored=800)).insist_on_bytes()
    clock.now += 9.0
    assert quotas.room_of(lab, "ada", Quotas(bytes_stored=800)).stored == 100, "who is refused is looked at sooner"
