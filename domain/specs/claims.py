"""Claims: published statements as data, which runs can bear out or contradict."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from phaselab.domain.settings.settings import Group
from phaselab.domain.settings.texts import Printable, one_line

Text = Annotated[Printable, Field(min_length=1, max_length=300)]
Statement = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(one_line)]
Texts = Annotated[tuple[Text, ...], Field(strict=False, max_length=50)]


class PhaseBoundary(Group):
    """The values of the parameter `y` at which one phase passes into another."""

    y: Text
    between: Annotated[tuple[Text, Text], Field(strict=False)]
    """The two phases."""


class Slope(Group):
    """The slope of the measure, or of a boundary, against the parameter `x` is within `within` of `near`; `log`: both
    in logarithms."""

    x: Text
    log: bool = False
    near: float
    within: float = Field(gt=0)
    boundary: PhaseBoundary | None = None
    """The boundary whose slope is meant; null for that of the measure."""

    def __str__(self) -> str:
        """What it is the slope of, in words."""
        line = self.boundary
        meant = "" if line is None else f"the boundary of {' and '.join(line.between)} in {line.y}"
        if self.log:
            return f" of {f'the logarithm of {meant}' if meant else 'its logarithm'} against that of {self.x}"
        return f"{f' of {meant}' if meant else ''} against {self.x}"


Groups = Annotated[tuple[Text, ...], Field(min_length=2, max_length=20, strict=False)]
"""Conditions (`network.labels=binary`) of groups of runs."""


class Alike(Group):
    """The measure of each of `groups` is at most `within` away from that of the group before it."""

    groups: Groups
    within: float = Field(gt=0)


class Expectation(Group):
    """What a claim expects of its measure; one of these."""

    above: float | None = None
    below: float | None = None
    between: Annotated[tuple[float, float], Field(strict=False)] | None = None
    order: Groups | None = None
    """From the least value to the greatest."""
    slope: Slope | None = None
    alike: Alike | None = None

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups whose differences are expected; none where nothing is of a difference."""
        return self.order or (() if self.alike is None else self.alike.groups)

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        given = [name for name in type(self).model_fields if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"give one of {', '.join(type(self).model_fields)}; here are {len(given)}")
        if self.between is not None and self.between[0] > self.between[1]:
            raise ValueError("between is from the least to the greatest value")
        return self

    def __str__(self) -> str:
        """What is expected, in words."""
        if self.above is not None:
            return f"above {self.above:g}"
        if self.below is not None:
            return f"below {self.below:g}"
        if self.between is not None:
            return "between {:g} and {:g}".format(*self.between)
        if self.order is not None:
            return " < ".join(self.order)
        if self.alike is not None:
            return f"{' = '.join(self.alike.groups)} ± {self.alike.within:g}"
        assert self.slope is not None
        return f"a slope of {self.slope.near:g} ± {self.slope.within:g}{self.slope}"


class Claim(Group):
    """A published statement: a measure, where, and what is expected of it. It is data: nothing in it is executed."""

    text: Statement
    """The statement in words."""
    source: Statement
    """Where it is published: paper, and figure, table or theorem."""
    measure: Text
    statistic: Literal["mean"] = "mean"
    """A verdict rests on an interval, which the mean has."""
    where: Texts = ()
    """Conditions on parameters, all of which hold, as in queries: `data.k=10`."""
    expect: Expectation
