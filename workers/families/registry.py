"""Every family by its name: the names are those of domain/settings/names.py, each is the `FAMILY` of its file."""

from importlib import import_module

from phaselab.domain.families.resolve import resolve
from phaselab.domain.families.sources import source_of
from phaselab.domain.settings.names import EXTRACTOR_NAMES, FAMILY_NAMES
from phaselab.domain.settings.settings import Settings
from phaselab.workers.families.contract import Extractor, Family


def _load(name: str) -> Family:
    family: Family = import_module(f"{__package__}.{name}").FAMILY
    return family


def _extractor(name: str) -> Extractor:
    family = FAMILIES[name]
    assert isinstance(family, Extractor), f"{name} makes no features"
    return family


FAMILIES: dict[str, Family] = {name: _load(name) for name in FAMILY_NAMES}
"""Every family by its name."""
EXTRACTORS: dict[str, Extractor] = {name: _extractor(name) for name in EXTRACTOR_NAMES}
"""The families that heads can be trained on, by their names."""


def family_of(settings: Settings) -> Family:
    """The family of the network that the settings ask for."""
    return FAMILIES[settings.network.kind]


def bytes_needed(settings: Settings) -> int:
    """Memory that one more run of a stack takes on a GPU, its extractor's, which is trained before, included."""
    own, before = family_of(settings).bytes_per_run(settings), source_of(settings).extractor(settings)
    return own if before is None else max(own, bytes_needed(resolve(before)))
