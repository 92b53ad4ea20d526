"""YAML 1.2 as data: numbers as one writes them (1e-5), no aliases, no tags, no key twice, nothing ever executed."""

import re
from typing import Any

import yaml

from phaselab.domain.settings.numbers import read_number, whole_number
from phaselab.domain.specs.spec import MAX_DEPTH

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Only its parser is used; libyaml's, where PyYAML has it, is twenty times as fast."""
_OCTAL = re.compile(r"0o([0-7]+)")
_HEXADECIMAL = re.compile(r"0x([0-9a-fA-F]+)")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_DIRECTIVE = re.compile(r"^%(?!YAML )", re.MULTILINE)
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


class Unreadable(Exception):
    """A text that cannot be read as what it should be; the message tells the place, and `line` its line, from 1."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


def parse_yaml(text: str) -> Any:
    """The value of a YAML text of one document. Raises Unreadable.

    Plain scalars are read by YAML 1.2's core schema, so `010` is ten, and `1:10`, `1_000`, `yes` and `2001-01-01` are
    texts. Keys are texts.
    """
    return read_yaml(text, Reader())


def read_yaml(text: str, reader: "Reader") -> Any:
    """The same, put together by a reader of one's own. Raises Unreadable."""
    if _DIRECTIVE.search(text):  # each costs the parser a look at all those before it
        raise Unreadable("the text is not read: directives (%TAG) are not read here")
    event: Any = None
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            reader.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise Unreadable(f"the text is not YAML: {error.problem}{_place(mark)}", _line(mark)) from None
    except yaml.YAMLError as error:
        raise Unreadable(f"the text is not YAML: {' '.join(str(error).split())}") from None
    except ValueError as error:
        mark = event and event.start_mark
        raise Unreadable(f"the text is not read: {error}{_place(mark)}", _line(mark)) from None
    return reader.value


def _line(mark: Any) -> int | None:
    return mark.line + 1 if mark else None


def _place(mark: Any) -> str:
    return f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""


class Reader:
    """Puts a value together from the events of a parser, without recursion and in one go."""

    def __init__(self) -> None:
        self.value: Any = None
        self._documents = 0
        self._open: list[tuple[dict[str, Any] | list[Any], str | None]] = []  # containers and the key that waits

    def take(self, event: Any) -> None:
        """One event more. Raises ValueError for what is not read here."""
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise ValueError("a second document begins; send one")
        elif isinstance(event, yaml.AliasEvent):
            raise ValueError("aliases (*name) are not read here")
        elif isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent):
            if event.tag is not None:
                tag = event.tag.replace("tag:yaml.org,2002:", "!!")[:60]
                raise ValueError(f"tags ({tag}) are not read here; write the value without one")
            self._node(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._close(event)

    def _node(self, event: Any) -> None:
        if isinstance(event, yaml.ScalarEvent):
            if self._awaits_key():
                self._set_key(event.value, event)
            else:
                self._put(_plain_value(event.value) if event.implicit[0] else event.value, event)
            return
        if self._awaits_key():
            raise ValueError("a key must be a text")
        if len(self._open) >= MAX_DEPTH:
            raise ValueError("nested too deeply")
        container: dict[str, Any] | list[Any] = {} if isinstance(event, yaml.MappingStartEvent) else []
        self._put(container, event)
        self._open.append((container, None))

    def _awaits_key(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1][0], dict) and self._open[-1][1] is None

    def _close(self, event: Any) -> None:
        self._open.pop()

    def _set_key(self, key: str, event: Any) -> None:
        container = self._open[-1][0]
        if key in container:
            raise ValueError(f"the key {key[:60]!r} stands twice in one mapping")
        self._open[-1] = (container, key)

    def _put(self, value: Any, event: Any) -> None:
        if not self._open:
            self.value = value
            return
        container, key = self._open[-1]
        if isinstance(container, list):
            container.append(value)
        elif key is not None:
            container[key] = value
            self._open[-1] = (container, None)


def _plain_value(text: str) -> Any:
    """What a scalar without quotes stands for."""
    if text in _WORDS:
        return _WORDS[text]
    if (number := read_number(text)) is not None:
        return number
    if found := _OCTAL.fullmatch(text):
        return whole_number(found[1], 8)
    if found := _HEXADECIMAL.fullmatch(text):
        return whole_number(found[1], 16)
    if _NOT_FINITE.fullmatch(text):
        raise ValueError(f"the number {text} is not finite")
    return text
