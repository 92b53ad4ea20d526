"""An old database goes on under the code in front of it: what every version must be able to do with every schema.

Run as a program, with a URL an argument, by tests that put a changed copy of the code in front of it.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import httpx
from sqlalchemy import text

from phaselab.db.care.check import check
from phaselab.db.queue import candidates
from phaselab.db.reading.experiments import list_experiments
from phaselab.db.schema.database import Database
from phaselab.db.schema.upgrade import current_revision, head_revision, upgrade
from phaselab.domain.answers.cell_queries import DiagramQuery
from phaselab.domain.results.measures import MEASURES
from phaselab.domain.results.phases import Thresholds
from phaselab.domain.results.states import ExperimentStatus, RunState
from phaselab.domain.settings.runs import RECIPE, Run
from phaselab.service.base.configuration import Configuration
from phaselab.service.base.storage import open_database
from phaselab.service.scheduling.work_queue import WorkQueue
from phaselab.service.verbs import diagrams, experiments
from phaselab.service.verbs.submit import submit
from tests.api.conftest import serving
from tests.results import made_up

_READ = (
    "/api/v1/experiments",
    "/api/v1/measures",
    "/api/v1/parameters",
    "/",
    "/glossary",
    "/api/v1/diagrams?experiment=1&x=data.k&y=network.init_scale&measure={measure}",
    "/api/v1/diagrams.csv?experiment=1&experiment=2&x=data.k&y=network.init_scale&measure={measure}"
    "&marginalize=data.d&marginalize=data.n",
    "/api/v1/diagrams?experiment=1&x=data.k&y=network.init_scale&measure={measure}&statistic=median",
    "/api/v1/curves?experiment=1&by=data.k&by=network.init_scale",
)
_OF_EACH = (
    "/api/v1/experiments/{id}",
    "/api/v1/experiments/{id}/runs",
    "/api/v1/experiments/{id}/runs.csv",
    "/api/v1/experiments/{id}/runs.parquet",
    "/api/v1/experiments/{id}/portable",
    "/experiments/{id}",
    "/experiments/{id}/runs",
    "/api/v1/runs/{key}",
    "/api/v1/runs/{key}/cosines",
    "/runs/{key}",
)


@dataclass(frozen=True)
class Before:
    """What was stored, read without any code of ours: states and a measure of runs by key, and how many runs the
    recipe in front of it has."""

    states: Mapping[str, str]
    losses: Mapping[str, float]
    of_this_recipe: int

    def keys(self, *states: RunState) -> set[str]:
        """The runs in these states."""
        return {key for key, state in self.states.items() if state in states}


def before(url: str) -> Before:
    """What is stored there now."""
    database = Database(url)
    with database.reading() as session:
        rows = session.execute(text("SELECT key, state, train_loss, recipe FROM runs")).all()
    database.close()
    return Before(
        {row.key: row.state for row in rows},
        {row.key: row.train_loss for row in rows if row.state == "done"},
        sum(row.recipe == RECIPE for row in rows),
    )


def open_old(url: str) -> Database:
    """The database as the service opens it; a server is upgraded by its operator before."""
    database = Database(url)
    if not database.is_sqlite:
        upgrade(database)
    database.close()
    opened = open_database(Configuration(database_url=url))
    assert current_revision(opened) == head_revision()
    sound(opened)
    return opened


def sound(database: Database) -> None:
    """What is kept twice agrees."""
    with database.reading() as session:
        assert check(session) == []


def everyone_is_answered(url: str, database: Database) -> None:
    """Whoever reads gets an answer, of whatever is stored."""
    with database.reading() as session:
        rows = session.execute(text("SELECT experiment_id, key FROM runs JOIN experiment_runs ON run_id = id")).all()
        done = session.execute(text("SELECT count(*) FROM runs WHERE state = 'done'")).scalar_one()
    of_each = {row.experiment_id: row.key for row in rows}
    assert done
    query = DiagramQuery((1,), "data.k", "network.init_scale", "train_loss")
    other = replace(query, thresholds=Thresholds(lazy_share=0.4))
    assert diagrams.diagram(database, other).cells[0][0].n == 2, "summed up from runs"
    some = ("train_loss", next(iter(MEASURES)), next(reversed(MEASURES)))
    asked = list(dict.fromkeys(address.format(measure=name) for address in _READ for name in some))
    asked += [address.format(id=one, key=key) for address in _OF_EACH for one, key in of_each.items()]
    configuration = Configuration(database_url=url)
    with serving(configuration, database) as served, httpx.Client(base_url=served, timeout=60) as client:
        answers = {address: client.get(address) for address in asked}
    unfit = {address: answer.text for address, answer in answers.items() if answer.status_code not in (200, 404)}
    assert unfit == {}, unfit
    assert {address for address, answer in answers.items() if answer.status_code == 404} <= {
        f"/api/v1/runs/{key}/cosines" for key in of_each.values()
    }


def compute_everything(database: Database) -> list[Run]:
    """What a scheduler does, with made-up results: take back what was out, then hand out and land until nothing is
    left."""
    queue, computed = WorkQueue(database, 60.0), []
    queue.release_all()
    while waiting := queue.candidates():
        before_this = len(computed)
        for candidate in waiting:
            while (leased := queue.take(candidate.id, lambda _: 3)) is not None:
                assert set(leased.attempts) == {run.key for run in leased.stack.runs}
                queue.land([made_up(run) for run in leased.stack.runs])
                computed += leased.stack.runs
        assert len(computed) > before_this, "something waits and is never handed out"
    return computed


def goes_on(url: str, found_again: bool = True) -> None:
    """Open, read, compute what waits, submit again. `found_again`: whether the same spec is to have the same keys."""
    stored = before(url)
    database = open_old(url)
    everyone_is_answered(url, database)
    computed = compute_everything(database)
    waiting, held = stored.keys(RunState.QUEUED, RunState.LEASED), stored.keys(RunState.HELD)
    assert len(waiting) <= len({run.key for run in computed}) == len(computed) <= len(waiting | held)
    if stored.of_this_recipe == len(stored.states):
        assert waiting <= {run.key for run in computed} <= waiting | held, "keys are carried"
    now = before(url)
    assert {key: now.losses[key] for key in stored.losses} == stored.losses, "results are what they were"
    assert stored.keys(RunState.DONE).isdisjoint(run.key for run in computed)
    sound(database)
    everyone_is_answered(url, database)
    _retried(database)
    if found_again:
        _submitted_again(database, stored)
    with database.reading() as session:
        assert candidates.queued_experiments(session) == []
    database.close()


def _retried(database: Database) -> None:
    """Failures are computed when somebody asks, and so is what results lack."""
    with database.reading() as session:
        found = list_experiments(session)[0]
    for row in found:
        lacking = [name for name in MEASURES if name not in _given(database, row.id)]
        asked = experiments.retry(database, row.id, missing=bool(lacking) and _is_of_today(database, row.id))
        again = compute_everything(database)
        assert len(again) == asked.counts.queued
        assert experiments.experiment(database, row.id).row.status is ExperimentStatus.FINISHED
        if again and lacking and _is_of_today(database, row.id):  # else it lacks what its family has not
            assert [name for name in MEASURES if name not in _given(database, row.id)] == []
    sound(database)


def _is_of_today(database: Database, experiment: int) -> bool:
    """Whether every run of an experiment is of the recipe in front of it."""
    recipes = text("SELECT DISTINCT recipe FROM runs JOIN experiment_runs ON run_id = id WHERE experiment_id = :one")
    with database.reading() as session:
        return session.execute(recipes, {"one": experiment}).scalars().all() == [RECIPE]


def _given(database: Database, experiment: int) -> set[str]:
    """The measures that some run of the experiment has a number of."""
    joined = "FROM runs JOIN experiment_runs ON run_id = id WHERE experiment_id = :one"
    with database.reading() as session:
        counted = text(f"SELECT {', '.join(f'count({name})' for name in MEASURES)} {joined}")
        numbers = session.execute(counted, {"one": experiment}).one()
    return {name for name, number in zip(MEASURES, numbers, strict=True) if number}


def _submitted_again(database: Database, stored: Before) -> None:
    """What this recipe has computed is never computed again."""
    with database.reading() as session:
        rows = list_experiments(session)[0]
        joined = "FROM runs JOIN experiment_runs ON run_id = id WHERE experiment_id = :one AND recipe = :now"
        query = text(f"SELECT count(*) {joined} AND state = 'done'")
        known = {row.id: session.execute(query, {"now": RECIPE, "one": row.id}).scalar_one() for row in rows}
    assert stored.states
    for row in rows:
        spec: dict[str, Any] = dict(row.spec)
        assert submit(database, spec, row.owner).cached == known[row.id]
    compute_everything(database)


if __name__ == "__main__":
    for url_ in sys.argv[2:]:
        goes_on(url_, sys.argv[1] == "found")
