import itertools
from typing import Any

import pytest

from phaselab.db.schema.database import Database
from phaselab.domain.answers.run_lists import RunList
from phaselab.domain.settings.faults import InvalidInput
from phaselab.domain.specs.points import Limits
from phaselab.service.base.errors import Conflict, NotFound
from phaselab.service.verbs import experiments
from phaselab.service.verbs.run_lists import list_runs
from phaselab.service.verbs.submit import submit
from tests.db.rows import finish

SPEC: dict[str, Any] = {
    "name": "grid",
    "sweep": {"data.k": [4, 6], "network.labels": ["binary", "clusters"]},
    "seeds": 3,
    "attack": {"radii": [0, 10]},
}


def test_a_spec_becomes_an_experiment(database: Database) -> None:
    done = submit(database, SPEC, "ada")
    assert (done.created, done.points, done.runs, done.cached, done.skipped) == (True, 4, 12, 0, 0)
    view = experiments.experiment(database, done.id)
    assert (view.row.name, view.row.owner, view.row.status) == ("grid", "ada", "queued")
    assert view.counts.queued == view.counts.total == 12
    assert view.row.spec["data"]["d"] == 3072


def test_runs_are_listed_point_by_point_and_seed_by_seed(database: Database) -> None:
    done = submit(database, SPEC, "ada")
    listed = [(*view.values.values(), view.run.seed) for view in list_runs(database, RunList(done.id)).items]
    axes = SPEC["sweep"].values()
    assert listed == list(itertools.product(*axes, range(3)))


def test_the_same_spec_again_is_cached_and_more_computes_only_what_is_new(database: Database) -> None:
    first = submit(database, SPEC, "ada")
    finish(database, first.id)
    again = submit(database, SPEC, "bob")
    assert (again.cached, experiments.experiment(database, again.id).row.status) == (12, "finished")
    more = submit(database, SPEC | {"seeds": 4}, "ada")
    assert (more.runs, more.cached) == (16, 12)
    assert {run.seed for run in finish(database, more.id)} == {3}


def test_two_names_of_one_setting_are_computed_once(database: Database) -> None:
    done = submit(database, SPEC | {"sweep": {"network.labels": [10, "clusters"]}}, "ada")
    assert (done.points, done.runs) == (2, 3)
    assert len(finish(database, done.id)) == 3


def test_an_idempotency_key_submits_once(database: Database) -> None:
    first = submit(database, SPEC, "ada", "key")
    again = submit(database, SPEC, "ada", "key")
    assert (first.created, again.created, again.id) == (True, False, first.id)
    assert submit(database, SPEC, "bob", "key").id != first.id
    with pytest.raises(Conflict, match=f"experiment {first.id}"):
        submit(database, SPEC | {"seeds": 2}, "ada", "key")
    assert len(experiments.list_experiments(database).items) == 2


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"seeds": 100_000}, "/sweep"),
        ({"sweep": {"data.k": [4, 1]}}, "/sweep/data.k/1"),
        ({"sweep": {"data.k": [4], "network.labels": [6]}}, "/sweep/network.labels/0"),
        ({"unknown": 1}, "/unknown"),
    ],
)
def test_a_bad_spec_is_refused_and_nothing_is_stored(sqlite_database: Database, changes: Any, place: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        submit(sqlite_database, SPEC | changes, "ada", limits=Limits(runs=1000))
    assert [fault.pointer for fault in caught.value.faults] == [place]
    assert experiments.list_experiments(sqlite_database).items == ()
    with pytest.raises(NotFound):
        experiments.experiment(sqlite_database, 1)
