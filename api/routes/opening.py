"""What the page of an experiment opens on: the pictures that its spec names, else what its claims are about."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from phaselab.api.routes.views import LINES

COSINES = "cosines"


@dataclass(frozen=True)
class Named:
    """A picture that a spec names: what it is called, and the query of the page that shows it."""

    label: str
    query: str


def opening(spec: Mapping[str, Any], axes: Collection[str]) -> Mapping[str, str]:
    """The query of the page that shows the first picture of each kind; the measure of the first claim where the spec
    names no diagram or lines."""
    pictures: Sequence[Mapping[str, Any]] = spec.get("pictures") or ()
    usual: dict[str, str] = {}
    for kinds in (("curves",), ("diagram", "lines")):
        first = next((one for one in pictures if one["kind"] in kinds), None)
        usual |= _asked(first, axes) if first else {}
    claims: Sequence[Mapping[str, Any]] = spec.get("claims") or ()
    return {"measure": claims[0]["measure"], **usual} if claims else usual


def _asked(picture: Mapping[str, Any], axes: Collection[str]) -> dict[str, str]:
    """The query of the page that shows a diagram, lines or curves, as far as it has selects for it."""
    asked = {name: text for name, text in picture["query"].items() if name in ("x", "y", "by", "measure", "statistic")}
    if picture["kind"] == "lines":
        asked["y"] = LINES
    path, _, value = picture["query"].get("where", "").partition("=")
    return asked | ({f"fix.{path}": value} if path in axes else {})


def named(spec: Mapping[str, Any], axes: Collection[str]) -> Iterator[Named]:
    """The diagrams and lines that the spec names."""
    for picture in spec.get("pictures") or ():
        if picture["kind"] in ("diagram", "lines"):
            asked = picture["query"]
            words = [asked.get("measure", picture["kind"]).replace("_", " ")]
            words += [f"where {asked['where']}"] if "where" in asked else []
            yield Named(" ".join(words), urlencode(_asked(picture, axes)))


def wants_cosines(spec: Mapping[str, Any]) -> bool:
    """Whether the spec names cosines of centres and neurons."""
    return any(picture["kind"] == COSINES for picture in spec.get("pictures") or ())


def begins_with_cosines(spec: Mapping[str, Any]) -> bool:
    """Whether they are what it names first."""
    pictures: Sequence[Mapping[str, Any]] = spec.get("pictures") or ()
    return bool(pictures) and pictures[0]["kind"] == COSINES
