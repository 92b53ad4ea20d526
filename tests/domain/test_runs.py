"""Run keys and canonical settings: equal key exactly when the result is equal."""

import pytest

from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.stacks import Stack, cut_stacks, data_key, shape, trajectories
from phaselab.domain.specs.draft import make_draft
from phaselab.domain.specs.points import plan
from phaselab.domain.specs.spec import parse_spec


def run(seed: int = 0, **groups: object) -> Run:
    return Run.of(plan(parse_spec({"name": "x"} | groups)).points[0].settings, seed)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, {"data": {"k": 10, "positive_clusters": 5}}),
        ({"network": {"labels": "clusters"}}, {"network": {"labels": 10, "width": 1}}),
        ({}, {"network": {"width": 5}}),
        ({}, {"training": {"engine": "gram"}, "data": {"draw": "law"}}),
        ({}, {"training": {"batch_size": 1000}}),
        ({"attack": {"radii": [0, 5, 10]}}, {"attack": {"radii": {"start": 0, "stop": 10, "num": 3}}}),
        ({"attack": {"radii": [10, 0, 5, 5]}}, {"attack": {"radii": [0, 5, 10]}}),
        ({"training": {"optimizer": "momentum"}}, {"training": {"optimizer": "momentum", "momentum": 0.9}}),
        ({"data": {"snr": 1}}, {"data": {"snr": 1.0}}),
    ],
)
def test_two_ways_to_write_one_run_have_one_key(one: dict[str, object], other: dict[str, object]) -> None:
    assert run(**one).key == run(**other).key


@pytest.mark.parametrize(
    "groups",
    [
        {"data": {"k": 8}},
        {"network": {"labels": 2}},
        {"network": {"width": 6}},
        {"training": {"engine": "autograd"}},
        {"data": {"draw": "literal"}},
        {"data": {"seed": 0}},
        {"attack": {"steps": 41}},
    ],
)
def test_what_changes_the_result_changes_the_key(groups: dict[str, object]) -> None:
    assert run(**groups).key != run().key


def test_the_seed_is_part_of_the_key() -> None:
    assert run(0).key != run(1).key


def test_two_labels_are_not_binary_but_share_its_width() -> None:
    assert run(network={"labels": 2}).settings.network.width == run().settings.network.width == 5


def test_a_data_seed_is_shared_by_the_runs_of_all_seeds() -> None:
    assert data_key(run(0, data={"seed": 7})) == data_key(run(1, data={"seed": 7}))
    assert data_key(run(0)) != data_key(run(1))
    assert data_key(run(0)) == data_key(run(0, network={"labels": "clusters", "init_scale": 1.0}))


def test_clones_are_shared_by_runs_of_the_same_labels() -> None:
    clone = {"clone": "gaussian"}
    assert data_key(run(0, data=clone)) == data_key(run(0, data=clone, network={"init_scale": 1.0}))
    assert data_key(run(0, data=clone)) != data_key(run(0, data=clone, network={"labels": "clusters"}))


def test_stacks_hold_one_shape_and_keep_shared_data_together() -> None:
    runs = [run(seed, network={"init_scale": scale}) for scale in (1e-5, 1e-3) for seed in (0, 1)]
    runs.append(run(0, data={"k": 8}))
    stacks = cut_stacks(runs, most=3)
    assert [len(stack.runs) for stack in stacks] == [3, 1, 1]
    assert [r.seed for r in stacks[0].runs + stacks[1].runs] == [0, 0, 1, 1]
    assert sorted(r.key for stack in stacks for r in stack.runs) == sorted(r.key for r in runs)


def test_runs_that_differ_only_in_their_steps_are_one_training() -> None:
    runs = [
        run(seed, training={"steps": steps}, data={"snr": snr})
        for snr in (1.0, 2.0)
        for steps in (9, 0, 5)
        for seed in (0, 1)
    ]
    Stack(tuple(runs))
    found = trajectories(runs)
    assert [(one.longest.seed, one.longest.settings.data.snr, one.looks) for one in found] == [
        (seed, snr, (0, 5, 9)) for snr in (1.0, 2.0) for seed in (0, 1)
    ]
    assert {one.key for trajectory in found for one in trajectory.runs} == {one.key for one in runs}


@pytest.mark.parametrize(("schedule", "trainings"), [(None, 1), ("constant", 1), ("cosine", 2), ("triangle", 2)])
def test_a_longer_training_whose_step_sizes_differ_is_another_one(schedule: str | None, trainings: int) -> None:
    groups: dict[str, object] = {"data": {"source": "cifar10"}, "network": {"kind": "resnet18"}}
    runs = [run(**groups, training={"schedule": schedule, "steps": steps}) for steps in (5, 9)]
    assert len(trajectories(runs)) == trainings
    assert len({shape(one.settings) for one in runs}) == trainings


def test_the_numbers_of_a_draft_are_equal_exactly_where_shape_and_data_are() -> None:
    sweep = {
        "data.k": [4, 6],
        "data.snr": [1.0, 2.0],
        "data.seed": [None, 1],
        "training.precision": ["float32", "float64"],
    }
    drafted = make_draft(plan(parse_spec({"name": "x", "sweep": sweep, "seeds": 3}))).runs
    runs = [Run.of(one.distinct.settings, one.seed) for one in drafted]
    for one, its in zip(drafted, runs, strict=True):
        for other, theirs in zip(drafted, runs, strict=True):
            assert (one.distinct.shape == other.distinct.shape) == (shape(its.settings) == shape(theirs.settings))
            assert (one.data == other.data) == (data_key(its) == data_key(theirs))


def test_a_stack_of_two_shapes_is_refused() -> None:
    one, other = run(), run(data={"k": 8})
    assert shape(one.settings) != shape(other.settings)
    with pytest.raises(ValueError, match="same shape"):
        Stack((one, other))
