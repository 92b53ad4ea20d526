"""`/health`, `/ready`, `/version`: is the process alive, can it serve, and what is it."""

from importlib import metadata

from fastapi import APIRouter
from starlette.responses import Response

from phaselab.api.base.deps import Db
from phaselab.api.base.describing import OK, TEXT, gives, object_of
from phaselab.api.base.plain import json_bytes
from phaselab.api.entrance.queries import NoParameters
from phaselab.domain.settings.runs import RECIPE
from phaselab.service.verbs.readiness import readiness

router = APIRouter(tags=["health"])
_SCHEDULER = object_of(leads={"type": "boolean"}, reason={"type": ["string", "null"]})
_VERSION = object_of(name={"const": "phaselab"}, version=TEXT, recipe={"type": "integer"})
VERSION = metadata.version("phaselab")


@router.get("/health", responses=gives({"application/json": object_of(status=OK)}))
async def health(nothing: NoParameters) -> Response:
    """200 as long as the process answers; it waits for no thread and no database."""
    return _json({"status": "ok"})


@router.get("/ready", responses=gives({"application/json": object_of(status=OK, scheduler=_SCHEDULER)}))
def ready(nothing: NoParameters, database: Db) -> Response:
    """200 when the database answers, with whether a scheduler leads, and if not why; 503 when it is away."""
    found = readiness(database)
    return _json({"status": "ok", "scheduler": {"leads": found.leads, "reason": found.reason}})


@router.get("/version", responses=gives({"application/json": _VERSION}))
async def version(nothing: NoParameters) -> Response:
    """The version of Phaselab and of its recipe, the way from settings and seed to numbers."""
    return _json({"name": "phaselab", "version": VERSION, "recipe": RECIPE})


def _json(value: object) -> Response:
    return Response(json_bytes(value), media_type="application/json")
