import pytest

from phaselab.db.care.check import check
from phaselab.db.queue import leases
from phaselab.db.reading.experiments import counts
from phaselab.db.schema.database import Database
from phaselab.db.writing import create, recipe, verbs
from phaselab.domain.settings import runs as domain_runs
from phaselab.service.scheduling.work_queue import WorkQueue
from tests.db.rows import finish, land, store, take, take_all
from tests.results import failure, made_up


def raise_recipe(patch: pytest.MonkeyPatch) -> None:
    raised = domain_runs.RECIPE + 1
    for module in (domain_runs, create, leases, recipe, verbs):
        patch.setattr(module, "RECIPE", raised)


def test_what_waits_is_computed_by_the_new_recipe(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    experiment = store(database)
    done = take(database, experiment, most=4)
    land(database, [made_up(run) for run in done])
    raise_recipe(monkeypatch)
    assert take(database, experiment) == ()
    with database.transaction() as session:
        assert recipe.waits_under_older_recipe(session)
        assert recipe.adopt_recipe(session) == 14
        assert not recipe.waits_under_older_recipe(session)
    assert len(finish(database, experiment)) == 14
    again = store(database)
    assert len(take_all(database, again)) == 4


def test_what_failed_under_the_old_recipe_is_retried_by_the_new_one(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = store(database, seeds=1)
    found = take_all(database, experiment)
    land(database, [failure(run) for run in found])
    raise_recipe(monkeypatch)
    with database.transaction() as session:
        assert verbs.retry(session, experiment) == 6
    queue = WorkQueue(database, 60.0)
    computed = []
    while (leased := queue.take(experiment, lambda _: 4)) is not None:
        computed += leased.stack.runs
    assert len(computed) == 6
    assert {run.key for run in computed}.isdisjoint(run.key for run in found)
    land(database, [made_up(run) for run in computed])
    with database.reading() as session:
        assert check(session) == []


def test_wants_move_to_runs_that_the_new_recipe_has(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    old = store(database)
    raise_recipe(monkeypatch)
    new = store(database, seeds=2)
    finish(database, new)
    with database.transaction() as session:
        assert recipe.adopt_recipe(session) == 18
        found = counts(session, old)
        assert found is not None
        assert (found.done, found.queued) == (12, 6)
        assert check(session) == []
    assert len(finish(database, old)) == 6
