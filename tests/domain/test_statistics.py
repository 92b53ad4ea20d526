"""Summaries, phases, conditions, the order of work."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phaselab.domain.answers.conditions import Condition, parse_condition
from phaselab.domain.results.summaries import merge_all, summarize
from phaselab.domain.settings.faults import InvalidInput
from phaselab.domain.specs.order import point_ranks, run_rank
from phaselab.domain.specs.points import plan
from phaselab.domain.specs.spec import parse_spec

numbers = st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=20)


@given(numbers, numbers)
def test_merged_summaries_equal_the_summary_of_all(one: list[float], other: list[float]) -> None:
    merged = merge_all([summarize(one), None, summarize(other)])
    assert merged is not None
    everything = np.array(one + other)
    assert (merged.n, merged.low, merged.high) == (everything.size, everything.min(), everything.max())
    assert merged.mean == pytest.approx(everything.mean(), abs=1e-9)
    assert merged.sd == pytest.approx(everything.std(ddof=1), abs=1e-6)


def test_undefined_values_are_left_out() -> None:
    assert summarize([None, None]) is None
    summary = summarize([None, 2.0])
    assert summary is not None
    assert (summary.n, summary.mean, summary.sd) == (1, 2.0, None)


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("network.labels=binary", Condition("network.labels", "=", "binary")),
        ("data.k >= 10", Condition("data.k", ">=", 10)),
        ("data.snr!=0.5", Condition("data.snr", "!=", 0.5)),
        ("data.seed=null", Condition("data.seed", "=", None)),
    ],
)
def test_conditions_are_read(text: str, condition: Condition) -> None:
    assert parse_condition(text) == condition
    assert parse_condition(str(condition)) == condition


@pytest.mark.parametrize("text", ["data.k", "=4", "data.k~4", "data.q=4", "attack.radii=4"])
def test_what_is_no_condition_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_condition(text)


def test_conditions_compare_numbers_with_numbers_only() -> None:
    assert Condition("network.labels", ">", 4).holds(6)
    assert not Condition("network.labels", ">", 4).holds("binary")
    assert Condition("network.labels", "!=", 4).holds("binary")
    assert Condition("data.k", "=", 4).holds(4)


def test_work_goes_from_coarse_to_fine() -> None:
    spec = {"name": "x", "sweep": {"data.k": [4, 5, 6, 7, 8], "data.snr": [1, 2, 3, 4, 5]}}
    planned = plan(parse_spec(spec))
    ranks = point_ranks(planned)
    assert sorted(ranks) == list(range(25))
    first = [planned.points[ranks.index(rank)].values for rank in range(9)]
    assert {(p["data.k"], p["data.snr"]) for p in first[:4]} == {(4, 1), (4, 5), (8, 1), (8, 5)}
    assert {(p["data.k"], p["data.snr"]) for p in first[:9]} == {(k, s) for k in (4, 6, 8) for s in (1, 3, 5)}


def test_points_of_one_training_come_side_by_side_where_the_first_of_them_does() -> None:
    sweep = {"training.steps": [0, 1, 2, 3, 4], "data.k": [4, 5, 6]}
    planned = plan(parse_spec({"name": "x", "sweep": sweep}))
    ranked = sorted(zip(point_ranks(planned), planned.points, strict=True), key=lambda one: one[0])
    values = [(point.values["data.k"], point.values["training.steps"]) for _, point in ranked]
    assert values == [(k, steps) for k in (4, 6, 5) for steps in (0, 4, 2, 1, 3)]


def test_a_schedule_that_depends_on_the_steps_makes_them_an_axis_like_any_other() -> None:
    sweep = {"training.steps": [1, 2, 3], "training.label_smoothing": [0.0, 0.1, 0.2]}
    images = {"data": {"source": "cifar10"}, "network": {"kind": "resnet18"}, "training": {"schedule": "cosine"}}
    planned = plan(parse_spec({"name": "x", "sweep": sweep} | images))
    ranks = point_ranks(planned)
    first = [planned.points[ranks.index(rank)].values["training.steps"] for rank in range(4)]
    assert sorted(first) == [1, 1, 3, 3]


def test_every_point_gets_its_first_seed_before_any_gets_its_second() -> None:
    assert run_rank(24, 0, 25) < run_rank(0, 1, 25)
