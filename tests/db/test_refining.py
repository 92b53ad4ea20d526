"""A refinement in the database: what it holds, lets go and ends with, whatever happens meanwhile."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from phaselab.db.queue import candidates, fair_use, leases
from phaselab.db.queue.workload import workload
from phaselab.db.reading import experiments
from phaselab.db.schema.database import Database
from phaselab.db.writing import recipe, verbs
from phaselab.db.writing.refining import Refining, read_refining
from phaselab.domain.answers.conditions import parse_run_condition
from phaselab.domain.answers.run_lists import RunList
from phaselab.domain.refining.deciding import coarse_runs, decide, is_cut_short
from phaselab.domain.refining.seen import NOTHING
from phaselab.domain.results.states import ExperimentStatus, RunState
from phaselab.domain.specs.refine import COARSE_STEPS
from phaselab.service.verbs.run_lists import list_runs
from tests.db.refined import LATTICE, NO_ATTACK, REFINE, SCALES, TOTAL, go_on, refined, says, sound
from tests.db.rows import land, store, take, take_all
from tests.results import failure


@pytest.fixture
def local(sqlite_url: str) -> Iterator[Database]:
    """A database in a file, for what is the same in both kinds."""
    database = Database(sqlite_url)
    yield database
    database.close()


def stands(database: Database, experiment: int) -> tuple[str, experiments.Counts]:
    with database.reading() as session:
        counts, row = experiments.counts(session, experiment), experiments.get_experiment(session, experiment)
    assert counts is not None
    assert row is not None
    return row.status, counts


def look(database: Database, experiment: int) -> Refining:
    with database.reading() as session:
        found = read_refining(session, experiment)
    assert found is not None
    return found


def verb(database: Database, done: Callable[..., Any], experiment: int) -> Any:
    with database.transaction() as session:
        return done(session, experiment)


def test_it_begins_coarse_and_ends_with_what_it_never_needed_held(database: Database) -> None:
    experiment = refined(database)
    status, counts = stands(database, experiment)
    assert (status, counts.queued, counts.held) == (
        "queued",
        coarse_runs([(9, 9)], COARSE_STEPS),
        TOTAL - coarse_runs([(9, 9)], COARSE_STEPS),
    )
    with database.reading() as session:
        assert [one.queued for one in candidates.queued_experiments(session)] == [counts.queued]
        assert workload(session).runs[RunState.HELD] == counts.held
    computed = go_on(database, experiment)
    status, counts = stands(database, experiment)
    assert (status, counts.done, counts.held, counts.queued) == ("finished", len(computed), TOTAL - len(computed), 0)
    assert 75 < len(computed) < 0.9 * TOTAL
    with database.reading() as session:
        assert candidates.queued_experiments(session) == []
    held = list_runs(database, RunList(experiment, (parse_run_condition("state=held"),)), limit=TOTAL).items
    assert {one.run.state for one in held} == {RunState.HELD}
    assert len(held) == counts.held
    found = look(database, experiment)
    (round_,), seen = decide(found.seen, 0.05, 0, found.purse).rounds, found.seen[0]
    says_ = np.where(round_.inferred == NOTHING, seen.label, round_.inferred)
    assert (says_ != NOTHING).all()
    assert round_.first.checked
    assert not round_.first.disagreed
    for one, other in ((np.s_[1:], np.s_[:-1]), (np.s_[:, 1:], np.s_[:, :-1])):
        differ = says_[one] != says_[other]
        assert differ.any()
        assert (seen.results[one][differ] >= 3).all()
        assert (seen.results[other][differ] >= 3).all()


def test_it_measures_the_same_whatever_happens_on_the_way(local: Database) -> None:
    at_once = {run.key for run in go_on(local, refined(local), 100)}
    experiment = refined(local, seeds=[10, 11, 12])
    killed: set[str] = set()
    for round_ in range(100):
        taken = take(local, experiment, 15, f"scheduler {round_}")
        if not taken:
            break
        if round_ % 3 == 1:  # it dies, and the next one takes back what it held
            with local.transaction() as session:
                leases.release(session)
            continue
        if round_ % 3 == 2:
            assert verb(local, verbs.pause, experiment)
            assert not take(local, experiment)
        land(local, [says(run) for run in reversed(taken)])
        land(local, [says(run) for run in taken])
        killed |= {run.key for run in taken}
        verb(local, verbs.resume, experiment)
    sound(local)
    assert stands(local, experiment)[0] == "finished"
    assert len(killed) == len(at_once)


def test_what_is_there_already_counts_as_measured(local: Database) -> None:
    plain = store(local, sweep=LATTICE, attack=NO_ATTACK)
    land(local, [says(run) for run in take_all(local, plain)[: TOTAL // 2]])
    with local.transaction() as session:
        leases.release(session)
    verb(local, verbs.cancel, plain)
    experiment = refined(local)
    counts = stands(local, experiment)[1]
    assert (counts.cached, counts.done) == (TOTAL // 2, TOTAL // 2)
    alone = len(go_on(local, refined(local, seeds=[10, 11, 12])))
    assert len(go_on(local, experiment)) < alone
    assert stands(local, experiment)[0] == "finished"


def test_a_held_run_that_lands_for_others_is_not_asked_for_again(database: Database) -> None:
    experiment = refined(database, refine=REFINE | {"budget": 0.6})
    before = look(database, experiment).purse
    plain = store(database, "bob", sweep=LATTICE, attack=NO_ATTACK)
    sound(database)
    run = next(run for run in take_all(database, plain) if run.settings.data.snr == 2)
    land(database, [says(run)])
    counts = stands(database, experiment)[1]
    assert (counts.done, counts.cached, counts.held) == (1, 1, TOTAL - coarse_runs([(9, 9)], COARSE_STEPS) - 1)
    assert look(database, experiment).purse == before
    with database.reading() as session:
        assert set(fair_use.decayed_seconds(session, 3600)) == {"bob"}, "it was computed for bob"
    assert verb(database, verbs.cancel, plain)
    with database.transaction() as session:
        leases.release(session)
    sound(database)
    assert run.key not in {one.key for one in go_on(database, experiment)}
    assert stands(database, experiment)[0] == "finished"


def test_cancelled_and_asked_for_again_it_holds_and_lets_go_as_before(local: Database) -> None:
    experiment = refined(local)
    first = go_on(local, experiment, rounds=2)
    assert verb(local, verbs.cancel, experiment)
    status, counts = stands(local, experiment)
    assert (status, counts.held, counts.queued, counts.cancelled) == ("cancelled", 0, 0, TOTAL - len(first))
    sound(local)
    verb(local, verbs.retry, experiment)
    status, counts = stands(local, experiment)
    assert counts.queued + counts.done == coarse_runs([(9, 9)], COARSE_STEPS)
    assert (counts.cancelled, counts.held) == (0, TOTAL - coarse_runs([(9, 9)], COARSE_STEPS))
    computed = first + go_on(local, experiment)
    assert stands(local, experiment)[0] == "finished"
    assert len(computed) == len(go_on(local, refined(local, seeds=[10, 11, 12])))


def test_failures_end_it_and_can_be_asked_for_again(local: Database) -> None:
    experiment = refined(local, seeds=4)
    taken = take(local, experiment, 20)
    land(local, [failure(run) for run in taken])
    go_on(local, experiment)
    status, counts = stands(local, experiment)
    assert (status, counts.failed) == ("finished_with_failures", 20)
    assert verb(local, verbs.retry, experiment) == 20
    assert stands(local, experiment)[1].queued == 20
    go_on(local, experiment)
    assert stands(local, experiment)[0] == "finished"


def test_a_corner_whose_runs_all_fail_is_gone_round(local: Database) -> None:
    experiment = refined(local)
    while taken := take(local, experiment, 19):
        lost = [run.settings.data.snr == 5 and run.settings.network.init_scale == SCALES[4] for run in taken]
        land(local, [failure(run) if fails else says(run) for run, fails in zip(taken, lost, strict=True)])
    assert stands(local, experiment)[1].failed == 3
    found = look(local, experiment)
    (round_,), seen = decide(found.seen, 0.05, 0, found.purse).rounds, found.seen[0]
    assert np.argwhere((round_.inferred == NOTHING) & (seen.results == 0)).tolist() == [[4, 4]]


def test_a_budget_ends_it(local: Database) -> None:
    experiment = refined(local, refine=REFINE | {"budget": 0.5})
    computed = go_on(local, experiment)
    assert len(computed) <= TOTAL * 0.5
    status, counts = stands(local, experiment)
    assert (status, counts.held) == ("finished", TOTAL - len(computed))
    found = look(local, experiment)
    assert is_cut_short(found.seen, 0.05, 0, found.purse)


def test_a_level_is_closed_in_on(local: Database) -> None:
    by = {"measure": "averaging_index", "level": 0.5}
    experiment = refined(local, refine=REFINE | {"by": by})
    computed = go_on(local, experiment)
    assert len(computed) < 0.9 * TOTAL
    seen = look(local, experiment).seen[0]
    assert set(np.unique(seen.label)) == {NOTHING, 0, 1}
    assert seen.certain[seen.settled].all()


def test_shared_runs_stay_with_who_has_them(local: Database) -> None:
    one, other = refined(local), refined(local, owner="bob")
    go_on(local, one, rounds=3)
    with local.transaction() as session:
        assert verbs.delete(session, one)
    sound(local)
    go_on(local, other)
    assert stands(local, other)[0] == "finished"
    plain = store(local, sweep=LATTICE, attack=NO_ATTACK)
    go_on(local, plain)
    assert stands(local, plain)[1].done == TOTAL


def test_held_runs_follow_a_new_recipe(local: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    experiment = refined(local)
    go_on(local, experiment, rounds=2)
    for name in ("domain.settings.runs", "db.writing.recipe", "db.writing.create", "db.queue.leases"):
        monkeypatch.setattr(f"phaselab.{name}.RECIPE", 99)
    with local.transaction() as session:
        assert recipe.waits_under_older_recipe(session)
        recipe.adopt_recipe(session)
        assert not recipe.waits_under_older_recipe(session)
    sound(local)
    go_on(local, experiment)
    status, counts = stands(local, experiment)
    assert ExperimentStatus(status) is ExperimentStatus.FINISHED
    assert counts.held
