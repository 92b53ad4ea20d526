"""Write `answers.md`, every field of every answer, anew from their declarations."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from phaselab.api.answers.accounts import ACCOUNTS, DEEDS, TOKENS, WHO
from phaselab.api.answers.admin import OVERVIEW
from phaselab.api.answers.experiments import ESTIMATE, EXPERIMENT, MERGED
from phaselab.api.answers.runs import COSINES, RUNS, WHOLE_RUN
from phaselab.api.routes.overlay import OVERLAY
from phaselab.domain.answers.catalogue_fields import MEASURE, PARAMETER, PRESET
from phaselab.domain.answers.curve_fields import CURVES
from phaselab.domain.answers.diagram_fields import DIAGRAM
from phaselab.domain.answers.difference_fields import DIFFERENCES
from phaselab.domain.answers.failures import FAILURES
from phaselab.domain.answers.fields import Kind, Many, Maybe, Named, Record, page_of
from phaselab.domain.answers.line_fields import LINES
from phaselab.domain.answers.verdict_fields import VERDICTS

PAGE = Path(__file__).parent / "answers.md"
HEAD = """# Fields of answers

What every JSON answer holds, written by `docs/write_answers.py` from the declarations in `domain/answers/` and
`api/answers/`. `[]` stands for every item of a list, `{}` for every name. [How
to ask](http.md) is on a page of its own.
"""
ANSWERS: Mapping[str, Record[Any]] = {
    "GET /experiments/{id}": EXPERIMENT,
    "POST /experiments?dry_run=true": ESTIMATE,
    "POST /experiments/import": MERGED,
    "GET /experiments/{id}/failures": FAILURES.record,
    "GET /experiments/{id}/verdicts": VERDICTS.record,
    "GET /experiments/{id}/runs": RUNS,
    "GET /runs/{key}": WHOLE_RUN,
    "GET /runs/{key}/cosines": COSINES.record,
    "GET /diagrams": DIAGRAM.record,
    "GET /differences": DIFFERENCES.record,
    "GET /lines": LINES.record,
    "GET /curves": CURVES.record,
    "POST /curves.json": OVERLAY,
    "GET /parameters": page_of(PARAMETER, "Every parameter."),
    "GET /measures": page_of(MEASURE, "Every measure."),
    "GET /presets": page_of(PRESET, "Every preset."),
    "GET /account": WHO,
    "GET /accounts": ACCOUNTS,
    "GET /tokens": TOKENS,
    "GET /audit": DEEDS,
    "GET /admin/overview": OVERVIEW,
}
"""What is written of, by call; lists of experiments hold the fields of one, less its spec and progress."""


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *(line for call, record in ANSWERS.items() for line in _section(call, record))])


def _section(call: str, record: Record[Any]) -> Iterator[str]:
    yield from (f"## `{call}`", "", "| field | type | meaning |", "|---|---|---|")
    yield from _rows("", record)
    yield ""


def _rows(prefix: str, record: Record[Any]) -> Iterator[str]:
    for one in record.fields:
        path, kind = f"{prefix}{one.name}", one.kind
        yield f"| `{path}` | {_type(kind)} | {one.meaning} |"
        while isinstance(kind, Maybe | Many | Named):
            path += {Many: "[]", Named: "{}"}.get(type(kind), "")
            kind = kind.item
        if isinstance(kind, Record):
            yield from _rows(f"{path}.", kind)


def _type(kind: Kind) -> str:
    if isinstance(kind, Maybe):
        return f"{_type(kind.item)} or null"
    if isinstance(kind, Many):
        return f"list of {_type(kind.item)}"
    if isinstance(kind, Named):
        return f"object of {_type(kind.item)}"
    return "object" if isinstance(kind, Record) else {"value": "number or text"}.get(kind, kind)


if __name__ == "__main__":
    PAGE.write_text(page())
