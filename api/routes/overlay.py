"""`POST /curves.png`: published values laid over the picture of curves; `POST /curves.json`: as they are laid over."""

from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from phaselab.api.answers.formats import MEDIA_TYPES, PICTURES, media_header, offers
from phaselab.api.answers.making import json_answer, json_content
from phaselab.api.base.deps import Db
from phaselab.api.base.describing import BYTES, TEXT, gives, takes
from phaselab.api.entrance.bodies import RawBody
from phaselab.api.entrance.overlay import parse_overlay
from phaselab.api.entrance.queries import curve_query
from phaselab.api.pictures.curves import Series, draw_curves
from phaselab.api.pictures.style import render
from phaselab.domain.answers.curves import CurveQuery
from phaselab.domain.answers.fields import Field, Many, Record
from phaselab.service.verbs.curves import curves

_SERIES: Record[Series] = Record(
    (
        Field("label", "text", lambda one: one.label, "What it is called."),
        Field("radii", Many("number"), lambda one: one.radii, "Its radii, in the unit of the curves."),
        Field("accuracy", Many("number"), lambda one: one.accuracy, "Robust accuracy at each, 0 to 1."),
    )
)
OVERLAY: Record[Sequence[Series]] = Record(
    (Field("items", Many(_SERIES), lambda found: found, "The series of the CSV that belong to the curves."),)
)

router = APIRouter(tags=["curves"])


@router.post(
    "/curves.{suffix}",
    responses=gives({**json_content(OVERLAY), **{MEDIA_TYPES[kind]: BYTES for kind in PICTURES}}),
    openapi_extra=takes({"text/csv": TEXT}),
)
def curves_with_overlay(
    request: Request,
    query: Annotated[CurveQuery, Depends(curve_query)],
    kind: Annotated[Literal["json", "png", "svg", "pdf"], Depends(offers("json", *PICTURES))],
    body: RawBody,
    database: Db,
) -> Response:
    """The picture of the curves with the series of a CSV body (`text/csv`) laid over as markers, or as JSON those
    series. Stores nothing."""
    found = curves(database, query)
    overlay = parse_overlay(request, body, found)
    if kind == "json":
        return json_answer(OVERLAY, overlay)
    return Response(render(lambda: draw_curves(found, overlay), kind), media_type=media_header(kind))
