"""Which methods an address knows: the one place that tells 404 from 405, and what `Allow` says."""

import re
from collections.abc import Iterable, Mapping

from starlette.requests import Request
from starlette.routing import BaseRoute

from phaselab.api.base.problems import Problem

_PARTS: Mapping[str, str] = {"experiment_id": "[0-9]+", "key": "[0-9a-f]+", "suffix": "[a-z]+"}
"""What a part of an address can be, by its name; another one is anything but a slash."""


class Addresses:
    """The addresses of an app. `/experiments/import` is none of an experiment, though a router takes it for one."""

    def __init__(self, routes: Iterable[tuple[str, BaseRoute]]) -> None:
        known: dict[str, set[str]] = {}
        for prefix, route in routes:
            known.setdefault(prefix + getattr(route, "path", ""), set()).update(getattr(route, "methods", None) or ())
        self._known = [(re.compile(_pattern(path)), methods) for path, methods in known.items()]

    def methods(self, path: str) -> frozenset[str]:
        """The methods of an address; HEAD goes with GET. Empty where there is nothing."""
        found = {method for pattern, methods in self._known if pattern.fullmatch(path) for method in methods}
        return frozenset(found | {"HEAD"} if "GET" in found else found)

    def problem(self, request: Request) -> Problem | None:
        """Why a request has nothing to go to: 404 or 405. None where it has."""
        path = request.url.path
        methods = self.methods(path)
        if not methods:
            return Problem(404, f"there is nothing at {path}; /api/v1/openapi.json lists what there is")
        if request.method in methods:
            return None
        allowed = {"Allow": ", ".join(sorted(methods))}
        return Problem(405, f"{request.method} is not for {path}; see Allow", headers=allowed)

    def check(self, request: Request) -> None:
        """Raises Problem for an address that a router has taken for another: `import` for a number."""
        parts = request.path_params.items()
        if all(re.fullmatch(_PARTS[name], str(value)) for name, value in parts if name in _PARTS):
            return
        problem = self.problem(request)
        if problem is not None:
            raise problem


def _pattern(path: str) -> str:
    """The regular expression of an address with {parts}."""
    pieces = re.split(r"\{(\w+)\}", path)
    return "".join(_PARTS.get(piece, "[^/]+") if i % 2 else re.escape(piece) for i, piece in enumerate(pieces))
