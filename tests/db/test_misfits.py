"""A row that no longer fits fails alone, with its reason; the others are computed, and whoever reads is answered."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select, update

from phaselab.db.care.check import check
from phaselab.db.queue import leases
from phaselab.db.reading.experiments import counts
from phaselab.db.schema.database import Database
from phaselab.db.schema.tables import runs, settings
from phaselab.db.writing import recipe
from phaselab.domain.answers.cell_queries import DiagramQuery
from phaselab.domain.answers.conditions import parse_condition
from phaselab.domain.answers.curves import CurveQuery
from phaselab.domain.answers.run_lists import RunList
from phaselab.domain.results.states import RunState
from phaselab.domain.settings import stacks
from phaselab.domain.settings.runs import run_key, settings_digest
from phaselab.domain.specs.stored import Misfit, stored_settings, stored_value
from phaselab.service.scheduling.work_queue import WorkQueue
from phaselab.service.verbs import curves, diagrams
from phaselab.service.verbs import runs as run_verbs
from phaselab.service.verbs.run_lists import all_runs
from tests.db.rows import finish, land, store, take
from tests.db.test_recipe import raise_recipe
from tests.results import made_up


def older(text: str) -> str:
    """The text of a version that knew a parameter that this one does not."""
    groups: dict[str, dict[str, Any]] = json.loads(text)
    groups["network"]["colour"] = "blue"
    return json.dumps(groups, sort_keys=True, separators=(",", ":"))


def impossible(text: str) -> str:
    """The text of a version that allowed a combination that this one refuses."""
    return text.replace('"positive_clusters":2', '"positive_clusters":4')


def far(text: str) -> str:
    """The text of a version that took radii which this one refuses."""
    groups: dict[str, dict[str, Any]] = json.loads(text)
    groups["attack"]["radii"] = [0.0, 1e12]
    return json.dumps(groups, sort_keys=True, separators=(",", ":"))


def nonsense(text: str) -> str:
    """What no version has stored; distinct for distinct settings."""
    return json.dumps([text])


def respell(database: Database, k: int, change: Callable[[str], str]) -> int:
    """Let the settings of k clusters, and the keys of their runs, be what a version stored that wrote other texts; how
    many settings."""
    with database.transaction() as session:
        found = session.execute(select(settings.c.id, settings.c.canonical)).all()
        wanted = {row.id: change(row.canonical) for row in found if f'"k":{k},' in row.canonical}
        for number, text in wanted.items():
            changed = {"canonical": text, "digest": settings_digest(text)}
            session.execute(update(settings).where(settings.c.id == number).values(changed))
            for run_id, seed in session.execute(select(runs.c.id, runs.c.seed).where(runs.c.settings_id == number)):
                session.execute(update(runs).where(runs.c.id == run_id).values(key=run_key(text, seed)))
    return len(wanted)


def reasons(database: Database) -> list[str]:
    with database.reading() as session:
        failed = select(runs.c.reason).where(runs.c.state == RunState.FAILED)
        return [str(reason) for reason in session.execute(failed).scalars()]


def stands(database: Database, experiment: int) -> tuple[int, int, int]:
    """How many of the runs are queued, done, failed."""
    with database.reading() as session:
        assert check(session) == []
        found = counts(session, experiment)
    assert found is not None
    return found.queued, found.done, found.failed


@pytest.mark.parametrize(
    ("change", "told"),
    [(older, "network/colour: unknown key"), (impossible, "positive_clusters"), (far, "radii/1"), (nonsense, "")],
)
def test_waiting_runs_that_do_not_fit_fail_alone(database: Database, change: Callable[[str], str], told: str) -> None:
    experiment = store(database)
    assert respell(database, 4, change) == 2
    queue, taken = WorkQueue(database, 60), []
    while (leased := queue.take(experiment, lambda _: 100)) is not None:
        taken += leased.stack.runs
    land(database, [made_up(run) for run in taken])
    assert {run.settings.data.k for run in taken} == {6, 8}
    assert stands(database, experiment) == (0, 12, 6)
    assert len(reasons(database)) == 6
    assert all(told in reason and "stored by another version" in reason for reason in reasons(database))


def test_the_others_of_a_stack_go_on_without_one_that_does_not_fit(database: Database) -> None:
    experiment = store(database, sweep={"data.snr": [1.0, 2.0, 3.0]}, seeds=1)
    with database.transaction() as session:
        last = session.execute(select(settings.c.id, settings.c.canonical).order_by(settings.c.id.desc())).first()
        assert last is not None
        text = older(last.canonical)
        session.execute(update(settings).where(settings.c.id == last.id).values(canonical=text))
    assert len(take(database, experiment)) == 2
    assert take(database, experiment) == ()
    assert stands(database, experiment)[2] == 1


def test_runs_that_stack_no_more_go_out_in_stacks_of_their_own(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = store(database, sweep={"data.snr": [1.0, 2.0, 3.0]}, seeds=2)
    older_shape = stacks._shape
    monkeypatch.setattr(stacks, "_shape", lambda settings: (older_shape(settings), settings.data.snr))
    leases._shape.cache_clear()
    sizes = []
    while taken := take(database, experiment):
        assert len({run.settings.data.snr for run in taken}) == 1
        sizes.append(len(taken))
    leases._shape.cache_clear()
    assert sizes == [2, 2, 2]


def test_a_new_recipe_fails_what_does_not_fit_and_keeps_the_rest(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = store(database)
    respell(database, 4, older)
    raise_recipe(monkeypatch)
    with database.transaction() as session:
        assert recipe.adopt_recipe(session) == 18
        assert not recipe.waits_under_older_recipe(session)
    assert stands(database, experiment) == (12, 0, 6)
    assert len(finish(database, experiment)) == 12


def test_a_new_recipe_reads_settings_anew_and_points_follow(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was stored in other words gets today's words with today's key, so that it is found again."""
    experiment = store(database)
    half = take(database, experiment, most=4)
    land(database, [made_up(run) for run in half])
    wordy = {k: respell(database, k, lambda text: text.replace('"d":3072', '"d": 3072')) for k in (4, 6, 8)}
    assert wordy == {4: 2, 6: 2, 8: 2}
    raise_recipe(monkeypatch)
    with database.transaction() as session:
        assert recipe.adopt_recipe(session) == 14
    assert stands(database, experiment) == (14, 4, 0)
    again = store(database)
    with database.reading() as session:
        texts = session.execute(select(settings.c.canonical)).scalars().all()
    assert len(texts) == 6
    assert all('"d":3072' in text for text in texts)
    computed = finish(database, experiment)
    assert len(computed) == 14
    assert {run.key for run in computed}.isdisjoint(run.key for run in half)
    assert stands(database, again)[1] == 14, "what the first waited for is the second's too"
    found = diagrams.diagram(database, DiagramQuery((experiment,), "data.k", "network.init_scale", "train_loss"))
    assert {cell.n for line in found.cells for cell in line} == {3}


def test_settings_stored_in_two_spellings_become_one(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    old = store(database)
    first = take(database, old, most=4)
    land(database, [made_up(run) for run in first])
    for k in (4, 6, 8):
        respell(database, k, lambda text: text.replace('"d":3072', '"d": 3072'))
    new = store(database, seeds=2, owner="bob")
    land(database, [made_up(run) for run in take(database, new, most=3)])
    assert stands(database, old)[1] == 4
    assert stands(database, new)[1] == 3
    raise_recipe(monkeypatch)
    with database.transaction() as session:
        recipe.adopt_recipe(session)
    waiting = stands(database, old)[0], stands(database, new)[0]
    with database.reading() as session:
        assert len(session.execute(select(settings.c.id).where(settings.c.canonical.contains('"d":3072'))).all()) == 6
    finish(database, old)
    finish(database, new)
    assert stands(database, old) == (0, 18, 0)
    assert stands(database, new) == (0, 12, 0)
    assert waiting[0] <= 14


def test_whoever_reads_is_answered(database: Database) -> None:
    experiment = store(database)
    finish(database, experiment)
    respell(database, 4, older)
    found = diagrams.diagram(database, DiagramQuery((experiment,), "data.k", "network.init_scale", "train_loss"))
    assert {cell.n for line in found.cells for cell in line} == {3}
    answer = curves.curves(
        database, CurveQuery((experiment,), ("data.k",), (parse_condition("network.init_scale=1e-5"),))
    )
    assert {curve.n for curve in answer.curves} == {3}
    assert {curve.theory is None for curve in answer.curves if curve.group["data.k"] == 4} == {True}
    assert {curve.theory is None for curve in answer.curves if curve.group["data.k"] == 6} == {False}
    listed = list(all_runs(database, RunList(experiment, (parse_condition("data.k=4"),))))
    detail = run_verbs.run(database, listed[0].run.key)
    assert detail.read is None
    assert "network/colour: unknown key" in str(detail.misfit)
    assert detail.radii == (0.0, 10.0, 20.0)
    assert detail.settings["network"]["colour"] == "blue"
    assert len(listed) == 6


def test_what_fits_is_read_with_what_it_does_not_hold() -> None:
    text = '{"attack":{"radii":[0.0]},"data":{"k":4},"network":{},"training":{}}'
    assert stored_settings(text).data.positive_clusters == 2
    assert stored_value(text, "network.width") == 2
    assert stored_value(text, "data.k") == 4
    with pytest.raises(Misfit, match="stored by another version"):
        stored_settings("{}}")
