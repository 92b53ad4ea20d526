"""`/admin/overview`: the whole service at a look, for admins."""

from fastapi import APIRouter
from starlette.responses import Response

from phaselab.api.answers.admin import OVERVIEW
from phaselab.api.answers.making import json_answer, json_content
from phaselab.api.base.deps import ConfigurationOf, Db
from phaselab.api.base.describing import gives
from phaselab.api.entrance.queries import NoParameters
from phaselab.service.verbs.overview import overview

router = APIRouter(prefix="/admin", tags=["admin"])


@router.get("/overview", responses=gives(json_content(OVERVIEW)))
def show_overview(nothing: NoParameters, database: Db, configuration: ConfigurationOf) -> Response:
    """Who waits since when and why, what the workers do, what fails, how large the database is; for admins."""
    return json_answer(OVERVIEW, overview(database, configuration))
