"""The documentation says what the catalogues say, and what it names is there."""

import re
import runpy
from pathlib import Path
from typing import Any

import pytest

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
