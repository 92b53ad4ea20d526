"""Diagrams over a real database, against plain Python over the results that were landed."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select, text, update

from phaselab.db.care.check import check
from phaselab.db.schema.database import Database
from phaselab.db.schema.tables import points
from phaselab.db.writing.described import measure_list_ids
from phaselab.domain.answers.cell_queries import DiagramQuery, LineQuery
from phaselab.domain.answers.conditions import parse_condition
from phaselab.domain.answers.curves import CurveQuery
from phaselab.domain.answers.run_lists import RunList
from phaselab.domain.results.intervals import mean_interval
from phaselab.domain.results.measures import MEASURES
from phaselab.domain.results.over import Over
from phaselab.domain.results.phases import Phase, Thresholds
from phaselab.domain.results.statistics import STATISTICS, Statistic
from phaselab.domain.results.summaries import summarize
from phaselab.domain.settings.faults import InvalidInput
from phaselab.service.base.errors import NotFound
from phaselab.service.verbs import curves as curve_verbs
from phaselab.service.verbs import diagrams, draws
from phaselab.service.verbs import runs as run_verbs
from phaselab.service.verbs.run_lists import list_runs
from phaselab.service.verbs.submit import submit
from tests.db.rows import finish, land, store, take_all
from tests.results import failure, made_up

X, Y = "data.k", "network.init_scale"


def query(*experiments: int, x: str = X, y: str = Y, measure: str = "train_loss", **more: Any) -> DiagramQuery:
    where = tuple(parse_condition(text) for text in more.get("where", ()))
    return DiagramQuery(experiments, x, y, measure, where=where, marginalize=tuple(more.get("marginalize", ())))


def pointers(caught: pytest.ExceptionInfo[InvalidInput]) -> list[str]:
    return [fault.pointer for fault in caught.value.faults]


def test_a_diagram_tells_what_was_landed(database: Database) -> None:
    experiment = store(database)
    losses: dict[tuple[Any, Any], list[float]] = {}
    for run in take_all(database, experiment):
        result = made_up(run)
        land(database, [result])
        loss = result.measures["train_loss"]
        assert loss is not None
        losses.setdefault((run.settings.data.k, run.settings.network.init_scale), []).append(loss)
    found = diagrams.diagram(database, query(experiment))
    assert found.x.values == (4, 6, 8)
    assert found.y.values == (1e-5, 1e-3)
    for y, line in zip(found.y.values, found.cells, strict=True):
        for x, cell in zip(found.x.values, line, strict=True):
            seeds = losses[x, y]
            assert cell.n == 3
            assert cell.mean == pytest.approx(np.mean(seeds))
            assert cell.sd == pytest.approx(np.std(seeds, ddof=1))
            assert (cell.low, cell.high) == (min(seeds), max(seeds))
            interval = mean_interval(MEASURES["train_loss"], summarize(seeds))
            assert (cell.ci_low, cell.ci_high) == pytest.approx(interval)
            assert (cell.runs, cell.defined, cell.interval_over) == (3, 3, Over.SEEDS)
    assert found.names == ("test",)


@pytest.mark.parametrize("statistic", STATISTICS)
def test_every_statistic_is_numpy_s_over_the_runs_of_a_cell(database: Database, statistic: Statistic) -> None:
    experiment = store(database, seeds=5)
    values: dict[tuple[Any, Any], list[float]] = {}
    landed = take_all(database, experiment)
    for place, run in enumerate(landed):
        loss = None if place % 7 == 3 else float(place * 37 % 101)
        land(database, [made_up(run, train_loss=loss)])
        if loss is not None:
            values.setdefault((run.settings.data.k, run.settings.network.init_scale), []).append(loss)
    found = diagrams.diagram(database, replace(query(experiment), statistic=statistic))
    for y, line in zip(found.y.values, found.cells, strict=True):
        for x, cell in zip(found.x.values, line, strict=True):
            assert cell.value == pytest.approx(by_numpy(statistic, values[x, y]), rel=1e-12)
            assert cell.n == 5
            assert cell.mean == pytest.approx(np.mean(values[x, y])), "the other matrices are what they were"


def by_numpy(statistic: Statistic, values: list[float]) -> float:
    quantile = {"median": 50, "q05": 5, "q25": 25, "q75": 75, "q95": 95}
    if statistic in quantile:
        return float(np.percentile(values, quantile[statistic]))
    if statistic == "sd":
        return float(np.std(values, ddof=1))
    return float({"mean": np.mean, "min": np.min, "max": np.max}[statistic](values))


def test_a_quantile_counts_shared_runs_once_and_only_those_of_the_cell(database: Database) -> None:
    first = store(database, sweep={"data.k": [4, 6]}, seeds=[0, 1, 2])
    second = store(database, owner="bob", sweep={"data.k": [6, 8]}, seeds=[2, 3])
    values: dict[int, list[float]] = {}
    for run in (*take_all(database, first), *take_all(database, second)):
        loss = 10.0 * run.settings.data.k + run.seed**2
        land(database, [made_up(run, train_loss=loss)])
        values.setdefault(run.settings.data.k, []).append(loss)
    asked = replace(query(first, second, y="data.d"), statistic="median")
    (line,) = diagrams.diagram(database, asked).cells
    assert [cell.n for cell in line] == [3, 4, 2]
    assert [cell.value for cell in line] == [np.median(values[k]) for k in (4, 6, 8)]
    both = replace(query(first, y="data.d", x="network.width", marginalize=("data.k",)), statistic="q75")
    pooled = [cell.value for line in diagrams.diagram(database, both).cells for cell in line if cell.n]
    expected = [np.percentile([loss for loss in values[k] if loss - 10 * k < 9], 75) for k in (4, 6)]
    assert sorted(value for value in pooled if value is not None) == pytest.approx(expected)


def test_a_statistic_of_nothing_is_null(database: Database) -> None:
    experiment = store(database, sweep={"data.k": [4, 6, 8]}, seeds=1)
    four, six, _ = take_all(database, experiment)
    land(database, [made_up(four, train_loss=1.0), made_up(six, train_loss=None)])
    for statistic in STATISTICS:
        (line,) = diagrams.diagram(database, replace(query(experiment, y="data.d"), statistic=statistic)).cells
        assert [cell.value for cell in line] == [None if statistic == "sd" else 1.0, None, None]


def test_half_finished_work_shows_what_is_there(database: Database) -> None:
    experiment = store(database, seeds=1)
    before = diagrams.diagram(database, query(experiment))
    assert all(cell.n == 0 and cell.mean is None and cell.phase is None for line in before.cells for cell in line)
    runs = take_all(database, experiment)
    land(database, [made_up(runs[0], train_loss=0.25), failure(runs[1])])
    found = diagrams.diagram(database, query(experiment))
    cells = [cell for line in found.cells for cell in line]
    assert [cell.mean for cell in cells if cell.n] == [0.25]
    assert sum(cell.mean is None for cell in cells) == 5
    assert found.revision > before.revision


def test_phases_are_counted_and_can_be_told_by_other_thresholds(database: Database) -> None:
    experiment = store(database, sweep={}, seeds=4)
    values = [0.95, 0.9, 0.5, 0.85]
    runs = take_all(database, experiment)
    land(
        database,
        [
            made_up(run, test_accuracy=1.0, start_share=0.0, noise_share=0.1, averaging_index=index)
            for run, index in zip(runs, values, strict=True)
        ],
    )
    cell = diagrams.diagram(database, query(experiment)).cells[0][0]
    assert (cell.phase, cell.phase_share) == (Phase.FEATURE_AVERAGING, 0.75)
    cell = diagrams.diagram(database, replace(query(experiment), thresholds=Thresholds(averaging_from=0.92))).cells[0][
        0
    ]
    assert (cell.phase, cell.phase_share) == (Phase.MIXED, 0.75)


def test_phases_counted_by_another_rule_are_counted_anew(database: Database) -> None:
    """Points as an older version left them, whose five counts mean something else: read from the rows, and right again
    with the next landing."""
    experiment = store(database, sweep={}, seeds=4)
    (first, *others) = take_all(database, experiment)
    known = {"test_accuracy": 1.0, "start_share": 0.0, "noise_share": 0.1, "averaging_index": 0.9}
    land(database, [made_up(first, **known)])
    with database.transaction() as session:
        (layout,) = measure_list_ids(session, [("train_loss",)]).values()
        old = np.array([1.0, 0, 0, 1, 0, 0, 0, 1, 0.5, 0, 0.5, 0.5]).tobytes()  # one run, lazy
        session.execute(update(points).values(summary=old, measure_list_id=layout))
    for landed in range(1, 5):
        cell = diagrams.diagram(database, query(experiment)).cells[0][0]
        assert (cell.n, cell.phase, cell.phase_share) == (landed, Phase.FEATURE_AVERAGING, 1)
        with database.reading() as session:
            stored = session.execute(select(points.c.measure_list_id)).scalar_one()
            assert (stored == layout) == (landed == 1)
            assert landed == 1 or check(session) == []
        if landed < 4:
            land(database, [made_up(others[landed - 1], **known)])


def test_a_swept_parameter_that_is_not_shown_is_refused(database: Database) -> None:
    sweep = {X: [4, 6], Y: [1e-5, 1e-3], "training.learning_rate": [1e-3, 1e-2]}
    experiment = store(database, sweep=sweep, seeds=2)
    finish(database, experiment)
    with pytest.raises(InvalidInput, match=r"training\.learning_rate varies .*where=.*marginalize="):
        diagrams.diagram(database, query(experiment))
    fixed = diagrams.diagram(database, query(experiment, where=["training.learning_rate=0.001"]))
    assert {cell.n for line in fixed.cells for cell in line} == {2}
    averaged = diagrams.diagram(database, query(experiment, marginalize=["training.learning_rate"]))
    assert {(cell.n, cell.runs) for line in averaged.cells for cell in line} == {(2, 4)}


@pytest.mark.parametrize("rates", [[1e-3], [1e-3, 1e-2]])
@pytest.mark.parametrize("data_seeds", [[None], [7], [7, 8, 9]])
def test_runs_that_share_data_are_averaged_first(
    database: Database, data_seeds: list[int | None], rates: list[float]
) -> None:
    """By hand: a draw is a data seed where there are several, else a seed of initial weights."""
    sweep = {"training.learning_rate": rates, "data.seed": data_seeds}
    losses: dict[int, dict[int, list[float]]] = {}
    drawn: set[int] = set()
    experiment = store(database, sweep={X: [4, 6], Y: [1e-5]} | sweep, seeds=4)
    for place, run in enumerate(take_all(database, experiment)):
        loss = None if place % 5 == 4 else float(place * 37 % 101)
        land(database, [made_up(run, train_loss=loss)])
        draw = run.data_seed if len(data_seeds) > 1 or data_seeds == [None] else run.seed
        drawn.add(draw)
        if loss is not None:
            losses.setdefault(run.settings.data.k, {}).setdefault(draw, []).append(loss)
    found = diagrams.diagram(database, query(experiment, marginalize=list(sweep)))
    over = Over.DATA if len(data_seeds) > 1 else Over.WEIGHTS if data_seeds == [7] else Over.SEEDS
    over = Over.DATA if over == Over.SEEDS and len(rates) > 1 else over
    for k, cell in zip(found.x.values, found.cells[0], strict=True):
        assert isinstance(k, int)
        draws = summarize([np.mean(values) for values in losses[k].values()])
        assert draws is not None
        assert (cell.n, cell.runs, cell.interval_over) == (len(drawn), 4 * len(data_seeds) * len(rates), over)
        assert cell.defined == sum(map(len, losses[k].values()))
        assert cell.value == pytest.approx(draws.mean)
        assert (cell.ci_low, cell.ci_high) == pytest.approx(mean_interval(MEASURES["train_loss"], draws))
        quantile = diagrams.diagram(database, replace(query(experiment, marginalize=list(sweep)), statistic="q75"))
        assert {one.n for one in quantile.cells[0]} == {len(drawn)}


def test_many_runs_are_not_read_one_by_one(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then an interval is at most as sure, around the same mean."""
    sweep = {X: [4, 6], Y: [1e-5], "training.learning_rate": [1e-3, 1e-2, 2e-2]}
    experiment = store(database, sweep=sweep, seeds=4)
    for place, run in enumerate(take_all(database, experiment)):
        land(database, [made_up(run, train_loss=50 + float(place * 37 % 101))])
    asked = query(experiment, marginalize=["training.learning_rate"])
    exact = diagrams.diagram(database, asked).cells[0]
    monkeypatch.setattr(draws, "MOST_READ", 10)
    monkeypatch.setattr(draws.point_rows, "read_seeds", None)
    bounded = diagrams.diagram(database, asked).cells[0]
    for one, other in zip(exact, bounded, strict=True):
        assert (other.n, other.runs, other.interval_over) == (one.n, one.runs, one.interval_over)
        assert other.mean == pytest.approx(one.mean)
        assert None not in (one.ci_low, one.ci_high, other.ci_low, other.ci_high)
        assert other.ci_low <= one.ci_low < one.ci_high <= other.ci_high  # type: ignore[operator]


def test_experiments_that_differ_unseen_are_refused(database: Database) -> None:
    one, other = store(database), store(database, data={"d": 100}, sweep={X: [10, 20], Y: [1e-5]})
    with pytest.raises(InvalidInput, match=r"data\.d varies"):
        diagrams.diagram(database, query(one, other))
    found = diagrams.diagram(database, query(one, other, marginalize=["data.d"]))
    assert found.x.values == (4, 6, 8, 10, 20)
    with pytest.raises(InvalidInput, match=r"data\.d varies"):
        curve_verbs.curves(database, CurveQuery((one, other), (X, Y)))


@pytest.mark.parametrize("seeds", [3, 2, [1, 7], [5, 6, 7]])
def test_a_run_in_two_experiments_counts_once(database: Database, seeds: Any) -> None:
    one, other = store(database), store(database, seeds=seeds)
    finish(database, one)
    finish(database, other)
    found = diagrams.diagram(database, query(one, other))
    every = {0, 1, 2} | (set(range(seeds)) if isinstance(seeds, int) else set(seeds))
    assert {cell.n for line in found.cells for cell in line} == {len(every)}
    curves = curve_verbs.curves(database, CurveQuery((one, other), (X, Y)))
    assert {curve.n for curve in curves.curves} == {len(every)}


def test_two_names_of_one_setting_stay_two_places(database: Database) -> None:
    sweep = {"network.labels": ["clusters", 4], "data.snr": [1.0, 2.0]}
    experiment = store(database, data={"k": 4}, sweep=sweep)
    assert len(finish(database, experiment)) == 6
    found = diagrams.diagram(database, query(experiment, x="network.labels", y="data.snr"))
    assert found.x.values == (4, "clusters")
    assert {cell.n for line in found.cells for cell in line} == {3}
    assert [line[0].mean for line in found.cells] == [line[1].mean for line in found.cells]


def test_parameters_that_older_rows_lack_have_their_default(database: Database) -> None:
    experiment = store(database)
    finish(database, experiment)
    with database.transaction() as session:
        rows = session.execute(text("SELECT id, canonical FROM settings")).all()
        for number, canonical_text in rows:
            older = json.loads(canonical_text)
            del older["data"]["label_noise"]
            values = {"older": json.dumps(older), "id": number}
            session.execute(text("UPDATE settings SET canonical = :older WHERE id = :id"), values)
        spec = session.execute(text("SELECT spec FROM experiments")).scalar_one()
        older = spec if isinstance(spec, dict) else json.loads(spec)
        del older["data"]["label_noise"]
        session.execute(text("UPDATE experiments SET spec = :older"), {"older": json.dumps(older)})
    newer = store(database, sweep={X: [10], Y: [1e-5]})
    found = diagrams.diagram(database, query(experiment, newer, where=["data.label_noise=0"]))
    assert found.x.values == (4, 6, 8, 10)


def test_auto_is_known_by_what_it_stands_for(database: Database) -> None:
    experiment = store(database)
    finish(database, experiment)
    found = diagrams.diagram(database, query(experiment, x="network.width", marginalize=[X]))
    assert found.x.values == (2, 3, 4)
    assert diagrams.diagram(database, query(experiment, where=["network.width>=3"])).x.values == (6, 8)


@pytest.mark.parametrize(
    ("changes", "places"),
    [
        ({"x": "data.q"}, ["/x"]),
        ({"x": "attack.radii"}, ["/x"]),
        ({"y": X}, ["/y"]),
        ({"measure": "loss"}, ["/measure"]),
        ({"marginalize": ["nothing"]}, ["/marginalize/0"]),
        ({"marginalize": [X]}, ["/marginalize/0"]),
        ({"where": ["data.k=5"]}, ["/where/0"]),
        ({"where": ["data.k=4", "data.k>=6"]}, ["/where"]),
    ],
)
def test_bad_queries_name_their_fault(sqlite_database: Database, changes: Any, places: list[str]) -> None:
    experiment = store(sqlite_database)
    with pytest.raises(InvalidInput) as caught:
        diagrams.diagram(sqlite_database, query(experiment, **changes))
    assert pointers(caught) == places


def test_no_more_cells_are_answered_than_a_limit(sqlite_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two experiments on lattices of their own cross to more cells than either has."""
    one, other = store(sqlite_database), store(sqlite_database, sweep={X: [40, 60, 80], Y: [0.1, 0.2]})
    monkeypatch.setattr(diagrams, "MOST_CELLS", 12)
    assert len(diagrams.diagram(sqlite_database, query(one)).cells) == 2
    with pytest.raises(InvalidInput, match="cells; at most 12"):
        diagrams.diagram(sqlite_database, query(one, other))
    with pytest.raises(InvalidInput, match="cells; at most 12"):
        diagrams.lines(sqlite_database, LineQuery((one, other), X, "train_loss", (Y,)))


def test_what_does_not_exist_is_not_found(database: Database) -> None:
    with pytest.raises(NotFound, match="experiment 7"):
        diagrams.diagram(database, query(7))
    with pytest.raises(NotFound):
        curve_verbs.curves(database, CurveQuery((7,)))
    with pytest.raises(NotFound):
        list_runs(database, RunList(7))
    with pytest.raises(NotFound):
        run_verbs.run(database, "f" * 64)


def test_points_that_were_skipped_leave_no_cell_filled(database: Database) -> None:
    spec = {"name": "s", "sweep": {X: [4, 6], "network.labels": [4, 6]}, "seeds": 1, "impossible": "skip"}
    submitted = submit(database, spec, "ada")
    assert (submitted.points, submitted.skipped) == (3, 1)
    finish(database, submitted.id)
    found = diagrams.diagram(database, query(submitted.id, y="network.labels"))
    assert [[cell.n for cell in line] for line in found.cells] == [[1, 1], [0, 1]]
