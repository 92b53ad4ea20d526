"""Templates of the pages, and how values look in them."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import Response
from starlette.templating import Jinja2Templates

from phaselab.api.pictures.style import words
from phaselab.domain.settings.parameters import Parameter
from phaselab.domain.settings.texts import amount, span
from phaselab.service.verbs.experiments import RunningProgress
from phaselab.service.verbs.rights import Caller, Deed

FOLDER = Path(__file__).parents[1]
_templates = Jinja2Templates(directory=FOLDER / "templates")


def page(request: Request, name: str, values: Mapping[str, Any], status: int = 200) -> Response:
    """A page from a template; everything that goes into it is escaped."""
    root = request.app.state.configuration.root_path
    answer = _templates.TemplateResponse(request, name, {"root": root, **values}, status_code=status)
    answer.headers["Cache-Control"] = "no-cache"
    return answer


def _spaced(value: object) -> str:
    return str(value).replace("_", " ")


def _moment(value: datetime | None) -> str:
    return "—" if value is None else f"{value:%Y-%m-%d %H:%M:%S} UTC"


def _number(value: object) -> str:
    return f"{value:.5g}" if isinstance(value, float) else words(value)


def _duration(seconds: float | None) -> str:
    return "—" if seconds is None else span(seconds)


def _size(value: float | None) -> str:
    return "—" if value is None else amount(value)


def _percent(value: float | None) -> str:
    return "—" if value is None else f"{value:.0%}"


def _stage(progress: RunningProgress) -> str:
    return f"{progress.runs} {'run' if progress.runs == 1 else 'runs'}: {progress.stage} {progress.share:.0%}"


def _meaning(entry: Parameter) -> str:
    """What a parameter means, with what it can be where that is one of some words."""
    choices = [
        choice + (f" ({', '.join(entry.only[choice])})" if choice in entry.only else "") for choice in entry.choices
    ]
    return f"{entry.meaning} One of {', '.join(choices)}." if choices else entry.meaning


def _named(entry: Parameter) -> str:
    """What stands beside a parameter's path where its default does: symbol, families and sources that it is for."""
    symbol = "" if entry.symbol in (entry.path.split(".")[1], "") else entry.symbol
    given = ", ".join((*entry.families, *entry.sources))
    return " · ".join(filter(None, (symbol, given and f"for {given}")))


def _notes(entry: Parameter) -> str:
    """What stands below a parameter's path: its default, symbol, families and sources that it is for."""
    default = "" if entry.stands_for in (None, "") else f"default {words(entry.stands_for)}"
    return " · ".join(filter(None, (default, _named(entry))))


def _coded(text: str) -> Markup:
    """The text, escaped, what stands in backticks as code."""
    parts = [escape(part) for part in text.split("`")]
    ends = len(parts) - 1 if len(parts) % 2 == 0 else len(parts)  # one without its twin is a letter
    shown = [Markup("<code>{}</code>").format(part) if i % 2 else part for i, part in enumerate(parts[:ends])]
    return Markup("").join(shown) + Markup("").join(["`", *parts[ends:]] if ends < len(parts) else [])


def _group(values: Mapping[str, object]) -> str:
    return ", ".join(f"{path} = {words(value)}" for path, value in values.items()) or "all runs"


def _may_change(caller: Caller, owner: str) -> bool:
    return caller.may(Deed.CHANGE, owner)


def _may_oversee(request: Request) -> bool:
    """Whether whoever sees a page may see those of admins: everyone where there are no accounts."""
    caller = getattr(request.state, "caller", None)
    return getattr(request.state, "alone", False) if caller is None else caller.may(Deed.ADMINISTER)


_templates.env.globals["may_change"] = _may_change
_templates.env.globals["may_oversee"] = _may_oversee
_templates.env.filters.update(
    spaced=_spaced,
    moment=_moment,
    number=_number,
    duration=_duration,
    size=_size,
    percent=_percent,
    stage=_stage,
    words=words,
    meaning=_meaning,
    named=_named,
    notes=_notes,
    coded=_coded,
    group=_group,
)
