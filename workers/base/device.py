"""The device that computes: its name, what is free on a GPU, and whether an allocation failed."""

import platform
from dataclasses import dataclass
from functools import cache

import torch


@dataclass(frozen=True)
class Memory:
    """Bytes of a GPU: free for this process, and in all."""

    free: int
    total: int


def memory() -> Memory:
    """The current GPU's memory. What this process keeps without using it is given back first, for others too."""
    torch.cuda.empty_cache()
    return Memory(*torch.cuda.mem_get_info())


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an allocation failed, on a GPU or on the CPU."""
    if isinstance(error, torch.cuda.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)


@cache
def device_name(device: str) -> str:
    """What a device is called in provenance."""
    if torch.device(device).type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{device} ({platform.machine()})"
