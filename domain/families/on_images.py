"""What image data make of the settings: what follows from the source, and what does not go with it."""

from phaselab.domain.settings.faults import Fault, pointer
from phaselab.domain.settings.images import CLASSES, IMAGE_SETS, ImageSet
from phaselab.domain.settings.settings import Data, Settings


def image_set(data: Data) -> ImageSet | None:
    """The image set that the points come from; None for `clusters`."""
    return IMAGE_SETS.get(data.source)


def with_source(data: Data) -> Data:
    """The data settings with what follows from an image source: the dimension, and the normalisation when left out."""
    images = image_set(data)
    if images is None:
        return data
    return data.model_copy(update={"d": images.d, "normalization": data.normalization or "unit"})


def impossible_images(settings: Settings) -> list[Fault]:
    """The faults of settings that do not go with the source of the data, for a network that sees images or features."""
    data = settings.data
    images = image_set(data)
    if images is None:
        if data.normalization is None:
            return []
        return [Fault(pointer("data", "normalization"), "clusters are not normalised; leave it out")]
    wrong = {
        "k": (data.k != CLASSES, f"{images.name} has {CLASSES} classes, not {data.k}; leave it out"),
        "d": (
            settings.features.kind is None and "d" in data.model_fields_set and data.d != images.d,
            f"the images of {images.name} are {images.d} numbers, not {data.d}; leave it out",
        ),
        "n": (
            data.n > images.train,
            f"{images.name} has {images.train} training images, not {data.n}; it must be in 2..{images.train}",
        ),
        "snr": (data.snr != 1.0, f"{images.name} has the noise it has; snr is for clusters: leave it out"),
        "center_cosine": (
            data.center_cosine != 0.0,
            f"{images.name} has the class means it has; center_cosine is for clusters: leave it out",
        ),
        "draw": (data.draw == "law", f"{images.name} has no law to draw from; leave it out"),
    }
    faults = [Fault(pointer("data", name), detail) for name, (is_wrong, detail) in wrong.items() if is_wrong]
    if settings.attack.test_points > images.test:
        points = settings.attack.test_points
        detail = f"{images.name} has {images.test} test images, not {points}; it must be in 1..{images.test}"
        faults.append(Fault(pointer("attack", "test_points"), detail))
    return faults
