"""The overview of a lab at work: who waits since when and why, what workers do, what fails, whether the disk lasts."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import delete, insert, update

from phaselab.db.queue import leadership, workforce
from phaselab.db.queue.workforce import Share, Trial
from phaselab.db.schema import tables
from phaselab.db.schema.clock import database_time
from phaselab.db.schema.database import Database
from phaselab.domain.results.failure_kinds import FailureKind, kind_of
from phaselab.domain.results.results import RunFailure
from phaselab.service.base.configuration import Configuration
from phaselab.service.scheduling.bookkeeper import Bookkeeper
from phaselab.service.verbs import accounts
from phaselab.service.verbs.concerns import concerns
from phaselab.service.verbs.overview import Overview, overview
from tests.api.conftest import fill
from tests.api.lab import NODES, at_work
from tests.db.rows import finish, land, store, take_all


@pytest.fixture
def lab(database: Database) -> Database:
    fill(database)
    at_work(database)
    return database


def seen(database: Database, **settings: object) -> Overview:
    return overview(database, Configuration.model_validate({"database_url": str(database.url), **settings}))


def reasons(database: Database, **settings: object) -> dict[int, str]:
    found = seen(database, **settings).places
    return {one.experiment.id: one.reason.text for one in found if one.reason is not None}


def test_everyone_who_waits_is_told_why(lab: Database) -> None:
    told = reasons(lab)
    assert told == {
        2: "it is next: stacks of it go out as trials become free",
        3: "it is next: stacks of it go out as trials become free",
        4: "experiment 3 of ada goes first: it is older",
        5: "bob has computed 140 s in 24 hours, and may compute 100 s",
        6: "it is paused, until somebody resumes it",
    }
    with lab.transaction() as session:
        session.execute(update(tables.experiments).where(tables.experiments.c.id == 4).values(priority=7))
    assert reasons(lab)[3] == "experiment 4 of ada goes first: its priority is 7"
    assert reasons(lab)[4] == "local used the workers less, for the weight, and goes first"
    assert reasons(lab, owner_trials=1)[4] == "ada has as many stacks out as it may have, 1"
    with lab.transaction() as session:
        leadership.note_aside(session, 6, "it is paused all the same")
        leadership.note_aside(session, 2, "OverflowError: a bug")
    assert reasons(lab)[2] == "nothing of it can be handed out, which is tried every half minute: OverflowError: a bug"
    assert any("nothing of experiment 2 can be handed out" in one for one in concerns(seen(lab)))
    with lab.transaction() as session:
        leadership.note_aside(session, 2, None)
        assert leadership.asides(session) == {6: "it is paused all the same"}
        leadership.end_asides(session)
        assert leadership.asides(session) == {}
    accounts.change(lab, "bob", seconds_a_day=None)
    assert reasons(lab)[5] == "local, ada used the workers less, for the weight, and go first"
    with lab.transaction() as session:
        workforce.tell(session, [replace(one, slots=0) for one in NODES], (), ())
    assert reasons(lab)[2] == "no node that is there holds a trial"
    with lab.transaction() as session:
        leadership.release(session, "big.lab:pid/17/4")
    assert reasons(lab)[2] == "nothing is computed, for no scheduler has the lead"
    assert seen(lab).nodes == [], "what a scheduler that is gone has told is not shown"


def test_owners_have_what_they_used_and_are_due(lab: Database) -> None:
    found = {one.name: one for one in seen(lab).owners}
    assert {name: (one.left, one.stacks, one.used, one.due) for name, one in found.items()} == {
        "ada": (36, 1, 0.25, 0.4),
        "local": (24, 0, 0.0, 0.2),
        "bob": (18, 0, 0.75, 0.2),
        "cyd": (18, 0, 0.0, 0.2),
    }
    view = seen(lab)
    assert (view.waiting, view.running, view.slots) == (91, 5, 3)
    assert seen(lab, max_trials=2).slots == 2
    assert [one.busy for one in view.nodes] == [1, 0]
    assert view.trials[0].seconds >= 42


def test_what_fails_is_told_by_kind_with_the_newest(lab: Database) -> None:
    broken = store(lab, owner="ada", name="breaks", data={"d": 90, "n": 20})
    runs = take_all(lab, broken)
    land(lab, [RunFailure(run.key, f"training diverged: after {i} steps") for i, run in enumerate(runs[:3])])
    land(lab, [RunFailure(runs[3].key, "the worker process died 3 times while it computed this run alone")])
    with lab.transaction() as session:
        of, now = tables.runs.c, database_time(session)
        for key, ago in ((runs[0].key, timedelta(days=3)), (runs[1].key, timedelta(days=8))):
            session.execute(update(tables.runs).where(of.key == key).values(landed_at=now - ago))
        session.execute(update(tables.runs).where(of.key == runs[2].key).values(landed_at=now + timedelta(seconds=1)))
    found = {one.kind: (one.day, one.week) for one in seen(lab).failing}
    assert found == {FailureKind.DIVERGED: (2, 3), FailureKind.WORKER: (1, 1)}
    assert not seen(lab).failures_cut
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("phaselab.service.verbs.overview.MOST_FAILURES", 2)
        cut = seen(lab)
    assert (cut.failures_cut, sum(one.week for one in cut.failing)) == (True, 2), "of the newest"
    diverged = seen(lab).failing[0]
    assert (diverged.key, diverged.reason) == (runs[2].key, "training diverged: after 2 steps")
    assert any("1 run failed in a day, their workers died" in one for one in concerns(seen(lab)))


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("training diverged: the loss is not finite after 3 steps at rate 0.1", "diverged"),
        ("the extractor diverged: the features of its run", "diverged"),
        ("does not fit into the memory of cuda: CUDA out of memory", "memory"),
        ("handed out 12 times, and never came back with a result", "worker"),
        ("/data/mnist/x.gz: No such file. Expected x.gz of 7 bytes: run `phaselab data fetch mnist`, or", "data"),
        ("its settings, stored by another version, do not fit this one: data.q", "misfit"),
        ("its result cannot be stored: TypeError: bytes", "unstorable"),
        ("the measure train_loss is not finite: nan", "unstorable"),
        ("ZeroDivisionError: division by zero", "exception"),
        ("ordered by the test", "other"),
        (None, "other"),
    ],
)
def test_reasons_have_kinds(reason: str | None, kind: str) -> None:
    assert kind_of(reason) == kind


def test_a_service_that_is_well_has_no_concerns_and_others_have(lab: Database) -> None:
    assert [*concerns(seen(lab))] == []
    view = seen(lab)
    storage = replace(view.storage, free_bytes=1000, grows=500.0, backup_at=view.at - timedelta(days=9))
    stuck = Trial("t", "node-a", 6000.0, 3, "ada", 5)
    told = " ".join(concerns(replace(view, storage=storage, trials=[stuck], slots=0)))
    for words in ("lasts for 2 days", "less room", "9 days old", "3 for 1 h 40 min", "no node holds a trial"):
        assert words in told
    with lab.transaction() as session:
        leadership.note_trouble(session, "the scheduler ended: no node holds a trial of 8 CPUs")
    assert [*concerns(seen(lab))] == ["the scheduler ended: no node holds a trial of 8 CPUs"]


def test_growth_is_measured_or_not_told(lab: Database) -> None:
    storage = seen(lab).storage
    assert storage.grows == pytest.approx((storage.days[-1].bytes - storage.days[0].bytes) / 3)
    assert storage.bytes > 0
    assert storage.backup_at is not None
    assert (storage.free_bytes is None) is (storage.backend == "postgresql")
    parts = storage.days[-1].parts
    assert parts is not None
    assert {"runs", "arrays", "experiments", "audit"} <= parts.keys()
    assert 0 < sum(parts.values()) <= storage.days[-1].bytes
    with lab.transaction() as session:
        session.execute(delete(tables.sizes))
        session.execute(insert(tables.sizes).values(day="2026-01-01", bytes=7))
    assert (seen(lab).storage.grows, seen(lab).storage.days_left) == (None, None)


def test_the_bookkeeper_counts_what_quotas_are_for(database: Database) -> None:
    for name in ("ada", "bob", "cyd"):
        accounts.create(database, name)
    accounts.change(database, "ada", seconds_a_day=0.01)
    accounts.change(database, "bob", runs_queued=100)
    accounts.change(database, "cyd", bytes_stored=7, disabled=True)
    finish(database, store(database, owner="ada"))
    Bookkeeper(Configuration(), database).count_use()
    found = {(one.account, one.quota): one for one in seen(database).quotas}
    assert {key: one.used for key, one in found.items() if key[0] == "bob"} == {("bob", "runs_queued"): 0}
    used = found["ada", "seconds_a_day"]
    assert used.used is not None
    assert used.used >= used.limit
    assert used.room_at is not None
    assert ("cyd", "bytes_stored") not in found, "who may not come in uses nothing"
    store(database, owner="ada", data={"d": 41, "n": 20})
    Bookkeeper(Configuration(bytes_stored=10**9), database).count_use()
    found = {(one.account, one.quota): one for one in seen(database, bytes_stored=10**9).quotas}
    assert (found["ada", "bytes_stored"].used or 0) > (found["bob", "bytes_stored"].used or 0) == 0


def test_what_is_told_of_workers_is_replaced_and_forgotten(database: Database) -> None:
    with database.transaction() as session:
        workforce.tell(session, NODES, (Trial("a", "node-a", 5.0),), (Share("ada", 1.0, 1),))
        workforce.tell(session, NODES[:1], (), ())
        found = workforce.workforce(session)
        workforce.tell(session, (), (), ())
        assert leadership.acquire(session, "one", 60.0)
    assert (found.nodes, found.trials, found.shares, found.slots) == ([NODES[0]], [], [], 2)
    assert seen(database).slots is None, "a scheduler that has just begun has told of no node, and lacks none"
    assert [*concerns(seen(database))] == []


def test_who_leads_is_known_since_when(database: Database) -> None:
    with database.transaction() as session:
        assert leadership.acquire(session, "one", 60.0)
        first = leadership.held(session)
        assert leadership.acquire(session, "one", 60.0)
        assert leadership.renew(session, "one", 60.0)
        assert leadership.held(session) == first, "renewing is no beginning"
        session.execute(update(tables.leader).values(expires_at=database_time(session), since=None))
        assert leadership.held(session) is None
        assert leadership.acquire(session, "two", 60.0)
        later = leadership.held(session)
    assert first is not None
    assert first.since is not None
    assert later is not None
    assert later.since is not None
    assert (later.holder, later.since >= first.since) == ("two", True)
