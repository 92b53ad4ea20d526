"""Runs and their keys: equal key, equal result, never computed twice."""

import hashlib
import json
from dataclasses import dataclass
from typing import Self

from phaselab.domain.settings.settings import Features, Settings

RECIPE = 2
"""Version of the way from settings and seed to numbers; raised whenever the same settings give other numbers."""


NOT_IN_KEY_WHEN_NULL = frozenset(
    {
        "data.normalization",
        "training.schedule",
        "training.augmentation",
        "training.label_smoothing",
        "training.adversarial_radius",
        *(f"features.{name}" for name in Features.model_fields),
    }
)
"""Parameters that older runs did not have: null stands for what was computed without them, and is left out of the
canonical text, so that the run keys of older runs still hold. A group of which nothing is left is left out, too."""


@dataclass(frozen=True)
class Run:
    """One network trained, measured and attacked: canonical settings, a seed and the run key.

    A run that is stored keeps the key that it was stored under: it is read, never computed anew.
    """

    settings: Settings
    seed: int
    key: str

    @classmethod
    def of(cls, settings: Settings, seed: int) -> Self:
        """A new run of canonical settings, under its key of today."""
        return cls(settings, seed, run_key(canonical(settings), seed))

    @property
    def data_seed(self) -> int:
        """Seed of the training and test data."""
        return self.seed if self.settings.data.seed is None else self.settings.data.seed


def canonical(settings: Settings) -> str:
    """The canonical text of resolved settings: JSON with sorted keys and no spaces."""
    groups = settings.model_dump(mode="json")
    for path in NOT_IN_KEY_WHEN_NULL:
        group, name = path.split(".")
        if groups[group][name] is None:
            del groups[group][name]
    groups = {group: values for group, values in groups.items() if values}
    return json.dumps(groups, sort_keys=True, separators=(",", ":"))


def run_key(settings_text: str, seed: int) -> str:
    """sha256, in hexadecimal, of the recipe version, the seed and the canonical settings."""
    return hashlib.sha256(f"{RECIPE}\n{seed}\n{settings_text}".encode()).hexdigest()


def settings_digest(settings_text: str) -> str:
    """sha256, in hexadecimal, of canonical settings: by which a database knows them again."""
    return hashlib.sha256(settings_text.encode()).hexdigest()
