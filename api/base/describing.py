"""What routes say of their bodies and answers to programs, as OpenAPI has it."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from phaselab.api.base.problems import MEDIA_TYPE

Content = Mapping[str, Mapping[str, Any]]
"""What a body may be: a schema by media type."""

PROBLEM: Mapping[str, Any] = {
    "type": "object",
    "description": "An error (RFC 9457).",
    "properties": {
        "type": {"type": "string", "description": "urn:phaselab:problem: and the kind of error."},
        "title": {"type": "string", "description": "The status in words."},
        "status": {"type": "integer", "description": "The status."},
        "detail": {"type": "string", "description": "What is wrong, and what would be right."},
        "instance": {"type": "string", "description": "The address that was asked."},
        "errors": {
            "type": "array",
            "description": "Every place at fault.",
            "items": {
                "type": "object",
                "properties": {
                    "pointer": {"type": "string", "description": "JSON pointer into what was sent."},
                    "detail": {"type": "string", "description": "What is wrong there, and what would be right."},
                    "line": {"type": "integer", "description": "Its line, from 1, where the body was YAML."},
                },
                "required": ["pointer", "detail"],
                "additionalProperties": False,
            },
        },
    },
    "required": ["type", "title", "status", "detail", "instance", "errors"],
    "additionalProperties": False,
}
NULL: Mapping[str, Any] = {"type": "null"}
OK: Mapping[str, Any] = {"const": "ok"}
TEXT: Mapping[str, Any] = {"type": "string"}
BYTES: Mapping[str, Any] = {}
"""Schema of what is no JSON: any bytes."""


def reference(name: str) -> dict[str, Any]:
    """A schema that the document holds under a name."""
    return {"$ref": f"#/components/schemas/{name}"}


def object_of(**properties: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of an object that has just these."""
    told = {name: dict(schema) for name, schema in properties.items()}
    return {"type": "object", "properties": told, "required": [*told], "additionalProperties": False}


def gives(content: Content, status: int = 200, headers: tuple[str, ...] = ()) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route for one status; several are joined by `|`."""
    told: dict[str, Any] = {"description": HTTPStatus(status).phrase}
    if content:
        told["content"] = {kind: {"schema": dict(schema)} for kind, schema in content.items()}
    if headers:
        told["headers"] = {name: {"schema": dict(TEXT)} for name in headers}
    return {status: told}


def fails(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route for problems that are its own; those of every call of its kind are found out."""
    problem = {MEDIA_TYPE: {"schema": reference("Problem")}}
    return {status: {"description": HTTPStatus(status).phrase, "content": problem} for status in statuses}


def takes(content: Content) -> dict[str, Any]:
    """The `openapi_extra` of a route that reads a body."""
    told = {kind: {"schema": dict(schema)} for kind, schema in content.items()}
    return {"requestBody": {"required": True, "content": told}}
