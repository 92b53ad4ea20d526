from dataclasses import replace

import numpy as np
import pytest
from sqlalchemy import select, update

from phaselab.db.care.check import check
from phaselab.db.queue.progress import progress_of
from phaselab.db.reading import experiments
from phaselab.db.schema.database import Database
from phaselab.db.schema.tables import runs
from phaselab.db.writing import verbs
from phaselab.domain.results.results import Curve, RunFailure, RunResult
from phaselab.domain.results.states import ExperimentStatus, RunState
from phaselab.service.verbs import runs as run_verbs
from tests.db.rows import finish, land, store, take, take_all
from tests.results import failure, made_up


def row(database: Database, experiment: int) -> experiments.ExperimentRow:
    with database.reading() as session:
        found = experiments.get_experiment(session, experiment)
        assert check(session) == []
    assert found is not None
    return found


def test_an_experiment_runs_from_queued_to_finished(database: Database) -> None:
    experiment = store(database)
    assert row(database, experiment).status is ExperimentStatus.QUEUED
    runs = take_all(database, experiment)
    started = row(database, experiment)
    assert started.status is ExperimentStatus.RUNNING
    assert started.started_at is not None
    assert started.started_at >= started.created_at
    land(database, [made_up(run) for run in runs[:-1]])
    assert row(database, experiment).status is ExperimentStatus.RUNNING
    land(database, [made_up(runs[-1])])
    ended = row(database, experiment)
    assert (ended.status, ended.done) == (ExperimentStatus.FINISHED, 18)
    assert ended.finished_at is not None
    assert ended.finished_at.tzinfo is not None


def test_the_first_result_wins(database: Database) -> None:
    experiment = store(database)
    run = take(database, experiment, most=1)[0]
    first, second = made_up(run, train_loss=1.0), made_up(run, train_loss=2.0)
    landed = land(database, [first, second])
    assert (landed.done, landed.failed, landed.ignored) == (1, 0, 1)
    revision = row(database, experiment).revision
    landed = land(database, [second, failure(run)])
    assert (landed.done, landed.failed, landed.ignored) == (0, 0, 2)
    assert row(database, experiment).revision == revision
    assert run_verbs.run(database, run.key).stored.row.measures["train_loss"] == 1.0


def test_a_result_replaces_a_failure(database: Database) -> None:
    experiment = store(database, seeds=1, sweep={})
    run = take(database, experiment)[0]
    land(database, [failure(run)])
    failed = run_verbs.run(database, run.key).stored
    assert (failed.row.state, failed.row.reason) == (RunState.FAILED, failure(run).reason)
    assert failed.traceback == failure(run).traceback
    assert row(database, experiment).status is ExperimentStatus.FINISHED_WITH_FAILURES
    land(database, [made_up(run)])
    assert row(database, experiment).status is ExperimentStatus.FINISHED
    assert run_verbs.run(database, run.key).stored.row.reason is None


def test_results_that_cannot_be_stored_become_failures(database: Database) -> None:
    experiment = store(database)
    runs = take(database, experiment, most=4)
    curve = Curve("sum", "pgd", np.array([1.0, np.nan, 0.0]))
    bad: list[RunResult] = [
        made_up(runs[0], train_loss=float("inf")),
        made_up(runs[1], loss=1.0),
        RunResult(runs[2].key, {}, (curve,), np.zeros((2, 2), np.float32)),
    ]
    landed = land(database, [*bad, made_up(runs[3], averaging_index=None)])
    assert (landed.done, landed.failed) == (1, 3)
    assert "not finite" in str(run_verbs.run(database, runs[0].key).stored.row.reason)
    assert "loss" in str(run_verbs.run(database, runs[1].key).stored.row.reason)
    assert row(database, experiment).failed == 3
    assert run_verbs.run(database, runs[3].key).stored.row.measures["averaging_index"] is None


def test_results_of_unknown_runs_are_ignored(database: Database) -> None:
    run = take(database, store(database), most=1)[0]
    stranger = made_up(run)
    assert land(database, [RunResult("0" * 64, stranger.measures, (), stranger.cosines)]).ignored == 1


def test_a_result_that_has_no_shape_harms_no_other(database: Database) -> None:
    experiment = store(database)
    runs = take(database, experiment, most=2)
    ragged = RunResult(
        runs[1].key,
        {},
        (Curve("sum", "pgd", np.zeros(3)), Curve("max", "pgd", np.zeros(2))),
        np.zeros((2, 2), np.float32),
    )
    landed = land(database, [made_up(runs[0]), ragged])
    assert (landed.done, landed.failed) == (1, 1)
    assert "equal length" in str(run_verbs.run(database, runs[1].key).stored.row.reason)


def test_known_runs_are_cached_and_failed_ones_tried_again(database: Database) -> None:
    first = store(database, seeds=2)
    runs = take_all(database, first)
    land(database, [failure(runs[0]), *(made_up(run) for run in runs[1:])])
    second = store(database, seeds=3)
    stored = row(database, second)
    assert (stored.total, stored.cached, stored.done) == (18, 11, 11)
    assert len(finish(database, second)) == 7
    assert row(database, first).status is ExperimentStatus.FINISHED
    assert row(database, first).done == 12
    third = store(database, seeds=3, owner="bob")
    assert row(database, third).status is ExperimentStatus.FINISHED
    assert row(database, third).cached == 18


def test_what_lands_after_a_cancel_stays(database: Database) -> None:
    experiment = store(database)
    runs = take(database, experiment, most=5)
    land(database, [made_up(runs[0])])
    with database.transaction() as session:
        verbs.cancel(session, experiment)
    assert (row(database, experiment).done, row(database, experiment).cancelled) == (1, 17)
    land(database, [made_up(run) for run in runs[1:]])
    ended = row(database, experiment)
    assert (ended.status, ended.done, ended.cancelled) == (ExperimentStatus.CANCELLED, 5, 13)
    with database.transaction() as session:
        assert verbs.retry(session, experiment) == 13
    assert len(finish(database, experiment)) == 13
    assert row(database, experiment).status is ExperimentStatus.FINISHED


def test_deleting_spares_what_others_have(database: Database) -> None:
    one, other = store(database), store(database, owner="bob", seeds=2)
    runs = finish(database, one)
    with database.transaction() as session:
        assert verbs.delete(session, one)
        assert not verbs.delete(session, one)
    assert row(database, other).done == 12
    third = store(database, seeds=3)
    assert third > other
    assert row(database, third).cached == 12
    assert len(runs) == 18


def test_deleting_while_runs_are_out_is_safe(database: Database) -> None:
    experiment = store(database)
    runs = take(database, experiment, most=3)
    with database.transaction() as session:
        verbs.delete(session, experiment)
    assert land(database, [made_up(runs[0])]).done == 1
    again = store(database)
    assert row(database, again).cached == 1
    assert row(database, again).total == 18


@pytest.mark.parametrize("seconds", [1e308, float("inf"), float("nan"), -1.0])
def test_seconds_that_no_run_takes_are_a_failure(database: Database, seconds: float) -> None:
    experiment = store(database, seeds=1)
    [run, *_] = take(database, experiment)
    assert land(database, [replace(made_up(run), seconds=seconds)]).failed == 1


def test_a_reason_is_stored_whatever_letters_it_has(database: Database) -> None:
    experiment = store(database, seeds=1)
    [run, *_] = take(database, experiment)
    assert land(database, [RunFailure(run.key, "nul \0, half a letter \ud800", "\0")]).failed == 1
    with database.reading() as session:
        found = session.execute(select(runs.c.reason).where(runs.c.key == run.key)).scalar_one()
    assert found == "nul \N{REPLACEMENT CHARACTER}, half a letter ?"


def test_a_stage_of_another_version_is_not_shown(database: Database) -> None:
    experiment = store(database, seeds=1)
    [run, *_] = take(database, experiment)
    with database.transaction() as session:
        session.execute(update(runs).where(runs.c.key == run.key).values(stage="polishing", stage_share=0.5))
        assert progress_of(session, experiment) == []
