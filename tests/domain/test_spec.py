"""Specs: what is accepted, and how each fault is told."""

import pytest

from phaselab.domain.settings.faults import InvalidInput, pointer
from phaselab.domain.specs.points import plan
from phaselab.domain.specs.spec import parse_spec


def faults(**keys: object) -> dict[str, str]:
    """Pointer -> detail of what is wrong with a spec of these keys."""
    with pytest.raises(InvalidInput) as caught:
        plan(parse_spec({"name": "x"} | keys))
    return {fault.pointer: fault.detail for fault in caught.value.faults}


@pytest.mark.parametrize(
    ("keys", "place", "words"),
    [
        ({"data": {"kk": 4}}, "/data/kk", "unknown key; known here: source, k, d"),
        ({"dat": {}}, "/dat", "unknown key"),
        ({"data": {"k": "4"}}, "/data/k", "valid integer, not '4' (text"),
        ({"training": {"learning_rate": "1e-5"}}, "/training/learning_rate", "1.0e-5"),
        ({"data": {"k": 2.5}}, "/data/k", "valid integer"),
        ({"data": {"snr": float("inf")}}, "/data/snr", "finite"),
        ({"data": 3}, "/data", "mapping"),
        ({"sweep": {"data.k\ud800": [4]}}, "/sweep", "leave out character 7, U+D800"),
        ({"attack": {"radii": [1, -2]}}, "/attack/radii/1", "greater than or equal to 0"),
        ({"attack": {"radii": {"start": 0, "stop": 3}}}, "/attack/radii/num", "required"),
        ({"network": {"labels": 20}}, "/network/labels", "k is 10; it must be in 2..10"),
        ({"network": {"labels": "many"}}, "/network/labels", "'binary' or 'clusters'"),
        ({"data": {"positive_clusters": 10}}, "/data/positive_clusters", "leaves a class empty"),
        ({"data": {"positive_clusters": 0}}, "/data/positive_clusters", "greater than or equal to 1"),
        ({"data": {"center_cosine": -0.5}}, "/data/center_cosine", "above -0.111"),
        ({"data": {"d": 4}}, "/data/d", "need d >= 10"),
        ({"data": {"draw": "literal", "d": 10**8}}, "/data/d", "draw: law"),
        ({"training": {"engine": "gram", "optimizer": "adam"}}, "/training/engine", "engine: autograd"),
        ({"training": {"momentum": 0.5}}, "/training/momentum", "optimizer: momentum"),
        ({"training": {"batch_size": 5000}}, "/training/batch_size", "1..1000"),
        ({"network": {"width": 5000, "labels": "clusters"}}, "/network/width", "50000 neurons"),
        ({"seeds": 0}, "/seeds", "greater than or equal to 1"),
        ({"seeds": [1, -1]}, "/seeds/1", "greater than or equal to 0"),
        ({"sweep": {"data.q": [1]}}, "/sweep/data.q", "these can be swept: data.source"),
        ({"sweep": {"attack.radii": [1]}}, "/sweep/attack.radii", "cannot be swept"),
        ({"sweep": {"data.k": [4, 1]}}, "/sweep/data.k/1", "greater than or equal to 2"),
        ({"sweep": {"data.k": [4, 4]}}, "/sweep/data.k", "twice"),
        ({"sweep": {"data.k": []}}, "/sweep/data.k", "at least 1 item"),
        ({"sweep": {"data.k": {"logspace": [1, 2]}}}, "/sweep/data.k/logspace/2", "required"),
        ({"sweep": {"data.k": {"around": [1, 2]}}}, "/sweep/data.k/around", "unknown key"),
        (
            {"sweep": {"data.k": [4, 8], "network.labels": ["binary", 6]}},
            "/sweep/network.labels/1",
            "at data.k = 4, network.labels = 6",
        ),
    ],
)
def test_each_fault_names_its_place_and_its_remedy(keys: dict[str, object], place: str, words: str) -> None:
    found = faults(**keys)
    assert place in found
    assert words in found[place]


def test_every_fault_is_told_at_once() -> None:
    assert set(faults(data={"k": 1, "d": "x"}, seeds=0)) == {"/data/k", "/data/d", "/seeds"}


def test_what_is_no_mapping_is_a_fault_of_the_whole() -> None:
    with pytest.raises(InvalidInput, match="mapping"):
        parse_spec(["not", "a", "spec"])


def test_ten_million_runs_are_refused_with_their_number() -> None:
    grid = {"linspace": [0.1, 3.0, 100]}
    found = faults(sweep={"data.snr": grid, "training.learning_rate": grid}, seeds=1000)
    assert "10000000 runs; at most 1000000" in found["/sweep"]
    many = {"data.snr": {"linspace": [0.1, 3.0, 1000]}, "training.steps": [*range(51)]}
    assert "1000 x 51 points are 51000; at most 50000" in faults(sweep=many)["/sweep"]


def test_impossible_points_are_skipped_when_asked() -> None:
    spec = {"name": "x", "sweep": {"data.k": [4, 8], "network.labels": ["binary", 6]}, "impossible": "skip"}
    planned = plan(parse_spec(spec))
    assert planned.skipped == 1
    assert [dict(point.values) for point in planned.points] == [
        {"data.k": 4, "network.labels": "binary"},
        {"data.k": 8, "network.labels": "binary"},
        {"data.k": 8, "network.labels": 6},
    ]


def test_nothing_left_to_run_is_a_fault() -> None:
    assert "every point is impossible" in faults(sweep={"network.labels": [20]}, impossible="skip")["/sweep"]


def test_grids_have_the_numbers_one_would_type() -> None:
    spec = {
        "name": "x",
        "sweep": {
            "network.init_scale": {"logspace": [1e-6, 1e-1, 6]},
            "data.n": {"logspace": [10, 1000, 4]},
            "data.snr": {"linspace": [1, 2, 3]},
        },
    }
    axes = plan(parse_spec(spec)).axes
    assert axes["network.init_scale"] == (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
    assert axes["data.n"] == (10, 46, 215, 1000)
    assert axes["data.snr"] == (1.0, 1.5, 2.0)


def test_pointers_escape_their_special_characters() -> None:
    assert pointer("a/b", "m~n", 0) == "/a~1b/m~0n/0"
