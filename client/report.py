"""A reproduction as one page of HTML that needs nothing but itself: verdicts, changes, and the pictures inside."""

import base64
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from phaselab.client.reproduction import Change, Reproduced, Reproduction, said
from phaselab.client.values import Verdict
from phaselab.domain.settings.texts import shown, span

STYLE = """
:root { color-scheme: light dark; --line: #8886; --holds: #1b7f4d; --fails: #b3261e; --undecided: #8a6100; }
@media (prefers-color-scheme: dark) { :root { --holds: #6fd3a0; --fails: #ff8a80; --undecided: #ffcc66; } }
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; padding: 0 1rem; max-width: 75rem; }
table { border-collapse: collapse; width: 100%; } .wide { overflow-x: auto; }
th, td { border-bottom: 1px solid var(--line); padding: .4rem .6rem; text-align: left; vertical-align: top; }
.holds { color: var(--holds); } .fails { color: var(--fails); } .undecided { color: var(--undecided); }
td.holds, td.fails, td.undecided { font-weight: 600; white-space: nowrap; }
img { max-width: 100%; max-height: 36rem; background: #fff; margin: .5rem 0; }
.source { opacity: .75; font-size: .9em; }
"""
_TITLE = "Phaselab: which published claims hold"
_HEAD = ("Claim", "Expected", "Found", "Verdict")


def html(found: Reproduction, folder: Path, changes: Sequence[Change] | None) -> str:
    """The page; pictures are read from the folder. `changes` since an earlier one, null where none is known."""
    counts = ", ".join(f"{found.count(ruling)} {words}" for ruling, words in _RULINGS)
    body = [
        f"<h1>{_TITLE}</h1>",
        f"<p>{escape(counts)}. Phaselab {escape(found.version)}, recipe {found.recipe}, {escape(found.made_at)}.</p>",
        *([] if changes is None else _changes(changes)),
        *(part for one in found.presets for part in _preset(one, folder)),
    ]
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><style>{STYLE}</style>'
    page = f'<!doctype html>\n<html lang="en"><head>{head}<title>{_TITLE}</title></head>\n<body>\n'
    return page + "\n".join(body) + "\n</body></html>\n"


_RULINGS = (("holds", "hold"), ("fails", "fail"), ("undecided", "undecided"))


def _preset(one: Reproduced, folder: Path) -> Iterable[str]:
    ended = "" if one.status == "finished" else f", ended as {one.status}"
    failed = f", {one.failed} failed" if one.failed else ""
    yield f"<h2>{escape(one.preset)}</h2><p>{escape(shown(one.meaning))}</p>"
    computing = "" if one.computing is None else f", {span(one.computing)} of computing"
    yield f'<p class="source">{one.runs} runs{failed}{escape(ended)}{computing}, {span(one.seconds)} from here</p>'
    if one.verdicts:
        yield from _table(_HEAD, (_row(verdict) for verdict in one.verdicts))
    for name in one.pictures:
        data = base64.b64encode((folder / name).read_bytes()).decode()
        yield f'<p><img alt="{escape(f"{one.preset}: {Path(name).stem}")}" src="data:image/png;base64,{data}"></p>'


def _row(verdict: Verdict) -> str:
    where = f" where {verdict.where}" if verdict.where else ""
    place = f" at {verdict.place}" if verdict.place else ""
    more = f"; about {verdict.more_seeds} more seeds would decide" if verdict.more_seeds is not None else ""
    cells = (f"{verdict.measure} {verdict.expected}{where}", said(verdict).partition(", ")[2] or verdict.reason or "")
    claim = f'{escape(verdict.text)}<br><span class="source">{escape(verdict.source)}</span>'
    found = f"{cells[1]}, n = {verdict.n}{place}{more}"
    ruling = f'<td class="{escape(verdict.verdict)}">{escape(verdict.verdict)}</td>'
    return f"<tr><td>{claim}</td><td>{escape(cells[0])}</td><td>{escape(found)}</td>{ruling}</tr>"


def _changes(changes: Sequence[Change]) -> Iterable[str]:
    yield "<h2>Changes</h2>"
    if not changes:
        yield "<p>Nothing has changed since the earlier table.</p>"
        return
    rows = (
        f"<tr><td>{escape(one.preset)}</td><td>{escape(one.text)}</td><td>{escape(one.before or 'was not there')}</td>"
        f"<td>{escape(one.now or 'is gone')}</td></tr>"
        for one in changes
    )
    yield from _table(("Preset", "Claim", "Before", "Now"), rows)


def _table(head: Sequence[str], rows: Iterable[str]) -> Iterable[str]:
    titles = "".join(f'<th scope="col">{title}</th>' for title in head)
    yield f'<div class="wide"><table><thead><tr>{titles}</tr></thead><tbody>'
    yield from rows
    yield "</tbody></table></div>"
