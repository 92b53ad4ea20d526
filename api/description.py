"""The api as programs read it: OpenAPI, made from the routes as they are declared."""

import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from phaselab.api.base.describing import PROBLEM, fails
from phaselab.api.entrance.access import OPEN_TO_ALL
from phaselab.api.entrance.login_form import COOKIE
from phaselab.domain.specs.spec import Changes, Spec
from phaselab.service.verbs.account_forms import AccountChanges, NewAccount, NewToken

_ABOUT = (
    "Sweeps of small networks, and what became of them. Every address that answers GET answers HEAD too. Where several"
    " media types are offered, a suffix (`/diagrams.csv`) or `Accept` chooses. Unknown query parameters are refused."
)
_SECURITY = {
    "token": {"type": "http", "scheme": "bearer", "description": "The token of an account."},
    "cookie": {"type": "apiKey", "in": "cookie", "name": COOKIE, "description": "What the login page leaves."},
}
_MODELS = (Spec, Changes, NewAccount, AccountChanges, NewToken)
_REFERENCE = "#/components/schemas/{model}"


def describe(app: FastAPI, prefix: str, routers: Sequence[APIRouter]) -> dict[str, Any]:
    """The OpenAPI document of the routes of these routers under a prefix."""
    document = get_openapi(title=app.title, version=app.version, description=_ABOUT, routes=app.routes)
    for route in _described(routers):
        for method in route.methods or ():
            _complete(document["paths"][prefix + route.path_format][method.lower()], prefix, route, method)
    document["servers"] = [{"url": app.state.configuration.root_path or "/"}]
    document["components"] = {"schemas": _schemas(), "securitySchemes": _SECURITY}
    return document


def _described(routers: Sequence[APIRouter]) -> Iterator[APIRoute]:
    for router in routers:
        yield from (route for route in router.routes if isinstance(route, APIRoute) and route.include_in_schema)


def _complete(operation: dict[str, Any], prefix: str, route: APIRoute, method: str) -> None:
    """Say of one call what its declaration leaves to others: the problems of its kind, its path, and who may."""
    responses = operation["responses"]
    content = responses.get("200", {}).get("content", {})
    names = {one["name"] for one in operation.get("parameters", ())}
    if "experiment" in names:
        responses |= {str(status): told for status, told in fails(404).items()}
    responses |= {str(status): told for status, told in fails(*_problems(prefix, route, content)).items()}
    if not content and "200" in responses and len(responses["200"]) == 1:
        raise TypeError(f"{method} {route.path} does not say what it gives")
    operation["responses"] = dict(sorted(responses.items()))
    declared = {one["name"] for one in operation.get("parameters", ()) if one["in"] == "path"}
    for name in re.findall(r"\{(\w+)\}", route.path_format):
        if name not in declared:
            operation.setdefault("parameters", []).append(_suffix(name, content))
    is_open = prefix + route.path_format in OPEN_TO_ALL
    # Without accounts nothing is needed: {}.
    operation["security"] = [] if is_open else [{"token": []}, {"cookie": []}, {}]


def _problems(prefix: str, route: APIRoute, content: Mapping[str, Any]) -> Iterator[int]:
    """The problems of every call of its kind."""
    yield from (422, 503)  # an unknown query parameter; no room, or no database
    if prefix + route.path_format not in OPEN_TO_ALL:
        yield from (401, 403, 429)
    if "{" in route.path_format:
        yield 404
    if "idempotency_key" in inspect.signature(route.endpoint).parameters:
        yield 409
    if len(content) > 1 and "{suffix}" not in route.path_format:
        yield 406
    if route.openapi_extra and "requestBody" in route.openapi_extra:
        yield from (400, 408, 413, 415)


def _suffix(name: str, content: Mapping[str, Any]) -> dict[str, Any]:
    """The parameter that chooses the format, by the last part of its media type."""
    known = {"application/vnd.apache.parquet": "parquet", "image/svg+xml": "svg"}
    values = [known.get(kind, kind.rpartition("/")[2]) for kind in content]
    schema = {"type": "string", "enum": values}
    return {"name": name, "in": "path", "required": True, "schema": schema, "description": "The format."}


def _schemas() -> dict[str, Any]:
    schemas: dict[str, Any] = {"Problem": dict(PROBLEM)}
    for model in _MODELS:
        schema = model.model_json_schema(ref_template=_REFERENCE)
        schemas |= schema.pop("$defs", {})
        schemas[model.__name__] = schema
    return dict(sorted(schemas.items()))
