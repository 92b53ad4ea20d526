"""The source `images`: the image data sets, whose clusters are their ten classes."""

from collections.abc import Iterator, Mapping

from phaselab.domain.families.contract import Source
from phaselab.domain.settings.faults import Fault, pointer
from phaselab.domain.settings.images import CLASSES, IMAGE_SETS, ImageSet
from phaselab.domain.settings.settings import Data, Settings

*_SOME, _LAST = IMAGE_SETS
NAMED = f"data.source: {', '.join(_SOME)} or {_LAST}"
"""How a spec asks for images."""
AS_DRAWN = {"data.draw": ("auto", "literal")}
"""Images are there: they have no law to draw from."""
OF_IMAGES = {
    "data.k": "there are ten classes",
    "data.snr": "they have the noise that they have",
    "data.center_cosine": "they have the class means that they have",
}


def image_set(data: Data) -> ImageSet | None:
    """The image set that the points come from; None for other sources."""
    return IMAGE_SETS.get(data.source)


def _fixed(settings: Settings) -> Mapping[str, int]:
    images = image_set(settings.data)
    return {} if images is None else {"data.k": CLASSES, "data.d": images.d}


def too_many(settings: Settings) -> Iterator[Fault]:
    """Faults of settings that ask for more images than there are."""
    images, wanted = image_set(settings.data), settings.attack.test_points
    if images is None:
        return
    if settings.data.n > images.train:
        detail = f"{images.name} has {images.train} training images, not {settings.data.n}"
        yield Fault(pointer("data", "n"), f"{detail}; it must be in 2..{images.train}")
    if wanted > images.test:
        detail = f"{images.name} has {images.test} test images, not {wanted}; it must be in 1..{images.test}"
        yield Fault(pointer("attack", "test_points"), detail)


IMAGES = Source(
    name="images",
    chosen_by=f"{NAMED} (without features)",
    choices=AS_DRAWN,
    notes=OF_IMAGES | {"data.d": "it follows from the data set"},
    fixed=_fixed,
    impossible=too_many,
)
