"""How much memory runs need, and how many are worth attacking at once."""

import torch

from phaselab.domain.families.on_features import in_pixels
from phaselab.domain.settings.labels import group_count
from phaselab.domain.settings.settings import Settings
from phaselab.workers.data.law import data_columns

CHUNK_NUMBERS = 60_000
"""Numbers in a tensor of one attacked chunk on the CPU: a handful of such tensors stay in a core's cache.

Measured on one core of a 2.8 GHz server CPU, 10 neurons by 1,000 points: an elementwise pass costs 8 µs for 6 runs at
once, 170 µs for 64. Attacks of 6 runs at once took four fifths of the time of 3 at once.
"""

CACHE_BYTES = 2**20
"""Gram matrices that are multiplied in turn, step after step, on the CPU."""
BATCH_BYTES = 2**33
"""Gram matrices that are multiplied as one batch on a GPU."""


def bytes_per_run(settings: Settings) -> int:
    """Memory that a run needs at the peak, in bytes; what runs on the same data share is counted to each."""
    data, n = settings.data, settings.data.n
    size = 8 if settings.training.precision == "float64" else 4
    neurons = neurons_of(settings)
    columns = data.d if data.draw == "literal" else data_columns(data) + neurons
    points = settings.attack.test_points
    shared = n * columns + (n * n if settings.training.engine == "gram" and n <= 2 * columns else 0)
    inputs = points * data.d if data.draw == "literal" else 0
    training = 6 * neurons * n + 4 * neurons * columns
    attacking = 12 * neurons * points
    return size * (shared + inputs + training + attacking) + 8 * (neurons * columns + 4 * neurons**2 + neurons * points)


def neurons_of(settings: Settings) -> int:
    """Number M of neurons of canonical settings."""
    groups = group_count(settings.network.labels, settings.data.k)
    width = settings.network.width
    return groups * (max(1, settings.data.k // groups) if width == "auto" else width)


def runs_at_once(settings: Settings, device: str) -> int:
    """How many runs to attack as one batch: what fits into the cache of a CPU core, everything on a GPU."""
    if in_pixels(settings):
        return 1  # a network with its own images
    if torch.device(device).type != "cpu":
        return 2**31
    return max(1, CHUNK_NUMBERS // (neurons_of(settings) * settings.attack.test_points))


def data_sets_at_once(settings: Settings, device: str) -> int:
    """How many training sets to train on as one batch: those whose Gram matrices fit into the cache of a CPU core,
    or into BATCH_BYTES of a GPU.
    """
    size = 8 if settings.training.precision == "float64" else 4
    most = CACHE_BYTES if torch.device(device).type == "cpu" else BATCH_BYTES
    return max(1, most // (size * settings.data.n**2))


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an allocation failed, on a GPU or on the CPU."""
    if isinstance(error, torch.cuda.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
