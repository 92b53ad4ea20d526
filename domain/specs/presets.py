"""Presets: specs that answer a known question, the pictures that show the answer, and what is claimed of it.

They are data, YAML files in the folder `presets/`; whoever may read files hands them in (`service/base/presets.py`).
"""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from phaselab.domain.settings.faults import Fault, InvalidInput
from phaselab.domain.settings.settings import Group
from phaselab.domain.specs.claims import Claim
from phaselab.domain.specs.pictures import Picture
from phaselab.domain.specs.spec import validate


class Preset(Group):
    """A spec under a name: what it asks, what to look at when it is done, and what is claimed of it. The spec is as it
    was written: whoever submits it may change it first. `sized_for` a `cpu` it takes minutes on two cores."""

    name: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    meaning: str = Field(min_length=1)
    sized_for: Literal["cpu", "gpu"] = "cpu"
    spec: Mapping[str, Any]
    pictures: Annotated[tuple[Picture, ...], Field(min_length=1, strict=False)]
    claims: Annotated[tuple[Claim, ...], Field(strict=False)] = ()

    @property
    def submitted(self) -> Mapping[str, Any]:
        """The spec as it is submitted: its pictures and claims go with it."""
        told = {"pictures": _written(self.pictures), "claims": _written(self.claims)}
        return {**self.spec, **{name: some for name, some in told.items() if some}}


def _written(some: Iterable[Group]) -> list[dict[str, Any]]:
    """These as they were written."""
    return [one.model_dump(mode="json", exclude_unset=True) for one in some]


def parse_preset(name: str, data: object) -> Preset:
    """The preset of this name that a file's content stands for. Raises InvalidInput with every fault."""
    if not isinstance(data, Mapping):
        raise InvalidInput([Fault("", "a preset is a mapping with meaning, spec and pictures")])
    return validate(Preset, {**data, "name": name})
