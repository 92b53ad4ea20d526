from typing import Any

import pytest

from phaselab.db.schema.database import Database
from phaselab.domain.families.rates import CONVOLUTION_RATE
from phaselab.domain.families.resnet18 import OPERATIONS
from phaselab.domain.settings.faults import InvalidInput
from phaselab.domain.specs.points import Limits
from phaselab.service.verbs import experiments
from phaselab.service.verbs.estimate import estimate
from phaselab.service.verbs.submit import submit
from tests.db.rows import finish
from tests.service.test_submit import SPEC


def test_an_estimate_tells_and_stores_nothing(database: Database) -> None:
    before = estimate(database, SPEC, "ada")
    assert (before.points, before.skipped, before.runs, before.cached) == (4, 0, 12, 0)
    assert before.stacks >= 4
    assert before.seconds > 0
    assert experiments.list_experiments(database).items == ()
    finish(database, submit(database, SPEC, "ada").id)
    after = estimate(database, SPEC, "ada")
    assert (after.cached, after.stacks, after.seconds) == (12, 0, 0.0)


@pytest.mark.parametrize("changes", [{"seeds": 100_000}, {"unknown": 1}, {"notify": "https://lab.example/hook"}])
def test_what_cannot_be_submitted_cannot_be_estimated(sqlite_database: Database, changes: Any) -> None:
    with pytest.raises(InvalidInput) as estimated:
        estimate(sqlite_database, SPEC | changes, "ada", limits=Limits(runs=1000))
    with pytest.raises(InvalidInput) as submitted:
        submit(sqlite_database, SPEC | changes, "ada", limits=Limits(runs=1000))
    assert estimated.value.faults == submitted.value.faults


@pytest.mark.parametrize(("data", "extractors"), [({"seed": 0}, 1), ({}, 3)])
def test_an_extractor_counts_once_for_all_heads_on_its_images(
    sqlite_database: Database, data: dict[str, Any], extractors: int
) -> None:
    heads = {
        "name": "heads",
        "data": {"source": "cifar10", "n": 2000} | data,
        "features": {"kind": "resnet18", "width": 16, "steps": 1000},
        "sweep": {"network.labels": ["binary", "clusters"]},
        "seeds": 3,
        "attack": {"radii": [0], "test_points": 10},
    }
    short = heads | {"features": {"kind": "resnet18", "width": 16, "steps": 0}}
    whole, rest = (estimate(sqlite_database, spec, "ada").seconds for spec in (heads, short))
    training = 3 * OPERATIONS * (16 / 64) ** 2 * 100 * 1000 / CONVOLUTION_RATE
    assert whole - rest == pytest.approx(extractors * training, rel=1e-3)


def test_a_training_counts_once_for_all_runs_that_look_at_it(sqlite_database: Database) -> None:
    spec = {"name": "steps", "data": {"n": 3000}, "attack": {"methods": [], "test_points": 10}, "seeds": 2}
    one, three, none = (
        estimate(sqlite_database, spec | {"sweep": {"training.steps": steps}}, "ada")
        for steps in ([10_000], [10_000, 0, 5_000], [0])
    )
    assert one.seconds > 20 * none.seconds
    assert three.seconds == pytest.approx(one.seconds + 2 * none.seconds)
    assert (one.stacks, three.stacks) == (2, 2)
