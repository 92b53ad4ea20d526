"""The catalogues of this installation, for when no server answers."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from phaselab.client.parts import check_parts
from phaselab.domain.answers.catalogue_fields import MEASURE, PARAMETER, PRESET
from phaselab.domain.answers.fields import Record, told
from phaselab.domain.families.catalogue import catalogue
from phaselab.domain.results.measures import MEASURES


def own_catalogue(name: str, plain: Callable[[Any], Any]) -> Sequence[Mapping[str, Any]]:
    """`parameters`, `measures` or `presets` as a server of this version gives them; `plain` makes values JSON's own.
    Raises PartMissing for presets without the server part, which reads their YAML."""
    entries: Mapping[str, tuple[Record[Any], Callable[[], Iterable[Any]]]] = {
        "parameters": (PARAMETER, lambda: catalogue().values()),
        "measures": (MEASURE, MEASURES.values),
        "presets": (PRESET, _presets),
    }
    record, found = entries[name]
    return [told(record, entry, plain) for entry in found()]


def _presets() -> Iterable[Any]:
    check_parts("listing presets without a server", ("server",))
    from phaselab.service.base.presets import presets  # noqa: PLC0415 - of the server part

    return presets().values()
