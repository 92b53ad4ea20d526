"""The contract is what contract.json says; every call is in it."""

import difflib
import json
from pathlib import Path

from phaselab.api.app import PARTS
from tests.api.contract import FILE, current

NAMES = ("ada", "ci")
"""Names of accounts and tokens in addresses."""
RENEW = "if the change is meant: .venv/bin/python -m tests.api.contract"


def test_every_answer_is_what_was_written_down(tmp_path: Path) -> None:
    written, found = FILE.read_text(), current(tmp_path)
    changes = list(difflib.unified_diff(written.splitlines(), found.splitlines(), "contract.json", "now", lineterm=""))
    assert not changes, "\n".join([*changes[:200], RENEW])


def test_every_call_is_written_down() -> None:
    asked = {_route(*call.split(" ", 1)) for call in json.loads(FILE.read_text())}
    for part in PARTS:
        for route in part.router.routes:
            path = route.path.replace(".{suffix}", "")  # type: ignore[attr-defined]
            method = next(iter(route.methods))  # type: ignore[attr-defined]
            for part_of_path in ("{experiment_id}", "{key}", "{name}"):
                path = path.replace(part_of_path, "{}")
            assert (method, path) in asked, path


def _route(method: str, address: str) -> tuple[str, str]:
    """Method and path of a call, less what names one experiment or run and what says in which format."""
    parts = [
        "{}"
        if part.isdigit() or "{" in part or part in NAMES
        else part.partition(".")[0]
        if part != "openapi.json"
        else part
        for part in address.partition("?")[0].split("/")
    ]
    return method, "/".join(parts)
