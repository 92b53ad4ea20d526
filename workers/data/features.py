"""Features of images, kept in a file under the run key of the extractor that made them, so that every head finds them.

The files lie beside the checkpoints. One is written whole beside its place and then moved there; it holds arrays and
a JSON text, nothing that is executed.
"""

import json
import logging
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from phaselab.workers.base.checkpoint import folder

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Features:
    """What an extractor makes of its training images, in their order, and of every test image of the source."""

    train: Tensor
    """[n, e] float32"""
    test: Tensor
    """[test images, e] float32"""
    about: Mapping[str, str]
    """`images`: which files they were made of; `extractor`: how well it does, and where it was trained."""

    @property
    def finite(self) -> bool:
        """Whether every number is; where training diverged, some are not."""
        return bool(self.train.isfinite().all() and self.test.isfinite().all())


class FeaturesMissing(Exception):
    """The features of a run's extractor are not there, though they were to be."""


def path_of(key: str) -> Path:
    """Where the features of the extractor of this run key are, or would be."""
    return folder() / f"{key}.features.npz"


def save(key: str, features: Features) -> None:
    """Keep features under a run key. One process at a time may do so for a key."""
    place = path_of(key)
    place.parent.mkdir(parents=True, exist_ok=True)
    part = place.with_suffix(".part")
    with part.open("wb") as file:
        arrays = {"train": features.train.cpu().numpy(), "test": features.test.cpu().numpy()}
        np.savez(file, allow_pickle=False, about=np.array(json.dumps(dict(features.about))), **arrays)
    part.replace(place)


def load(key: str, images: str) -> Features | None:
    """The features under a run key, made of the image files that `images` names; null when there are none that can be
    used."""
    place = path_of(key)
    try:
        features = _read(place, place.stat().st_mtime_ns)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        LOG.warning("%s cannot be read (%s): the extractor is trained anew", place, error)
        return None
    return features if features.about.get("images") == images else None


@lru_cache(maxsize=1)
def _read(place: Path, written: int) -> Features:
    """The features of a file as it was written at a time."""
    with place.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        about = json.loads(str(arrays["about"]))
        return Features(torch.from_numpy(arrays["train"]), torch.from_numpy(arrays["test"]), about)
