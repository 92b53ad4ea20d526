"""The api describes itself as it is: bodies, statuses, media types, security, schemas. (`conftest` holds every answer
that a test gets against it.)"""

import json
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
from fastapi import APIRouter, FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.responses import Response

from phaselab.api.app import PARTS, PREFIX, create_app
from phaselab.api.description import describe
from phaselab.api.entrance.access import OPEN_TO_ALL
from phaselab.db.schema.database import Database
from phaselab.domain.settings.faults import InvalidInput
from phaselab.domain.specs.presets import Preset
from phaselab.domain.specs.spec import parse_spec
from phaselab.service.base.configuration import Configuration
from phaselab.service.base.presets import presets
from tests.api.conftest import SPEC
from tests.api.described import Described


@pytest.fixture(scope="module")
def document(read: httpx.Client) -> dict[str, Any]:
    told: dict[str, Any] = read.get("/openapi.json").json()
    return told


def routes() -> list[APIRoute]:
    return [route for part in PARTS for route in part.router.routes if isinstance(route, APIRoute)]


def dependencies(dependant: Dependant) -> list[str]:
    inner = [name for one in dependant.dependencies for name in dependencies(one)]
    return [getattr(one.call, "__name__", "") for one in dependant.dependencies] + inner


def test_every_call_is_described(document: dict[str, Any]) -> None:
    for route in routes():
        told = document["paths"][PREFIX + route.path]
        for method in route.methods or ():
            operation = told[method.lower()]
            assert operation["description"]
            assert any(status in operation["responses"] for status in ("200", "201", "204"))
            reads = {"raw_body", "_file"} & set(dependencies(route.dependant))
            assert bool(reads) is ("requestBody" in operation), route.path
            named = {one["name"] for one in operation.get("parameters", ()) if one["in"] == "path"}
            assert all(f"{{{name}}}" in route.path for name in named)
            assert len(named) == route.path.count("{")


def test_who_may_call_is_told(document: dict[str, Any]) -> None:
    for path, methods in document["paths"].items():
        for operation in methods.values():
            assert (operation["security"] == []) is (path in OPEN_TO_ALL)
            for choice in operation["security"]:
                assert set(choice) <= set(document["components"]["securitySchemes"])


def test_references_lead_somewhere(document: dict[str, Any]) -> None:
    text = json.dumps(document)
    for name in {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}:
        assert name in document["components"]["schemas"]
    for schema in document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("preset", presets().values(), ids=presets())
def test_presets_are_specs_as_they_are_described(document: dict[str, Any], preset: Preset) -> None:
    schema = {"$ref": "#/components/schemas/Spec", "components": document["components"]}
    for spec in (preset.spec, parse_spec(preset.spec).model_dump(mode="json")):
        jsonschema.validate(json.loads(json.dumps(spec)), schema, jsonschema.Draft202012Validator)


@pytest.mark.parametrize(
    "change",
    [
        {"nam": 1},
        {"data": {"k": 1}},
        {"seeds": 0},
        {"sweep": {"data.k": []}},
        {"priority": 101},
        {"attack": {"radii": [-1]}},
    ],
)
def test_what_the_schema_of_a_spec_refuses_is_refused(document: dict[str, Any], change: dict[str, Any]) -> None:
    schema = {"$ref": "#/components/schemas/Spec", "components": document["components"]}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(SPEC | change, schema, jsonschema.Draft202012Validator)
    with pytest.raises(InvalidInput):
        parse_spec(SPEC | change)


def test_an_answer_that_is_not_as_described_is_noticed(read: httpx.Client, document: dict[str, Any]) -> None:
    judge = Described(document)
    answer = read.get("/experiments/1")
    judge.check(answer)
    for wrong in (
        httpx.Response(418, request=answer.request),
        httpx.Response(200, text="{}", headers={"Content-Type": "text/plain"}, request=answer.request),
        httpx.Response(200, json=answer.json() | {"surprise": 1}, request=answer.request),
        httpx.Response(200, json={"id": "one"}, request=answer.request),
    ):
        with pytest.raises((AssertionError, jsonschema.ValidationError)):
            judge.check(wrong)


def test_a_route_that_does_not_say_what_it_gives_is_noticed(sqlite_database: Database) -> None:
    router = APIRouter()
    router.add_api_route("/silent", lambda: Response(), methods=["GET"], response_class=Response)
    app = FastAPI(openapi_url=None)
    app.state.configuration = Configuration()
    app.include_router(router)
    with pytest.raises(TypeError, match="/silent does not say what it gives"):
        describe(app, "", [router])
    whole = create_app(Configuration(), sqlite_database)
    assert whole.openapi() is whole.openapi(), "made once"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("OPTIONS", "/experiments", "GET, HEAD, POST"),
        ("PUT", "/experiments/1", "DELETE, GET, HEAD, PATCH"),
        ("PATCH", "/experiments/import", "POST"),
        ("GET", "/experiments/import", "POST"),
        ("DELETE", "/curves.png", "GET, HEAD, POST"),
        ("POST", "/runs/0", "GET, HEAD"),
    ],
)
def test_allow_names_every_method_of_an_address(read: httpx.Client, method: str, path: str, allowed: str) -> None:
    answer = read.request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)


def test_the_page_of_errors_names_every_status(document: dict[str, Any]) -> None:
    page = (Path(__file__).parents[2] / "docs" / "http.md").read_text()
    for methods in document["paths"].values():
        for operation in methods.values():
            for status in operation["responses"]:
                assert int(status) < 400 or f"\n| {status} | " in page
