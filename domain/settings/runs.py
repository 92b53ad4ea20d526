"""Runs and their keys: equal key, equal result, never computed twice."""

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from typing import Self

from phaselab.domain.settings.parameters import parameters
from phaselab.domain.settings.settings import Settings

RECIPE = 3
"""Version of the way from settings and seed to numbers; raised whenever the same settings give other numbers."""


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
        return self.settings.data.seed_of(self.seed)


def canonical(settings: Settings) -> str:
    """The canonical text of resolved settings: JSON with sorted keys and no spaces.

    What older runs did not have is left out where it stands for what was computed without it (`entries.Entry`), and so
    is a group of which nothing is left: their run keys still hold.
    """
    groups = settings.model_dump(mode="json")
    for group, name, silent in _left_out(settings.network.kind):
        if groups[group][name] in silent:
            del groups[group][name]
    return json.dumps({group: values for group, values in groups.items() if values}, sort_keys=True, separators=_SPARE)


_SPARE = (",", ":")


@cache
def _left_out(family: str) -> tuple[tuple[str, str, tuple[object, ...]], ...]:
    """Group and name of parameters, and the values at which a family's canonical texts leave each out."""
    defaults = Settings().model_dump(mode="json")
    found: list[tuple[str, str, tuple[object, ...]]] = []
    for path, parameter in parameters().items():
        group, name = path.split(".")
        neutral = () if parameter.neutral is None else (parameter.neutral,)
        if not parameter.entry.first or family in parameter.entry.later:
            found.append((group, name, (defaults[group][name], *neutral)))
        elif neutral:
            found.append((group, name, (None,)))
    return tuple(found)


def run_key(settings_text: str, seed: int) -> str:
    """sha256, in hexadecimal, of the recipe version, the seed and the canonical settings."""
    return hashlib.sha256(f"{RECIPE}\n{seed}\n{settings_text}".encode()).hexdigest()


def settings_digest(settings_text: str) -> str:
    """sha256, in hexadecimal, of canonical settings: by which a database knows them again."""
    return hashlib.sha256(settings_text.encode()).hexdigest()
