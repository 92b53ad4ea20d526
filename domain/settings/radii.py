"""The radii of an attack as numbers."""

from phaselab.domain.settings.numbers import linear_grid, tidy
from phaselab.domain.settings.settings import Attack, RadiusRange


def radii(attack: Attack) -> tuple[float, ...]:
    """The radii of an attack in ascending order, each once."""
    if isinstance(attack.radii, RadiusRange):
        return tuple(sorted(set(linear_grid(attack.radii.start, attack.radii.stop, attack.radii.num))))
    return tuple(sorted({tidy(value) for value in attack.radii}))
