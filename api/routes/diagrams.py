"""`/diagrams`: the phase diagram as JSON, table or picture."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from phaselab.api.answers.formats import AnyFormat, tagged
from phaselab.api.answers.forms import diagram_json, diagram_rows, diagram_schema
from phaselab.api.answers.tables import csv_bytes, parquet_bytes
from phaselab.api.base.deps import Db
from phaselab.api.base.plain import json_bytes
from phaselab.api.entrance.queries import DiagramQueryParameters
from phaselab.api.pictures.diagram import draw_diagram
from phaselab.api.pictures.style import DRAWING, render
from phaselab.domain.answers.diagram import Diagram
from phaselab.service.verbs import diagrams

router = APIRouter(tags=["diagrams"])


@router.get("/diagrams.{suffix}", include_in_schema=False)
@router.get("/diagrams")
def diagram(request: Request, parameters: DiagramQueryParameters, kind: AnyFormat, database: Db) -> Response:
    """A measure and the phase, aggregated over seeds, on two axes."""
    found = diagrams.diagram(database, parameters.query())
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
