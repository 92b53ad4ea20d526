"""The source `features`: what the last layer of an extractor sees of images; the network is then a head on them."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from phaselab.domain.families.contract import Source
from phaselab.domain.families.on_images import AS_DRAWN, NAMED, OF_IMAGES, image_set, too_many
from phaselab.domain.families.registry import FAMILIES
from phaselab.domain.settings.faults import Fault, pointer
from phaselab.domain.settings.images import CLASSES
from phaselab.domain.settings.labels import group_count
from phaselab.domain.settings.names import EXTRACTOR_NAMES
from phaselab.domain.settings.parameters import parameters
from phaselab.domain.settings.settings import Attack, Settings

TEST_POINTS = 1000
"""`attack.test_points` of an extractor's run, where there are as many test images."""


def _fixed(settings: Settings) -> Mapping[str, int]:
    if image_set(settings.data) is None:
        return {}
    return {"data.k": CLASSES, "data.d": _dimension(settings)}


def _dimension(settings: Settings) -> int:
    """How many numbers the features of an image are."""
    features = settings.features
    assert features.kind is not None
    width = features.width or _neutral("width")
    return FAMILIES[features.kind].neurons(Settings().with_values({"network.width": width}))


def _follow(settings: Settings) -> Settings:
    """What depends on other parameters: a batch is at most all images, and two label groups are `binary`."""
    features, data = settings.features, settings.data
    groups = group_count(features.labels or _neutral("labels"), data.k)
    batch_size = features.batch_size or min(_neutral("batch_size"), data.n)
    labels = "binary" if groups == 2 else groups
    return settings.with_values({"features.labels": labels, "features.batch_size": batch_size})


def _neutral(name: str) -> Any:
    """What leaving out a parameter of an extractor stands for."""
    return parameters()[f"features.{name}"].neutral


@cache
def of_extractor() -> Mapping[str, str]:
    """The parameters of an extractor's own run, by their paths, and what they are called in a head's settings."""
    return {parameter.entry.as_in: path for path, parameter in parameters().items() if parameter.entry.as_in}


def _extractor(settings: Settings) -> Settings | None:
    """The settings of the run that trains the extractor, as it would be submitted. `settings` are those of a head with
    nothing of `features` left out; None where they are on no images.

    Its images are the head's, with their own labels, and it is attacked as little as can be.
    """
    features, images = settings.features, image_set(settings.data)
    if images is None:
        return None
    values = {path: getattr(features, name.split(".")[1]) for path, name in of_extractor().items()}
    follows = {"data.d": images.d, "data.label_noise": 0.0, "training.optimizer": "nesterov", "training.momentum": 0.9}
    attack = Attack(radii=(0.0,), test_points=min(TEST_POINTS, images.test), methods=("pgd",))
    return Settings(data=settings.data, attack=attack).with_values(values | follows)


def _missing(settings: Settings) -> Iterator[Fault]:
    if image_set(settings.data) is None:
        detail = f"features are those of images: {NAMED}, or leave features out"
        yield Fault(pointer("features", "kind"), detail)


FEATURES = Source(
    name="features",
    chosen_by=f"features.kind: {' or '.join(EXTRACTOR_NAMES)}",
    choices=AS_DRAWN,
    notes=OF_IMAGES | {"data.d": "it follows from `features.width`"},
    missing=_missing,
    fixed=_fixed,
    follow=_follow,
    impossible=too_many,
    extractor=_extractor,
)
