"""Maps of 64 x 64 points that refinements are tried on: what a run says at each of them."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from phaselab.domain.refining.playing import Map

SIDE, SEEDS = 64, 5
ISLAND = 36 / 63, 11 / 63
Floats = npt.NDArray[np.float64]
Chance = Callable[[Floats, Floats], Floats]
"""The chance that a run at (x, y), both in 0..1, is of the upper phase."""


def lazy(x: Floats, y: Floats) -> Floats:
    """The boundary of `lazy` in closed form: start_share s = 1 / (1 + (scale of the boundary / scale)^2), with a
    spread over seeds of 0.5 % near a half; k from 4 to 20, scales from 1e-5 to 1e-1."""
    k, scale = 4 + 16 * x, 10.0 ** (-5 + 4 * y)
    share = 1 / (1 + (0.0067 / k**0.98 / scale) ** 2)
    return _step((share - 0.5) / 0.005)


def island(x: Floats, y: Floats, at: tuple[float, float] = ISLAND) -> Floats:
    """A curved boundary, and an island of the upper phase, six cells wide, where a lattice of 8 steps has no point."""
    inside = (x - at[0]) ** 2 + (y - at[1]) ** 2 < (3 / 63) ** 2
    return np.where(inside, 1.0, _step((y - shore(x)) * 1000))


def shore(x: Floats) -> Floats:
    return 0.45 + 0.25 * np.sin(2.5 * x)


def noisy(x: Floats, y: Floats) -> Floats:
    """A boundary across which the chance falls over three cells."""
    return _step((y - 0.4 - 0.2 * np.cos(3 * x)) * 63 / 0.75)


MAPS: dict[str, Chance] = {"lazy": lazy, "island": island, "noisy": noisy}


def _step(z: Floats) -> Floats:
    return 1 / (1 + np.exp(-np.clip(z, -50, 50)))


def drawn(chance: Chance, seed: int) -> Map:
    """A map [x, y, seeds] of what every run says."""
    x, y = np.meshgrid(np.linspace(0, 1, SIDE), np.linspace(0, 1, SIDE), indexing="ij")
    random = np.random.default_rng(seed)
    return (random.uniform(size=(SIDE, SIDE, SEEDS)) < chance(x, y)[:, :, None]).astype(np.int64)
