"""Curves and runs over a real database, against plain Python over the results that were landed."""

import json

import numpy as np

from phaselab.db.schema.database import Database
from phaselab.domain.answers.conditions import parse_condition
from phaselab.domain.answers.curves import CurveQuery
from phaselab.domain.settings.runs import canonical
from phaselab.service.verbs import curves as curve_verbs
from phaselab.service.verbs import runs as run_verbs
from tests.db.rows import finish, land, store, take
from tests.results import made_up

X, Y = "data.k", "network.init_scale"


def test_curves_are_means_over_seeds(database: Database) -> None:
    experiment = store(database)
    runs = finish(database, experiment)
    found = curve_verbs.curves(
        database, CurveQuery((experiment,), (X,), (parse_condition(f"{Y}=0.001"),), ("pgd",), ("sum",))
    )
    assert [dict(curve.group) for curve in found.curves] == [{X: 4}, {X: 6}, {X: 8}]
    for group in found.curves:
        results = [
            made_up(run)
            for run in runs
            if run.settings.data.k == group.group[X] and run.settings.network.init_scale == 1e-3
        ]
        chosen = [
            curve.accuracy
            for result in results
            for curve in result.curves
            if (curve.readout, curve.method) == ("sum", "pgd")
        ]
        assert len(chosen) == 3
        expected = np.mean(chosen, axis=0)
        assert group.n == 3
        assert group.radii == (0.0, 10.0, 20.0)
        np.testing.assert_allclose(group.mean, expected)


def test_one_run_is_told_whole(database: Database) -> None:
    experiment = store(database)
    run = take(database, experiment, most=1)[0]
    result = made_up(run)
    land(database, [result])
    found = run_verbs.run(database, run.key)
    assert found.settings == json.loads(canonical(run.settings))
    assert found.radii == (0.0, 10.0, 20.0)
    assert found.stored.row.measures == result.measures
    assert found.stored.arrays is not None
    np.testing.assert_array_equal(found.stored.arrays.cosines, result.cosines)
    for stored, given in zip(found.stored.arrays.curves, result.curves, strict=True):
        assert (stored.readout, stored.method) == (given.readout, given.method)
        np.testing.assert_array_equal(stored.bounds, given.bounds)
    assert found.stored.provenance == result.provenance
    assert found.stored.experiments == (experiment,)
    assert (found.stored.row.trust, found.stored.row.flags) == (result.trust.verdict, result.trust.flags)
