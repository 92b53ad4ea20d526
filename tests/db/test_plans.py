"""No query of the daily work reads a whole large table: its cost does not grow with the other experiments."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import event

from phaselab.db.care import sizes
from phaselab.db.queue import candidates, leases, progress, waiting
from phaselab.db.reading import audit, experiments, failures, point_rows, run_pages, run_rows
from phaselab.db.reading.run_pages import Listing
from phaselab.db.schema.database import Database, Session
from phaselab.db.writing import landing
from phaselab.domain.answers.conditions import parse_run_condition
from phaselab.domain.answers.run_lists import Order
from phaselab.domain.results.states import Stage
from phaselab.domain.settings.runs import Run
from tests.db.rows import finish, store, take
from tests.results import made_up

_WHERE = tuple(map(parse_run_condition, ("state=failed", "train_loss>1", "data.k=4", "phase!=lazy")))
_FILTERED = Listing(1, _WHERE, (Order("train_loss", True), Order("data.k")), frozenset({"data.k"}))
LARGE = ("runs", "experiment_runs", "points", "settings", "run_arrays", "audit")


def scans(database: Database, work: Callable[[Session], Any]) -> list[str]:
    """The statements of some work whose plan scans a large table, with the plan's line."""
    seen: list[tuple[str, Any]] = []

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        if statement.startswith(("SELECT", "UPDATE", "DELETE")):
            seen.append((statement, parameters))

    event.listen(database.engine, "before_cursor_execute", note)
    with database.transaction() as session:
        work(session)
        event.remove(database.engine, "before_cursor_execute", note)
        assert seen
        driver: Any = session.connection().connection.driver_connection
        return [
            f"{line}: {statement}"
            for statement, parameters in seen
            for *_, line in driver.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            if line.split()[0] == "SCAN" and line.split()[1] in LARGE
        ]


def _noted_progress(session: Session, runs: tuple[Run, ...]) -> None:
    progress.note(session, "worker", [run.key for run in runs], Stage.TRAINING, 0.5)
    assert progress.progress_of(session, 1)


@pytest.mark.parametrize(
    "work",
    [
        lambda session, runs: leases.take_stack(session, 1, lambda _: 5, "other", 60),
        lambda session, runs: candidates.queued_experiments(session),
        lambda session, runs: leases.unwanted(session, "worker"),
        lambda session, runs: leases.extend_leases(session, "worker", [run.key for run in runs], 60),
        lambda session, runs: leases.release(session, holder="worker"),
        lambda session, runs: landing.land(session, [made_up(run) for run in runs]),
        lambda session, runs: experiments.counts(session, 1),
        _noted_progress,
        lambda session, runs: experiments.list_experiments(session),
        lambda session, runs: point_rows.read_points(session, [1]),
        lambda session, runs: list(point_rows.read_curves(session, [1], [1, 2])),
        lambda session, runs: point_rows.read_measure(session, [1], [1, 2], "train_loss"),
        lambda session, runs: run_pages.page_of_runs(session, Listing(1), (0, 0, 0), 10),
        lambda session, runs: run_pages.page_of_runs(session, _FILTERED, None, 10),
        lambda session, runs: run_pages.count_runs(session, _FILTERED),
        lambda session, runs: run_rows.find_keys(session, "abcdef"),
        lambda session, runs: run_rows.page_of_results(session, 1, 5, 10),
        lambda session, runs: failures.read_failures(session, 1, 10),
        lambda session, runs: failures.read_lately(session, 7, 100),
        lambda session, runs: waiting.waiting(session),
        lambda session, runs: audit.list_deeds(session, None, 10, account="ada"),
        lambda session, runs: audit.list_deeds(session, None, 10, deed="cancel"),
        lambda session, runs: audit.list_deeds(session, 7, 10, account="ada", deed="cancel"),
        lambda session, runs: audit.deeds_done(session),
        lambda session, runs: sizes.last_backup(session),
        lambda session, runs: failures.read_failed_runs(session, [1]),
        lambda session, runs: failures.read_failed_runs(session, [1, 2]),
        lambda session, runs: run_rows.whole_run(session, runs[0].key),
    ],
)
def test_nothing_reads_a_whole_table(sqlite_database: Database, work: Callable[[Session, Any], Any]) -> None:
    first = store(sqlite_database, seeds=20)
    finish(sqlite_database, store(sqlite_database, seeds=5))
    runs = take(sqlite_database, first, most=6)
    with sqlite_database.transaction() as session:
        session.connection().exec_driver_sql("ANALYZE")
    assert scans(sqlite_database, lambda session: work(session, runs)) == []
