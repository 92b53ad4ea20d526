"""The portable file: gzip over lines of JSON, read line by line, each bounded before it is looked into."""

import gzip
import io
import json
import zlib
from typing import Annotated, Any, BinaryIO, Literal

import numpy as np
from pydantic import Field

from phaselab.domain.results.measures import MEASURES
from phaselab.domain.results.results import Curve, Readout, RunResult
from phaselab.domain.results.trust import Trust
from phaselab.domain.settings.faults import Fault, InvalidInput, pointer
from phaselab.domain.settings.settings import Group, Method

MAX_HEAD = 8_000_000
"""Most bytes of the first line, which holds the spec."""
MAX_LINE = 20_000_000
"""Most bytes of any other, whatever its run's settings imply."""
MOST_TIMES = 40
"""Most bytes that the file unpacks to for each byte of it. Files of ours unpack to 2 to 16 times their size; what
unpacks to much more is made to fill the server."""
ROOM = 1_000_000
"""Bytes that even the smallest file may unpack to."""

Accuracy = Annotated[tuple[float, ...], Field(max_length=200, strict=False)]
Text = Annotated[str, Field(max_length=1000)]


class Head(Group):
    """The first line of a file."""

    format: Literal[1]
    recipe: int
    name: Text
    owner: Text
    created_at: Text
    spec: dict[str, Any]


class CurveLine(Group):
    """A curve of a run."""

    readout: Readout
    method: Method
    accuracy: Accuracy
    accuracy_upper: Accuracy | None = None
    """Null for attacks, and in files of older versions"""

    @property
    def curve(self) -> Curve:
        """The curve as it is landed."""
        upper = None if self.accuracy_upper is None else np.array(self.accuracy_upper)
        return Curve(self.readout, self.method, np.array(self.accuracy), upper)


class RunLine(Group):
    """A run and its result."""

    key: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    measures: Annotated[dict[str, float | None], Field(max_length=1000)]
    curves: Annotated[tuple[CurveLine, ...], Field(max_length=20, strict=False)]
    cosines: list[list[float | None]]
    profiles: dict[str, list[float | None]] = Field(default_factory=dict, max_length=1000)
    """None of networks of one hidden layer, and in files of older versions"""
    flags: Annotated[tuple[Annotated[str, Field(max_length=100)], ...], Field(max_length=100, strict=False)]
    seconds: float
    provenance: Annotated[dict[Annotated[str, Field(max_length=100)], Text], Field(max_length=20)]

    @property
    def result(self) -> RunResult:
        """The result as it is landed. Raises InvalidInput for cosines that are no matrix."""
        widths = {len(row) for row in self.cosines}
        if len(widths) > 1:
            raise InvalidInput([Fault("/cosines", f"run {self.key}: the rows of the matrix differ in length")])
        shape = len(self.cosines), widths.pop() if widths else 0
        with np.errstate(over="ignore"):  # what is too large for a cosine is refused as such
            cosines = np.array(self.cosines, dtype=np.float32).reshape(shape)  # null is no number
        # Another version's file may hold a measure that there is none of here.
        measures = {name: value for name, value in self.measures.items() if name in MEASURES}
        curves = tuple(one.curve for one in self.curves)
        profiles = {name: np.array(one, np.float64) for name, one in self.profiles.items() if name in MEASURES}
        trust = Trust(self.flags)
        return RunResult(self.key, measures, curves, cosines, trust, self.seconds, self.provenance, profiles)


class Lines:
    """The lines of a file, one after the other. Every call raises InvalidInput where the file cannot be read, and for
    more than a file of its size holds."""

    def __init__(self, file: BinaryIO) -> None:
        size = file.seek(0, io.SEEK_END)
        file.seek(0)
        self._left = MOST_TIMES * size + ROOM
        self._lines = gzip.open(file, "rb")  # noqa: SIM115 - it holds nothing but the file, which is the caller's
        self._number = 0

    def next(self, most: int) -> Any:
        """The value of the next line, of at most `most` bytes; None after the last."""
        self._number += 1
        try:
            line = self._lines.readline(min(most, self._left) + 1)
            self._left -= len(line)
            if self._left < 0:
                raise ValueError(f"it unpacks to more than {MOST_TIMES} times its size")
            if len(line) > most:
                raise ValueError(f"this line is longer than the {most} bytes that it can need")
            return json.loads(line) if line else None
        except (OSError, EOFError, zlib.error, ValueError, RecursionError) as error:
            detail = f"this is no experiment's file, or it is damaged: {error}"
            raise InvalidInput([Fault(pointer("line", self._number), detail)]) from None
