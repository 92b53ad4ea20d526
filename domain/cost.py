"""How long a run takes, estimated from its settings before anything is measured."""

from domain.image_settings import image_set
from domain.labels import group_count
from domain.resnet_settings import WIDTH
from domain.resolve import radii
from domain.settings import Settings

MATRIX_RATE = 3e10
"""Floating point operations a second of a matrix product on one core."""
POINTWISE_RATE = 3e8
"""Elements a second of an attack step on one core, all its passes over memory counted in."""
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
    """Seconds on one core, for canonical settings; good to a factor of a few, and replaced by measured times."""
    data, training, attack = settings.data, settings.training, settings.attack
    if settings.network.kind == "resnet18":
        return _resnet_seconds(settings)
    count, batch = neurons(settings), training.batch_size or data.n
    columns = min(data.d, data.k + data.n + count) if data.draw == "law" else data.d
    if training.engine == "gram":
        train = 2.0 * data.n**2 * columns + 2.0 * data.n * batch * count * training.steps
    else:
        train = 4.0 * batch * columns * count * training.steps
    methods = sum(method != "exact" for method in attack.methods)
    visits = len(radii(attack)) * attack.test_points * attack.steps * attack.restarts * methods
    exact = 200 * attack.test_points * count if "exact" in attack.methods else 0
    return train / MATRIX_RATE + (visits * count + exact) / POINTWISE_RATE + OVERHEAD


def _resnet_seconds(settings: Settings) -> float:
    """A step of training or attack is three times a forward pass, which grows with the squared width and with d."""
    data, training, attack = settings.data, settings.training, settings.attack
    width, images = settings.network.width, image_set(data)
    if not isinstance(width, int) or images is None:
        raise ValueError("a resnet18 needs canonical settings")
    forward = RESNET_OPERATIONS * (width / WIDTH) ** 2 * (images.side / 32) ** 2
    trained = (training.batch_size or data.n) * training.steps
    attacked = len(radii(attack)) * attack.test_points * attack.steps * attack.restarts * (1 + 2 * len(attack.methods))
    return 3 * forward * (trained + attacked / 2) / MATRIX_RATE + OVERHEAD
