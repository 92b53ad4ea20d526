"""Pictures worth looking at: what a preset or a spec says that its experiment is opened on. They are data."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from phaselab.domain.settings.settings import Group
from phaselab.domain.settings.texts import Line

Text = Annotated[Line, Field(max_length=200)]


class Picture(Group):
    """A picture worth drawing of an experiment: its kind and the query parameters that make it."""

    kind: Literal["diagram", "lines", "curves", "cosines"]
    query: Mapping[Text, Text] = Field(default_factory=dict, max_length=20)
