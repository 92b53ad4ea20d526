from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import update

from phaselab.db.schema import tables
from phaselab.db.schema.clock import database_time
from phaselab.db.schema.database import Database
from phaselab.domain.results.states import ExperimentStatus
from phaselab.domain.settings.faults import InvalidInput
from phaselab.domain.specs.spec import Changes, validate
from phaselab.service.base.errors import Conflict, NotFound
from phaselab.service.verbs import experiments
from phaselab.service.verbs.experiments import Search
from tests.db.rows import finish, land, store, take, take_all
from tests.results import failure, made_up


def test_counts_add_up_at_every_moment(database: Database) -> None:
    experiment = store(database)
    taken = take(database, experiment, most=6)
    land(database, [failure(taken[0]), made_up(taken[1])])
    view = experiments.experiment(database, experiment)
    counts = view.counts
    assert (counts.total, counts.done, counts.failed, counts.running, counts.queued) == (18, 1, 1, 4, 12)
    assert counts.done + counts.failed + counts.cancelled + counts.running + counts.queued == counts.total
    assert view.eta_seconds is not None
    assert view.eta_seconds > 0


def test_verbs_change_the_status_and_can_be_repeated(database: Database) -> None:
    experiment = store(database)
    for _ in range(2):
        assert experiments.pause(database, experiment).row.status == "paused"
    assert experiments.experiment(database, experiment).eta_seconds is None
    for _ in range(2):
        assert experiments.resume(database, experiment).row.status == "queued"
    for _ in range(2):
        cancelled = experiments.cancel(database, experiment)
        assert (cancelled.row.status, cancelled.counts.cancelled) == ("cancelled", 18)
    for _ in range(2):
        again = experiments.retry(database, experiment)
        assert (again.row.status, again.counts.queued) == ("queued", 18)
    assert again.row.finished_at is None


@pytest.mark.parametrize("verb", [experiments.cancel, experiments.pause, experiments.resume])
def test_what_has_finished_cannot_be_stopped(sqlite_database: Database, verb: Any) -> None:
    experiment = store(sqlite_database)
    finish(sqlite_database, experiment)
    with pytest.raises(Conflict, match="is finished and cannot be"):
        verb(sqlite_database, experiment)
    assert experiments.retry(sqlite_database, experiment).row.status == "finished"


@pytest.mark.parametrize(
    "verb",
    [
        experiments.cancel,
        experiments.pause,
        experiments.resume,
        experiments.retry,
        experiments.delete,
        partial(experiments.patch, changes=Changes(priority=1)),
    ],
)
def test_what_does_not_exist_is_not_found(sqlite_database: Database, verb: Any) -> None:
    with pytest.raises(NotFound, match="no experiment 3"):
        verb(sqlite_database, 3)


def test_name_and_priority_can_be_changed_while_it_runs(database: Database) -> None:
    experiment = store(database)
    take_all(database, experiment)
    changed = experiments.patch(database, experiment, Changes(name="better", priority=7))
    assert (changed.row.name, changed.row.priority, changed.row.status) == ("better", 7, "running")
    for bad in ({"name": ""}, {"name": "x" * 201}, {"priority": 101}):
        with pytest.raises(InvalidInput):
            validate(Changes, bad)


def test_a_deleted_experiment_is_gone(database: Database) -> None:
    experiment = store(database)
    finish(database, experiment)
    experiments.delete(database, experiment)
    with pytest.raises(NotFound):
        experiments.experiment(database, experiment)
    assert experiments.list_experiments(database).items == ()


def test_experiments_come_in_pages_newest_first(database: Database) -> None:
    ids = [store(database, seeds=1, owner=owner) for owner in ("ada", "bob", "ada", "ada", "bob")]
    seen: list[int] = []
    cursor = None
    while True:
        page = experiments.list_experiments(database, cursor, limit=2)
        seen += [view.row.id for view in page.items]
        cursor = page.next
        if cursor is None:
            break
    assert seen == sorted(ids, reverse=True)
    assert {view.row.id for view in experiments.list_experiments(database, search=Search(owner="bob")).items} == {
        ids[1],
        ids[4],
    }
    with pytest.raises(InvalidInput):
        experiments.list_experiments(database, "x1")


def test_experiments_are_found_by_what_is_known_of_them(database: Database) -> None:
    first = store(database, seeds=1, name="Überlagerung 100%")
    second = store(database, seeds=1, name="lazy at last", owner="bob")
    third = store(database, seeds=1, name="LAZY")
    for number, tags in ((first, ["paper", "draft", "paper"]), (second, ["papers"]), (third, ['a"b', "paper"])):
        told = experiments.patch(database, number, Changes.model_validate({"tags": tags, "note": f"of {number}"}))
        assert (told.row.note, len(told.row.tags)) == (f"of {number}", len(set(tags)))
    experiments.pause(database, third)

    def found(**search: Any) -> list[int]:
        return [view.row.id for view in experiments.list_experiments(database, search=Search(**search)).items]

    assert found() == [third, second, first]
    assert found(name="lazy") == [third, second]
    assert found(name="Überlagerung") == [first]
    assert found(name="0%") == [first]
    assert found(name="%") == [first], "what LIKE would take for anything is a letter"
    assert found(tag="paper") == [third, first]
    assert found(tag='a"b') == [third]
    assert found(tag="pap") == []
    assert found(owner="bob", tag="papers") == [second]
    assert found(status=ExperimentStatus.PAUSED) == [third]
    experiments.patch(database, third, Changes(archived=True))
    assert found(name="lazy") == [second]
    assert found(archived=True) == [third]
    assert experiments.experiment(database, third).row.archived
    kept = experiments.patch(database, third, Changes(archived=False, tags=(), note=""))
    assert (kept.row.tags, kept.row.note, kept.row.name) == ([], "", "LAZY")
    assert found() == [third, second, first]


def test_no_time_is_left_when_the_clock_was_set_back(database: Database) -> None:
    experiment = store(database)
    land(database, [made_up(run) for run in take(database, experiment, most=3)])
    with database.transaction() as session:
        later = database_time(session) + timedelta(days=4)
        session.execute(update(tables.experiments).values(started_at=later))
    assert experiments.experiment(database, experiment).eta_seconds == 0
