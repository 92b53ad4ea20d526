"""What a trial computes with: `run_stack`, with as many threads as the trial holds CPUs."""

import time
from collections.abc import Callable

import torch

from phaselab.domain.results.results import Outcome
from phaselab.domain.settings.settings import Settings
from phaselab.domain.settings.stacks import Stack
from phaselab.workers.base.device import Memory, memory
from phaselab.workers.base.stop import Stopped
from phaselab.workers.families.registry import bytes_needed, family_of
from phaselab.workers.trial.run_stack import run_stack
from phaselab.workers.trial.trainable import Compute

LOOK_SECONDS = 0.5
LOOKS = 1200
"""How often a trial looks for memory that others on its GPU hold, before it tries without."""
USABLE = 0.8
"""Share of the free memory that is planned with: allocators round up, and trials that look at once see the same."""


def ready(device: str, threads: int) -> Compute:
    """Prepare this process, once. Raises RuntimeError when the trial was promised a GPU that it cannot see."""
    if device == "cuda" and not torch.cuda.is_available():
        raise RuntimeError("this trial holds a GPU, but PyTorch finds none: install a CUDA build of PyTorch")
    torch.set_num_threads(threads)
    return SharedGpu(memory) if device == "cuda" else run_stack


class SharedGpu:
    """Computes stacks on a GPU that others use too: as many runs at a time as fit into what is free, all of those that
    are computed one after the other.

    `look` tells what is free; `pause` waits for so many seconds.
    """

    def __init__(self, look: Callable[[], Memory], pause: Callable[[float], None] = time.sleep) -> None:
        self._look = look
        self._pause = pause

    def __call__(self, stack: Stack, device: str, stop: Callable[[], bool]) -> list[Outcome]:
        """Compute `stack`, part after part. Raises Stopped."""
        outcomes: list[Outcome] = []
        while len(outcomes) < len(stack.runs):
            rest = stack.runs[len(outcomes) :]
            most = self._fitting(rest[0].settings, stop)
            if not family_of(rest[0].settings).together:
                most = len(rest)  # one after the other
            outcomes += run_stack(Stack(rest[:most]), device, stop)
        return outcomes

    def _fitting(self, settings: Settings, stop: Callable[[], bool]) -> int:
        """How many runs fit; waits until one does. After LOOKS looks one is tried whatever is free: if it fails, its
        failure says so."""
        for _ in range(LOOKS):
            seen = self._look()
            usable = int(USABLE * seen.free)
            needed = min(bytes_needed(settings), int(USABLE**2 * seen.total))  # a GPU that is too small is not awaited
            if needed <= usable:
                return max(1, usable // bytes_needed(settings))
            if stop():
                raise Stopped
            self._pause(LOOK_SECONDS)
        return 1
