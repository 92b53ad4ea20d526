"""`/curves`: robust accuracy against radius as JSON, table or picture; published values can be laid over."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from phaselab.api.answers.formats import AnyFormat, PictureOnly, media_header, tagged
from phaselab.api.answers.forms import curve_rows, curves_json, curves_schema
from phaselab.api.answers.tables import csv_bytes, parquet_bytes
from phaselab.api.base.deps import Db
from phaselab.api.base.plain import json_bytes
from phaselab.api.entrance.bodies import RawBody
from phaselab.api.entrance.overlay import parse_overlay
from phaselab.api.entrance.queries import CurveQueryParameters
from phaselab.api.pictures.curves import draw_curves
from phaselab.api.pictures.style import DRAWING, render
from phaselab.domain.answers.curves import Curves
from phaselab.service.verbs import curves as verbs

router = APIRouter(tags=["curves"])


@router.get("/curves.{suffix}", include_in_schema=False)
@router.get("/curves")
def curves(request: Request, parameters: CurveQueryParameters, kind: AnyFormat, database: Db) -> Response:
    """Mean robust accuracy against radius for every group, readout and method, with a 95 % interval over runs."""
    found = verbs.curves(database, parameters.query())
    text = json_bytes(curves_json(found))

    def body() -> bytes:
        return text if kind == "json" else _body(found, kind)

    return tagged(request, body, kind, text, DRAWING)


def _body(found: Curves, kind: AnyFormat) -> bytes:
    if kind == "csv":
        return csv_bytes(curves_schema(found).names, curve_rows(found))
    if kind == "parquet":
        return parquet_bytes(curves_schema(found), curve_rows(found))
    assert kind != "json"
    return render(lambda: draw_curves(found), kind)


@router.post("/curves.{suffix}")
def curves_with_overlay(
    request: Request, parameters: CurveQueryParameters, kind: PictureOnly, body: RawBody, database: Db
) -> Response:
    """The picture of the curves with the series of a CSV body (`text/csv`) laid over as markers. Stores nothing."""
    found = verbs.curves(database, parameters.query())
    overlay = parse_overlay(request, body, found.sources)
    return Response(render(lambda: draw_curves(found, overlay), kind), media_type=media_header(kind))
