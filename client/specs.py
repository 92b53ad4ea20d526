"""Where a spec comes from: a mapping, a YAML or JSON file, or a preset of the server."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from phaselab.client.errors import Invalid

SpecSource = Mapping[str, Any] | str | Path
"""A mapping, the path of a `.yaml`, `.yml` or `.json` file, or `preset:NAME`."""

JSON = "application/json"
YAML = "application/yaml"
PRESET = "preset:"


def read_spec(source: SpecSource, preset: Callable[[str], Mapping[str, Any]]) -> tuple[bytes, str]:
    """(body, media type) of a spec; the server is the one that parses it. `preset` gives a preset by its name. Raises
    Invalid for a file that cannot be read, and what `preset` raises."""
    if isinstance(source, Mapping):
        return json.dumps(source).encode(), JSON
    if isinstance(source, str) and source.startswith(PRESET):
        return json.dumps(preset(source.removeprefix(PRESET))["spec"]).encode(), JSON
    path = Path(source)
    try:
        return path.read_bytes(), JSON if path.suffix.lower() == ".json" else YAML
    except OSError as error:
        reason = error.strerror or type(error).__name__
        hint = "" if path.suffix else f"; a preset is written {PRESET}{path}"
        raise Invalid(f"the spec file {path} cannot be read: {reason}{hint}", 400) from None
