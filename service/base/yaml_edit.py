"""Changing one value of a YAML text and leaving all else as it was written: comments, order, how numbers look."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

import yaml

from phaselab.domain.settings.faults import pointer
from phaselab.service.base.yaml_marks import Mark, marks_of
from phaselab.service.base.yaml_text import Unreadable, parse_yaml

Path = Sequence[str]
"""The keys that lead to a value."""


def set_value(text: str, path: Path, written: str) -> str:
    """The text with the value at a path as it is `written`, in one line of YAML; mappings on the way are made. Raises
    Unreadable."""
    wanted = _with(parse_yaml(text), path, parse_yaml(written))
    return _if_right(_set(text, path, written), wanted)


def remove_value(text: str, path: Path) -> str:
    """The text without the value at a path, nor a mapping that nothing else is in. Raises Unreadable."""
    wanted = _without(parse_yaml(text), path)
    marks = marks_of(text)
    if pointer(*path) not in marks:
        return text
    while len(path) > 1 and _children(marks, pointer(*path[:-1])) == [pointer(*path)]:
        path = path[:-1]
    return _if_right(_removed(text, path, marks), wanted)


def as_yaml(value: Any) -> str:
    """A value as YAML, mappings in blocks and what is in them in brackets."""
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, default_flow_style=None, width=100)


def _if_right(text: str, wanted: Any) -> str:
    """The text where it says what is wanted, else what is wanted written anew."""
    try:
        return text if parse_yaml(text) == wanted else as_yaml(wanted)
    except Unreadable:
        return as_yaml(wanted)


def _with(value: Any, path: Path, new: Any) -> Any:
    changed = deepcopy(value) if isinstance(value, dict) else {}
    inner = changed
    for key in path[:-1]:
        inner[key] = inner[key] if isinstance(inner.get(key), dict) else {}
        inner = inner[key]
    inner[path[-1]] = new
    return changed


def _without(value: Any, path: Path) -> Any:
    changed = deepcopy(value) if isinstance(value, dict) else {}
    around = [changed]
    for key in path[:-1]:
        inner = around[-1].get(key)
        if not isinstance(inner, dict):
            return changed
        around.append(inner)
    around[-1].pop(path[-1], None)
    for outer, key, inner in zip(around[-2::-1], path[-2::-1], around[:0:-1], strict=True):
        if not inner:
            del outer[key]
    return changed


def _set(text: str, path: Path, written: str) -> str:
    marks = marks_of(text)
    place = pointer(*path)
    if place in marks:
        return text[: marks[place].start] + _spaced(text, marks[place], written) + text[_end(marks, place) :]
    around = path[:-1]
    while around and pointer(*around) not in marks:
        around, path, written = around[:-1], path[:-1], f"{{{path[-1]}: {written}}}"
    return _inserted(text, pointer(*around), f"{path[-1]}: {written}", marks)


def _spaced(text: str, mark: Mark, written: str) -> str:
    """What is written, after a space where an empty value stands right behind its key."""
    return f" {written}" if mark.start == mark.end and text[mark.start - 1 : mark.start] == ":" else written


def _inserted(text: str, place: str, entry: str, marks: Mapping[str, Mark]) -> str:
    """The text with an entry more in the mapping at a place, behind its others."""
    inside = _children(marks, place)
    if place not in marks or (not inside and not marks[place].flow):  # nothing, or an empty value
        return f"{text[: marks[place].start]} {{{entry}}}{text[marks[place].end :]}" if place else f"{text}{entry}\n"
    end = _end(marks, inside[-1]) if inside else marks[place].start + 1
    if marks[place].flow:
        return f"{text[:end]}{', ' if inside else ''}{entry}{text[end:]}"
    line = text.find("\n", end)
    line = len(text) if line < 0 else line
    return f"{text[:line]}\n{' ' * marks[inside[0]].column}{entry}{text[line:]}"


def _removed(text: str, path: Path, marks: Mapping[str, Mark]) -> str:
    place, around = pointer(*path), pointer(*path[:-1])
    begin, end = marks[place].key or 0, _end(marks, place)
    if not marks[around].flow:
        line = text.find("\n", end)
        return text[: text.rfind("\n", 0, begin) + 1] + (text[line + 1 :] if line >= 0 else "")
    siblings = _children(marks, around)
    at = siblings.index(place)
    if at + 1 < len(siblings):
        return text[:begin] + text[marks[siblings[at + 1]].key or end :]
    return text[: _end(marks, siblings[at - 1]) if at else begin] + text[end:]


def _children(marks: Mapping[str, Mark], place: str) -> list[str]:
    """What is right inside of a place, in the order of the text."""
    return [one for one in marks if one and one.rpartition("/")[0] == place]


def _end(marks: Mapping[str, Mark], place: str) -> int:
    """Where a value ends: a block with the last of what is in it, not with the comments that follow."""
    inside = [] if marks[place].flow else _children(marks, place)
    return _end(marks, inside[-1]) if inside else marks[place].end
