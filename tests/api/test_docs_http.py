"""docs/http.md says what the api does."""

import re
import runpy
from pathlib import Path

from phaselab.api.app import PARTS
from phaselab.api.base.problems import NAMES

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "http.md").read_text()


def test_every_call_is_documented() -> None:
    for part in PARTS:
        for route in part.router.routes:
            path = route.path.replace("{experiment_id}", "{id}").replace(".{suffix}", "")  # type: ignore[attr-defined]
            last = path.rsplit("/", 1)[-1]
            assert path in TEXT or f"`/{last}`" in TEXT, path


def test_every_error_is_documented() -> None:
    documented = dict(re.findall(r"^\| (\d{3}) \| `([a-z-]+)` \|", TEXT, re.MULTILINE))
    used = {str(status): name for status, name in NAMES.items()}
    assert documented == used


def test_every_field_is_documented() -> None:
    written = runpy.run_path(str(DOCS / "write_answers.py"))["page"]()
    assert (DOCS / "answers.md").read_text() == written, "run: .venv/bin/python docs/write_answers.py"
