"""Lists of runs over a real database, against plain Python over the results that were landed."""

import base64
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select

from phaselab.db.reading.run_columns import phase_column
from phaselab.db.schema.database import Database
from phaselab.db.schema.tables import runs as table
from phaselab.domain.answers.conditions import parse_run_condition
from phaselab.domain.answers.run_lists import RunList, parse_order
from phaselab.domain.results.measures import MEASURES
from phaselab.domain.results.phases import DECIDING, DEFAULT_THRESHOLDS, Phase, phase
from phaselab.domain.results.states import RunState
from phaselab.domain.results.trust import Trust
from phaselab.domain.settings.faults import InvalidInput
from phaselab.service.base.errors import Conflict, NotFound
from phaselab.service.verbs import experiments
from phaselab.service.verbs import runs as whole
from phaselab.service.verbs.run_lists import RunView, all_runs, list_runs
from tests.conftest import BACKENDS, fresh_postgresql
from tests.db.rows import finish, land, store, take
from tests.results import failure, made_up

SWEEP = {"network.init_scale": [1e-3, 1e-5], "data.k": [8, 4], "network.labels": ["binary", 4]}
WORDS: dict[str, Callable[[RunView], Any]] = {
    "state": lambda view: str(view.run.state),
    "trust": lambda view: view.run.trust,
    "phase": lambda view: phase(view.run.measures, DEFAULT_THRESHOLDS),
    "seed": lambda view: view.run.seed,
}
RANKS: dict[str, list[str]] = {"state": [*RunState], "trust": ["ok", "suspect"], "phase": [*Phase]}


def value_of(view: RunView, name: str) -> Any:
    if name in WORDS:
        return WORDS[name](view)
    return view.run.measures[name] if name in MEASURES else view.values.get(name, {"data.n": 1000}.get(name))


def paged(database: Database, asked: RunList, limit: int = 5) -> list[RunView]:
    """A list by its pages, each of which says where it is."""
    views: list[RunView] = []
    cursor, total = None, None
    while True:
        page = list_runs(database, asked, cursor, limit)
        assert page.before == len(views)
        assert total in (None, page.total)
        total = page.total
        views += page.items
        if page.next is None:
            assert len(views) == total
            return views
        cursor = page.next


def asking(experiment: int, where: tuple[str, ...] = (), order: tuple[str, ...] = ()) -> RunList:
    return RunList(experiment, tuple(map(parse_run_condition, where)), parse_order(order))


@pytest.fixture(scope="module", params=BACKENDS)
def listed(
    request: pytest.FixtureRequest, migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Database, int]]:
    """SQLite, then PostgreSQL, with an experiment that tests read and do not change: 8 points with 3 seeds, of them
    results of every phase and of none, failures and runs that wait."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            path = shutil.copy(migrated_sqlite, tmp_path_factory.mktemp("listed") / "phaselab.db")
            url = f"sqlite:///{path}"
        else:
            url = stack.enter_context(fresh_postgresql(request.getfixturevalue("postgresql_server")))
        database = Database(url)
        yield database, filled(database)
        database.close()


def filled(database: Database) -> int:
    finish(database, store(database, name="another's", sweep={"data.k": [4]}, seeds=2))
    number = store(database, sweep=SWEEP)
    taken = take(database, number, most=9) + take(database, number, most=9)
    shares = [(1.0, None), (0.3, 0.1), (0.0, None), (None, 0.4), (0.7, 0.9)]
    outcomes: list[Any] = [
        made_up(
            run, test_accuracy=0.95 if i % 5 else 0.2, train_accuracy=None, start_share=shares[i % 5][0],
            noise_share=shares[i % 5][1], averaging_index=None if i == 6 else i / 16, feature_fraction=i / 20,
        )
        for i, run in enumerate(taken)
    ]  # fmt: skip
    outcomes[1] = replace(outcomes[1], trust=Trust(("more_steps_win",)))
    outcomes[2], outcomes[7] = failure(taken[2]), failure(taken[7])
    land(database, outcomes)
    return number


def test_the_order_is_that_of_the_axes_and_of_seeds(listed: tuple[Database, int]) -> None:
    database, experiment = listed
    views = paged(database, asking(experiment))
    expected = [
        (scale, k, labels, seed)
        for scale in SWEEP["network.init_scale"]
        for k in SWEEP["data.k"]
        for labels in SWEEP["network.labels"]
        for seed in range(3)
    ]
    assert [(*(view.values[path] for path in SWEEP), view.run.seed) for view in views] == expected
    assert [view.run.key for view in all_runs(database, asking(experiment), batch=4)] == [v.run.key for v in views]


@pytest.mark.parametrize(
    "where",
    [
        ("state=failed",),
        ("state!=done",),
        ("state!=null", "trust=suspect"),
        ("trust=null",),
        ("trust!=ok", "seed<2"),
        ("phase=lazy",),
        ("phase!=untrained",),
        ("phase=null",),
        ("seed=1",),
        ("seed>=1", "data.k=4"),
        ("averaging_index>0.3",),
        ("averaging_index=0.25",),
        ("averaging_index!=0.25",),
        ("averaging_index=null",),
        ("averaging_index!=null", "averaging_index<=0.5"),
        ("network.labels=binary",),
        ("network.labels!=binary",),
        ("network.labels=4", "state=done"),
        ("network.labels>3",),
        ("network.init_scale<0.001",),
        ("network.init_scale<=0.001", "data.k>=5"),
        ("network.init_scale!=1e-5",),
        ("data.n=1000", "seed=0"),
    ],
)
def test_conditions_leave_what_meets_them(listed: tuple[Database, int], where: tuple[str, ...]) -> None:
    database, experiment = listed
    conditions = [parse_run_condition(text) for text in where]
    expected = [
        view.run.key
        for view in all_runs(database, asking(experiment))
        if all(one.holds(value_of(view, one.path)) for one in conditions)
    ]
    assert 0 < len(expected) < 24
    assert [view.run.key for view in paged(database, asking(experiment, where))] == expected
    assert [view.run.key for view in all_runs(database, asking(experiment, where), batch=4)] == expected


@pytest.mark.parametrize(
    "order",
    [
        ("averaging_index",),
        ("-averaging_index",),
        ("-seed",),
        ("state", "-seed"),
        ("-phase",),
        ("trust", "train_loss"),
        ("data.k", "-network.init_scale"),
        ("network.labels",),
        ("-network.labels", "data.k"),
        ("data.n", "-data.k"),
    ],
)
def test_orders_sort_and_break_no_tie_of_the_axes(listed: tuple[Database, int], order: tuple[str, ...]) -> None:
    database, experiment = listed
    expected = list(all_runs(database, asking(experiment)))
    for one in reversed(parse_order(order)):

        def key(view: RunView, name: str = one.name) -> Any:
            value = value_of(view, name)
            return RANKS[name].index(value) if name in RANKS else (isinstance(value, str), value)

        there = [view for view in expected if value_of(view, one.name) is not None]
        missing = [view for view in expected if value_of(view, one.name) is None]
        if one.name == "network.labels" and one.falling:  # numbers come first in either direction
            numbers = [view for view in there if not isinstance(value_of(view, one.name), str)]
            texts = [view for view in there if isinstance(value_of(view, one.name), str)]
            expected = [*sorted(numbers, key=key, reverse=True), *sorted(texts, key=key, reverse=True), *missing]
            continue
        groups = sorted({key(view) for view in there}, reverse=one.falling)
        expected = [view for group in groups for view in there if key(view) == group] + missing
    asked = asking(experiment, (), order)
    assert [view.run.key for view in paged(database, asked)] == [view.run.key for view in expected]
    assert [view.run.key for view in all_runs(database, asked, batch=4)] == [view.run.key for view in expected]


def test_what_stands_for_another_value_is_sorted_and_filtered_by_that(database: Database) -> None:
    sweep = {"network.width": ["auto", 3, 1], "data.k": [4, 8]}
    number = store(database, sweep=sweep, seeds=1)
    listed = paged(database, asking(number, (), ("-network.width", "data.k")))
    assert [(view.values["network.width"], view.values["data.k"]) for view in listed] == [
        ("auto", 8), (3, 4), (3, 8), ("auto", 4), (1, 4), (1, 8)
    ]  # fmt: skip
    two = paged(database, asking(number, ("network.width=2",)))
    assert [(view.values["network.width"], view.values["data.k"]) for view in two] == [("auto", 4)]


def test_a_run_of_two_points_is_listed_once(database: Database) -> None:
    number = store(database, sweep={"network.width": ["auto", 2], "data.k": [4]}, seeds=2)
    views = paged(database, asking(number), limit=1)
    assert [(view.values["network.width"], view.run.seed) for view in views] == [("auto", 0), ("auto", 1)]
    assert len(paged(database, asking(number, ("data.k=4",)))) == 2


def test_a_run_is_to_an_experiment_what_became_of_it_there(database: Database) -> None:
    first, second = store(database), store(database, owner="eve")
    experiments.cancel(database, first)
    assert len(paged(database, asking(first, ("state=cancelled",)), 50)) == 18
    assert len(paged(database, asking(second, ("state=queued",)), 50)) == 18
    assert paged(database, asking(second, ("state=cancelled",))) == []


def test_what_nothing_can_meet_is_told(listed: tuple[Database, int]) -> None:
    database, experiment = listed
    assert list_runs(database, asking(experiment, ("averaging_index>2",))).total == 0
    for where in ("data.k=5", "data.n=3", "network.width=77", "network.labels>7"):
        for verb in (list_runs, lambda *asked: list(all_runs(*asked))):
            with pytest.raises(InvalidInput, match=where.split("=")[0].split(">")[0]):
                verb(database, asking(experiment, (where,)))
    with pytest.raises(NotFound):
        list_runs(database, asking(99))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("colour=red", "no 'colour'"),
        ("state=sleeping", "queued, leased"),
        ("state<done", "is = or !="),
        ("trust=1", "ok, suspect"),
        ("averaging_index=high", "is a number"),
        ("seed", "no condition"),
        ("train_loss==1", "no condition"),
    ],
)
def test_conditions_that_make_no_sense_are_refused(text: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        parse_run_condition(text)
    with pytest.raises(InvalidInput, match="to sort by"):
        parse_order(["seed", f"-{text}"] if text != "seed" else ["--seed"])


def test_cursors_of_elsewhere_are_refused(listed: tuple[Database, int]) -> None:
    database, experiment = listed
    asked = asking(experiment, (), ("averaging_index", "network.labels"))
    good = list_runs(database, asked, None, 2).next
    assert good is not None
    assert list_runs(database, asked, good, 2).before == 2
    inside = json.loads(base64.urlsafe_b64decode(good + "=="))
    wrong: list[Any] = [None, "1", {}, [], inside[:-1], [*inside, 1]]
    for at, value in ((1, -1), (2, 1.5), (3, True), (3, "1"), (3, 2**70), (3, 1e400), (4, "a"), (5, 7), (5, "\0")):
        wrong.append([value if i == at else one for i, one in enumerate(inside)])
    cursors = [base64.urlsafe_b64encode(json.dumps(one).encode()).decode().rstrip("=") for one in wrong]
    for cursor in (*cursors, "one", "", "é", "A", "5" * 400):
        with pytest.raises(InvalidInput) as caught:
            list_runs(database, asked, cursor)
        assert [fault.pointer for fault in caught.value.faults] == ["/cursor"]
    with pytest.raises(InvalidInput):
        list_runs(database, asking(experiment), good)


def test_phases_in_sql_are_those_of_the_rule(database: Database) -> None:
    levels = (None, 0.0, 0.2, 0.5, 0.7, 0.8, 0.9, 1.0)
    number = store(database, sweep={"data.k": [4, 6]}, seeds=100)
    taken = take(database, number, most=200) + take(database, number, most=200)
    given = [
        dict(zip(DECIDING, map(levels.__getitem__, draw), strict=True))
        for draw in np.random.default_rng(0).integers(0, len(levels), (len(taken), len(DECIDING)))
    ]
    land(database, [made_up(run, **some) for run, some in zip(taken, given, strict=True)])
    with database.reading() as session:
        found = {row.key: row[1] for row in session.execute(select(table.c.key, phase_column()))}
    expected = {run.key: phase(some, DEFAULT_THRESHOLDS) for run, some in zip(taken, given, strict=True)}
    assert found == expected
    assert {*expected.values()} == {None, *Phase}


def test_a_run_is_found_by_letters_that_no_other_key_begins_with(database: Database) -> None:
    finish(database, store(database))
    with database.transaction() as session:
        ids = session.execute(select(table.c.id).order_by(table.c.id)).scalars().all()
        for run_id, key in zip(ids, ("abcdef0" + "1" * 57, "abcdef1" + "1" * 57, "f" * 64), strict=False):
            session.execute(table.update().where(table.c.id == run_id).values(key=key))
    assert whole.run(database, "ffffff").stored.row.key == "f" * 64
    assert whole.run(database, "abcdef0").stored.row.key.startswith("abcdef01")
    assert whole.cosines(database, "f" * 20).key == "f" * 64
    with pytest.raises(Conflict, match="abcdef01111111 and abcdef11111111"):
        whole.run(database, "abcdef")
    for key, words in (("fffff", "6 letters"), ("abcdef2", "begins with"), ("0" * 64, "no run 000")):
        with pytest.raises(NotFound, match=words):
            whole.run(database, key)
