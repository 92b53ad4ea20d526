"""One number for what a person means."""

import math

import pytest

from phaselab.domain.answers.conditions import parse_condition
from phaselab.domain.families.resolve import resolve
from phaselab.domain.settings.faults import InvalidInput
from phaselab.domain.settings.numbers import linear_grid, log_grid, read_number, tidy
from phaselab.domain.settings.runs import Run
from phaselab.domain.specs.points import expand_axes, plan
from phaselab.domain.specs.spec import parse_spec


def keys(**spec: object) -> set[str]:
    planned = plan(parse_spec({"name": "x", "seeds": 1} | spec))
    return {Run.of(point.settings, 0).key for point in planned.points}


def test_a_grid_through_zero_has_zero() -> None:
    values = linear_grid(-0.3, 0.7, 11)
    assert values == (-0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
    assert all(math.copysign(1, value) > 0 for value in linear_grid(-1, 1, 3)[1:])
    assert linear_grid(0.1, 0.3, 3) == (0.1, 0.2, 0.3)


def test_a_grid_keeps_what_is_small_and_meant() -> None:
    assert linear_grid(1e-6, 1e6, 3) == (1e-6, pytest.approx(5e5), 1e6)
    assert linear_grid(0, 1e-9, 3) == (0, 5e-10, 1e-9)
    assert linear_grid(2, 2, 3) == (2, 2, 2)
    assert linear_grid(3, 5, 1) == (3,)
    assert linear_grid(0, 1e15, 3) == (0, 5e14, 1e15)
    assert log_grid(1e-6, 1e-1, 11)[::2] == (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1)


def test_numbers_that_look_equal_are_one_run() -> None:
    for path, one, other in (
        ("center_cosine", 0.0, -0.0),
        ("snr", 0.3, 0.30000000000000004),
        ("snr", 1, 1.0),
        ("label_noise", 0.1, 0.1 + 1e-17),
    ):
        assert keys(data={path: one}) == keys(data={path: other})
        assert keys(sweep={f"data.{path}": [one]}) == keys(sweep={f"data.{path}": [other]}) == keys(data={path: one})
    assert keys(data={"snr": 0.3}) != keys(data={"snr": 0.30000001})
    in_a_grid = keys(sweep={"data.center_cosine": {"linspace": [-0.05, 0.1, 4]}})
    assert keys(data={"center_cosine": 0.0}) < in_a_grid


def test_numbers_that_look_equal_do_not_stand_on_one_axis_twice() -> None:
    with pytest.raises(InvalidInput, match="twice"):
        expand_axes(parse_spec({"name": "x", "sweep": {"data.snr": [0.3, 0.30000000000000004]}}))
    with pytest.raises(InvalidInput, match="twice"):
        expand_axes(parse_spec({"name": "x", "sweep": {"data.center_cosine": [-0.0, 0]}}))


def test_what_is_stored_is_read_as_it_is() -> None:
    spec = parse_spec(
        {"name": "x", "data": {"snr": 0.1 + 0.2}, "seeds": [3, 1], "sweep": {"data.center_cosine": [-0.0]}}
    )
    assert parse_spec(spec.model_dump(mode="json")) == spec
    assert spec.data.snr == 0.3
    settings = plan(spec).points[0].settings
    assert resolve(settings) == settings


@pytest.mark.parametrize("text", ["data.snr=0.30000000000000004", "data.snr=.3", "data.snr=3e-1", "data.snr = 0.3"])
def test_conditions_mean_the_same_number(text: str) -> None:
    assert parse_condition(text).holds(0.3)
    assert str(parse_condition(text)) == "data.snr=0.3"


@pytest.mark.parametrize("text", ["data.k=1_0", "data.k=nan", "data.k=inf", "data.k=0x1f", "data.k=١"])
def test_conditions_read_numbers_as_specs_do(text: str) -> None:
    assert parse_condition(text).value == text.partition("=")[2]


@pytest.mark.parametrize("text", ["data.k>=4", "data.k> 4", "data.k=null", "network.labels!=binary", "data.snr<  -0.0"])
def test_a_condition_is_told_as_it_was_read(text: str) -> None:
    found = parse_condition(text)
    assert parse_condition(str(found)) == found


@pytest.mark.parametrize("text", ["data.k==4", "data.k> =4", "data.k>==4", "network.labels<\t=a"])
def test_a_value_does_not_begin_with_an_operator_s_sign(text: str) -> None:
    with pytest.raises(InvalidInput, match="is no condition; write path=value"):
        parse_condition(text)


@pytest.mark.parametrize("text", ["data.k=a\0b", "data.k=1e999", "data.k=" + "9" * 30, "data.k!=a\u2028b"])
def test_conditions_on_what_is_no_value_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"the value of data\.k"):
        parse_condition(text)


@pytest.mark.parametrize(
    ("text", "number"), [("010", 10), ("-0", 0), ("-0.0", 0.0), ("1e3", 1000.0), ("1.", 1.0), ("", None), ("1 2", None)]
)
def test_digits_are_read_as_one_means_them(text: str, number: float | None) -> None:
    assert read_number(text) == number


def test_a_zero_has_no_sign() -> None:
    assert math.copysign(1, tidy(-0.0)) == 1
    assert math.copysign(1, tidy(-1e-400)) == 1
