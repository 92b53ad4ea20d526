"""Write the tables of `reproduction.md` anew, from `reproduction.json` beside it.

That file is what `phaselab reproduce` wrote; give another one as the argument to put it in its place first.
"""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from phaselab.client.reproduction import Reproduced, Reproduction, read
from phaselab.client.values import Verdict
from phaselab.domain.settings.texts import span

DOCS = Path(__file__).parent
PAGE, FILE = DOCS / "reproduction.md", DOCS / "reproduction.json"
BEGIN, END = "<!-- tables: docs/write_reproduction.py -->\n", "<!-- end of tables -->\n"
COUNTED = (("holds", "hold"), ("fails", "fail"), ("undecided", "undecided"))


def page() -> str:
    """The page with the tables of today's file."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    return before + BEGIN + "\n".join(_tables(read(FILE))) + "\n" + END + rest.partition(END)[2]


def _tables(found: Reproduction) -> Iterator[str]:
    counts = ", ".join(f"{found.count(ruling)} {words}" for ruling, words in COUNTED)
    total = sum(one.computing or 0.0 for one in found.presets)
    yield f"\nPhaselab {found.version}, recipe {found.recipe}, {found.made_at}: of {len(list(found.rows))} claims of"
    yield f"{len(found.presets)} presets {counts}. Their runs computed for {span(total)} in all, one core each.\n"
    yield "| preset | runs | failed | computing | verdicts |"
    yield "|---|---|---|---|---|"
    yield from map(_cost, found.presets)
    yield "\n| preset | claim | expected | found | verdict |"
    yield "|---|---|---|---|---|"
    for preset, verdict in found.rows:
        yield _row(preset, verdict)
    yield ""


def _cost(one: Reproduced) -> str:
    computing = "" if one.computing is None else span(one.computing)
    found = [verdict.verdict for verdict in one.verdicts]
    rulings = ", ".join(f"{found.count(ruling)} {words}" for ruling, words in COUNTED if ruling in found)
    return f"| `{one.preset}` | {one.runs} | {one.failed} | {computing} | {rulings or 'no claims'} |"


def _row(preset: str, verdict: Verdict) -> str:
    where = f" where {verdict.where}" if verdict.where else ""
    claim = f"{verdict.text} ({verdict.source})"
    cells = (f"`{preset}`", claim, f"{verdict.measure} {verdict.expected}{where}", _found(verdict), _ruling(verdict))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _found(verdict: Verdict) -> str:
    if verdict.value is None or verdict.ci_low is None or verdict.ci_high is None:
        return verdict.reason or ""
    place = f" at {verdict.place}" if verdict.place else ""
    return f"{verdict.value:.4g} ({verdict.ci_low:.4g} to {verdict.ci_high:.4g}, n = {verdict.n}){place}"


def _ruling(verdict: Verdict) -> str:
    more = f": about {verdict.more_seeds} more seeds" if verdict.more_seeds is not None else ""
    return f"**{verdict.verdict}**{more}" if verdict.verdict == "fails" else verdict.verdict + more


if __name__ == "__main__":
    if sys.argv[1:]:
        shutil.copyfile(sys.argv[1], FILE)
    PAGE.write_text(page())
