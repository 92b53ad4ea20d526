"""Curves, the cosine matrix and the profiles of a run as one compact binary value.

The length of a header (4 bytes, little-endian), the header (JSON: which curves, how many radii, the shape of the
matrix, `of`, which profiles of how many layers), the curves [rows, radii], the cosines as little-endian float32
[k, neurons], the profiles as little-endian float64 [profiles, layers], the CRC-32 of all that. A header without
profiles is that of a run that has none.

A row of the header's `curves` is [readout, method]. A third word tells of a bracket: `both` where its bounds meet at
every radius and the row is both of them, else `lower` and, in the next row, `upper`. Values of older versions have no
third word: their upper curves are not known.

An accuracy is a share of the test points, so curves are held as numbers of `of` points, little-endian uint16, whenever
that gives every accuracy back to the last bit; else `of` is 0 and they are little-endian float64. Values that older
versions stored are compressed and have no `of`; they are read as well.
"""

import json
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from phaselab.domain.results.results import Curve, Profiles, Readout, RunResult
from phaselab.domain.settings.faults import Damaged
from phaselab.domain.settings.settings import Method

Accuracies = npt.NDArray[np.float64]
_Names = tuple[tuple[str, ...], ...]
"""Of each row its readout and method, and the word of a bracket."""
_COMPRESSED = 0x78
"""First byte of a zlib stream. Headers are filled up to a multiple of 16 bytes, so no other value begins with it."""
_PARTS = (60_000, 32_768)
"""What `of` may be: every usual number of test points divides one of them, and fits into uint16 with it."""


@dataclass(frozen=True)
class RunArrays:
    """The arrays of a run: its curves, cosines [k, neurons], and profiles [layers]."""

    curves: tuple[Curve, ...]
    cosines: npt.NDArray[np.float32]
    profiles: Profiles = field(default_factory=dict)

    @classmethod
    def of(cls, result: RunResult) -> "RunArrays":
        """Those of a result."""
        return cls(result.curves, result.cosines, result.profiles)

    @property
    def form(self) -> "_Form":
        """What a header says of it, beside the number of points."""
        names = tuple(name for curve in self.curves for name, _ in _rows(curve))
        radii = len(self.curves[0].accuracy) if self.curves else 0
        layers = len(next(iter(self.profiles.values()), ()))
        return _Form(names, radii, self.cosines.shape, tuple(self.profiles), layers)


class _Form(NamedTuple):
    """The names of the rows of curves, how many radii, the shape of the cosines, the profiles and how many layers."""

    names: _Names
    radii: int
    cosines: tuple[int, ...]
    profiles: tuple[str, ...]
    layers: int


class CurvesOfRuns(NamedTuple):
    """The curves of many runs by one readout and method."""

    places: npt.NDArray[np.int64]
    """[runs], among those that were asked of"""
    accuracy: Accuracies
    """[runs, radii]"""
    accuracy_upper: Accuracies | None
    """The same of upper curves; null where not every run has one"""


class _Rows(NamedTuple):
    """In which rows a curve stands."""

    readout: Readout
    method: Method
    lower: int
    upper: int | None


@dataclass(frozen=True)
class _Layout:
    """What a header says, and where the curves, the cosines (`rest`) and the profiles (`deep`) begin and all ends."""

    curves: tuple[_Rows, ...]
    rows: int
    radii: int
    cosines: tuple[int, int]
    of: int
    start: int
    checked: bool
    profiles: tuple[str, ...]
    layers: int

    @property
    def rest(self) -> int:
        return self.start + self.rows * self.radii * (2 if self.of else 8)

    @property
    def deep(self) -> int:
        return self.rest + 4 * self.cosines[0] * self.cosines[1]

    @property
    def end(self) -> int:
        return self.deep + 8 * len(self.profiles) * self.layers


def misshapen(run: RunArrays) -> str | None:
    """Why a run's arrays cannot be stored, if so."""
    shape = run.curves[0].accuracy.shape if run.curves else (0,)
    alike = len(shape) == 1 and all(bound.shape == shape for curve in run.curves for bound in curve.bounds)
    if not alike or run.cosines.ndim != 2:
        return "curves must be of equal length, [radii], and cosines a matrix, [k, neurons]"
    if any(one.ndim != 1 for one in run.profiles.values()) or len({len(one) for one in run.profiles.values()}) > 1:
        return "profiles must be of equal length, [layers]"
    return None


def encode(runs: Sequence[RunArrays]) -> list[bytes]:
    """The arrays of each run as bytes. Raises ValueError for misshapen ones."""
    alike: dict[_Form, list[int]] = {}
    for i, run in enumerate(runs):
        fault = misshapen(run)
        if fault is not None:
            raise ValueError(fault)
        alike.setdefault(run.form, []).append(i)
    encoded = [b""] * len(runs)
    for form, places in alike.items():
        given = [row for i in places for curve in runs[i].curves for _, row in _rows(curve)]
        accuracy = np.array(given, dtype="<f8").reshape(len(places), len(form.names) * form.radii)
        for i, (of, numbers) in zip(places, _as_counts(accuracy), strict=True):
            deep = [one.astype("<f8", copy=False).tobytes() for one in runs[i].profiles.values()]
            cosines = runs[i].cosines.astype("<f4", copy=False).tobytes()
            content = b"".join([_header(form, of), numbers, cosines, *deep])
            encoded[i] = content + _checksum(content)
    return encoded


def _rows(curve: Curve) -> Iterator[tuple[tuple[str, ...], Accuracies]]:
    """The rows that a curve is stored in, each with its name."""
    name, lower, upper = (curve.readout, curve.method), curve.accuracy, curve.accuracy_upper
    if upper is None:
        yield name, lower
    elif np.array_equal(lower, upper):
        yield (*name, "both"), lower
    else:
        yield (*name, "lower"), lower
        yield (*name, "upper"), upper


def _as_counts(accuracy: Accuracies) -> Iterator[tuple[int, bytes]]:
    """`of` and the bytes of all rows of a run, of accuracies [runs, rows * radii]."""
    best = np.zeros(len(accuracy), dtype=np.int64)
    counts = np.zeros(accuracy.shape, dtype="<u2")
    for of in _PARTS:
        numbers = np.rint(accuracy * of)
        exact = (best == 0) & ((numbers / of == accuracy) & (numbers >= 0) & (numbers <= of)).all(axis=1)
        best[exact] = of
        counts[exact] = numbers[exact]
    for i, of in enumerate(best.tolist()):
        yield of, (counts[i] if of else accuracy[i]).tobytes()


@lru_cache(maxsize=1000)
def _header(form: _Form, of: int) -> bytes:
    header: dict[str, Any] = {"curves": form.names, "radii": form.radii, "cosines": form.cosines, "of": of}
    header["checked"] = 1
    if form.profiles:
        header |= {"profiles": form.profiles, "layers": form.layers}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 16)
    return struct.pack("<I", len(text)) + text


def decode(content: bytes) -> RunArrays:
    """The arrays that `encode` stored. Raises Damaged."""
    plain, layout = _sound(content)
    accuracy = _accuracies([plain], layout)[0]  # [rows, radii]
    cosines = np.frombuffer(plain[layout.rest : layout.deep], dtype="<f4").reshape(layout.cosines)
    curves = (
        Curve(one.readout, one.method, accuracy[one.lower], None if one.upper is None else accuracy[one.upper])
        for one in layout.curves
    )
    return RunArrays(tuple(curves), cosines, _profiles(plain, layout))


def damage(content: bytes) -> str | None:
    """What is wrong with stored arrays, if anything, by their checksum; older ones have none, but a length."""
    try:
        _sound(content)
    except Damaged as damaged:
        return str(damaged)
    return None


def _sound(content: bytes) -> tuple[bytes, _Layout]:
    """Stored arrays that are whole, uncompressed, and their layout. Raises Damaged."""
    try:
        plain, layout = _read(content)
        length = layout.end + (4 if layout.checked else 0)
    except (ValueError, LookupError, TypeError, struct.error, zlib.error) as error:
        raise Damaged(f"they cannot be read ({type(error).__name__})") from None
    if len(plain) != length:
        raise Damaged("they have another length than they say")
    if layout.checked and plain[layout.end :] != _checksum(plain[: layout.end]):
        raise Damaged("they are not what was stored: their checksum differs")
    return plain, layout


def _checksum(content: bytes) -> bytes:
    return struct.pack("<I", zlib.crc32(content))


def decode_curves(contents: Sequence[bytes]) -> dict[tuple[Readout, Method], CurvesOfRuns]:
    """The curves of many runs with the same radii: for each readout and method those of the runs that have it. Raises
    Damaged."""
    alike: dict[_Layout, list[tuple[int, bytes]]] = {}
    for place, content in enumerate(contents):
        plain, layout = _sound(content)
        alike.setdefault(layout, []).append((place, plain))
    found: dict[tuple[Readout, Method], list[CurvesOfRuns]] = {}
    for layout, plains in alike.items():
        accuracies = _accuracies([plain for _, plain in plains], layout)  # [runs, rows, radii]
        places = np.array([place for place, _ in plains], np.int64)
        for one in layout.curves:
            upper = None if one.upper is None else accuracies[:, one.upper]
            piece = CurvesOfRuns(places, accuracies[:, one.lower], upper)
            found.setdefault((one.readout, one.method), []).append(piece)
    return {name: _joined(pieces) for name, pieces in found.items()}


def _profiles(plain: bytes, layout: _Layout) -> Profiles:
    """The profiles of a value."""
    numbers = np.frombuffer(plain[layout.deep : layout.end], dtype="<f8").reshape(len(layout.profiles), layout.layers)
    return dict(zip(layout.profiles, numbers, strict=True))


def decode_profiles(contents: Sequence[bytes], measure: str) -> list[npt.NDArray[np.float64] | None]:
    """Of each run the profile [layers] of a measure; null where it has none. Raises Damaged."""
    sound = (_sound(content) for content in contents)
    return [_profiles(plain, layout).get(measure) for plain, layout in sound]


def _joined(pieces: Sequence[CurvesOfRuns]) -> CurvesOfRuns:
    upper = [piece.accuracy_upper for piece in pieces if piece.accuracy_upper is not None]
    return CurvesOfRuns(
        np.concatenate([piece.places for piece in pieces]),
        np.concatenate([piece.accuracy for piece in pieces]),
        np.concatenate(upper) if len(upper) == len(pieces) else None,
    )


def _read(content: bytes) -> tuple[bytes, _Layout]:
    plain = zlib.decompress(content) if content[0] == _COMPRESSED else content
    return plain, _layout(plain[: 4 + struct.unpack_from("<I", plain)[0]])


@lru_cache(maxsize=1000)
def _layout(head: bytes) -> _Layout:
    header = json.loads(head[4:])
    names = header["curves"]
    k, neurons = header["cosines"]
    curves = tuple(_curve_rows(names))
    checked, profiles = bool(header.get("checked")), tuple(header.get("profiles", ()))
    places = header["radii"], (k, neurons), header.get("of", 0), len(head)
    return _Layout(curves, len(names), *places, checked, profiles, header.get("layers", 0))


def _curve_rows(names: Sequence[Sequence[Any]]) -> Iterator[_Rows]:
    """In which rows the curves of a header stand."""
    for i, (readout, method, *bound) in enumerate(names):
        if bound != ["upper"]:
            yield _Rows(readout, method, i, {"both": i, "lower": i + 1}[bound[0]] if bound else None)


def _accuracies(plains: Sequence[bytes], layout: _Layout) -> Accuracies:
    """The accuracies [runs, rows, radii] of values of one layout."""
    numbers = b"".join(plain[layout.start : layout.rest] for plain in plains)
    shape = len(plains), layout.rows, layout.radii
    if layout.of:
        return np.frombuffer(numbers, dtype="<u2").reshape(shape) / layout.of
    return np.frombuffer(numbers, dtype="<f8").reshape(shape)
