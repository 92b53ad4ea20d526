"""Stacks: runs whose tensors have equal shapes, computed together as one batched program."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from phaselab.domain.settings.runs import Run, canonical
from phaselab.domain.settings.settings import Settings

VARIES = frozenset(
    {
        "data.snr",
        "data.center_cosine",
        "data.label_noise",
        "data.seed",
        "network.init_scale",
        "training.learning_rate",
        "training.momentum",
        "training.weight_decay",
    }
)
"""Parameters that may differ inside a stack, for they change no shape and no program; so may the run's seed."""


@dataclass(frozen=True)
class Stack:
    """Runs that are trained and attacked together; all have the same shape."""

    runs: tuple[Run, ...]

    def __post_init__(self) -> None:
        distinct = {id(run.settings): run.settings for run in self.runs}  # runs that differ in seed share one object
        if len({shape(settings) for settings in distinct.values()}) != 1:
            raise ValueError("a stack holds at least one run, all of the same shape")


def shape(settings: Settings) -> str:
    """What the runs of a stack have in common: the canonical settings less the parameters that may vary."""
    groups = json.loads(canonical(settings))
    for path in VARIES:
        group, name = path.split(".")
        del groups[group][name]
    return json.dumps(groups, sort_keys=True, separators=(",", ":"))


def data_key(run: Run) -> str:
    """Runs with equal data key train on the same data: data settings and data seed."""
    return canonical_data(run.settings) + f"@{run.data_seed}"


def canonical_data(settings: Settings) -> str:
    """The data settings, less the seed, those of the features, and the precision, as canonical text."""
    data, features = settings.data.model_dump(mode="json", exclude={"seed"}), settings.features.model_dump(mode="json")
    values = data | {"features": features, "precision": settings.training.precision}
    return json.dumps(values, sort_keys=True, separators=(",", ":"))


def cut_stacks(runs: Iterable[Run], most: int) -> Sequence[Stack]:
    """Cut runs into stacks of at most `most` runs, those that share data side by side, in order of first sight."""
    by_shape: dict[str, list[Run]] = {}
    for run in runs:
        by_shape.setdefault(shape(run.settings), []).append(run)
    stacks = []
    for same in by_shape.values():
        first_seen = {key: i for i, key in reversed(list(enumerate(data_key(run) for run in same)))}
        same.sort(key=lambda run: first_seen[data_key(run)])
        stacks += [Stack(tuple(same[i : i + most])) for i in range(0, len(same), most)]
    return stacks
