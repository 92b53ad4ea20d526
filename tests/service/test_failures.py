"""Failed runs: by reason, and in the cells of a diagram, over real databases."""

from collections.abc import Sequence
from typing import Any

import pytest

from phaselab.db.schema.database import Database
from phaselab.domain.answers.cell_queries import DiagramQuery
from phaselab.domain.answers.conditions import parse_condition
from phaselab.domain.answers.failures import FailuresQuery
from phaselab.domain.results.results import RunFailure
from phaselab.domain.settings.runs import Run
from phaselab.domain.specs.points import plan
from phaselab.domain.specs.spec import parse_spec
from phaselab.service.base.errors import NotFound
from phaselab.service.verbs import experiments
from phaselab.service.verbs.diagrams import diagram
from phaselab.service.verbs.failures import failures
from phaselab.service.verbs.submit import submit
from tests.db.rows import finish, land, store, take_all
from tests.results import made_up

X, Y = "data.k", "network.init_scale"
M, P, F, OUT, NONE = "measured", "pending", "failed", "impossible", None


def states(database: Database, *numbers: int, x: str = X, y: str = Y, **more: Any) -> list[list[Any]]:
    return [[cell.state for cell in line] for line in cells(database, *numbers, x=x, y=y, **more)]


def cells(database: Database, *numbers: int, x: str = X, y: str = Y, **more: Any) -> Sequence[Sequence[Any]]:
    where = tuple(parse_condition(text) for text in more.pop("where", ()))
    return diagram(database, DiagramQuery(numbers, x, y, "train_loss", where=where, **more)).cells


def end(database: Database, runs: Sequence[Run], fails: Any) -> None:
    """Land what each run comes to: the reason that `fails` gives for it, else a result."""
    reasons = [(run, fails(run)) for run in runs]
    land(database, [made_up(run) if reason is None else RunFailure(run.key, reason) for run, reason in reasons])


def by_seed(run: Run) -> str | None:
    return {0: None, 1: "diverged", 2: "diverged" if run.settings.data.k == 4 else "no memory"}[run.seed]


def test_reasons_come_with_their_counts_the_most_frequent_first(database: Database) -> None:
    experiment, other = store(database), store(database, name="other", data={"d": 50})
    runs = take_all(database, experiment)
    end(database, runs, by_seed)
    end(database, take_all(database, other), lambda run: "elsewhere")
    found = failures(database, FailuresQuery(experiment)).items
    assert [(one.reason, one.count) for one in found] == [("diverged", 8), ("no memory", 4)]
    assert found[0].key == min(run.key for run in runs if by_seed(run) == "diverged")
    assert failures(database, FailuresQuery(experiment, limit=1)).items == found[:1]
    assert failures(database, FailuresQuery(store(database, name="new", data={"d": 60}))).items == ()
    with pytest.raises(NotFound, match="experiment 99"):
        failures(database, FailuresQuery(99))


def test_what_is_tried_again_is_no_failure_here_and_has_no_reason_elsewhere(database: Database) -> None:
    experiment = store(database)
    end(database, take_all(database, experiment), by_seed)
    again = store(database, name="again")  # wants the same runs, and has those that failed tried again
    assert [(one.reason, one.count) for one in failures(database, FailuresQuery(experiment)).items] == [(None, 12)]
    assert failures(database, FailuresQuery(again)).items == ()
    experiments.retry(database, experiment)
    assert failures(database, FailuresQuery(experiment)).items == ()


def test_cells_tell_what_they_are(database: Database) -> None:
    experiment = store(database)
    runs = take_all(database, experiment)
    assert states(database, experiment) == [[P, P, P], [P, P, P]]
    lost = {(4, 1e-5): 3, (4, 1e-3): 2, (6, 1e-5): 2}

    def reason(run: Run) -> str | None:
        place = (run.settings.data.k, run.settings.network.init_scale)
        return "lost" if run.seed < lost.get(place, 0) else None

    end(database, [run for run in runs if reason(run) or run.settings.data.k == 4], reason)
    assert states(database, experiment) == [[F, P, P], [M, P, P]]
    found = cells(database, experiment)
    assert [[cell.failed for cell in line] for line in found] == [[3, 2, 0], [2, 0, 0]]
    assert [[cell.n for cell in line] for line in found] == [[0, 0, 0], [1, 0, 0]]
    assert states(database, experiment, statistic="median") == states(database, experiment)
    assert states(database, experiment, x="data.n", marginalize=(X,)) == [[P], [M]]
    merged = cells(database, experiment, x="data.n", marginalize=(X,))
    assert [[cell.failed for cell in line] for line in merged] == [[5], [2]]
    experiments.cancel(database, experiment)
    assert states(database, experiment) == [[F, P, P], [M, P, P]], "given up before they ended: a retry would do them"
    experiments.retry(database, experiment)
    assert states(database, experiment) == [[P, P, P], [M, P, P]]


def test_several_experiments_share_their_failures(database: Database) -> None:
    """A run that failed in two experiments counts once; one that is tried again for one of them has not failed."""
    first, second = store(database, seeds=2), store(database, name="second", seeds=[1, 2])
    for experiment in (first, second):
        end(database, take_all(database, experiment), lambda run: "lost")
    assert [[cell.failed for cell in line] for line in cells(database, first, second)] == [[3] * 3] * 2
    assert states(database, first, second) == [[F] * 3] * 2
    experiments.retry(database, second)
    assert states(database, first) == [[F] * 3] * 2
    assert [[cell.failed for cell in line] for line in cells(database, first, second)] == [[1] * 3] * 2
    assert states(database, first, second) == [[P] * 3] * 2


LABELS = {"name": "s", "sweep": {X: [4, 6], "network.labels": [4, 6]}, "seeds": 1, "impossible": "skip"}


def test_points_that_were_left_out_are_impossible(database: Database) -> None:
    first = submit(database, LABELS, "ada").id
    finish(database, first)
    assert states(database, first, y="network.labels") == [[M, M], [OUT, M]]
    other = submit(database, LABELS | {"sweep": {X: [8], "network.labels": [8]}}, "ada").id
    assert states(database, first, other, y="network.labels") == [[M, M, NONE], [OUT, M, NONE], [NONE, NONE, P]]


def test_a_value_that_stands_for_others_leaves_empty_cells_unknown(database: Database) -> None:
    sweep = {X: [4, 6], "network.width": ["auto", 1], "network.labels": ["binary", 6]}
    assert plan(parse_spec(LABELS | {"sweep": sweep})).skipped == 2
    experiment = submit(database, LABELS | {"sweep": sweep}, "ada").id
    fixed = {"y": "network.width", "where": ["network.labels=binary"]}
    assert states(database, experiment, **fixed) == [[P, P], [P, NONE], [NONE, P]], "of width 1, 2 and 3"
    width = {"y": "network.labels", "where": ["network.width=1"]}
    assert states(database, experiment, **width)[1][0] is NONE, "a condition on it could have left the cell empty"
