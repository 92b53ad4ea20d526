"""Changes to a spec, written as `path=value`: `data.d=512`, `seeds=3`, `sweep.data.k=[4, 6]`."""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from phaselab.domain.settings.faults import Fault, InvalidInput, pointer
from phaselab.service.base.yaml_text import Unreadable, parse_yaml


def override(spec: Any, changes: Sequence[str]) -> Any:
    """A copy of the spec with the changes made, in order; values are YAML. Raises InvalidInput pointing at /set/i."""
    if not changes:
        return spec
    if not isinstance(spec, dict):
        raise InvalidInput([Fault("", "the spec must be a mapping of keys to values")])
    changed = deepcopy(spec)
    for i, change in enumerate(changes):
        place = pointer("set", i)
        path, sign, text = (part.strip() for part in change.partition("="))
        if not sign or not path:
            raise InvalidInput([Fault(place, f"{change!r} changes nothing; write path=value, as data.d=512")])
        try:
            value = parse_yaml(text)
        except Unreadable as error:
            raise InvalidInput([Fault(place, f"the value of {path}: {error}")]) from None
        _assign(changed, path, value, place)
    return changed


def _assign(spec: dict[str, Any], path: str, value: Any, place: str) -> None:
    """Set one key. What follows `sweep.` is an axis, dots and all; a base parameter that is set is swept no more."""
    group, dot, name = path.partition(".")
    if not dot:
        spec[group] = value
        return
    inner = spec.setdefault(group, {})
    if not isinstance(inner, dict):
        raise InvalidInput([Fault(place, f"{group} is no mapping, so {path} cannot be set in it")])
    inner[name] = value
    sweep = spec.get("sweep")
    if group != "sweep" and isinstance(sweep, dict):
        sweep.pop(path, None)
