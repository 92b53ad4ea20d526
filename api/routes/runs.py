"""`/experiments/{id}/runs` and `/runs/{key}`: runs in pages and tables, and one run whole."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from phaselab.api.answers.formats import MEDIA_TYPES, TableFormat
from phaselab.api.answers.making import json_answer, json_content, streamed_table, table_answer
from phaselab.api.answers.runs import RUNS, WHOLE_RUN, curves_table, runs_table
from phaselab.api.base.deps import Db
from phaselab.api.base.describing import BYTES, fails, gives
from phaselab.api.base.problems import Problem
from phaselab.api.entrance.queries import ExperimentId, NoParameters, RunKey, RunParameters
from phaselab.domain.answers.fields import Record
from phaselab.service.verbs import experiments, run_lists, runs

router = APIRouter(tags=["runs"])


def _told(record: Record[Any]) -> dict[int | str, dict[str, Any]]:
    return gives(dict.fromkeys((MEDIA_TYPES["csv"], MEDIA_TYPES["parquet"]), BYTES) | dict(json_content(record)))


@router.get("/experiments/{experiment_id}/runs.{suffix}", responses=_told(RUNS))
@router.get("/experiments/{experiment_id}/runs", responses=_told(RUNS))
def list_runs(
    experiment_id: ExperimentId, parameters: Annotated[RunParameters, Query()], kind: TableFormat, database: Db
) -> Response:
    """An experiment's runs: as JSON a page of them, as CSV or Parquet all of them, streamed."""
    asked = parameters.asked(experiment_id)
    if kind == "json":
        return json_answer(RUNS, run_lists.list_runs(database, asked, parameters.cursor, parameters.limit))
    if parameters.model_fields_set & {"cursor", "limit"}:
        raise Problem(422, f"a {kind} table holds every run; leave cursor and limit out")
    axes = list(experiments.experiment(database, experiment_id).row.spec["sweep"])
    return streamed_table(
        runs_table(run_lists.all_runs(database, asked), axes), kind, f"experiment-{experiment_id}-runs"
    )


@router.get("/runs/{key}", responses=_told(WHOLE_RUN) | fails(409))
@router.get("/runs/{key}.{suffix}", responses=_told(WHOLE_RUN) | fails(409))  # first: a key knows not where it ends
def get_run(key: RunKey, nothing: NoParameters, kind: TableFormat, database: Db) -> Response:
    """One run whole: settings, measures, curves, cosine matrix, trust, provenance; as a table, its curves."""
    detail = runs.run(database, key)
    return json_answer(WHOLE_RUN, detail) if kind == "json" else table_answer(curves_table(detail), kind)
