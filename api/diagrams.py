"""`/diagrams`: the phase diagram as JSON, table or picture."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api.deps import Db
from api.formats import AnyFormat, tagged
from api.forms import diagram_json, diagram_rows, diagram_schema
from api.pictures.diagram import draw_diagram
from api.pictures.style import DRAWING, render
from api.plain import json_bytes
from api.queries import DiagramQueryParameters
from api.tables import csv_bytes, parquet_bytes
from domain.diagram import Diagram
from service import report

router = APIRouter(tags=["diagrams"])


@router.get("/diagrams.{suffix}", include_in_schema=False)
@router.get("/diagrams")
def diagram(request: Request, parameters: DiagramQueryParameters, kind: AnyFormat, database: Db) -> Response:
    """A measure and the phase, aggregated over seeds, on two axes."""
    found = report.diagram(database, parameters.query())
    text = json_bytes(diagram_json(found))

    def body() -> bytes:
        return text if kind == "json" else _body(found, kind)

    return tagged(request, body, kind, text, DRAWING)


def _body(found: Diagram, kind: AnyFormat) -> bytes:
    if kind == "csv":
        return csv_bytes(diagram_schema(found).names, diagram_rows(found))
    if kind == "parquet":
        return parquet_bytes(diagram_schema(found), diagram_rows(found))
    assert kind != "json"
    return render(lambda: draw_diagram(found), kind)
