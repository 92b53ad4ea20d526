"""What the scheduler tells of its workers: when it has changed, and never in the way of computing."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from sqlalchemy import select

from phaselab.db.queue.workforce import Node, Share, Trial
from phaselab.db.schema import tables
from phaselab.db.schema.away import DatabaseAway
from phaselab.db.schema.database import Database
from phaselab.service.base.configuration import Configuration
from phaselab.service.scheduling import telling
from phaselab.service.scheduling.bookkeeper import Bookkeeper
from phaselab.service.scheduling.telling import Telling
from phaselab.service.scheduling.work_queue import WorkQueue
from tests.api.lab import NODES
from tests.faults.harness import wait_until

TRIAL = Trial("a", "node-a", 1.0, 3, "ada", 5, "training", 0.5)
SHARES = (Share("ada", 7.0, 1),)


class Told:
    """A queue that counts what it is told, and fails on order."""

    def __init__(self) -> None:
        self.times = 0
        self.fault: Exception | None = None

    def tell(self, nodes: Sequence[Node], trials: Sequence[Trial], shares: Sequence[Share]) -> None:
        self.times += 1
        if self.fault is not None:
            raise self.fault


def test_it_is_told_when_it_has_changed_and_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    queue = Told()
    teller = Telling(queue)  # type: ignore[arg-type]
    teller.tell(NODES, (TRIAL,), SHARES)
    teller.tell(NODES, (replace(TRIAL, seconds=2.0),), (Share("ada", 6.9, 1),))
    assert queue.times == 1, "time passes by itself"
    teller.tell(NODES, (replace(TRIAL, stage_share=0.6),), SHARES)
    teller.tell(NODES[:1], (replace(TRIAL, stage_share=0.6),), SHARES)
    assert queue.times == 3
    monkeypatch.setattr(telling, "STEADY_SECONDS", 0.0)
    teller.tell(NODES[:1], (replace(TRIAL, stage_share=0.6),), SHARES)
    assert queue.times == 4


def test_a_fault_of_it_keeps_nobody_from_computing(caplog: pytest.LogCaptureFixture) -> None:
    queue = Told()
    queue.fault = OverflowError("a bug")
    teller = Telling(queue)  # type: ignore[arg-type]
    teller.tell(NODES, (TRIAL,), SHARES)
    assert "cannot be written down" in caplog.text
    queue.fault = DatabaseAway("gone")
    with pytest.raises(DatabaseAway):
        teller.tell((), (), ())


def test_what_is_told_is_gone_with_the_lead(sqlite_database: Database) -> None:
    queue = WorkQueue(sqlite_database, 60.0)
    queue.tell(NODES, (TRIAL,), SHARES)
    queue.forget_workforce()
    with sqlite_database.reading() as session:
        for table in (tables.nodes, tables.trials, tables.shares):
            assert session.execute(select(table)).all() == []


def test_the_bookkeeper_counts_by_itself_and_goes_on_after_a_fault(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    keeper, faults = Bookkeeper(Configuration(), sqlite_database), [ValueError("a bug"), DatabaseAway("gone")]
    count = keeper.count_sizes

    def sometimes() -> None:
        if faults:
            raise faults.pop()
        count()

    def sizes() -> int:
        with sqlite_database.reading() as session:
            return len(session.execute(select(tables.sizes)).all())

    monkeypatch.setattr("phaselab.service.scheduling.bookkeeper.SIZE_SECONDS", 0.01)
    monkeypatch.setattr(keeper, "count_sizes", sometimes)
    keeper.start()
    wait_until(lambda: sizes() == 1, "the size is noted", 20)
    keeper.stop()
    assert "the database is away" in caplog.text
    assert "cannot be counted" in caplog.text
