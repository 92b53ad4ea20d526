"""Arrays come back to the last bit, also those that older versions stored, one by one and many at once."""

import json
import struct
import zlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phaselab.db.writing.arrays import Accuracies, RunArrays, decode, decode_curves, decode_profiles, encode
from phaselab.domain.results.results import READOUTS, Curve
from phaselab.domain.settings.settings import METHODS, PROOFS, Method

NAMES = [(readout, method) for readout in READOUTS for method in METHODS]


def drawn(draw: np.random.Generator, curves: int, radii: int, points: int) -> RunArrays:
    """Accuracies that are shares of `points`; any numbers in [0, 1] for 0 points."""
    shape = curves, radii
    accuracy = draw.integers(0, points + 1, shape) / points if points else draw.random(shape)
    found = tuple(Curve(*name, line, bracket(draw, name[1], line)) for name, line in zip(NAMES, accuracy, strict=False))
    layers = int(draw.integers(4))
    profiles = {name: np.append(draw.random(layers), np.nan) for name in ("compression", "probe_class") if layers}
    return RunArrays(found, draw.uniform(-1, 1, (3, 4)).astype(np.float32), profiles)


def bracket(draw: np.random.Generator, method: Method, lower: Accuracies) -> Accuracies | None:
    """The upper curve of a curve: none of an attack, and now and then of a proof, whose bounds may meet."""
    kind = draw.integers(3)
    return None if method not in PROOFS or kind == 0 else lower if kind == 1 else np.ones_like(lower)


def as_stored_before(run: RunArrays) -> bytes:
    """The bytes that the first version stored."""
    names = [(curve.readout, curve.method) for curve in run.curves]
    header = {"curves": names, "radii": len(run.curves[0].accuracy), "cosines": run.cosines.shape}
    text = json.dumps(header, separators=(",", ":")).encode()
    parts = [curve.accuracy.astype("<f8").tobytes() for curve in run.curves]
    content = b"".join([struct.pack("<I", len(text)), text, *parts, run.cosines.astype("<f4").tobytes()])
    return zlib.compress(content, level=1)


def without_upper(run: RunArrays) -> RunArrays:
    """As older versions had it: without profiles, too."""
    return replace(run, profiles={}, curves=tuple(replace(curve, accuracy_upper=None) for curve in run.curves))


def same(one: RunArrays, other: RunArrays) -> bool:
    curves, others = (
        [(curve.readout, curve.method, [bound.tolist() for bound in curve.bounds]) for curve in run.curves]
        for run in (one, other)
    )
    profiles = [{name: repr(numbers.tolist()) for name, numbers in run.profiles.items()} for run in (one, other)]
    return curves == others and np.array_equal(one.cosines, other.cosines) and profiles[0] == profiles[1]


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    shapes=st.lists(
        st.tuples(st.integers(1, 6), st.integers(1, 9), st.sampled_from([0, 1, 7, 10, 300, 512, 1000, 60_000, 99_991])),
        max_size=5,
    ),
)
def test_every_number_comes_back_to_the_last_bit(seed: int, shapes: list[tuple[int, int, int]]) -> None:
    draw = np.random.default_rng(seed)
    runs = [drawn(draw, *shape) for shape in shapes]
    assert all(same(decode(content), run) for content, run in zip(encode(runs), runs, strict=True))


def test_a_run_without_curves_or_cosines_comes_back() -> None:
    run = RunArrays((), np.zeros((0, 0), dtype=np.float32))
    assert same(decode(encode([run])[0]), run)


def test_what_the_first_version_stored_is_read() -> None:
    run = drawn(np.random.default_rng(1), 6, 31, 1000)
    found = decode(as_stored_before(run))
    assert same(found, without_upper(run))
    assert all(curve.accuracy_upper is None for curve in found.curves), "not that bounds meet: it is not known"


def test_usual_curves_take_two_bytes_a_number() -> None:
    run = without_upper(drawn(np.random.default_rng(1), 6, 31, 1000))
    curves = tuple(replace(one, accuracy_upper=one.accuracy if one.method in PROOFS else None) for one in run.curves)
    sizes = [len(content) for content in encode([run, replace(run, curves=curves)])]
    assert sizes[0] < 2 * 6 * 31 + 4 * 12 + 250
    assert sizes[1] <= sizes[0] + 16, "curves whose bounds meet are stored once"


def test_the_curves_of_many_runs_at_once_are_those_of_each() -> None:
    draw = np.random.default_rng(2)
    runs = [drawn(draw, curves, 5, points) for curves, points in ((8, 1000), (2, 1000), (8, 0), (8, 1000))]
    found = decode_curves([as_stored_before(runs[0]), *encode(runs[1:])])
    for name in NAMES:
        one = found[name]
        wanted = {
            i: curve for i, run in enumerate(runs) for curve in run.curves if (curve.readout, curve.method) == name
        }
        lower = {i: curve.accuracy.tolist() for i, curve in wanted.items()}
        assert dict(zip(one.places.tolist(), one.accuracy.tolist(), strict=True)) == lower
        assert one.accuracy_upper is None, "the first run has none"


def test_upper_curves_of_many_runs_are_known_where_each_has_one() -> None:
    accuracy = np.array([[1.0, 0.5], [0.9, 0.2], [0.8, 0.0]])
    upper = np.array([[1.0, 0.5], [0.9, 0.3], [1.0, 1.0]])
    pairs = list(zip(accuracy, upper, strict=True))
    runs = [RunArrays((Curve("sum", "exact", *pair),), np.zeros((1, 1), np.float32)) for pair in pairs]
    found = decode_curves(encode(runs))["sum", "exact"]
    order = np.argsort(found.places)
    assert found.accuracy[order].tolist() == accuracy.tolist()
    assert found.accuracy_upper is not None
    assert found.accuracy_upper[order].tolist() == upper.tolist()
    assert decode_curves(encode([*runs, without_upper(runs[0])]))["sum", "exact"].accuracy_upper is None


def test_curves_of_different_length_are_refused() -> None:
    run = RunArrays((Curve("sum", "pgd", np.ones(2)), Curve("max", "pgd", np.ones(3))), np.zeros((1, 1), np.float32))
    with pytest.raises(ValueError, match="equal length"):
        encode([run])
    crossed = RunArrays((Curve("sum", "exact", np.ones(2), np.ones(3)),), np.zeros((1, 1), np.float32))
    with pytest.raises(ValueError, match="equal length"):
        encode([crossed])


def test_profiles_of_many_runs_are_read_at_once_by_their_measure() -> None:
    draw = np.random.default_rng(5)
    runs = [drawn(draw, 2, 5, 100) for _ in range(12)]
    found = decode_profiles(encode(runs), "compression")
    for run, profile in zip(runs, found, strict=True):
        kept = run.profiles.get("compression")
        assert (profile is None) == (kept is None)
        assert profile is None or np.array_equal(profile, kept, equal_nan=True)
    assert decode_profiles(encode(runs), "train_loss") == [None] * 12


def test_profiles_that_differ_in_length_are_refused() -> None:
    run = replace(drawn(np.random.default_rng(1), 1, 3, 10), profiles={"a": np.zeros(2), "b": np.zeros(3)})
    with pytest.raises(ValueError, match="profiles must be of equal length"):
        encode([run])
