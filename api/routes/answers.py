"""The answers that are asked for by an address alone, each one entry: which query, which verb, which fields, which
picture. Every entry has its address with and without a format's suffix, and a strong ETag in every format."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

from fastapi import APIRouter, Depends
from matplotlib.figure import Figure
from starlette.requests import Request
from starlette.responses import Response

from phaselab.api.answers.formats import MEDIA_TYPES, PICTURES, Format, offers
from phaselab.api.answers.making import answer_in, json_content
from phaselab.api.answers.runs import COSINES
from phaselab.api.base.deps import Db
from phaselab.api.base.describing import BYTES, fails, gives
from phaselab.api.base.problems import Problem
from phaselab.api.entrance.queries import (
    curve_query,
    diagram_query,
    difference_query,
    experiment_number,
    failures_query,
    line_query,
    run_key,
)
from phaselab.api.pictures.cosines import draw_cosines
from phaselab.api.pictures.curves import draw_curves
from phaselab.api.pictures.diagram import draw_diagram
from phaselab.api.pictures.differences import draw_differences
from phaselab.api.pictures.lines import draw_lines
from phaselab.domain.answers.curve_fields import CURVES
from phaselab.domain.answers.diagram_fields import DIAGRAM
from phaselab.domain.answers.difference_fields import DIFFERENCES
from phaselab.domain.answers.failures import FAILURES
from phaselab.domain.answers.fields import Answer
from phaselab.domain.answers.line_fields import LINES
from phaselab.domain.answers.verdict_fields import VERDICTS
from phaselab.service.base.storage import Database
from phaselab.service.verbs.curves import curves
from phaselab.service.verbs.diagrams import diagram, differences, lines
from phaselab.service.verbs.failures import failures
from phaselab.service.verbs.runs import Cosines, cosines, curves_of_run
from phaselab.service.verbs.verdicts import verdicts

Q = TypeVar("Q")
T = TypeVar("T")


@dataclass(frozen=True)
class Served(Generic[Q, T]):
    """An answer at an address. `query` is the dependency that reads what is asked, `verb` answers it; without `draw`
    there are no pictures. `pictures_only`: the same data has another address. `problems` are its own statuses."""

    path: str
    tag: str
    meaning: str
    query: Callable[..., Awaitable[Q]]
    verb: Callable[[Database, Q], T]
    answer: Answer[T]
    draw: Callable[[T], Figure] | None = None
    pictures_only: bool = False
    problems: tuple[int, ...] = ()

    @property
    def formats(self) -> tuple[Format, ...]:
        """Those that it can be had in."""
        tables: tuple[Format, ...] = ("json", "csv", "parquet") if self.answer.table else ("json",)
        return (*(() if self.pictures_only else tables), *(PICTURES if self.draw else ()))


def _drawn_cosines(found: Cosines) -> Figure:
    if found.settings is None:
        raise Problem(409, f"there is no picture of this run, only its numbers: {found.misfit}")
    return draw_cosines(found.matrix, found.settings, found.seed)


SERVED: tuple[Served[Any, Any], ...] = (
    Served(
        "/experiments/{experiment_id}/failures",
        "experiments",
        "Failed runs by reason, the most frequent first.",
        failures_query,
        failures,
        FAILURES,
    ),
    Served(
        "/experiments/{experiment_id}/verdicts",
        "experiments",
        "What the runs of an experiment say of each of its claims.",
        experiment_number,
        verdicts,
        VERDICTS,
        problems=(409,),
    ),
    Served(
        "/runs/{key}/cosines",
        "runs",
        "The cosine matrix of a run, centres against neurons.",
        run_key,
        cosines,
        COSINES,
        _drawn_cosines,
        problems=(409,),
    ),
    Served(
        "/runs/{key}/curves",
        "runs",
        "The robustness curves of one run as a picture.",
        run_key,
        curves_of_run,
        CURVES,
        draw_curves,
        pictures_only=True,
        problems=(409,),
    ),
    Served(
        "/diagrams",
        "diagrams",
        "A measure and the phase, aggregated over seeds, on two axes.",
        diagram_query,
        diagram,
        DIAGRAM,
        draw_diagram,
    ),
    Served(
        "/differences",
        "diagrams",
        "How a measure of one experiment differs from that of another, on the cells of a diagram that both have.",
        difference_query,
        differences,
        DIFFERENCES,
        draw_differences,
    ),
    Served(
        "/lines",
        "lines",
        "A measure, aggregated over seeds, against one axis; one line a group.",
        line_query,
        lines,
        LINES,
        draw_lines,
    ),
    Served(
        "/curves",
        "curves",
        "Mean robust accuracy against radius for every group, readout and method, with a 95 % interval over runs.",
        curve_query,
        curves,
        CURVES,
        draw_curves,
    ),
)
"""Every answer of this kind."""
FORMATS = {served.path: served.formats for served in SERVED}
"""The formats of each, by its path."""

router = APIRouter()


def add(router: APIRouter, served: Served[Any, Any]) -> None:
    """Answer at the address of an entry, and there with every suffix."""

    def answer(
        request: Request,
        query: Annotated[Any, Depends(served.query)],
        kind: Annotated[Format, Depends(offers(*served.formats))],
        database: Db,
    ) -> Response:
        return answer_in(kind, request, served.answer, served.verb(database, query), served.draw)

    content: dict[str, Any] = {MEDIA_TYPES[kind]: BYTES for kind in served.formats}
    if not served.pictures_only:
        content |= json_content(served.answer.record)
    told: dict[str, Any] = {"description": served.meaning, "tags": [served.tag], "name": served.verb.__name__}
    told |= {"responses": gives(content, headers=("ETag",)) | gives({}, 304, ("ETag",)) | fails(*served.problems)}
    router.add_api_route(f"{served.path}.{{suffix}}", answer, **told)
    if not served.pictures_only:
        router.add_api_route(served.path, answer, **told)


for one in SERVED:
    add(router, one)
