"""Curves and the cosine matrix of a run as one compact binary value.

zlib over: the length of a header (4 bytes, little-endian), the header (JSON: which curves, how many radii, the shape
of the matrix), curves as little-endian float64 [curves, radii], cosines as little-endian float32 [k, neurons].
"""

import json
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from domain.results import Curve


@dataclass(frozen=True)
class RunArrays:
    """The arrays of a run: its curves and cosines [k, neurons]."""

    curves: tuple[Curve, ...]
    cosines: npt.NDArray[np.float32]


def encode(curves: Sequence[Curve], cosines: npt.NDArray[np.float32]) -> bytes:
    """The arrays as bytes. Raises ValueError unless the curves are of equal length and cosines a matrix."""
    lengths = {curve.accuracy.shape for curve in curves}
    if len(lengths) > 1 or any(len(shape) != 1 for shape in lengths) or cosines.ndim != 2:
        raise ValueError("curves must be of equal length, [radii], and cosines a matrix, [k, neurons]")
    names = tuple((curve.readout, curve.method) for curve in curves)
    head = _header(names, lengths.pop()[0] if lengths else 0, cosines.shape)
    parts = [curve.accuracy.astype("<f8", copy=False).tobytes() for curve in curves]
    return zlib.compress(b"".join([head, *parts, cosines.astype("<f4", copy=False).tobytes()]), level=1)


@lru_cache(maxsize=1000)
def _header(names: tuple[tuple[str, str], ...], count: int, shape: tuple[int, ...]) -> bytes:
    header = {"curves": names, "radii": count, "cosines": shape}
    text = json.dumps(header, separators=(",", ":")).encode()
    return struct.pack("<I", len(text)) + text


def decode(content: bytes) -> RunArrays:
    """The arrays that `encode` stored."""
    raw = zlib.decompress(content)
    start = 4 + struct.unpack_from("<I", raw)[0]
    header = json.loads(raw[4:start])
    names, radii = header["curves"], header["radii"]
    accuracy = np.frombuffer(raw, dtype="<f8", count=len(names) * radii, offset=start).reshape(len(names), radii)
    rest = start + accuracy.nbytes
    cosines = np.frombuffer(raw, dtype="<f4", offset=rest).reshape(header["cosines"])
    curves = tuple(Curve(readout, method, accuracy[i]) for i, (readout, method) in enumerate(names))
    return RunArrays(curves, cosines)
