"""The source `orthogonal`: k classes of orthonormal inputs, which come again as test points."""

from collections.abc import Iterator

from phaselab.domain.families.contract import Source
from phaselab.domain.families.literal import too_large
from phaselab.domain.settings.faults import Fault, pointer
from phaselab.domain.settings.settings import Settings


def _impossible(settings: Settings) -> Iterator[Fault]:
    data = settings.data
    if data.n > data.d:
        yield Fault(pointer("data", "d"), f"{data.n} orthonormal inputs need d >= {data.n}, not {data.d}")
    if data.k > data.n:
        yield Fault(pointer("data", "n"), f"{data.k} classes need as many inputs, not {data.n}; it must be >= {data.k}")
    yield from too_large(data.n * data.d, "a smaller n or d")


ORTHOGONAL = Source(
    name="orthogonal",
    chosen_by="data.source: orthogonal",
    choices={"data.draw": ("auto", "literal")},
    notes={
        "data.k": "number of classes, which are its clusters",
        "data.snr": "inputs have length 1",
        "data.n": "number of inputs, all orthonormal, dealt to the classes in turn",
    },
    impossible=_impossible,
)
