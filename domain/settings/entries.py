"""What stands on the field of a parameter, beside its type, its limits and its docstring."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Scale = Literal["linear", "log"]
SourceName = Literal["clusters", "images", "features", "orthogonal", "sparse_regression", "grid"]
"""What a network can be trained on: Gaussian clusters, images, features of images, orthonormal inputs, inputs with
responses, or clusters on a grid."""


@dataclass(frozen=True)
class Entry:
    """One parameter: how it is shown, what it is for, and what it may do.

    A parameter that is given where it is not for is a fault. What is left out is at its default there; where it is for
    the run, null stands for `neutral`. A new parameter is left out of the canonical text at its default and at its
    neutral value, so older run keys hold as long as these stand for what was computed without it; they never change.
    """

    symbol: str = ""
    unit: str = ""
    scale: Scale = "linear"
    families: tuple[str, ...] = ()
    """The families that it is for; empty for all. A family that came later names what it takes of these itself."""
    sources: tuple[SourceName, ...] = ()
    """The sources that it is for; empty for all."""
    neutral: str | int | float | None = None
    """What null stands for, where the parameter is for the run; null where that depends on other parameters."""
    varies: bool = False
    """Whether it may differ inside a stack, for it changes no shape and no program."""
    swept: bool = True
    """Whether it can be an axis; a list serves the whole experiment."""
    first: bool = False
    """Whether run keys have always held it: then it is in the canonical text wherever it is for the run. No new one."""
    later: tuple[str, ...] = ()
    """Of such a one, the families that it is for only since their keys were first made: to them it is as new."""
    as_in: str = ""
    """The parameter, by its path, of the extractor's own run that this one is: what this one does not say is said
    there."""


@dataclass(frozen=True)
class OneOf:
    """Checks that a text is one of some names, which are asked for at every check, for they may grow."""

    names: Callable[[], tuple[str, ...]]

    def __call__(self, value: str) -> str:
        """The value. Raises ValueError that lists the names."""
        if value not in self.names():
            raise ValueError(f"Input should be {' or '.join(map(repr, self.names()))}")
        return value
