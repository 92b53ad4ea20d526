"""The presets that come with the package: a YAML file each, called as the preset is."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from phaselab.domain.answers.claim_faults import check_claims
from phaselab.domain.specs.presets import Preset, parse_preset
from phaselab.service.base.yaml_text import parse_yaml

SUFFIX = ".yaml"


@cache
def presets() -> Mapping[str, Preset]:
    """Every preset by its name, in the order of names."""
    found = [entry for entry in files("phaselab").joinpath("presets").iterdir() if entry.name.endswith(SUFFIX)]
    texts = {entry.name.removesuffix(SUFFIX): entry.read_text(encoding="utf-8") for entry in found}
    known = {name: parse_preset(name, parse_yaml(texts[name])) for name in sorted(texts)}
    for preset in known.values():
        check_claims(preset.claims)
    return known
