"""Where a spec comes from: a mapping, a YAML or JSON file, or a preset of the server."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from phaselab.client.errors import Invalid
from phaselab.domain.specs.presets import PRESETS

SpecSource = Mapping[str, Any] | str | Path
"""A mapping, the path of a `.yaml`, `.yml` or `.json` file, or `preset:NAME`."""

JSON = "application/json"
YAML = "application/yaml"


def read_spec(source: SpecSource) -> tuple[bytes, str]:
    """(body, media type) of a spec; the server is the one that parses it. Raises Invalid when there is none."""
    if isinstance(source, Mapping):
        return json.dumps(source).encode(), JSON
    if isinstance(source, str) and source.startswith("preset:"):
        return json.dumps(_preset(source.removeprefix("preset:"))).encode(), JSON
    path = Path(source)
    try:
        return path.read_bytes(), JSON if path.suffix.lower() == ".json" else YAML
    except OSError as error:
        reason = error.strerror or type(error).__name__
        hint = f"; preset:{source} is a preset" if str(source) in PRESETS else ""
        raise Invalid(f"the spec file {path} cannot be read: {reason}{hint}", 400) from None


def _preset(name: str) -> Mapping[str, Any]:
    if name not in PRESETS:
        raise Invalid(f"there is no preset {name!r}; there are {', '.join(PRESETS)}", 404)
    return PRESETS[name].spec
