"""How long a run takes, estimated from its settings before anything is measured."""

from domain.labels import group_count
from domain.resolve import radii
from domain.settings import Settings

MATRIX_RATE = 3e10
"""Floating point operations a second of a matrix product on one core."""
POINTWISE_RATE = 3e8
"""Elements a second of an attack step on one core, all its passes over memory counted in."""
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
