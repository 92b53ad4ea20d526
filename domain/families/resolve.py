"""From settings as submitted to the canonical settings of a run: nothing left out, nothing ambiguous."""

from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache

from phaselab.domain.families.contract import Family, Source, Unfit
from phaselab.domain.families.heads import of_extractor
from phaselab.domain.families.registry import family_of
from phaselab.domain.families.rules import offered, refused, with_neutral
from phaselab.domain.families.sources import source_of
from phaselab.domain.settings.faults import Fault, InvalidInput, pointer
from phaselab.domain.settings.labels import group_count
from phaselab.domain.settings.radii import radii
from phaselab.domain.settings.settings import METHODS, Attack, Method, Settings

WITH_MOMENTUM = ("momentum", "nesterov")
"""Optimizers that have a momentum coefficient."""


def resolve(settings: Settings, swept: Collection[str] = ()) -> Settings:
    """The canonical settings: every `auto` and every omission replaced by what it stands for.

    `data.seed` alone stays null, which means the run's own seed. `swept` are the parameters, by their paths, that are
    given whatever their values. Raises InvalidInput for impossible combinations; each fault points at one parameter,
    as `/data/k`.
    """
    family, source = family_of(settings), source_of(settings)
    followed = _follow(settings, family, source)
    faults = list(_faults(settings, followed, family, source, swept))
    if faults:
        raise InvalidInput(faults)
    return followed


def _follow(settings: Settings, family: Family, source: Source) -> Settings:
    """The settings with all that follows from the source, from the family, and for all alike."""
    settings = source.follow(settings.with_values(source.fixed(settings)))
    settings = family.follow(with_neutral(settings, family, source))
    data, network, training = settings.data, settings.network, settings.training
    draw = data.draw
    if draw == "auto":
        law = "law" in (offered("data.draw", family, source) or ("law",))
        draw = "law" if training.engine == "gram" and law else "literal"
    momentum = 0.9 if training.momentum is None else training.momentum
    return settings.with_values(
        {
            "data.positive_clusters": data.positive_clusters or data.k // 2,
            "data.draw": draw,
            "network.labels": "binary" if network.labels == "binary" else group_count(network.labels, data.k),
            "training.momentum": momentum if training.optimizer in WITH_MOMENTUM else None,
            "training.batch_size": None if training.batch_size == data.n else training.batch_size,
            **_attack(settings.attack, offered("attack.methods", family, source), tuple(family.unfit(settings))),
        }
    )


@lru_cache(maxsize=100)  # most points of a plan have the same attack, and a hundred radii take longer than the rest
def _attack(attack: Attack, methods: tuple[str, ...] | None, unfit: tuple[str, ...]) -> dict[str, object]:
    hold = (method for method in set(attack.methods) if method not in unfit)
    wanted = (method for method in hold if methods is None or method in methods)
    return {"attack.radii": radii(attack), "attack.methods": tuple(sorted(wanted))}


def _faults(
    settings: Settings, followed: Settings, family: Family, source: Source, swept: Collection[str]
) -> Iterator[Fault]:
    """The faults of settings as submitted, of which `followed` follows."""
    yield from refused(settings, family, source, swept)
    yield from source.impossible(followed)
    yield from family.impossible(followed)
    yield from _impossible(settings)
    yield from _unfit(settings.attack, family.unfit(followed))
    yield from _of_extractor(followed, source)


def _impossible(settings: Settings) -> Iterator[Fault]:
    """The faults of settings that are so for every family and source."""
    data, training, labels, k = settings.data, settings.training, settings.network.labels, settings.data.k
    if data.positive_clusters is not None and data.positive_clusters >= k:
        detail = f"{data.positive_clusters} of {k} clusters leaves a class empty; it must be in 1..{k - 1}"
        yield Fault(pointer("data", "positive_clusters"), detail)
    if isinstance(labels, int) and labels > k:
        detail = f"{labels} label groups need as many clusters, and k is {k}; it must be in 2..{k}"
        yield Fault(pointer("network", "labels"), detail)
    if training.momentum is not None and training.optimizer not in WITH_MOMENTUM:
        used = f"momentum is not used by optimizer {training.optimizer}"
        yield Fault(pointer("training", "momentum"), f"{used}; use optimizer: momentum, or leave it out")
    if training.batch_size is not None and training.batch_size > data.n:
        detail = f"a batch of {training.batch_size} is larger than the training set; it must be in 1..{data.n}"
        yield Fault(pointer("training", "batch_size"), detail)


def _unfit(attack: Attack, unfit: Mapping[Method, Unfit]) -> Iterator[Fault]:
    """The faults of methods that are asked for and do not hold, unless the one in its place is asked for as well."""
    for method in attack.methods if attack.methods != METHODS else ():
        if method in unfit and unfit[method].instead not in attack.methods:
            detail = f"{method} {unfit[method].why}; use {unfit[method].instead}, or both where networks differ"
            yield Fault(pointer("attack", "methods"), detail)


def _of_extractor(followed: Settings, source: Source) -> Iterator[Fault]:
    """The faults of the run that must be there before, at their places in `features`."""
    settings, names = source.extractor(followed), of_extractor()
    for fault in () if settings is None else _every_fault(settings):
        path = fault.pointer.strip("/").replace("/", ".")
        if path in names:
            yield Fault(pointer(*names[path].split(".")), fault.detail)


@lru_cache(maxsize=100)  # most points of a plan have the same extractor
def _every_fault(settings: Settings) -> tuple[Fault, ...]:
    family, source = family_of(settings), source_of(settings)
    return tuple(_faults(settings, _follow(settings, family, source), family, source, ()))
