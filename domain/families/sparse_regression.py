"""The source `sparse_regression`: Gaussian inputs, and responses that few of their coordinates decide."""

from collections.abc import Iterator

from phaselab.domain.families.contract import Source
from phaselab.domain.families.literal import too_large
from phaselab.domain.settings.faults import Fault, pointer
from phaselab.domain.settings.settings import Settings


def _impossible(settings: Settings) -> Iterator[Fault]:
    data = settings.data
    if data.nonzeros > data.d:
        yield Fault(pointer("data", "nonzeros"), f"an input has {data.d} coordinates; it must be in 1..{data.d}")
    yield from too_large(data.n * data.d, "a smaller n or d")


SPARSE_REGRESSION = Source(
    name="sparse_regression",
    chosen_by="data.source: sparse_regression",
    choices={"data.draw": ("auto", "literal")},
    notes={
        "data.k": "its two classes are the signs of the response",
        "data.label_noise": "responses have noise of their own, data.response_noise",
        "data.snr": "inputs have variance 1, and data.response_noise is the noise",
    },
    fixed=lambda _: {"data.k": 2},
    impossible=_impossible,
)
