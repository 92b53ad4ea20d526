"""The house: imports go one way, files and functions stay short, the api stays light."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAY_IMPORT = {
    "domain": set(),
    "workers": {"domain"},
    "db": {"domain"},
    "service": {"domain", "db"},
    "api": {"domain", "service"},
    "client": {"domain"},
}
"""Which folders of ours a folder may import."""
MAY_ALSO = {
    "service/scheduling/tuning.py": {"workers"},
    "client/rerun.py": {"workers"},
    "client/catalogues.py": {"service"},
}
"""Single files that may import more: the one that runs Tune, the one that computes a run again, and the one that lists
presets where there is no server."""
ROOMS = {
    "domain": ("settings", "families", "specs", "results", "refining", "answers"),
    "workers": ("base", "data", "networks", "exact", "measures", "attacks", "training", "families", "trial"),
    "db": ("schema", "migrations", "writing", "reading", "queue", "care"),
    "service": ("base", "scheduling", "verbs", "processes"),
    "api": ("pictures", "base", "entrance", "answers", "routes"),
    "client": (),
}
"""The rooms of each folder, from the ground up: a room imports those before it alone; what is in no room, all of
them."""
ONLY_IN = {
    "torch": ("workers",),
    "ray": ("workers", "service"),
    "sqlalchemy": ("db",),
    "alembic": ("db",),
    "joserfc": ("service",),
    "fastapi": ("api",),
    "starlette": ("api",),
    "matplotlib": ("api",),
}
"""Libraries that belong to certain folders."""
PURE = {"numpy", "pydantic", "scipy"}
"""The libraries that `domain` may use."""


def files() -> list[Path]:
    return sorted(path for folder in MAY_IMPORT for path in (ROOT / folder).rglob("*.py"))


def modules(path: Path) -> Iterator[str]:
    """Everything that a file imports, at its head or inside a function, as dotted names."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            yield node.module or ""


def imported(path: Path) -> Iterator[str]:
    """Top names of everything that a file imports; of ours, the folder's."""
    for name in modules(path):
        first, *rest = name.split(".")
        yield rest[0] if first == "phaselab" and rest else first


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_one_way(path: Path) -> None:
    name = str(path.relative_to(ROOT))
    folder = name.split("/")[0]
    allowed = MAY_IMPORT[folder] | MAY_ALSO.get(name, set()) | {folder}
    names = set(imported(path))
    assert names & set(MAY_IMPORT) <= allowed
    for library, folders in ONLY_IN.items():
        assert library not in names or folder in folders, f"{library} does not belong in {folder}"
    if folder == "domain":
        assert not names & {"os", "pathlib", "time", "datetime", "subprocess", "socket", "random"}


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_rooms_import_what_is_below_them(path: Path) -> None:
    folder, *rooms = path.relative_to(ROOT).parts[:-1]
    if not rooms:
        return
    below = ROOMS[folder][: ROOMS[folder].index(rooms[0]) + 1]
    for name in modules(path):
        parts = name.split(".")
        if parts[:2] == ["phaselab", folder] and len(parts) > 2:
            assert parts[2] in below, f"{name} is above {folder}/{rooms[0]}"


def test_every_room_is_known() -> None:
    for folder, rooms in ROOMS.items():
        found = {path.parent.name for path in (ROOT / folder).glob("*/__init__.py")}
        assert found == set(rooms)


def test_the_package_links_every_folder_and_nothing_of_ours_is_imported_by_another_name() -> None:
    links = {path.name: path.resolve() for path in (ROOT / "src" / "phaselab").iterdir() if path.is_symlink()}
    assert links == {folder: ROOT / folder for folder in (*MAY_IMPORT, "presets")}
    for path in (*files(), *(ROOT / "tests").rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py")):
        assert not {name.split(".")[0] for name in modules(path)} & set(MAY_IMPORT), path


def test_every_file_and_function_is_short() -> None:
    long = []
    for path in files():
        if "migrations" in path.parts:
            continue
        text = path.read_text()
        if text.count("\n") > 300:
            long.append(f"{path}: {text.count(chr(10))} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > 60:
                    long.append(f"{path}: {node.name} has {lines} lines")
    assert not long


def test_every_script_is_short_and_plain() -> None:
    scripts = sorted(path for path in (ROOT / "api" / "static").rglob("*.js") if "vendor" not in path.parts)
    assert scripts
    for path in scripts:
        text = path.read_text()
        assert text.count("\n") <= 300, path
        assert not re.search(r"\beval\(|new Function|https?://(?!www\.w3\.org/)", text), path


def test_domain_uses_few_libraries() -> None:
    ours = set(MAY_IMPORT)
    standard = {"abc", "ast", "collections", "dataclasses", "enum", "functools", "hashlib", "importlib"}
    standard |= {"itertools", "json", "math", "operator", "re", "reprlib", "types", "typing", "unicodedata"}
    used = {name for path in (ROOT / "domain").rglob("*.py") for name in imported(path)}
    assert used <= ours | standard | PURE
