"""Memory of a GPU: what is free on it, and what a run takes."""

from dataclasses import dataclass

import torch

from phaselab.domain.families.on_features import on_features
from phaselab.domain.settings.settings import Settings
from phaselab.workers.families.memory import bytes_per_run

RESNET_BYTES = 16e9
"""Memory of a ResNet-18 of width 64 at its peak, when 2,000 images of 32 x 32 are attacked together: three tensors a
convolution are kept for the gradient, of 2,000 x 64 x 32 x 32 numbers in the first stage (0.5 GB) and half as many in
each further one. Other widths in proportion."""


@dataclass(frozen=True)
class Memory:
    """Bytes of a GPU: free for this process, and in all."""

    free: int
    total: int


def memory() -> Memory:
    """The current GPU's memory. What this process keeps without using it is given back first, for others too."""
    torch.cuda.empty_cache()
    return Memory(*torch.cuda.mem_get_info())


def bytes_needed(settings: Settings) -> int:
    """Memory that one more run of a stack takes on a GPU; a ResNet is computed by itself, and so is
    an extractor before its heads."""
    if on_features(settings):
        return max(bytes_per_run(settings), _resnet_bytes(settings.features.width or 64))
    if settings.network.kind == "two_layer":
        return bytes_per_run(settings)
    width = settings.network.width
    return _resnet_bytes(64 if width == "auto" else width)


def _resnet_bytes(width: int) -> int:
    return int(RESNET_BYTES * width / 64)
