"""Every family by its name: `names.FAMILY_NAMES` lists them, and each is the `FAMILY` of the file of its name."""

from importlib import import_module

from phaselab.domain.families.contract import Family
from phaselab.domain.settings.names import FAMILY_NAMES
from phaselab.domain.settings.settings import Settings


def _load(name: str) -> Family:
    family = import_module(f"{__package__}.{name}").FAMILY
    assert isinstance(family, Family)
    assert family.name == name
    return family


FAMILIES: dict[str, Family] = {name: _load(name) for name in FAMILY_NAMES}
"""Every family by its name."""


def family_of(settings: Settings) -> Family:
    """The family of the network that the settings ask for."""
    return FAMILIES[settings.network.kind]


def layers_of(settings: Settings) -> int:
    """How many hidden layers the network of canonical settings has."""
    return family_of(settings).layers(settings)
