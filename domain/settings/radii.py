"""The radii of an attack as numbers."""

import math

from phaselab.domain.settings.numbers import linear_grid, tidy
from phaselab.domain.settings.settings import RADII, RADII_IN_NORMS, Attack, Data, RadiusRange, Settings


def radii(attack: Attack) -> tuple[float, ...]:
    """The radii of an attack in ascending order, each once, in the unit of `attack.radii_in`. The range that radii
    have where they are left out stands for as wide a one in either unit."""
    given = RADII_IN_NORMS if attack.radii_in == "center_norm" and attack.radii == RADII else attack.radii
    if isinstance(given, RadiusRange):
        return tuple(sorted(set(linear_grid(given.start, given.stop, given.num))))
    return tuple(sorted({tidy(value) for value in given}))


def center_norm(data: Data) -> float:
    """R = snr * sqrt(d), the norm of the centres of clusters."""
    return data.snr * math.sqrt(data.d)


def unit(settings: Settings) -> float:
    """What a radius of 1 is in data units."""
    return center_norm(settings.data) if settings.attack.radii_in == "center_norm" else 1.0


def in_data_units(settings: Settings) -> tuple[float, ...]:
    """The radii of an attack in data units, in ascending order."""
    length = unit(settings)
    return tuple(length * radius for radius in radii(settings.attack))
