"""What `network.kind` makes of the settings: what follows from `resnet18`, and what goes with one kind only."""

from phaselab.domain.families.on_images import image_set
from phaselab.domain.settings.faults import Fault, pointer
from phaselab.domain.settings.settings import Settings

WIDTH = 64
"""Channels of the first stage of the published ResNet-18."""
MOST_WIDTH = 512
_NEUTRAL = {"schedule": "constant", "augmentation": "none", "label_smoothing": 0.0, "adversarial_radius": 0.0}
"""Parameters of `resnet18` alone, and what leaving them out stands for."""


def with_resnet(settings: Settings) -> Settings:
    """The settings with what follows from `resnet18`; those of `two_layer` as they are."""
    network, training, attack = settings.network, settings.training, settings.attack
    if network.kind != "resnet18":
        return settings
    left_out = {name: value for name, value in _NEUTRAL.items() if getattr(training, name) is None}
    labels = "binary" if network.labels == 2 else network.labels
    width = WIDTH if network.width == "auto" else network.width
    methods = tuple(method for method in attack.methods if method != "exact")
    return settings.model_copy(
        update={
            "network": network.model_copy(update={"labels": labels, "width": width}),
            "training": training.model_copy(update={"engine": "autograd"} | left_out),
            "attack": attack.model_copy(update={"methods": methods}),
        }
    )


def impossible_resnet(settings: Settings) -> list[Fault]:
    """The faults of settings that do not go with the kind of network."""
    network, training, attack = settings.network, settings.training, settings.attack
    if network.kind == "two_layer":
        given = [name for name in _NEUTRAL if getattr(training, name) is not None]
        faults = [Fault(pointer("training", name), f"{name} is for resnet18; leave it out") for name in given]
        if training.precision == "mixed":
            faults.append(Fault(pointer("training", "precision"), "mixed is for resnet18; use float32 or float64"))
        return faults
    exact = "exact" in attack.methods and "methods" in attack.model_fields_set
    wrong = {
        ("network", "kind"): (
            image_set(settings.data) is None,
            "resnet18 needs images: data.source: digits, mnist or cifar10",
        ),
        ("network", "width"): (
            isinstance(network.width, int) and network.width > MOST_WIDTH,
            f"resnet18 can have at most {MOST_WIDTH} channels in its first stage, not {network.width}",
        ),
        ("network", "init_scale"): (
            network.init_scale != 1e-5,
            "resnet18 starts as published (He initialisation); init_scale is for two_layer: leave it out",
        ),
        ("training", "engine"): (training.engine == "gram", "the gram engine is for two_layer; leave it out"),
        ("attack", "methods"): (exact, "exact radii are for two_layer; use pgd and pgd_native"),
    }
    return [Fault(pointer(*path), detail) for path, (is_wrong, detail) in wrong.items() if is_wrong]
