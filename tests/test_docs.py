"""The documentation says what the catalogues say."""

from pathlib import Path

import pytest

from domain.measures import MEASURES
from domain.parameters import parameters
from domain.phases import Phase
from domain.presets import PRESETS

DOCS = Path(__file__).parent.parent / "docs"


def test_the_glossary_has_every_parameter_measure_and_phase_in_the_catalogues_words() -> None:
    glossary = (DOCS / "glossary.md").read_text()
    for parameter in parameters().values():
        assert f"| `{parameter.path}` | {parameter.meaning} |" in glossary
    for measure in MEASURES.values():
        assert f"| `{measure.name}` | {measure.symbol} |" in glossary
        assert measure.meaning in glossary
    for phase in Phase:
        assert f"`{phase}`" in glossary


@pytest.mark.parametrize("name", PRESETS)
def test_the_readme_names_every_preset(name: str) -> None:
    assert f"`{name}`" in (DOCS.parent / "README.md").read_text()
