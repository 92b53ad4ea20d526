"""The documentation says what the catalogues say, and what it names is there."""

import re
import runpy
from pathlib import Path
from typing import Any

import pytest

from phaselab.client.reproduction import read
from phaselab.domain.results.phases import Phase
from phaselab.service.base.presets import presets

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
FOLDERS = "api|benchmarks|client|db|docs|domain|examples|presets|service|src|tests|workers"
CHANGES = ("parameter", "measure", "family", "source", "answer", "format", "verb", "column", "page", "preset")
HOUSE: dict[str, Any] = runpy.run_path(str(DOCS / "write_house.py"))


def test_the_glossary_ends_with_the_catalogues_tables() -> None:
    written = runpy.run_path(str(DOCS / "write_glossary.py"))["tables"]()
    assert (DOCS / "glossary.md").read_text().endswith(written), "run: .venv/bin/python docs/write_glossary.py"


@pytest.mark.parametrize("phase", Phase)
def test_the_glossary_has_every_phase(phase: Phase) -> None:
    assert f"`{phase}`" in (DOCS / "glossary.md").read_text()


@pytest.mark.parametrize("name", presets())
def test_the_readme_names_every_preset(name: str) -> None:
    assert f"`{name}`" in (DOCS.parent / "README.md").read_text()


def test_the_architecture_shows_the_rooms_of_the_house() -> None:
    assert (DOCS / "architecture.md").read_text() == HOUSE["architecture"](), (
        "run: .venv/bin/python docs/write_house.py"
    )


def test_every_decision_is_listed_under_a_number_of_its_own() -> None:
    index = DOCS / "decisions" / "README.md"
    assert index.read_text() == HOUSE["decisions"](), "run: .venv/bin/python docs/write_house.py"
    numbers = re.findall(r"^\| (\d{4}) \|", index.read_text(), re.MULTILINE)
    assert len(set(numbers)) == len(numbers)


def test_the_page_of_the_reproduction_has_its_tables() -> None:
    written = runpy.run_path(str(DOCS / "write_reproduction.py"))["page"]()
    assert (DOCS / "reproduction.md").read_text() == written, "run: .venv/bin/python docs/write_reproduction.py"


def test_the_reproduction_is_of_the_claims_that_presets_make() -> None:
    """A claim that is changed needs its preset run again (`phaselab reproduce`, docs/write_reproduction.py FILE)."""
    page = (DOCS / "reproduction.md").read_text()
    found = {one.preset: [verdict.text for verdict in one.verdicts] for one in read(DOCS / "reproduction.json").presets}
    for name, texts in found.items():
        assert texts == [claim.text for claim in presets()[name].claims]
    assert [name for name in presets() if f"`{name}`" not in page] == []


@pytest.mark.parametrize("change", CHANGES)
def test_the_architecture_says_which_files_a_change_touches(change: str) -> None:
    section = re.search(rf"^### An? {change}\n\n(.*?)(?=^###|\Z)", (DOCS / "architecture.md").read_text(), re.M | re.S)
    assert section is not None
    assert re.search(rf"^- `({FOLDERS})/", section[1], re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_files_that_a_page_names_or_links_are_there(page: Path) -> None:
    text = page.read_text()
    named = {ROOT / name for name in re.findall(rf"`((?:{FOLDERS})/[\w./-]*)", text)}
    linked = {page.parent / name for name in re.findall(r"\]\(((?!https?://)[^)#]+)", text)}
    assert sorted(str(path.relative_to(ROOT)) for path in named | linked if not path.exists()) == []
