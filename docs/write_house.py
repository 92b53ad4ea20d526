"""Write the rooms of `architecture.md` and the list of `decisions/README.md` anew.

The rooms are those that the test of the house knows, in the words of their docstrings; decisions have their titles.
"""

import runpy
from pathlib import Path

DOCS = Path(__file__).parent
ROOT = DOCS.parent
ARCHITECTURE = DOCS / "architecture.md"
DECISIONS = DOCS / "decisions"
DECISIONS_BEGIN = "| | decision |\n|---|---|\n"
ROOMS_BEGIN, ROOMS_END = "<!-- rooms, from the ground up: docs/write_house.py -->\n", "<!-- end of rooms -->\n"


def rooms() -> str:
    """A table of the rooms of each folder that has some."""
    known = runpy.run_path(str(ROOT / "tests" / "test_house.py"))["ROOMS"]
    lines = []
    for folder, names in known.items():
        if names:
            lines += ["", f"| room of `{folder}/` | holds |", "|---|---|"]
            lines += [f"| `{folder}/{name}/` | {_meaning(ROOT / folder / name / '__init__.py')} |" for name in names]
    return "\n".join(lines) + "\n\n"


def architecture() -> str:
    """The page with today's rooms."""
    before, _, rest = ARCHITECTURE.read_text().partition(ROOMS_BEGIN)
    return before + ROOMS_BEGIN + rooms() + ROOMS_END + rest.partition(ROOMS_END)[2]


def decisions() -> str:
    """The page with today's decisions."""
    head, sign, _ = (DECISIONS / "README.md").read_text().partition(DECISIONS_BEGIN)
    files = sorted(DECISIONS.glob("[0-9]*.md"))
    titles = {file.name: file.read_text().partition("\n")[0].removeprefix("# ") for file in files}
    return head + sign + "".join(f"| {name[:4]} | [{title}]({name}) |\n" for name, title in titles.items())


def _meaning(file: Path) -> str:
    return file.read_text().partition('"""')[2].partition('"""')[0].partition("\n")[0]


if __name__ == "__main__":
    ARCHITECTURE.write_text(architecture())
    (DECISIONS / "README.md").write_text(decisions())
