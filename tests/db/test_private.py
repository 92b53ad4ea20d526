"""Private results: whom they serve, how they are opened and given away, and that nothing is lost on the way."""

import json
from collections.abc import Mapping
from itertools import product
from typing import Any

import pytest
from sqlalchemy import func, select, text

from phaselab.db.care import maintenance
from phaselab.db.care.check import check
from phaselab.db.queue import leases
from phaselab.db.reading import accounts, run_rows
from phaselab.db.reading import experiments as reading
from phaselab.db.schema.account_tables import Role
from phaselab.db.schema.database import Database
from phaselab.db.schema.tables import experiment_runs, experiments, runs, settings
from phaselab.db.writing import create, landing, recipe, verbs
from phaselab.domain.answers.cell_queries import DiagramQuery
from phaselab.domain.settings.runs import Run, run_key
from phaselab.domain.specs.points import plan
from phaselab.domain.specs.spec import parse_spec
from phaselab.domain.specs.visibility import Visibility
from phaselab.service.verbs import accounts as verbs_of_accounts
from phaselab.service.verbs import diagrams
from phaselab.service.verbs import experiments as experiment_verbs
from tests.db.refined import go_on, refined, sound
from tests.db.rows import SWEEP, finish, land, store, take, take_all
from tests.db.test_recipe import raise_recipe
from tests.results import failure, made_up


def private(database: Database, owner: str = "ada", **spec: Any) -> int:
    return store(database, owner, **({"visibility": "owner"} | spec))


def open_up(database: Database, experiment: int, visibility: str = "everyone") -> None:
    changes = experiment_verbs.Changes(visibility=Visibility(visibility))
    experiment_verbs.patch(database, experiment, changes)


def counts(database: Database, experiment: int) -> tuple[str, int, int, int]:
    """Status, and how many runs are done, cached and queued; the database is sound."""
    sound(database)
    view = experiment_verbs.experiment(database, experiment)
    return view.row.status, view.counts.done, view.counts.cached, view.counts.queued


def pools(database: Database) -> dict[str, int]:
    """How many runs stand in each pool."""
    with database.reading() as session:
        found: dict[str, int] = dict(session.execute(select(runs.c.pool, func.count()).group_by(runs.c.pool)).all())
    return found


def keys(database: Database, experiment: int) -> set[str]:
    query = select(runs.c.key).join(experiment_runs, experiment_runs.c.run_id == runs.c.id)
    with database.reading() as session:
        return set(session.execute(query.where(experiment_runs.c.experiment_id == experiment)).scalars())


def test_results_serve_their_owner_alone(database: Database) -> None:
    first = private(database)
    computed = finish(database, first)
    assert len(computed) == 18
    assert all(run.key != Run.of(run.settings, run.seed).key for run in computed), "everyone's keys would tell"
    assert counts(database, private(database)) == ("finished", 18, 18, 0)
    assert counts(database, private(database, "bob"))[1:] == (0, 0, 18)
    assert counts(database, store(database))[1:] == (0, 0, 18), "her own public one neither: it would tell"
    spec = {"name": "x", "sweep": SWEEP, "seeds": 3, "attack": {"radii": [0, 10, 20]}}
    with database.reading() as session:
        for owner, visibility, cached in (("bob", "everyone", 0), ("bob", "owner", 0), ("ada", "owner", 18)):
            drawn = plan(parse_spec(spec | {"visibility": visibility}))
            assert create.survey(session, drawn, owner).cached == cached, (owner, visibility)


def test_a_check_finds_what_is_not_as_private_as_it_says(sqlite_database: Database) -> None:
    finish(sqlite_database, private(sqlite_database))
    for change, words in (
        (
            "UPDATE experiments SET visibility = 'results'",
            "18 private runs of experiments whose results serve everyone",
        ),
        ("UPDATE runs SET common_key = NULL", "18 private runs that do not say"),
    ):
        with sqlite_database.transaction() as session:
            session.execute(text(change))
        with sqlite_database.reading() as session:
            assert any(finding.detail.startswith(words) for finding in check(session))


def test_what_serves_everyone_serves_private_ones_too(database: Database) -> None:
    public = store(database)
    land(database, [made_up(run) for run in take(database, public, most=5)])
    waiting = private(database)
    assert counts(database, waiting) == ("queued", 5, 5, 13)
    assert len(finish(database, waiting)) == 13
    assert counts(database, public)[1] == 5, "nobody else's wait ends by it"
    assert len(finish(database, public)) == 13


def test_owners_wait_for_their_own_run_once(sqlite_database: Database) -> None:
    database = sqlite_database
    one, two = private(database), private(database, seeds=4)
    assert pools(database) == {"ada": 24}
    taken = take_all(database, one)
    land(database, [failure(run) for run in taken])
    assert len(finish(database, two)) == 6
    with database.transaction() as session:
        assert verbs.retry(session, one) == 18
    assert len(finish(database, one)) == 18
    with database.transaction() as session:
        verbs.delete(session, one)
    assert pools(database) == {"ada": 24}
    with database.transaction() as session:
        verbs.delete(session, two)
    assert pools(database) == {}


STATES = ("queued", "leased", "measured again", "done", "failed", "cancelled")
PAIRS = dict(enumerate(product(STATES, ("none", *STATES)), start=64))
"""By the dimension of their data, how a private run stands and how everyone's, if there is one."""


def stored_in_states(database: Database, owner: str, visibility: str, states: Mapping[int, str]) -> list[Run]:
    """Experiments whose runs, by the dimension of their data, stand so; what is handed out of them."""
    out: list[Run] = []
    for cancelled in (False, True):
        mine = {d: state for d, state in states.items() if (state == "cancelled") is cancelled}
        spec: dict[str, Any] = {"data": {"n": 20}, "sweep": {"data.d": sorted(mine)}, "seeds": 1}
        number = store(database, owner, visibility=visibility, **spec)
        of: dict[str, list[Run]] = {state: [] for state in STATES}
        for run in [] if cancelled else take_all(database, number):
            of[mine[run.settings.data.d]].append(run)
        with database.transaction() as session:
            if cancelled:
                verbs.cancel(session, number)
            again = [run.key for run in of["measured again"]]
            landing.land(session, [made_up(run) for run in (*of["done"], *of["measured again"])])
            ids = session.execute(select(runs.c.id).where(runs.c.key.in_(again))).scalars()
            if not cancelled:  # or it would be asked for again
                verbs.retry(session, number, verbs.Lacking(tuple(ids)))
        out += of["leased"] + ([] if cancelled else take_all(database, number))
        land(database, [failure(run) for run in of["failed"]])
        with database.transaction() as session:
            leases.release(session, keys=[run.key for run in of["queued"]])
    return out


def stands(database: Database) -> dict[int, dict[str, tuple[str, str]]]:
    """By the dimension of their data, the key and the want of the run of each owner."""
    of = (experiments.c.owner, runs.c.key, experiment_runs.c.want, settings.c.canonical)
    query = select(*of).join(experiment_runs, experiment_runs.c.experiment_id == experiments.c.id)
    query = query.join(runs, runs.c.id == experiment_runs.c.run_id).join(settings, settings.c.id == runs.c.settings_id)
    found: dict[int, dict[str, tuple[str, str]]] = {}
    with database.reading() as session:
        for owner, key, want, text in session.execute(query):
            found.setdefault(json.loads(text)["data"]["d"], {})[owner] = (key, want)
    return found


def test_opened_in_any_state_beside_any_run_of_everyone(database: Database) -> None:
    out = stored_in_states(database, "ada", "owner", {d: state for d, (state, _) in PAIRS.items()})
    out += stored_in_states(database, "bob", "everyone", {d: twin for d, (_, twin) in PAIRS.items() if twin != "none"})
    for hers in (1, 2):
        open_up(database, hers, "results")
    sound(database)
    assert pools(database)["ada"] == 6, "what was handed out twice, or done there before"
    land(database, [made_up(run) for run in out])
    again = [run for number in (1, 2, 3, 4) for run in take_all(database, number)]
    land(database, [made_up(run) for run in again])
    sound(database)
    assert len({(run.settings, run.seed) for run in again}) == len(again)
    for d, found in stands(database).items():
        has_result = not {"failed", "cancelled", "none"} >= set(PAIRS[d])
        ends = {want for _, want in found.values()}
        assert (ends == {"done"}) if has_result else ends <= {"failed", "cancelled"}, (d, found)
        assert len({key for key, _ in found.values()}) == 1
    maintenance.vacuum(database)
    assert set(pools(database)) == {""}
    with database.reading() as session:
        rows = session.execute(select(runs.c.key, runs.c.common_key, runs.c.seed, settings.c.canonical).join(settings))
        assert all(common is None and key == run_key(text, seed) for key, common, seed, text in rows)


def test_what_others_wait_for_ends_by_what_is_opened(sqlite_database: Database) -> None:
    database = sqlite_database
    hers = private(database)
    finish(database, hers)
    his = store(database, "bob")
    out = take(database, his, most=4)
    open_up(database, hers)
    assert counts(database, his)[:2] == ("finished", 18)
    assert counts(database, hers)[:2] == ("finished", 18)
    land(database, [made_up(run, train_loss=1.5) for run in out])
    assert counts(database, his)[:2] == ("finished", 18), "the first result won"
    assert counts(database, store(database, "cyd")) == ("finished", 18, 18, 0)
    with database.reading() as session:
        found = [run_rows.whole_run(session, run.key) for run in out]
    assert all(one is not None and one.row.measures["train_loss"] != 1.5 for one in found)


def test_others_of_the_owner_go_on_with_what_is_opened(sqlite_database: Database) -> None:
    database = sqlite_database
    one, two = private(database), private(database, seeds=4)
    land(database, [made_up(run) for run in take(database, one, most=4)])
    out = take(database, one, most=3)
    open_up(database, one)
    assert pools(database) == {"": 18, "ada": 6}
    land(database, [made_up(run) for run in out])
    finish(database, one)
    assert counts(database, two)[1] == 18
    assert len(finish(database, two)) == 6
    assert counts(database, two)[:2] == ("finished", 18 + 6)


def test_a_lease_that_runs_out_after_opening_is_handed_out_again(sqlite_database: Database) -> None:
    database = sqlite_database
    hers = private(database, seeds=1)
    out = take_all(database, hers)
    open_up(database, hers)
    with database.transaction() as session:
        assert leases.extend_leases(session, "worker", [run.key for run in out], 60) == 6
        assert leases.release(session, keys=[run.key for run in out]) == 6
    assert {run.key for run in finish(database, hers)} == {Run.of(run.settings, run.seed).key for run in out}


def test_a_measure_that_everyones_result_lacks_is_filled(sqlite_database: Database) -> None:
    database = sqlite_database
    hers, his = private(database, seeds=1), store(database, "bob", seeds=1)
    for run in take_all(database, his):
        whole = made_up(run)
        less = {name: value for name, value in whole.measures.items() if name != "coefficient_ratio"}
        land(database, [type(whole)(**(vars(whole) | {"measures": less}))])
    finish(database, hers)
    open_up(database, hers)
    sound(database)
    with database.reading() as session:
        known = session.execute(select(func.count(runs.c.coefficient_ratio))).scalar_one()
    assert known == 6


def test_a_refinement_is_opened_half_way(sqlite_database: Database) -> None:
    database = sqlite_database
    hers = refined(database, visibility="owner")
    first = go_on(database, hers, rounds=3)
    his = refined(database, owner="bob")
    also = go_on(database, his, rounds=2)
    out = take(database, hers, 5)
    open_up(database, hers)
    counts(database, hers)
    land(database, [made_up(run) for run in out])
    last = go_on(database, hers) + go_on(database, his)
    assert counts(database, hers)[0] == counts(database, his)[0] == "finished"
    assert len({(run.settings, run.seed) for run in [*first, *last]}) == len([*first, *last])
    assert also
    assert set(pools(database)) == {""}


def test_results_cannot_be_taken_back(sqlite_database: Database) -> None:
    database = sqlite_database
    public = store(database, visibility="results")
    assert pools(database) == {"": 18}
    for visibility in ("everyone", "results", "results"):
        open_up(database, public, visibility)
    with pytest.raises(experiment_verbs.Conflict, match="cannot be taken back; delete it"):
        open_up(database, public, "owner")


def test_an_experiment_that_is_given_away_takes_its_results_along(database: Database) -> None:
    with database.transaction() as session:
        for name in ("ada", "bob"):
            accounts.add_account(session, name, Role.MEMBER, 1.0, None)
    given, kept, his = private(database), private(database, seeds=1), private(database, "bob", seeds=2)
    finish(database, his)
    out = take(database, given, most=8)
    experiment_verbs.patch(database, given, experiment_verbs.Changes(owner="bob"))
    assert counts(database, given)[1] == 6, "of what he has the first result won, but for what she has elsewhere"
    land(database, [made_up(run) for run in out])
    finish(database, given)
    assert counts(database, given)[:2] == ("finished", 18)
    assert counts(database, kept)[:2] == ("finished", 6)
    assert counts(database, private(database, "bob", seeds=3))[1] >= 12
    assert counts(database, private(database, "ada", seeds=3))[1] == 6 + 2, "and what was computed for her in vain"


def test_nothing_is_left_to_the_next_account_of_a_name(sqlite_database: Database) -> None:
    database = sqlite_database
    with database.transaction() as session:
        accounts.add_account(session, "ada", Role.MEMBER, 1.0, None)
    number = private(database, seeds=1)
    out = take(database, number, most=2)
    with database.transaction() as session:
        verbs.delete(session, number)
    assert pools(database) == {"ada": 2}
    with database.transaction() as session:
        accounts.remove_account(session, "ada")
    land(database, [made_up(run) for run in out])
    assert "ada" not in pools(database)
    assert counts(database, private(database, seeds=1))[1] == 0


def test_runs_of_two_pools_become_an_heirs(database: Database) -> None:
    with database.transaction() as session:
        for name in ("ada", "bob", "cyd"):
            accounts.add_account(session, name, Role.MEMBER, 1.0, None)
    kept, given, his = private(database), private(database), private(database, "bob")
    experiment_verbs.patch(database, given, experiment_verbs.Changes(owner="bob"))
    assert pools(database) == {"ada": 18, "bob": 18}, "what others of hers have stays hers"
    land(database, [made_up(run) for run in take(database, given, most=5)])
    verbs_of_accounts.remove(database, "ada", "cyd")
    (nobodys,) = pools(database).keys() - {"bob"}
    assert nobodys.startswith("-"), "no account has this name"
    verbs_of_accounts.remove(database, "bob", "cyd")
    assert set(pools(database)) == {"cyd"}
    for experiment in (kept, given, his):
        assert counts(database, experiment)[1] == 5
    assert len(finish(database, his)) == 13
    for experiment in (kept, given, his):
        assert counts(database, experiment)[:2] == ("finished", 18)
    experiment_verbs.patch(database, kept, experiment_verbs.Changes(owner="cyd"))
    assert pools(database) == {"cyd": 18}


def test_private_runs_that_wait_get_a_new_recipe(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    hers, his = private(database), store(database, "bob")
    done = take(database, hers, most=4)
    land(database, [made_up(run) for run in done])
    raise_recipe(monkeypatch)
    with database.transaction() as session:
        assert recipe.adopt_recipe(session) == 14 + 18
    assert len(finish(database, hers)) == 14
    assert len(finish(database, his)) == 18
    assert counts(database, hers)[:2] == counts(database, his)[:2] == ("finished", 18)
    assert pools(database) == {"ada": 18, "": 18}
    with database.transaction() as session:
        assert maintenance.rebuild(session) == 12
    assert counts(database, hers)[:2] == ("finished", 18)
    open_up(database, hers)
    assert counts(database, hers)[:2] == counts(database, his)[:2] == ("finished", 18)


def test_what_is_read_is_what_is_seen(database: Database) -> None:
    hidden, half, public = private(database), store(database, visibility="results"), store(database, "bob")
    finish(database, hidden)
    finish(database, half)
    (secret, *_), (shared, *_) = keys(database, hidden), keys(database, public)
    seen: Mapping[str | None, set[int]] = {None: {1, 2, 3}, "ada": {1, 2, 3}, "bob": {3}, "": {3}}
    for seer, numbers in seen.items():
        with database.seen_by(seer).reading() as session:
            listed, _ = reading.list_experiments(session)
            assert {row.id for row in listed} == numbers
            assert set(reading.get_experiments(session, [1, 2, 3])) == numbers
            assert {one for one in (1, 2, 3) if reading.get_experiment(session, one)} == numbers
            assert (run_rows.whole_run(session, secret) is not None) is (1 in numbers)
            whole = run_rows.whole_run(session, shared)
            assert whole is not None
            assert set(whole.experiments) == numbers - {1}
            assert bool(run_rows.find_keys(session, secret[:12])) is (1 in numbers)


def test_the_same_network_counts_once_in_an_answer(database: Database) -> None:
    hers = private(database)
    finish(database, hers)
    his = store(database, "bob")
    finish(database, his)
    query = DiagramQuery((hers, his), "data.k", "network.init_scale", "train_loss")
    alone = DiagramQuery((his,), "data.k", "network.init_scale", "train_loss")
    both, one = diagrams.diagram(database, query), diagrams.diagram(database, alone)
    assert [cell.n for row in both.cells for cell in row] == [cell.n for row in one.cells for cell in row]
