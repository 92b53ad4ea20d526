"""`/parameters`, `/measures` and `/presets`: what can be swept, what is measured, what to start from."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from phaselab.api.answers.making import json_schema, json_value
from phaselab.api.base.describing import NULL, TEXT, gives, object_of
from phaselab.api.base.plain import json_bytes
from phaselab.api.entrance.queries import NoParameters
from phaselab.domain.answers.catalogue_fields import MEASURE, PARAMETER, PRESET
from phaselab.domain.answers.fields import Many, Record
from phaselab.domain.families.catalogue import catalogue
from phaselab.domain.results.measures import MEASURES
from phaselab.domain.results.trust import FLAGS
from phaselab.service.base.presets import presets

router = APIRouter(tags=["catalogues"])
T = TypeVar("T")


def _told(entry: Record[Any], **more: Mapping[str, Any]) -> dict[int | str, dict[str, Any]]:
    items = {"type": "array", "items": json_schema(entry)}
    return gives({"application/json": object_of(items=items, next=NULL, **more)})


@router.get("/parameters", responses=_told(PARAMETER))
def parameter_catalogue(nothing: NoParameters) -> Response:
    """Every parameter: path, meaning, symbol, unit, natural scale, default, types, choices, limits; what null stands
    for, and the families and sources that it, and each of its choices, is for, where it is not for all."""
    return _items(PARAMETER, catalogue().values())


@router.get("/measures", responses=_told(MEASURE, flags={"type": "object", "additionalProperties": TEXT}))
def measure_catalogue(nothing: NoParameters) -> Response:
    """Every measure: name, symbol, range, unit, meaning, source; and the flags of checks that a run can fail."""
    return _items(MEASURE, MEASURES.values(), flags=FLAGS)


@router.get("/presets", responses=_told(PRESET))
def preset_catalogue(nothing: NoParameters) -> Response:
    """Every preset: name, meaning, spec, the pictures to look at, and what is claimed of it."""
    return _items(PRESET, presets().values())


@router.get("/openapi.json", responses=gives({"application/json": {"type": "object"}}))
def description(request: Request, nothing: NoParameters) -> Response:
    """Every call, described to programs."""
    return Response(json_bytes(request.app.openapi()), media_type="application/json")


def _items(entry: Record[T], items: Iterable[T], **more: Any) -> Response:
    found = {"items": json_value(Many(entry), items), "next": None}
    return Response(json_bytes(found | more), media_type="application/json")
