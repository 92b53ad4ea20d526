"""What `features` makes of the settings: what follows from an extractor, and what does not go with one."""

from typing import Any

from phaselab.domain.families.on_images import image_set
from phaselab.domain.settings.faults import Fault, pointer
from phaselab.domain.settings.labels import group_count
from phaselab.domain.settings.settings import Attack, Features, Network, Settings, Training

WIDTH = 64
"""Channels of an extractor's first stage, where that is left out."""
PER_CHANNEL = 8
"""Features of a ResNet-18 for every channel of its first stage."""
LEFT_OUT = {
    "labels": "clusters",
    "width": WIDTH,
    "learning_rate": 0.1,
    "steps": 1000,
    "weight_decay": 5e-4,
    "precision": "float32",
    "schedule": "triangle",
    "augmentation": "none",
    "seed": 0,
}
"""What leaving out a parameter of an extractor stands for."""
BATCH_SIZE = 100
"""Images per step of an extractor, where that is left out."""
TEST_POINTS = 1000
"""`attack.test_points` of an extractor's run, where there are as many test images."""


def on_features(settings: Settings) -> bool:
    """Whether the network is a head on features."""
    return settings.features.kind is not None


def in_pixels(settings: Settings) -> bool:
    """Whether the network sees images as they are."""
    return image_set(settings.data) is not None and not on_features(settings)


def inputs_of(settings: Settings) -> str:
    """What the network sees: the data source, or the features of its images, whose radii have another unit."""
    return f"features of {settings.data.source}" if on_features(settings) else settings.data.source


def with_features(settings: Settings) -> Settings:
    """The settings with what follows from `features`: everything left out, and the dimension of the head's input."""
    features, data = settings.features, settings.data
    if features.kind is None:
        return settings
    left_out = LEFT_OUT | {"batch_size": min(BATCH_SIZE, data.n)}
    given: dict[str, Any] = left_out | features.model_dump(exclude_none=True)
    groups = group_count(given["labels"], data.k)
    features = features.model_copy(update=given | {"labels": "binary" if groups == 2 else groups})
    return settings.model_copy(
        update={"features": features, "data": data.model_copy(update={"d": dimension(features)})}
    )


def dimension(features: Features) -> int:
    """How many numbers the features of an image are."""
    return PER_CHANNEL * (features.width or WIDTH)


def extractor_settings(settings: Settings) -> Settings:
    """The settings of the run that trains the extractor, as it would be submitted. `settings` are those of a head with
    nothing of `features` left out, on images.

    Its images are the head's, with their own labels, and it is attacked as little as can be.
    """
    features, images = settings.features, image_set(settings.data)
    if images is None:
        raise ValueError("an extractor needs images")
    own = features.model_dump(exclude={"kind", "labels", "width", "seed"})
    data = settings.data.model_copy(update={"d": images.d, "label_noise": 0.0})
    return Settings(
        data=data,
        network=Network(kind="resnet18", labels=features.labels or "clusters", width=features.width or "auto"),
        training=Training(optimizer="nesterov", momentum=0.9, **own),
        attack=Attack(radii=(0.0,), test_points=min(TEST_POINTS, images.test), methods=("pgd",)),
    )


def impossible_features(settings: Settings) -> list[Fault]:
    """The faults of `features` that do not go with the rest, those of the extractor's own training left out."""
    features, data = settings.features, settings.data
    if features.kind is None:
        given = features.model_dump(exclude_none=True)
        detail = "is for heads on features: name features.kind: resnet18, or leave it out"
        return [Fault(pointer("features", name), f"{name} {detail}") for name in given]
    d = dimension(features)
    wrong = {
        ("features", "kind"): (
            image_set(data) is None,
            "features are those of images: data.source: digits, mnist or cifar10, or leave features out",
        ),
        ("network", "kind"): (
            settings.network.kind != "two_layer",
            f"a head on features is two_layer, not {settings.network.kind}; leave features out, or kind",
        ),
        ("data", "d"): (
            "d" in data.model_fields_set and data.d != d,
            f"an extractor of width {d // PER_CHANNEL} gives {d} features, not {data.d}; leave it out",
        ),
    }
    return [Fault(pointer(*path), detail) for path, (is_wrong, detail) in wrong.items() if is_wrong]
