"""The documentation says what the catalogues say."""

import runpy
from pathlib import Path

import pytest

from phaselab.domain.results.phases import Phase
from phaselab.service.base.presets import presets

DOCS = Path(__file__).parent.parent / "docs"


def test_the_glossary_ends_with_the_catalogues_tables() -> None:
    written = runpy.run_path(str(DOCS / "write_glossary.py"))["tables"]()
    assert (DOCS / "glossary.md").read_text().endswith(written), "run: .venv/bin/python docs/write_glossary.py"


@pytest.mark.parametrize("phase", Phase)
def test_the_glossary_has_every_phase(phase: Phase) -> None:
    assert f"`{phase}`" in (DOCS / "glossary.md").read_text()


@pytest.mark.parametrize("name", presets())
def test_the_readme_names_every_preset(name: str) -> None:
    assert f"`{name}`" in (DOCS.parent / "README.md").read_text()
