"""What the network sees: images as they are, or features of them."""

from phaselab.domain.families.on_images import image_set
from phaselab.domain.settings.settings import Settings


def on_features(settings: Settings) -> bool:
    """Whether the network is a head on features."""
    return settings.features.kind is not None


def in_pixels(settings: Settings) -> bool:
    """Whether the network sees images as they are."""
    return image_set(settings.data) is not None and not on_features(settings)


def inputs_of(settings: Settings) -> str:
    """What the network sees: the data source, or the features of its images, whose radii have another unit."""
    return f"features of {settings.data.source}" if on_features(settings) else settings.data.source
