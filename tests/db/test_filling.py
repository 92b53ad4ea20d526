"""Results that lack a measure are given it when somebody asks, and lose nothing on the way."""

from collections.abc import Collection
from dataclasses import replace

import pytest
from sqlalchemy import select

from phaselab.db.care.check import check
from phaselab.db.queue import leases
from phaselab.db.reading.experiments import Counts, counts
from phaselab.db.schema.database import Database
from phaselab.db.schema.tables import runs
from phaselab.db.writing import recipe, verbs
from phaselab.domain.answers.cell_queries import DiagramQuery
from phaselab.domain.results.measures import MEASURES
from phaselab.domain.results.results import RunResult
from phaselab.domain.results.states import ExperimentStatus, RunState
from phaselab.domain.settings.runs import Run
from phaselab.service.base.errors import Conflict
from phaselab.service.verbs import diagrams, experiments
from phaselab.service.verbs import runs as run_verbs
from tests.db.rows import finish, land, store, take, take_all
from tests.db.test_recipe import raise_recipe
from tests.results import failure, made_up

NEW = "coefficient_ratio"
"""Stands for a measure that came later: results that were made before it do not name it."""


def before(run: Run, lacking: Collection[str] = (NEW,)) -> RunResult:
    """The result of a version that knew fewer measures."""
    result = made_up(run)
    return replace(result, measures={name: one for name, one in result.measures.items() if name not in lacking})


def landed_before(database: Database, **spec: object) -> tuple[int, list[Run]]:
    """An experiment that has finished without the measure."""
    experiment = store(database, **spec)
    found = take_all(database, experiment)
    land(database, [before(run) for run in found])
    return experiment, found


def sound(database: Database, experiment: int) -> Counts:
    with database.reading() as session:
        assert check(session) == []
        found = counts(session, experiment)
    assert found is not None
    return found


def measure(database: Database, experiment: int, name: str) -> list[float | None]:
    """A measure's mean in every cell."""
    found = diagrams.diagram(database, DiagramQuery((experiment,), "data.k", "network.init_scale", name))
    assert {cell.n for line in found.cells for cell in line} == {3}
    return [cell.mean for line in found.cells for cell in line]


def test_what_is_older_than_a_measure_is_null_there_and_can_be_given_it(database: Database) -> None:
    experiment, found = landed_before(database)
    old = measure(database, experiment, "train_loss")
    assert measure(database, experiment, NEW) == [None] * 6
    assert run_verbs.run(database, found[0].key).stored.row.measures[NEW] is None
    assert experiments.retry(database, experiment).counts.queued == 0, "nobody asked for it"
    asked = experiments.retry(database, experiment, missing=True)
    assert (asked.row.status, asked.counts.done, asked.counts.queued) == (ExperimentStatus.RUNNING, 0, 18)
    assert measure(database, experiment, "train_loss") == old, "results stay while they wait"
    assert sound(database, experiment).queued == 18
    again = finish(database, experiment)
    assert {run.key for run in again} == {run.key for run in found}
    assert None not in measure(database, experiment, NEW)
    assert measure(database, experiment, "train_loss") == pytest.approx(old)
    assert sound(database, experiment).done == 18
    assert experiments.experiment(database, experiment).row.status is ExperimentStatus.FINISHED
    assert experiments.retry(database, experiment, missing=True).counts.queued == 0, "nothing is missing any more"


def test_the_first_result_stays_but_for_what_it_lacks(database: Database) -> None:
    experiment, found = landed_before(database, seeds=1)
    stored = run_verbs.run(database, found[0].key).stored
    experiments.retry(database, experiment, missing=True)
    again = [made_up(run, train_loss=-5.0) for run in take_all(database, experiment)]
    landed = land(database, again)
    assert (landed.done, landed.filled, landed.ignored) == (0, 6, 0)
    filled = run_verbs.run(database, found[0].key).stored
    assert filled.row.measures == stored.row.measures | {NEW: made_up(found[0]).measures[NEW]}
    assert (filled.row.landed_at, filled.row.seconds, filled.row.trust) == (
        stored.row.landed_at,
        stored.row.seconds,
        stored.row.trust,
    )
    assert (land(database, again).filled, land(database, again).ignored) == (0, 6)


def test_other_experiments_see_what_one_asked_for(database: Database) -> None:
    one, _ = landed_before(database)
    other = store(database, owner="bob")
    revision = experiments.experiment(database, other).row.revision
    experiments.retry(database, one, missing=True)
    assert experiments.experiment(database, other).counts.done == 18
    third = store(database, owner="eve")
    assert experiments.experiment(database, third).row.status is ExperimentStatus.FINISHED, "a result is a result"
    finish(database, one)
    assert None not in measure(database, other, NEW)
    assert experiments.experiment(database, other).row.revision > revision
    for experiment in (one, other, third):
        assert sound(database, experiment).done == 18


def test_measuring_again_in_vain_leaves_the_result(database: Database) -> None:
    experiment, _ = landed_before(database, seeds=1)
    experiments.retry(database, experiment, missing=True)
    again = take_all(database, experiment)
    land(database, [failure(again[0]), *(made_up(run) for run in again[1:])])
    row = run_verbs.run(database, again[0].key).stored.row
    assert row.state is RunState.DONE
    assert row.measures["train_loss"] == made_up(again[0]).measures["train_loss"]
    assert row.reason == "measuring it again failed: diverged: the loss is not finite"
    assert sound(database, experiment).done == 6
    assert experiments.retry(database, experiment, missing=True).counts.queued == 1
    land(database, [made_up(run) for run in take_all(database, experiment)])
    assert run_verbs.run(database, again[0].key).stored.row.reason is None


@pytest.mark.parametrize("end", ["cancel", "delete", "release"])
def test_results_outlive_whatever_ends_the_wait(database: Database, end: str) -> None:
    experiment, found = landed_before(database)
    experiments.retry(database, experiment, missing=True)
    taken = take(database, experiment, most=2)
    assert len(taken) == 2
    if end == "delete":
        other = store(database, owner="bob")
        experiments.delete(database, experiment)
        assert sound(database, other).done == 18
    elif end == "cancel":
        assert experiments.cancel(database, experiment).row.status is ExperimentStatus.FINISHED
        with database.reading() as session:
            assert set(leases.unwanted(session)) == {run.key for run in taken}
        assert sound(database, experiment).done == 18
    with database.transaction() as session:
        assert leases.release(session) == 2
        states = session.execute(select(runs.c.state, runs.c.leased_by).distinct()).all()
    assert states == [("done", None)]
    assert {run_verbs.run(database, run.key).stored.row.state for run in found} == {RunState.DONE}
    if end == "release":
        assert len(finish(database, experiment)) == 18
        assert sound(database, experiment).done == 18


def test_retry_asks_for_failures_and_for_what_is_missing_at_once(database: Database) -> None:
    experiment = store(database)
    found = take_all(database, experiment)
    land(database, [failure(found[0]), made_up(found[1]), *(before(run) for run in found[2:])])
    assert experiments.retry(database, experiment, missing=True).counts.queued == 17
    assert found[1].key not in {run.key for run in finish(database, experiment)}
    assert sound(database, experiment).done == 18


def test_a_measure_that_a_family_does_not_have_is_not_missing(database: Database) -> None:
    resnet = {
        "data": {"source": "digits", "n": 50},
        "network": {"kind": "resnet18", "width": 8},
        "training": {"optimizer": "nesterov", "steps": 3},
        "attack": {"radii": [0.0, 1.0], "test_points": 50},
        "sweep": {},
    }
    experiment = store(database, **resnet)
    own = [name for name, one in MEASURES.items() if not one.families or "resnet18" in one.families]
    assert "robust_radius_max" not in own
    found = take_all(database, experiment)
    land(database, [before(run, MEASURES.keys() - set(own)) for run in found])
    assert experiments.retry(database, experiment, missing=True).counts.queued == 0
    assert experiments.experiment(database, experiment).counts.done == 3


def test_results_of_an_older_recipe_cannot_be_given_it(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    experiment, _ = landed_before(database)
    other, _ = landed_before(database, data={"d": 99})
    experiments.retry(database, other, missing=True)
    raise_recipe(monkeypatch)
    with pytest.raises(Conflict, match="submit the experiment's spec again"):
        experiments.retry(database, experiment, missing=True)
    with database.transaction() as session:
        assert recipe.waits_under_older_recipe(session)
        recipe.adopt_recipe(session)
        assert not recipe.waits_under_older_recipe(session)
        assert verbs.lacking_runs(session, other).older == 18
    assert sound(database, other).done == 18
    assert experiments.experiment(database, other).row.status is ExperimentStatus.FINISHED


def test_a_profile_comes_with_its_measure_and_others_stay(database: Database) -> None:
    deep = {"network": {"kind": "mlp", "depth": 4}, "sweep": {}, "seeds": 2}
    experiment = store(database, **deep)
    found, lacking = take_all(database, experiment), ("compression", "probe_class")
    for run in found:
        result = before(run, lacking)
        held = {name: one for name, one in result.profiles.items() if name not in lacking}
        land(database, [replace(result, profiles=held)])
    old = run_verbs.run(database, found[0].key).stored.arrays
    assert old is not None
    assert "compression" not in old.profiles
    experiments.retry(database, experiment, missing=True)
    finish(database, experiment)
    new = run_verbs.run(database, found[0].key).stored.arrays
    assert new is not None
    assert set(new.profiles) == {*old.profiles, *lacking}
    for name, values in made_up(found[0]).profiles.items():
        assert new.profiles[name].tolist() == values.tolist()
    assert [curve.method for curve in new.curves] == [curve.method for curve in old.curves]
    sound(database, experiment)
