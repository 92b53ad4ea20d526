"""Whatever happens in whatever order, what is kept twice agrees with the rows."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from phaselab.db.care.check import check
from phaselab.db.queue import leases
from phaselab.db.reading import experiments as reading
from phaselab.db.reading.accounts import give_experiments
from phaselab.db.schema.database import Database
from phaselab.db.writing import landing, pool_moves, verbs
from phaselab.db.writing.summaries import rebuild_summaries
from phaselab.domain.settings.runs import Run
from phaselab.domain.specs.visibility import Visibility
from tests.db.rows import store, take
from tests.results import failure, made_up

SPECS: list[dict[str, Any]] = [
    {"sweep": {"data.k": [4, 6]}, "seeds": 2},
    {"sweep": {"data.k": [6, 8], "network.labels": ["binary", "clusters", 6]}, "seeds": 1},
    {"sweep": {"network.init_scale": [1e-5, 1e-3]}, "data": {"k": 6}, "seeds": [1, 5]},
]
VERBS = ("cancel", "pause", "resume", "retry", "delete")
NAMES = ("submit", "private", "open", "give", "take", "land", "part", "fail", "again", "release", "missing", *VERBS)
ACTIONS = st.lists(st.tuples(st.sampled_from(NAMES), st.integers(0, 5)), min_size=3, max_size=14)


class Lab:
    """A database and the runs that are out."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.out: list[Run] = []
        self.landed: list[Run] = []

    def ids(self) -> list[int]:
        with self.database.reading() as session:
            return [row.id for row in reading.list_experiments(session)[0]]

    def do(self, action: str, number: int) -> None:
        if action == "submit":
            store(self.database, **SPECS[number % len(SPECS)])
        elif action == "private":
            store(self.database, ("ada", "bob")[number % 2], visibility="owner", **SPECS[number % len(SPECS)])
        elif action == "take":
            for experiment in self.ids():
                self.out += take(self.database, experiment, most=1 + number)
        elif action in ("land", "part", "fail", "again"):
            self._land(action, number)
        elif action == "release":
            with self.database.transaction() as session:
                leases.release(session, keys=[run.key for run in self.out[:number]])
        elif ids := self.ids():
            chosen = ids[number % len(ids)]
            with self.database.transaction() as session:
                if action == "missing":
                    verbs.retry(session, chosen, verbs.lacking_runs(session, chosen))
                elif action == "open":
                    pool_moves.open_results(session, chosen)
                    reading.patch(session, chosen, {"visibility": Visibility.EVERYONE})
                elif action == "give":
                    give_experiments(session, [chosen], ("bob", "ada")[number % 2])
                else:
                    getattr(verbs, action)(session, chosen)

    def _land(self, action: str, number: int) -> None:
        runs, self.out = self.out[: number + 1], self.out[number + 1 :]
        if action == "again":
            runs = self.landed[: number + 1]
        results = [made_up(run) for run in runs]
        parts = [replace(one, measures={"train_loss": one.measures["train_loss"]}) for one in results]
        outcomes = {"fail": [failure(run) for run in runs], "part": parts}.get(action, results)
        with self.database.transaction() as session:
            landing.land(session, outcomes)
        self.landed += runs

    def check(self) -> None:
        with self.database.reading() as session:
            assert check(session) == []


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(actions=ACTIONS)
def test_summaries_counts_and_wants_always_agree_on_sqlite(
    actions: list[tuple[str, int]], migrated_sqlite: Path, tmp_path: Path
) -> None:
    path = tmp_path / "lab.db"
    for old in tmp_path.glob("lab.db*"):
        old.unlink()
    shutil.copy(migrated_sqlite, path)
    lab = Lab(Database(f"sqlite:///{path}"))
    try:
        lab.do("submit", 0)
        for action, number in actions:
            lab.do(action, number)
        lab.check()
    finally:
        lab.database.close()


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(actions=ACTIONS)
def test_summaries_counts_and_wants_always_agree_on_postgresql(
    actions: list[tuple[str, int]], postgresql_url: str
) -> None:
    lab = Lab(Database(postgresql_url))
    try:
        with lab.database.transaction() as session:
            session.execute(text("TRUNCATE experiments, points, experiment_runs, runs, run_arrays, settings CASCADE"))
        lab.do("submit", 0)
        for action, number in actions:
            lab.do(action, number)
        lab.check()
    finally:
        lab.database.close()


@pytest.mark.parametrize("spec", SPECS)
def test_rebuilding_mends_summaries(database: Database, spec: dict[str, Any]) -> None:
    lab = Lab(database)
    experiment = store(database, **spec)
    lab.do("take", 5)
    lab.do("land", 3)
    with database.transaction() as session:
        session.execute(text("UPDATE points SET summary = (SELECT summary FROM points WHERE position = 0 LIMIT 1)"))
    with database.reading() as session:
        assert all(finding.rebuild for finding in check(session))
    with database.transaction() as session:
        assert rebuild_summaries(session) == rebuild_summaries(session, [experiment])
    lab.check()
