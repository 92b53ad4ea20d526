"""How long a run takes, estimated from its settings before anything is measured."""

from phaselab.domain.families.on_features import in_pixels
from phaselab.domain.families.on_images import image_set
from phaselab.domain.families.resnet18 import WIDTH
from phaselab.domain.families.resolve import radii
from phaselab.domain.settings.labels import group_count
from phaselab.domain.settings.settings import Settings

MATRIX_RATE = 8e10
"""Floating point operations a second of a matrix product on one core."""
POINTWISE_RATE = 5e8
"""Elements a second of an attack step on one core, all passes over memory counted in; many points break early."""
PIXEL_STEP = 5e-4
"""Seconds of an attack step on pixels that no size explains: runs are attacked one after the other there."""
CONVOLUTION_RATE = 1e11
"""Floating point operations a second of a ResNet on one core; 1.5e11 was measured in training at width 16, in float32
on a 2.6 GHz core with AVX-512."""
RESNET_OPERATIONS = 1.1e9
"""Floating point operations of the published ResNet-18 on one image of 32 x 32 pixels."""
OVERHEAD = 2e-3
"""Seconds of a run that no size explains."""


def neurons(settings: Settings) -> int:
    """Number of neurons of canonical settings."""
    width = settings.network.width
    if not isinstance(width, int):
        raise ValueError("neurons needs canonical settings")
    return group_count(settings.network.labels, settings.data.k) * width


def estimate_seconds(settings: Settings) -> float:
    """Seconds on one core, for canonical settings; good to a factor of a few, and replaced by measured times. Of a head
    on features, without its extractor, which it shares with others."""
    data, training, attack = settings.data, settings.training, settings.attack
    if settings.network.kind == "resnet18":
        return _resnet_seconds(settings)
    count, batch = neurons(settings), training.batch_size or data.n
    columns = min(data.d, data.k + data.n + count) if data.draw == "law" else data.d
    if training.engine == "gram" and data.n <= 2 * columns:
        train = 2.0 * data.n**2 * columns + 2.0 * data.n * batch * count * training.steps
    else:  # two products with the data a step: without a Gram matrix, or by autograd
        train = 4.0 * batch * columns * count * training.steps
    steps = len(radii(attack)) * attack.steps * attack.restarts * attempts(settings)
    exact = 200 * attack.test_points * count if "exact" in attack.methods else 0
    pixels = PIXEL_STEP * steps if in_pixels(settings) else 0
    return train / MATRIX_RATE + (steps * attack.test_points * count + exact) / POINTWISE_RATE + pixels + OVERHEAD


def attempts(settings: Settings) -> int:
    """Attempts to break a point of a two-layer network, at every radius from every start. `pgd` makes two on each
    readout; where there are two label groups, the readouts are one, and `pgd_native` is the second of them, or on
    pixels both."""
    pgd, native = ("pgd" in settings.attack.methods, "pgd_native" in settings.attack.methods)
    if group_count(settings.network.labels, settings.data.k) == 2:
        return 2 if pgd or (native and in_pixels(settings)) else int(native)
    return 4 * pgd + native


def _resnet_seconds(settings: Settings) -> float:
    """A step of training or attack is three times a forward pass, which grows with the squared width and with d."""
    data, training, attack = settings.data, settings.training, settings.attack
    width, images = settings.network.width, image_set(data)
    if not isinstance(width, int) or images is None:
        raise ValueError("a resnet18 needs canonical settings")
    forward = RESNET_OPERATIONS * (width / WIDTH) ** 2 * (images.side / 32) ** 2
    trained = (training.batch_size or data.n) * training.steps
    attacked = len(radii(attack)) * attack.test_points * attack.steps * attack.restarts * (1 + 2 * len(attack.methods))
    looked_at = (data.n + attack.test_points) / 3
    return 3 * forward * (trained + attacked / 2 + looked_at) / CONVOLUTION_RATE + OVERHEAD
