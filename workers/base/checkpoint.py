"""Checkpoints of long computations: found again by run key, so whichever worker computes the run next goes on from
there.

A file for the training of a run and for each of its attacks, under PHASELAB_CHECKPOINT_DIR (default var/checkpoints; on
a cluster a folder that all nodes share). It is written whole beside its place and then moved there, and removed when
the run has its result.
"""

import logging
import os
import pickle
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

LOG = logging.getLogger(__name__)
FOLDER_VARIABLE = "PHASELAB_CHECKPOINT_DIR"
DEFAULT_FOLDER = "var/checkpoints"
SAVE_SECONDS = 30.0
"""Time between two savings; what is shorter saves nothing."""

State = Mapping[str, Any]
"""Tensors, numbers, text, and mappings and lists of them."""


def folder() -> Path:
    """Where what training leaves is kept by run key."""
    return Path(os.environ.get(FOLDER_VARIABLE) or DEFAULT_FOLDER)


def of_attack(key: str, target: int) -> "Checkpoint":
    """The checkpoint of a run's attack on the target of this number."""
    return Checkpoint(f"{key}.attack{target}")


def forget(key: str, targets: int) -> None:
    """Remove the checkpoints of a run with its result: of its training, and of its attacks on so many targets."""
    Checkpoint(key).remove()
    for target in range(targets):
        of_attack(key, target).remove()


class Checkpoint:
    """The checkpoint of the training of a run, whose key it has, or of another part of it."""

    def __init__(self, key: str, every_seconds: float = SAVE_SECONDS) -> None:
        self._path = folder() / f"{key}.pt"
        self._every = every_seconds
        self._saved = time.monotonic()

    def load(self, device: torch.device) -> State | None:
        """The state that was saved last; null when there is none that can be read."""
        if not self._path.exists():
            return None
        try:
            state: State = torch.load(self._path, map_location=device, weights_only=True)
        except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
            LOG.warning("%s cannot be read (%s): what it kept starts anew", self._path, error)
            return None
        return state

    @property
    def due(self) -> bool:
        """Whether it is time to save."""
        return time.monotonic() - self._saved >= self._every

    def save(self, state: State) -> None:
        """Save a state in place of the last one."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        part = self._path.with_suffix(f".{os.getpid()}.part")
        torch.save(dict(state), part)
        part.replace(self._path)
        self._saved = time.monotonic()

    def remove(self) -> None:
        """Forget what was saved."""
        self._path.unlink(missing_ok=True)
