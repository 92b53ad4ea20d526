"""Curves in norms of centres: one axis for every snr, and one unit an answer."""

from typing import Any

import pytest

from phaselab.db.schema.database import Database
from phaselab.domain.answers.curves import CurveQuery
from phaselab.domain.settings.faults import InvalidInput
from phaselab.service.verbs import runs as run_verbs
from phaselab.service.verbs.curves import curves
from tests.db.rows import finish, store

SNRS = {"data.snr": [1.0, 1.5]}
RELATIVE = {"radii": [0, 0.5, 1], "radii_in": "center_norm"}


def stored(database: Database, **attack: Any) -> int:
    """An experiment with its results."""
    experiment = store(database, sweep=SNRS, attack=attack)
    finish(database, experiment)
    return experiment


def test_curves_of_every_snr_lie_on_one_axis_with_theory_in_its_unit(database: Database) -> None:
    found = curves(database, CurveQuery((stored(database, **RELATIVE),), ("data.snr",)))
    assert found.radii_in == "center_norm"
    assert {curve.radii for curve in found.curves} == {(0.0, 0.5, 1.0)}
    assert {curve.radii_in for curve in found.curves} == {"center_norm"}
    assert sorted(found.units) == pytest.approx([3072**0.5, 1.5 * 3072**0.5])
    for curve in found.curves:
        assert curve.theory is not None
        assert curve.theory.ideal == pytest.approx(10**-0.5)
        assert curve.theory.radius == pytest.approx(10**-0.5, rel=0.01)


def test_experiments_of_both_units_are_not_one_answer(database: Database) -> None:
    one, other = stored(database, **RELATIVE), stored(database, radii=[0, 0.5, 1])
    with pytest.raises(InvalidInput) as caught:
        curves(database, CurveQuery((one, other), ("data.snr",)))
    (fault,) = caught.value.faults
    assert (fault.pointer, "one unit at a time" in fault.detail) == ("/experiment", True)


def test_a_run_says_the_unit_of_its_radii(database: Database) -> None:
    for attack, unit in ((RELATIVE, "center_norm"), ({"radii": [0, 1]}, "absolute")):
        key = finish(database, store(database, sweep=SNRS, attack=attack))[0].key
        assert run_verbs.run(database, key).radii_in == unit
        assert run_verbs.curves_of_run(database, key).radii_in == unit
