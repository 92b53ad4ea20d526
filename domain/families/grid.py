"""The source `grid`: clusters on a square grid of two coordinates, among others that decide nothing."""

import math
from collections.abc import Iterator

from phaselab.domain.families.contract import Source
from phaselab.domain.families.literal import too_large
from phaselab.domain.settings.faults import Fault, pointer
from phaselab.domain.settings.settings import Settings


def _impossible(settings: Settings) -> Iterator[Fault]:
    data = settings.data
    side = math.isqrt(data.k)
    if side**2 != data.k:
        near = f"{side**2} or {(side + 1) ** 2}" if side > 1 else "4"
        yield Fault(pointer("data", "k"), f"{data.k} clusters are no square grid; use {near}")
    yield from too_large(data.n * data.d, "a smaller n or d")


GRID = Source(
    name="grid",
    chosen_by="data.source: grid",
    choices={"data.draw": ("auto", "literal")},
    notes={
        "data.k": "a square number, 9 for three by three",
        "data.d": "the grid's two coordinates and those that decide nothing",
        "data.snr": "points lie in discs around the places of the grid",
        "data.center_cosine": "centres are the places of the grid",
    },
    impossible=_impossible,
)
