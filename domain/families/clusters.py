"""The source `clusters`: k Gaussian clusters in R^d."""

from collections.abc import Iterator

from phaselab.domain.families.contract import Source
from phaselab.domain.families.literal import too_large
from phaselab.domain.settings.faults import Fault, pointer
from phaselab.domain.settings.radii import unit
from phaselab.domain.settings.settings import RADIUS_LIMIT, Data, Settings


def _impossible(settings: Settings) -> Iterator[Fault]:
    data, training = settings.data, settings.training
    if data.d < data.k:
        yield Fault(pointer("data", "d"), f"{data.k} independent centres need d >= {data.k}, not {data.d}")
    least = -1 / (data.k - 1)
    if data.center_cosine <= least:
        detail = f"{data.k} centres cannot all have cosine {data.center_cosine}; it must be above {least:.6g}"
        yield Fault(pointer("data", "center_cosine"), detail)
    yield from _too_far(settings)
    if training.optimizer == "adam" and training.engine != "gram" and data.draw == "law":
        detail = "adam depends on the coordinates, so the law of the draw does not hold for it; use draw: literal"
        yield Fault(pointer("data", "draw"), detail)
    if data.draw == "literal":
        numbers = data.d * max(data.n, data.k + (data.noise_dims or 0))
        yield from too_large(numbers, "the gram engine with data.draw: law")
    yield from _of_the_noise(data)


def _of_the_noise(data: Data) -> Iterator[Fault]:
    if data.noise_dims is None:
        return
    if data.noise_dims > max(0, data.d - data.k):
        detail = f"{data.d - data.k} dimensions are orthogonal to {data.k} centres, not {data.noise_dims}; it must be"
        yield Fault(pointer("data", "noise_dims"), f"{detail} in 0..{max(0, data.d - data.k)}, or left out")
    if data.clone == "mean":
        detail = "clone: mean has noise in every direction, and noise_dims asks for few; use clone: gaussian, or leave"
        yield Fault(pointer("data", "clone"), f"{detail} noise_dims out")


def _too_far(settings: Settings) -> Iterator[Fault]:
    """A fault where radii in norms of centres are longer than any radius may be."""
    length, given = unit(settings), settings.attack.radii
    if isinstance(given, tuple) and length * max(given) > RADIUS_LIMIT:
        found = f"{max(given):g} norms of centres are {length * max(given):.3g} in data units"
        detail = f"{found}, where no radius is above {RADIUS_LIMIT:g}; use radii up to {RADIUS_LIMIT / length:.3g}"
        yield Fault(pointer("attack", "radii"), detail)


CLUSTERS = Source(name="clusters", chosen_by="data.source: clusters", impossible=_impossible, has_theory=True)
