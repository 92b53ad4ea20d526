"""Claims: published statements as data, which runs can bear out or contradict."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from phaselab.domain.settings.settings import Group

Texts = Annotated[tuple[str, ...], Field(strict=False)]


class Slope(Group):
    """The slope of the measure against the parameter `x` is within `within` of `near`; `log`: both in logarithms."""

    x: str = Field(min_length=1)
    log: bool = False
    near: float
    within: float = Field(gt=0)


class Expectation(Group):
    """What a claim expects of its measure; one of these."""

    above: float | None = None
    below: float | None = None
    between: Annotated[tuple[float, float], Field(strict=False)] | None = None
    order: Annotated[tuple[str, ...], Field(min_length=2, strict=False)] | None = None
    """Conditions (`network.labels=binary`) of groups of runs, from the least value to the greatest."""
    slope: Slope | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        given = [name for name in type(self).model_fields if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"give one of {', '.join(type(self).model_fields)}; here are {len(given)}")
        return self


class Claim(Group):
    """A published statement: a measure, where, and what is expected of it. It is data: nothing in it is executed."""

    text: str = Field(min_length=1)
    """The statement in words."""
    source: str = Field(min_length=1)
    """Where it is published: paper, and figure, table or theorem."""
    measure: str = Field(min_length=1)
    statistic: str = "mean"
    where: Texts = ()
    """Conditions on parameters, all of which hold, as in queries: `data.k=10`."""
    expect: Expectation
