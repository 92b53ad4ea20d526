"""Every answer that a test gets is held against what the api says of itself: status, media type, headers, schema."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import jsonschema

PARTS = {"experiment_id": "[0-9]+", "key": "[0-9a-f]+", "suffix": "[a-z]+"}


class Described:
    """An OpenAPI document, as a judge of answers."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document
        self._paths = {path: re.compile(_pattern(path)) for path in document["paths"]}

    def operation(self, method: str, path: str) -> Mapping[str, Any] | None:
        """What is said of a call; None for an address that is not described."""
        for known, pattern in self._paths.items():
            found: Mapping[str, Any] | None = self.document["paths"][known].get(method.lower())
            if found is not None and pattern.fullmatch(path):
                return found
        return None

    def check(self, answer: httpx.Response) -> None:
        """Fails for an answer that is not as the document says."""
        request = answer.request
        method = "GET" if request.method == "HEAD" else request.method
        told = self.operation(method, request.url.path)
        if told is None:
            assert answer.status_code in (404, 405) or "/api/" not in request.url.path, f"{method} {request.url}"
            return
        name = f"{method} {request.url} gave {answer.status_code}"
        assert str(answer.status_code) in told["responses"], name
        self._check_answer(told["responses"][str(answer.status_code)], answer, name)

    def _check_answer(self, said: Mapping[str, Any], answer: httpx.Response, name: str) -> None:
        for header in said.get("headers", ()):
            assert header in answer.headers, name
        kind = answer.headers.get("content-type", "").partition(";")[0]
        content = said.get("content")
        if content is None:
            assert not kind, name
            return
        assert kind in content, f"{name} as {kind}"
        if kind.endswith("json") and answer.request.method != "HEAD":
            answer.read()
            jsonschema.validate(answer.json(), self._whole(content[kind]["schema"]), jsonschema.Draft202012Validator)

    def _whole(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        return {**schema, "components": self.document["components"]}


def judge(url: str, headers: Mapping[str, str] | None = None) -> Callable[[httpx.Response], None]:
    """What checks every answer of a server, once it is asked for the first; `headers` let it in."""
    judges: list[Described] = []

    def check(answer: httpx.Response) -> None:
        if not judges:
            judges.append(Described(httpx.get(f"{url}/api/v1/openapi.json", timeout=30, headers=headers).json()))
        judges[0].check(answer)

    return check


def _pattern(path: str) -> str:
    pieces = re.split(r"\{(\w+)\}", path)
    return "".join(PARTS.get(piece, "[^/]+") if i % 2 else re.escape(piece) for i, piece in enumerate(pieces))
