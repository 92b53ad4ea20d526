"""Lines along layers, over a real database, against plain Python over the profiles that were landed."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from phaselab.db.schema.database import Database
from phaselab.domain.answers.cell_queries import LineQuery
from phaselab.domain.results.intervals import mean_interval
from phaselab.domain.results.measures import MEASURES
from phaselab.domain.results.over import Over
from phaselab.domain.results.summaries import summarize
from phaselab.domain.settings.faults import InvalidInput
from phaselab.service.verbs import diagrams
from phaselab.service.verbs import runs as run_verbs
from tests.db.rows import finish, land, store, take_all
from tests.results import failure, made_up

DEEP: dict[str, Any] = {"network": {"kind": "mlp"}, "sweep": {"network.depth": [2, 4]}, "seeds": 3}
MEASURE = "subclass_variance"


def query(experiment: int, **more: Any) -> LineQuery:
    given = {"by": ("network.depth",)} | more
    return LineQuery(experiments=(experiment,), x="layer", measure=MEASURE, **given)


def test_a_line_has_a_value_for_every_layer_of_its_networks(database: Database) -> None:
    experiment = store(database, **DEEP)
    found: dict[int, list[Any]] = {}
    for run in take_all(database, experiment):
        result = made_up(run)
        land(database, [result])
        values = result.profiles.get(MEASURE, np.array([result.measures[MEASURE]], np.float64))
        found.setdefault(run.settings.network.depth, []).append(values)
    lines = diagrams.lines(database, query(experiment))
    assert lines.x.values == (1, 2, 3)
    assert (lines.x.title, lines.x.scale) == ("hidden layer", "linear")
    for line in lines.lines:
        depth = line.group["network.depth"]
        assert isinstance(depth, int)
        profiles = np.array(found[depth])  # [runs, layers]
        for layer, cell in enumerate(line.cells):
            if layer >= depth - 1:
                assert (cell.state, cell.runs, cell.mean) == (None, 0, None)
                continue
            own = profiles[:, layer].tolist()
            assert (cell.n, cell.runs, cell.defined, cell.interval_over) == (3, 3, 3, Over.SEEDS)
            assert cell.mean == pytest.approx(np.mean(own))
            assert (cell.low, cell.high) == (min(own), max(own))
            assert (cell.ci_low, cell.ci_high) == pytest.approx(mean_interval(MEASURES[MEASURE], summarize(own)))
    (deep,) = diagrams.lines(database, replace(query(experiment), statistic="median")).lines[1:]
    assert [cell.value for cell in deep.cells] == pytest.approx(np.median(np.array(found[4]), axis=0).tolist())


def test_runs_that_share_data_are_one_draw(database: Database) -> None:
    spec = DEEP | {"sweep": {"network.depth": [3], "data.seed": [0, 1]}}
    experiment = store(database, **spec)
    finish(database, experiment)
    (line,) = diagrams.lines(database, query(experiment, by=(), marginalize=("data.seed",))).lines
    assert {(cell.n, cell.runs, cell.interval_over) for cell in line.cells} == {(2, 6, Over.DATA)}


def test_what_is_not_known_is_not_made_up(database: Database) -> None:
    """A run whose profile was not kept counts as one that has no value there; one that failed is told."""
    experiment = store(database, **DEEP | {"sweep": {"network.depth": [3]}})
    first, second, third = take_all(database, experiment)
    lines = diagrams.lines(database, query(experiment)).lines
    assert [cell.state for cell in lines[0].cells] == ["pending", "pending"]
    land(database, [replace(made_up(first), profiles={}), made_up(second), failure(third)])
    (line,) = diagrams.lines(database, query(experiment)).lines
    values = made_up(second).profiles[MEASURE].tolist()
    assert [cell.mean for cell in line.cells] == pytest.approx(values)
    assert {(cell.runs, cell.defined, cell.failed) for cell in line.cells} == {(2, 1, 1)}


def test_what_has_no_answer_is_told(database: Database) -> None:
    experiment = store(database, **DEEP)
    for asked, said in (
        (replace(query(experiment), measure="train_loss"), "those that are: cluster_alignment"),
        (replace(query(experiment), measure="beauty"), "no measure"),
        (query(experiment, by=()), "network.depth varies"),
        (query(experiment, by=("network.depth", "layer")), "no parameter 'layer'"),
    ):
        with pytest.raises(InvalidInput, match=said):
            diagrams.lines(database, asked)


def test_a_run_shows_its_profiles_and_that_of_one_layer_is_its_number(database: Database) -> None:
    experiment = store(database, **DEEP)
    for run in finish(database, experiment):
        detail, result = run_verbs.run(database, run.key), made_up(run)
        shown = run_verbs.profiles_of(detail)
        assert shown is not None
        if run.settings.network.depth == 2:
            assert shown[MEASURE] == [result.measures[MEASURE]]
        else:
            assert shown[MEASURE] == result.profiles[MEASURE].tolist()
        assert "train_loss" not in shown
