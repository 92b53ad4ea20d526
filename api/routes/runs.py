"""`/runs` and `/experiments/{id}/runs`: runs in pages and tables, one run whole, its cosines and its curves."""

from typing import Annotated

import pyarrow as pa
from fastapi import APIRouter, Path, Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from phaselab.api.answers.formats import AnyFormat, Format, PictureOnly, TableFormat, media_header, tagged
from phaselab.api.answers.run_forms import (
    COSINES_SCHEMA,
    CURVES_SCHEMA,
    cosine_rows,
    curve_rows,
    experiment_run_rows,
    experiment_runs_schema,
    run_curves,
    run_json,
    view_json,
)
from phaselab.api.answers.tables import Rows, csv_bytes, csv_chunks, parquet_bytes, parquet_chunks
from phaselab.api.base.deps import Db
from phaselab.api.base.plain import json_bytes
from phaselab.api.base.problems import Problem
from phaselab.api.entrance.queries import NoParameters, PageParameters, Text, conditions
from phaselab.api.pictures.cosines import draw_cosines
from phaselab.api.pictures.curves import draw_curves
from phaselab.api.pictures.style import DRAWING, render
from phaselab.api.routes.experiments import ExperimentId
from phaselab.service.base.errors import NotFound
from phaselab.service.verbs import experiments, runs
from phaselab.service.verbs.runs import RunDetail

router = APIRouter(tags=["runs"])

RunKey = Annotated[str, Path(min_length=1, max_length=64, pattern="^[0-9a-f]+$")]


class RunsParameters(PageParameters):
    """A page of runs; `where` may be repeated. Tables hold every run: they know no page."""

    where: Annotated[list[Text], Field(max_length=50, default_factory=list)]


@router.get("/experiments/{experiment_id}/runs.{suffix}", include_in_schema=False)
@router.get("/experiments/{experiment_id}/runs")
def list_runs(
    experiment_id: ExperimentId, parameters: Annotated[RunsParameters, Query()], kind: TableFormat, database: Db
) -> Response:
    """An experiment's runs: as JSON a page of them, as CSV or Parquet all of them, streamed."""
    where = conditions(parameters.where)
    if kind == "json":
        page = runs.runs(database, experiment_id, parameters.cursor, parameters.limit, where)
        items = [view_json(view) for view in page.items]
        return Response(json_bytes({"items": items, "next": page.next}), media_type="application/json")
    if parameters.model_fields_set & {"cursor", "limit"}:
        raise Problem(422, f"a {kind} table holds every run; leave cursor and limit out")
    axes = list(experiments.experiment(database, experiment_id).row.spec["sweep"])
    schema = experiment_runs_schema(axes)
    rows = experiment_run_rows(runs.all_runs(database, experiment_id, where), axes)
    chunks = csv_chunks(schema.names, rows) if kind == "csv" else parquet_chunks(schema, rows)
    name = f'attachment; filename="experiment-{experiment_id}-runs.{kind}"'
    return StreamingResponse(chunks, media_type=media_header(kind), headers={"Content-Disposition": name})


@router.get("/runs/{key}/cosines.{suffix}", include_in_schema=False)
@router.get("/runs/{key}/cosines")
def cosines(request: Request, key: RunKey, nothing: NoParameters, kind: AnyFormat, database: Db) -> Response:
    """The cosine matrix of a run, centres against neurons."""
    detail = _with_result(runs.run(database, key))
    assert detail.stored.arrays is not None
    matrix = detail.stored.arrays.cosines

    def body() -> bytes:
        if kind == "json":
            return json_bytes({"key": key, "cosines": matrix})
        if kind == "csv" or kind == "parquet":
            return _table(kind, COSINES_SCHEMA, cosine_rows(matrix))
        settings = detail.read
        if settings is None:
            raise Problem(409, f"there is no picture of this run, only its numbers: {detail.misfit}")
        return render(lambda: draw_cosines(matrix, settings, detail.stored.row.seed), kind)

    return tagged(request, body, kind, key.encode(), matrix.tobytes(), DRAWING)


@router.get("/runs/{key}/curves.{suffix}")
def curves_of_run(request: Request, key: RunKey, nothing: NoParameters, kind: PictureOnly, database: Db) -> Response:
    """The robustness curves of one run as a picture."""
    found = run_curves(_with_result(runs.run(database, key)))

    def body() -> bytes:
        return render(lambda: draw_curves(found), kind)

    return tagged(request, body, kind, json_bytes(found.curves), DRAWING)


@router.get("/runs/{key}")
@router.get("/runs/{key}.{suffix}", include_in_schema=False)  # before the other: a key does not know where it ends
def get_run(key: RunKey, nothing: NoParameters, kind: TableFormat, database: Db) -> Response:
    """One run whole: settings, measures, curves, cosine matrix, trust, provenance; as a table, its curves."""
    detail = runs.run(database, key)
    if kind == "json":
        return Response(json_bytes(run_json(detail)), media_type="application/json")
    rows = curve_rows(_with_result(detail))
    return Response(_table(kind, CURVES_SCHEMA, rows), media_type=media_header(kind))


def _with_result(detail: RunDetail) -> RunDetail:
    if detail.stored.arrays is None:
        raise NotFound(f"run {detail.stored.row.key} has no result: it is {detail.stored.row.state}")
    return detail


def _table(kind: Format, schema: pa.Schema, rows: Rows) -> bytes:
    return csv_bytes(schema.names, rows) if kind == "csv" else parquet_bytes(schema, rows)
