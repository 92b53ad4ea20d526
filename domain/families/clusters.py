"""The source `clusters`: k Gaussian clusters in R^d."""

from collections.abc import Iterator

from phaselab.domain.families.contract import Source
from phaselab.domain.settings.faults import Fault, pointer
from phaselab.domain.settings.radii import unit
from phaselab.domain.settings.settings import RADIUS_LIMIT, Settings

LITERAL_LIMIT = 2_000_000_000
"""Most numbers (n * d) of a literally drawn training set: 8 GB in float32."""


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
    if data.draw == "literal" and data.n * data.d > LITERAL_LIMIT:
        numbers = f"n * d = {data.n * data.d:.3g} numbers"
        detail = f"a literal draw of {numbers} is too large (at most {LITERAL_LIMIT:.0e}); use the gram engine with"
        yield Fault(pointer("data", "d"), f"{detail} data.draw: law")


def _too_far(settings: Settings) -> Iterator[Fault]:
    """A fault where radii in norms of centres are longer than any radius may be."""
    length, given = unit(settings), settings.attack.radii
    if isinstance(given, tuple) and length * max(given) > RADIUS_LIMIT:
        found = f"{max(given):g} norms of centres are {length * max(given):.3g} in data units"
        detail = f"{found}, where no radius is above {RADIUS_LIMIT:g}; use radii up to {RADIUS_LIMIT / length:.3g}"
        yield Fault(pointer("attack", "radii"), detail)


CLUSTERS = Source(name="clusters", chosen_by="data.source: clusters", impossible=_impossible, has_theory=True)
