"""Refinement as a spec asks for it: which of its axes are refined, by what, and how much may be measured."""

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from phaselab.domain.settings.settings import Group
from phaselab.domain.settings.texts import Printable

Path = Annotated[Printable, Field(min_length=1, max_length=100)]

COARSE_STEPS = 6
"""Steps of the coarse lattice, if a spec says nothing else: on maps of 64 x 64 points it costs a hundredth of the runs
more than 8 steps do and misses 6 of 50 islands six cells wide where those miss 16 (docs/benchmarks.md)."""


class Level(Group):
    """The boundary where the mean of a measure passes a level."""

    measure: Path
    """The measure."""
    level: float
    """The level, inside the measure's range."""


def _kind(by: object) -> str:
    """Which form it is written in, so that only that form's faults are told."""
    return "phase" if isinstance(by, str) else "level"


class Refine(Group):
    """Measure the lattice of the sweep only where a boundary runs through it."""

    x: Path
    """A swept parameter, with numbers for values."""
    y: Path
    """Another one. Every combination of values of the other axes is refined by itself."""
    by: Annotated[Annotated[Literal["phase"], Tag("phase")] | Annotated[Level, Tag("level")], Discriminator(_kind)] = (
        "phase"
    )
    """What the boundaries are between: phases, or the two sides of a level of a measure."""
    coarse: int = Field(COARSE_STEPS, ge=1, le=64)
    """Most steps from value to value of the lattice that it begins with: what is smaller can hide from it, and only an
    audit finds it."""
    budget: float = Field(0.25, gt=0, le=1)
    """The share of the experiment's runs that may be measured; those that are done before are free."""
    audit: float = Field(0.02, gt=0, le=0.5)
    """The share of the inferred points that is measured all the same, to tell how often inference fails."""
    seed: int = Field(0, ge=0, le=2**31 - 1)
    """Seed of the choice of the points that are audited."""
