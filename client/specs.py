"""Where a spec comes from: a mapping, a YAML or JSON file, or a preset of the server."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from phaselab.client.errors import Invalid
from phaselab.client.reading import reading

SpecSource = Mapping[str, Any] | str | Path | bytes
"""A mapping, which may hold numpy's numbers and arrays; the path of a `.yaml`, `.yml` or `.json` file, or what is in
one, as bytes; or `preset:NAME`."""

JSON = "application/json"
YAML = "application/yaml"
PRESET = "preset:"


def read_spec(source: SpecSource, preset: Callable[[str], Mapping[str, Any]]) -> tuple[bytes, str]:
    """(body, media type) of a spec; the server is the one that parses it. `preset` gives a preset by its name. Raises
    Invalid for a file that cannot be read and for a mapping that has no form in JSON, and what `preset` raises."""
    if isinstance(source, Mapping):
        return as_json(source), JSON
    if isinstance(source, bytes):
        return source, YAML
    if isinstance(source, str) and source.startswith(PRESET):
        with reading("lists presets"):
            return as_json(dict(preset(source.removeprefix(PRESET))["spec"])), JSON
    path = Path(source)
    try:
        return path.read_bytes(), JSON if path.suffix.lower() == ".json" else YAML
    except (OSError, ValueError) as error:  # the latter for a path that no system can have
        reason = getattr(error, "strerror", None) or str(error)
        hint = "" if path.suffix else f"; a preset is written {PRESET}{path}"
        raise Invalid(f"the spec file {path} cannot be read: {reason}{hint}", 400) from None


def as_json(value: Mapping[str, Any]) -> bytes:
    """A mapping as JSON, numpy's numbers and arrays in it as numbers and lists. Raises Invalid."""
    try:
        return json.dumps(value, default=_plain, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise Invalid(f"this cannot be sent as JSON: {error}", 400) from None


def _plain(value: Any) -> Any:
    """What JSON has for a value that it does not know. Raises TypeError for what has no form."""
    if isinstance(value, Mapping):
        return dict(value)
    kind = getattr(getattr(value, "dtype", None), "kind", None)
    if kind is None:
        raise TypeError(f"{value!r:.60} is a {type(value).__name__}, which no spec holds")
    if getattr(value, "ndim", 0):
        return list(value)
    return float(str(value)) if kind == "f" else value.item()  # a float32 of 0.1 is 0.1, and not 0.10000000149
