"""Templates of the pages, and how values look in them."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.templating import Jinja2Templates

from phaselab.api.pictures.style import words
from phaselab.domain.settings.texts import span
from phaselab.service.verbs.experiments import RunningProgress

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


def _stage(progress: RunningProgress) -> str:
    return f"{progress.runs} {'run' if progress.runs == 1 else 'runs'}: {progress.stage} {progress.share:.0%}"


_templates.env.filters.update(
    spaced=_spaced, moment=_moment, number=_number, duration=_duration, stage=_stage, words=words
)
