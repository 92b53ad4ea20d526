"""Summaries merged by group are what merging them one by one gives."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from phaselab.domain.results import summaries


def drawn(draw: np.random.Generator, runs: int) -> summaries.Floats:
    """The summary [1, WIDTH] of some made-up runs, some of whose measures are null."""
    values = draw.normal(size=(runs, len(summaries.NAMES)))
    values[draw.random(values.shape) < 0.3] = np.nan
    phase = draw.integers(-1, len(summaries.PHASES), runs)
    return summaries.of_runs(values, draw.random(runs) < 0.5, phase, np.zeros(runs, dtype=np.int64), 1)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), dealt=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), max_size=12))
def test_merging_by_group_is_merging_one_by_one(seed: int, dealt: list[tuple[int, int]]) -> None:
    draw = np.random.default_rng(seed)
    rows = [drawn(draw, runs) for runs, _ in dealt]
    expected = [summaries.empty(1) for _ in range(4)]
    for row, (_, group) in zip(rows, dealt, strict=True):
        expected[group] = summaries.merge(expected[group], row)
    together = np.concatenate(rows) if rows else summaries.empty(0)
    merged = summaries.merge_groups(together, [group for _, group in dealt], 4)
    np.testing.assert_allclose(merged, np.concatenate(expected), rtol=1e-9, atol=1e-12)


def test_phases_that_were_counted_by_another_rule_are_not_taken_for_today_s() -> None:
    """A row of before phases were named: n, suspect, five counts, and five numbers a measure."""
    old = np.array([9.0, 1, 1, 2, 3, 1, 2, 9, 0.5, 0.1, 0.25, 0.75])
    (row,) = summaries.from_bytes([old.astype("<f8").tobytes()], [("train_loss",)])
    assert not summaries.counted_today(("train_loss",))
    assert summaries.counts(row) == (9, 1)
    assert summaries.phase_counts(row) == {}
    assert summaries.summary_of(row, "train_loss") == summaries.Summary(9, 0.5, 0.1, 0.25, 0.75)
    of_today = drawn(np.random.default_rng(0), 7)
    (again,) = summaries.from_bytes(summaries.to_bytes(of_today), [summaries.LAYOUT])
    np.testing.assert_array_equal(again, of_today[0])
    assert summaries.counted_today(summaries.LAYOUT)
    assert summaries.phase_counts(again) == summaries.phase_counts(of_today[0]) != {}
    assert summaries.phase_counts(summaries.without_phases(again)) == {}
