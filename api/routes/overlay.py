"""`POST /curves.png`: published values laid over the picture of curves."""

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from phaselab.api.answers.formats import MEDIA_TYPES, PICTURES, PictureOnly, media_header
from phaselab.api.base.deps import Db
from phaselab.api.base.describing import BYTES, TEXT, gives, takes
from phaselab.api.entrance.bodies import RawBody
from phaselab.api.entrance.overlay import parse_overlay
from phaselab.api.entrance.queries import curve_query
from phaselab.api.pictures.curves import draw_curves
from phaselab.api.pictures.style import render
from phaselab.domain.answers.curves import CurveQuery
from phaselab.service.verbs.curves import curves

router = APIRouter(tags=["curves"])


@router.post(
    "/curves.{suffix}",
    responses=gives({MEDIA_TYPES[kind]: BYTES for kind in PICTURES}),
    openapi_extra=takes({"text/csv": TEXT}),
)
def curves_with_overlay(
    request: Request, query: Annotated[CurveQuery, Depends(curve_query)], kind: PictureOnly, body: RawBody, database: Db
) -> Response:
    """The picture of the curves with the series of a CSV body (`text/csv`) laid over as markers. Stores nothing."""
    found = curves(database, query)
    overlay = parse_overlay(request, body, found)
    return Response(render(lambda: draw_curves(found, overlay), kind), media_type=media_header(kind))
