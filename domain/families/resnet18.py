"""The family `resnet18`: the ResNet-18 of CIFAR-10 (3 x 3 stem, no pooling after it), for images."""

from collections.abc import Iterator

from phaselab.domain.families.adversarial import LOOKS, is_adversarial
from phaselab.domain.families.contract import Family
from phaselab.domain.families.on_images import image_set
from phaselab.domain.families.rates import CONVOLUTION_RATE
from phaselab.domain.settings.faults import Fault, pointer
from phaselab.domain.settings.labels import group_count
from phaselab.domain.settings.radii import radii
from phaselab.domain.settings.settings import Settings

WIDTH = 64
"""Channels of the first stage of the published ResNet-18."""
MOST_WIDTH = 512
PER_CHANNEL = 8
"""Numbers that the last layer sees for every channel of the first stage."""
LAYERS = 9
"""The stem and eight blocks."""
OPERATIONS = 1.1e9
"""Floating point operations of the published ResNet-18 on one image of 32 x 32 pixels."""


def _follow(settings: Settings) -> Settings:
    """The engine, the width, and the labels: two groups are `binary`."""
    labels, width = settings.network.labels, settings.network.width
    return settings.with_values(
        {
            "network.labels": "binary" if labels == 2 else labels,
            "network.width": WIDTH if width == "auto" else width,
            "training.engine": "autograd",
        }
    )


def _impossible(settings: Settings) -> Iterator[Fault]:
    width = settings.network.width
    if isinstance(width, int) and width > MOST_WIDTH:
        detail = f"resnet18 can have at most {MOST_WIDTH} channels in its first stage, not {width}"
        yield Fault(pointer("network", "width"), detail)


def _neurons(settings: Settings) -> int:
    width = settings.network.width
    return PER_CHANNEL * (WIDTH if width == "auto" else width)


def _outputs(settings: Settings) -> int:
    return group_count(settings.network.labels, settings.data.k)


def _seconds(settings: Settings) -> float:
    """A step of training or attack is three times a forward pass, which grows with the squared width and with d."""
    data, training, attack = settings.data, settings.training, settings.attack
    width, images = settings.network.width, image_set(data)
    if not isinstance(width, int) or images is None:
        raise ValueError("a resnet18 needs canonical settings")
    forward = OPERATIONS * (width / WIDTH) ** 2 * (images.side / 32) ** 2
    trained = (training.batch_size or data.n) * training.steps * (1 + LOOKS * is_adversarial(settings))
    attacked = len(radii(attack)) * attack.test_points * attack.steps * attack.restarts * (1 + 2 * len(attack.methods))
    looked_at = (data.n + attack.test_points) / 3
    return 3 * forward * (trained + attacked / 2 + looked_at) / CONVOLUTION_RATE


FAMILY = Family(
    name="resnet18",
    chosen_by="network.kind: resnet18",
    sources=("images",),
    choices={"training.engine": ("auto", "autograd"), "attack.methods": ("pgd", "pgd_native")},
    notes={
        "network.kind": "for images, the ResNet-18 of CIFAR-10 (3 x 3 stem, no pooling after it)",
        "network.labels": "`binary` is two groups",
        "network.width": "channels of the first stage; `auto` is 64",
        "network.init_scale": "it starts as published (He initialisation)",
    },
    follow=_follow,
    impossible=_impossible,
    neurons=_neurons,
    directions=_outputs,
    layers=lambda _: LAYERS,
    seconds=_seconds,
)
