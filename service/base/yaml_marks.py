"""Where in a YAML text each of its values stands, by JSON pointer: lines for faults, spans for changes of the text."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from phaselab.domain.settings.faults import Fault, pointer
from phaselab.service.base.yaml_text import Reader, Unreadable, read_yaml


@dataclass(frozen=True)
class Mark:
    """Where a value stands: `line` from 1, of its key where it has one; the letters from `start` up to `end`; where its
    key begins, and in which column; and whether it is a collection in brackets."""

    line: int
    start: int
    end: int
    key: int | None = None
    column: int = 0
    flow: bool = False


def marks_of(text: str) -> Mapping[str, Mark]:
    """The marks of every value of a YAML text, of collections before what is in them. Raises Unreadable."""
    reader = _Marking()
    read_yaml(text, reader)
    return reader.marks


def with_lines(faults: Iterable[Fault], text: str) -> tuple[Fault, ...]:
    """The faults of what a YAML text holds, each with the line that it is at: of the innermost value around it that is
    there. Faults of the whole have none."""
    try:
        marks = marks_of(text)
    except Unreadable:
        return tuple(faults)
    return tuple(replace(fault, line=_line(fault.pointer, marks)) for fault in faults)


def _line(place: str, marks: Mapping[str, Mark]) -> int | None:
    while place:
        if place in marks:
            return marks[place].line
        place = place.rpartition("/")[0]
    return None


class _Marking(Reader):
    """A reader that notes where each value stands."""

    def __init__(self) -> None:
        super().__init__()
        self.marks: dict[str, Mark] = {}
        self._paths: list[str] = []
        self._keys: list[Any] = []

    def _set_key(self, key: str, event: Any) -> None:
        super()._set_key(key, event)
        self._keys[-1] = event.start_mark

    def _put(self, value: Any, event: Any) -> None:
        place, key = self._place()
        super()._put(value, event)
        start, end, flow = event.start_mark, event.end_mark, bool(getattr(event, "flow_style", False))
        told = key or start
        index = None if key is None else key.index
        self.marks[place] = Mark(told.line + 1, start.index, end.index, index, told.column, flow)
        if isinstance(value, dict | list):
            self._paths.append(place)
            self._keys.append(None)

    def _close(self, event: Any) -> None:
        super()._close(event)
        place = self._paths.pop()
        self._keys.pop()
        self.marks[place] = replace(self.marks[place], end=event.end_mark.index)

    def _place(self) -> tuple[str, Any]:
        """The pointer of the value that comes now, and where its key begins."""
        if not self._open:
            return "", None
        container, key = self._open[-1]
        part = len(container) if key is None else key
        return self._paths[-1] + pointer(part), None if key is None else self._keys[-1]
