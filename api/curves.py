"""`/curves`: robust accuracy against radius as JSON, table or picture; published values can be laid over."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api.bodies import RawBody
from api.deps import Db
from api.formats import AnyFormat, PictureOnly, media_header, tagged
from api.forms import curve_rows, curves_json, curves_schema
from api.overlay import parse_overlay
from api.pictures.curves import draw_curves
from api.pictures.style import DRAWING, render
from api.plain import json_bytes
from api.queries import CurveQueryParameters
from api.tables import csv_bytes, parquet_bytes
from domain.curves import Curves
from service import report

router = APIRouter(tags=["curves"])


@router.get("/curves.{suffix}", include_in_schema=False)
@router.get("/curves")
def curves(request: Request, parameters: CurveQueryParameters, kind: AnyFormat, database: Db) -> Response:
    """Mean robust accuracy against radius for every group, readout and method, with a 95 % interval over runs."""
    found = report.curves(database, parameters.query())
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
    found = report.curves(database, parameters.query())
    overlay = parse_overlay(request, body, found.sources)
    return Response(render(lambda: draw_curves(found, overlay), kind), media_type=media_header(kind))
