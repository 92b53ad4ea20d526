"""The rules of refinement, on maps that are known: what is promised of every one of them, and how honest audits are."""

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phaselab.domain.refining.auditing import Stage
from phaselab.domain.refining.deciding import Purse, coarse_runs, decide, is_cut_short, purse_of
from phaselab.domain.refining.lattice import Tally, areas, coarse_boxes, halves, ticks
from phaselab.domain.refining.playing import BLANK, Played, refine_maps, seen_of
from phaselab.domain.refining.seen import FIRST_SEEDS, NOTHING, agreed
from phaselab.domain.refining.typical import share_across
from phaselab.domain.specs.refine import COARSE_STEPS

Whole = npt.NDArray[np.int64]


def plain(shape: tuple[int, int], seeds: int, random: np.random.Generator, waves: int = 3) -> Whole:
    """A map of up to three phases with smooth boundaries, all seeds alike, [x, y, seeds]."""
    x, y = np.meshgrid(np.linspace(0, 1, shape[0]), np.linspace(0, 1, shape[1]), indexing="ij")
    height = y - random.uniform(0.2, 0.8)
    for wave in range(1, waves + 1):
        height = height + random.normal(0, 0.15 / wave) * np.sin(2 * wave * x + random.uniform(0, 6))
    island = (x - random.uniform()) ** 2 + (y - random.uniform()) ** 2 < random.uniform(0, 0.2) ** 2
    return np.repeat(np.where(island, 2, height > 0).astype(np.int64)[:, :, None], seeds, axis=2)


def noisy(known: Whole, share: float, random: np.random.Generator) -> Whole:
    """The map with so many of its runs saying anything, failing among them."""
    return np.where(random.uniform(size=known.shape) < share, random.integers(NOTHING, 3, size=known.shape), known)


def whole(known: Whole) -> Whole:
    """What a point says with all of its seeds, [x, y]."""
    return seen_of(known, np.full(known.shape[:2], known.shape[2])).label


def told(played: Played, number: int = 0) -> Whole:
    """What a refinement says of every point: measured, or inferred."""
    inferred = played.decision.rounds[number].inferred
    return np.where(inferred == NOTHING, played.seen[number].label, inferred)


SHAPES = st.tuples(st.integers(3, 33), st.integers(3, 33))


@settings(max_examples=30, deadline=None)
@given(SHAPES, st.integers(3, 6), st.integers(0, 10_000), st.sampled_from((0.0, 0.01, 0.1)), st.booleans())
def test_no_disagreeing_neighbours_are_left_unmeasured(
    shape: tuple[int, int], seeds: int, number: int, noise: float, holes: bool
) -> None:
    random = np.random.default_rng(number)
    known = noisy(plain(shape, seeds, random), noise, random)
    if holes:
        known[random.uniform(size=shape) < 0.1] = BLANK
    played = refine_maps([known], seed=number)
    (seen,), (measured,) = played.seen, played.measured
    assert (measured <= seeds).all(), "a run was let go twice"
    assert not measured[~seen.possible].any()
    says, by_results = told(played), seen.results > 0
    assert ((says != NOTHING) | seen.blind).all(), "every point is measured or inferred, or cannot be"
    for one, other in ((np.s_[1:], np.s_[:-1]), (np.s_[:, 1:], np.s_[:, :-1])):
        differ = (says[one] != says[other]) & (says[one] != NOTHING) & (says[other] != NOTHING)
        assert (by_results[one] & by_results[other])[differ].all()
    doubtful = seen.settled & ~seen.certain
    assert (measured[doubtful] == seeds).all(), "what is in doubt has all of its seeds"


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.2, 0.9), st.sampled_from((0.0, 0.05)))
def test_a_budget_is_kept_and_keeps_an_audit(number: int, share: float, noise: float) -> None:
    random = np.random.default_rng(number)
    maps = [noisy(plain((24, 20), 5, random), noise, random) for _ in range(2)]
    purse = purse_of([(24, 20)] * 2, 2 * 24 * 20 * 5, share, 0.05)
    if purse.budget < coarse_runs([(24, 20)] * 2, COARSE_STEPS) + purse.reserve:
        return
    played = refine_maps(maps, share, 0.05, number)
    assert played.runs <= purse.budget
    spent = Purse(purse.budget, purse.reserve, played.runs)
    for one, seen in zip(played.decision.rounds, played.seen, strict=True):
        assert one.stage is Stage.BEYOND
        assert one.first.checked or not (one.inferred != NOTHING).any()
        assert not (
            seen.possible & (one.inferred == NOTHING) & (seen.results == 0) & ~seen.blind
        ).any() or is_cut_short(played.seen, 0.05, number, spent)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from((0.0, 0.03)))
def test_what_is_measured_does_not_depend_on_the_order_of_results(number: int, noise: float) -> None:
    """Results land a few at a time, in any order, and decisions follow each."""
    random = np.random.default_rng(number)
    known = noisy(plain((19, 26), 4, random), noise, random)
    asked, landed = np.zeros((2, 19, 26), dtype=np.int64)
    while True:
        seen = seen_of(known, asked, landed)
        decision = decide([seen], 0.05, 3, Purse(known.size, 0, int(asked.sum())))
        for _, move in decision.moves:
            asked[move.x, move.y] += move.seeds
        waiting = np.argwhere(landed < asked)
        if not len(waiting):
            break
        for x, y in random.permutation(waiting)[: random.integers(1, 30)]:
            landed[x, y] += random.integers(1, asked[x, y] - landed[x, y] + 1)
    at_once = refine_maps([known], 1.0, 0.05, 3)
    np.testing.assert_array_equal(asked, at_once.measured[0])
    assert decision.rounds[0].first == at_once.decision.rounds[0].first


def test_slices_are_refined_by_themselves() -> None:
    random = np.random.default_rng(1)
    maps = [plain((20, 20), 3, random) for _ in range(3)]
    together = refine_maps(maps, audit=0)
    for number, one in enumerate(maps):
        np.testing.assert_array_equal(together.measured[number], refine_maps([one], audit=0).measured[0])


def test_a_plain_boundary_is_found_exactly_at_a_fraction_of_the_runs() -> None:
    known = plain((64, 64), 5, np.random.default_rng(5), waves=1)
    played = refine_maps([known], 0.125)
    np.testing.assert_array_equal(told(played), whole(known))
    assert played.runs < known.size / 8
    assert not is_cut_short(played.seen, 0.02, 0, Purse(known.size // 8, 250, played.runs))


def test_a_noisy_boundary_gets_its_seeds_and_the_rest_does_not() -> None:
    random = np.random.default_rng(2)
    y = np.arange(64)[None, :, None]
    known = (random.uniform(size=(64, 64, 8)) < 1 / (1 + np.exp((31.5 - y) / 0.7))).astype(np.int64)
    played = refine_maps([known])
    near = np.abs(np.arange(64) - 31.5) < 2
    assert played.measured[0][:, near].mean() > 5
    assert played.measured[0][:, np.abs(np.arange(64) - 31.5) > 8].mean() < 0.5
    assert (told(played) != whole(known)).mean() < 0.005


def test_an_island_between_the_coarse_lattice_is_found_by_the_audit() -> None:
    known = np.zeros((64, 64, 3), dtype=np.int64)
    known[18:22, 35:39] = 1
    assert not known[ticks(64, COARSE_STEPS)][:, ticks(64, COARSE_STEPS)].any()
    found = 0
    for seed in range(20):
        played = refine_maps([known], audit=0.05, seed=seed)
        if played.decision.rounds[0].first.disagreed:
            found += 1
            np.testing.assert_array_equal(told(played), known[:, :, 0])
            later = played.decision.rounds[0].later
            assert later.checked
            assert not later.disagreed, "what is left was mended before it was audited again"
    # 30 of the 4015 points that are inferred first; 201 of those are drawn.
    assert abs(found / 20 - (1 - (1 - 30 / 4015) ** 201)) < 0.25


def test_the_interval_of_the_audit_covers() -> None:
    """The share of what is inferred at first that is something else lies in the first audit's interval as often as 95 %
    promises, over maps with islands and stray points that the coarse lattice cannot see."""
    random = np.random.default_rng(11)
    covered = []
    for seed in range(60):
        known = plain((24, 24), 3, random)
        for _ in range(random.integers(0, 12)):
            x, y = random.integers(0, 22, size=2)
            known[x : x + random.integers(1, 6), y : y + random.integers(1, 6)] = random.integers(0, 3)
        played = refine_maps([known], audit=0.1, seed=seed)
        first = played.decision.rounds[0].first
        at_first = refine_maps([known], audit=0).decision.rounds[0].inferred
        inferred = at_first != NOTHING
        wrong = (at_first != whole(known))[inferred].mean()
        assert first.interval is not None
        assert first.checked == math.ceil(0.1 * inferred.sum())
        covered.append(first.interval[0] <= wrong <= first.interval[1])
    assert np.mean(covered) > 0.9


def test_what_was_known_before_costs_nothing_and_is_gone_by() -> None:
    known = plain((33, 33), 5, np.random.default_rng(4))
    asked = np.full((33, 33), 5)
    seen = seen_of(known, asked)
    everything = type(seen)(**{**vars(seen), "known": np.ones((33, 33), dtype=np.bool_)})
    decision = decide([everything], 0.1, 0, Purse(1000, 100))
    assert not decision.moves
    assert (decision.rounds[0].inferred == NOTHING).all()


def test_points_whose_runs_all_fail_are_gone_round() -> None:
    known = plain((33, 17), 3, np.random.default_rng(8))
    known[known == 2] = 0
    known[12:20, 5:9] = NOTHING
    played = refine_maps([known])
    assert (played.seen[0].blind == (known == NOTHING).all(axis=2))[played.measured[0] > 0].all()
    there = (known != NOTHING).all(axis=2)
    np.testing.assert_array_equal(told(played)[there], whole(known)[there])


def test_a_finer_coarse_lattice_sees_what_is_as_wide_as_its_steps() -> None:
    known = np.zeros((64, 64, 3), dtype=np.int64)
    known[18:23, 35:40] = 1
    played = refine_maps([known], coarse=4)
    np.testing.assert_array_equal(told(played), known[:, :, 0])
    assert not played.decision.rounds[0].first.disagreed


@pytest.mark.parametrize("count", [2, 3, 5, 6, 9, 10, 17, 64, 200])
def test_the_coarse_lattice_holds_both_ends_and_no_gap_is_wider_than_its_steps(count: int) -> None:
    places = ticks(count, 8)
    assert (places[0], places[-1]) == (0, count - 1)
    assert np.diff(places).min() >= 1
    assert np.diff(places).max() <= 8
    assert len(places) >= min(count, 5)


@given(SHAPES)
def test_boxes_are_halved_into_what_they_cover(shape: tuple[int, int]) -> None:
    boxes = coarse_boxes(shape, 8)
    while len(boxes):
        assert areas(boxes).min() >= 1
        wide = boxes[areas(boxes) > 1]
        parts = halves(wide)
        assert areas(parts).sum() == areas(wide).sum()
        assert areas(parts).max(initial=0) < areas(wide).max(initial=1)
        boxes = parts


def test_a_tally_counts_what_a_box_and_its_sides_hold() -> None:
    random = np.random.default_rng(0)
    flags = random.uniform(size=(2, 9, 7)) < 0.4
    boxes = np.array([[0, 8, 0, 6], [2, 5, 1, 3], [3, 4, 6, 6]])
    expected = [[one[a : b + 1, c : d + 1].sum() for a, b, c, d in boxes] for one in flags]
    np.testing.assert_array_equal(Tally(flags).within(boxes), expected)


def test_results_agree_when_all_do_or_a_half_is_left_behind() -> None:
    assert agreed(FIRST_SEEDS, FIRST_SEEDS)
    assert not agreed(2, 2)
    assert not agreed(4, 5)
    assert agreed(15, 20)
    assert not agreed(0, 0)


def test_the_typical_share_is_that_of_a_boundary_from_corner_to_corner() -> None:
    assert 0.05 < share_across((64, 64), 5, 0.02, COARSE_STEPS) < 0.125
    assert share_across((3, 5), 3, 0.02, COARSE_STEPS) <= 1
