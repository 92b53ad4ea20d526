"""Radii in data units and in norms of centres."""

import json
import math
from typing import Any

import pytest

from phaselab.domain.answers.theory import flip_on_curve, flip_radius
from phaselab.domain.answers.theory_lines import SPOKEN_OF
from phaselab.domain.families.resolve import resolve
from phaselab.domain.results.trust import checks_of
from phaselab.domain.settings.faults import Damaged, InvalidInput
from phaselab.domain.settings.radii import in_data_units, radii, unit
from phaselab.domain.settings.runs import Run, canonical
from phaselab.domain.settings.settings import Settings
from phaselab.domain.settings.stacks import cut_stacks
from phaselab.domain.specs.stored import stored_radii, stored_radii_in

R = math.sqrt(3072)


def settings(snr: float = 1.0, d: int = 3072, **attack: Any) -> Settings:
    return resolve(Settings.model_validate({"data": {"snr": snr, "d": d}, "attack": attack}))


def test_by_default_radii_are_in_data_units_and_the_text_is_silent_of_it() -> None:
    plain = settings()
    assert unit(plain) == 1.0
    assert in_data_units(plain) == radii(plain.attack) == tuple(2.0 * i for i in range(31))
    assert "radii_in" not in canonical(plain)
    assert canonical(plain) == canonical(settings(radii_in="absolute"))
    assert stored_radii_in(canonical(plain)) == "absolute"


def test_in_norms_of_centres_they_are_stored_as_given_and_attacked_times_r() -> None:
    relative = settings(snr=2.0, radii=[0.0, 0.25, 0.5], radii_in="center_norm")
    assert relative.attack.radii == (0.0, 0.25, 0.5)
    assert in_data_units(relative) == pytest.approx((0.0, 0.5 * R, R))
    text = canonical(relative)
    assert stored_radii(text) == (0.0, 0.25, 0.5)
    assert stored_radii_in(text) == "center_norm"
    assert resolve(Settings.model_validate(json.loads(text))) == relative


def test_a_unit_that_there_is_not_is_told_as_damage() -> None:
    with pytest.raises(Damaged, match="no unit of radii"):
        stored_radii_in(json.dumps({"attack": {"radii": [0.0], "radii_in": 3}}))


def test_left_out_they_reach_beyond_the_norm() -> None:
    found = radii(settings(radii_in="center_norm").attack)
    assert (found[0], found[-1], len(found)) == (0.0, 1.2, 31)


def test_only_clusters_have_such_a_norm() -> None:
    spec = {"data": {"source": "digits"}, "attack": {"radii_in": "center_norm", "test_points": 100}}
    with pytest.raises(InvalidInput) as caught:
        resolve(Settings.model_validate(spec))
    (fault,) = caught.value.faults
    assert fault.pointer == "/attack/radii_in"
    assert fault.detail == ("radii_in is for clusters, not for images; leave it out, or use data.source: clusters")


def test_radii_that_are_too_long_in_data_units_are_refused() -> None:
    with pytest.raises(InvalidInput) as caught:
        settings(snr=1e6, d=1_000_000_000, radii=[0.0, 5.0], radii_in="center_norm")
    (fault,) = caught.value.faults
    assert fault.pointer == "/attack/radii"
    assert "5 norms of centres are 1.58e+11 in data units" in fault.detail
    assert "use radii up to 3.16" in fault.detail


def test_runs_of_other_snr_share_a_stack_only_where_radii_do_not_depend_on_it() -> None:
    for unit_of_radii, stacks in (("absolute", 1), ("center_norm", 2)):
        runs = [Run.of(settings(snr=snr, radii_in=unit_of_radii), 0) for snr in (1.0, 2.0)]
        assert len(cut_stacks(runs, 8)) == stacks


def test_theory_of_a_curve_is_in_its_unit_and_that_of_measures_in_data_units() -> None:
    plain, relative = settings(snr=1.5), settings(snr=1.5, radii_in="center_norm")
    expected, found = flip_radius(plain, "max"), flip_on_curve(relative, "max")
    assert expected.radius is not None
    assert expected.ideal is not None
    assert flip_on_curve(plain, "max") == expected
    assert (expected.formula, found.formula, found.reason) == ("R/√k", "1/√k", None)
    assert found.radius == pytest.approx(expected.radius / (1.5 * R))
    assert found.ideal == pytest.approx(1 / math.sqrt(10))
    for speaks in SPOKEN_OF.values():
        assert speaks(relative) == speaks(plain)


def test_a_silent_theory_is_silent_in_any_unit() -> None:
    noisy = Settings.model_validate(
        {"data": {"label_noise": 0.1}, "network": {"labels": 4}, "attack": {"radii_in": "center_norm"}}
    )
    found = flip_on_curve(resolve(noisy), "max")
    assert (found.radius, found.ideal) == (None, None)
    assert found.reason


def test_the_ceiling_is_looked_at_where_radii_reach_it_in_data_units() -> None:
    """Half the distance of centres is R / sqrt 2."""
    low, high = (settings(radii=[0.0, last], radii_in="center_norm") for last in (0.7, 0.71))
    assert "above_ceiling" not in checks_of(low)
    assert "above_ceiling" in checks_of(high)
