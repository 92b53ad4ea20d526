"""YAML as data: numbers as one writes them (1e-5), no aliases, no key twice, nothing ever executed."""

import math
import re
from collections.abc import Hashable
from typing import Any

import yaml

_FLOAT = re.compile(
    r"""^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?
    |[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+
    |[-+]?\.[0-9][0-9_]*(?:[eE][-+]?[0-9]+)?
    |[-+]?\.(?:inf|Inf|INF)
    |\.(?:nan|NaN|NAN))$""",
    re.VERBOSE,
)
MAX_DEPTH = 50


class Unreadable(Exception):
    """A text that cannot be read as what it should be; the message tells the place."""


def _refused(problem: str, mark: Any) -> yaml.constructor.ConstructorError:
    return yaml.constructor.ConstructorError(None, None, problem, mark)


class SpecLoader(yaml.SafeLoader):
    """PyYAML's safe loader, less aliases (a few lines of them can stand for gigabytes), plus floats like 1e-5."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """The next node. Raises ConstructorError for an alias and for too deep a nesting."""
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent):
            raise _refused("aliases (*name) are not read here", event.start_mark)
        if self.depth >= MAX_DEPTH:
            raise _refused("nested too deeply", event.start_mark)
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """A mapping. Raises ConstructorError for a key that stands in it twice."""
        seen: set[object] = set()
        for key_node, _ in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else id(key_node)
            if key in seen:
                raise _refused(f"the key {key!r} stands twice in one mapping", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


SpecLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith((":float", ":timestamp"))]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
SpecLoader.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, list("-+0123456789."))


def parse_yaml(text: str) -> Any:
    """The value of a YAML text. Raises Unreadable."""
    try:
        value = yaml.load(text, SpecLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise Unreadable(f"the text is not YAML: {error.problem}{place}") from None
    except (yaml.YAMLError, ValueError) as error:  # the latter for a whole number of thousands of digits
        raise Unreadable(f"the text is not YAML: {error}") from None
    _refuse_infinities(value)
    return value


def _refuse_infinities(value: object) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise Unreadable("the text holds a number that is not finite")
    for item in value if isinstance(value, list | set) else value.values() if isinstance(value, dict) else ():
        _refuse_infinities(item)
