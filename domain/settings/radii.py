"""The radii of an attack as numbers."""

import numpy as np

from phaselab.domain.settings.settings import Attack, RadiusRange


def radii(attack: Attack) -> tuple[float, ...]:
    """The radii of an attack in ascending order, each once."""
    values: list[float] | tuple[float, ...]
    if isinstance(attack.radii, RadiusRange):
        values = np.linspace(attack.radii.start, attack.radii.stop, attack.radii.num).tolist()
    else:
        values = attack.radii
    return tuple(sorted({tidy(value) for value in values}))


def tidy(value: float) -> float:
    """The value to 12 significant digits, so that a grid's 1e-5 is the 1e-5 that one would type."""
    return float(f"{value:.12g}")
