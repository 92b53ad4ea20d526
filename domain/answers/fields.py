"""What answers are made of: each field declared once, with its name in the contract, its type, where it is found and
what it means. JSON, tables and their schemas are all made from these declarations, so a value's own attributes may be
called otherwise and can change their names."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

from phaselab.domain.results.measure import EXPERIMENT, LAYER
from phaselab.domain.settings.parameters import parameters

T = TypeVar("T")
S = TypeVar("S")

Scalar = Literal["integer", "number", "text", "time", "boolean", "value", "any"]
"""`value`: that of a parameter, a number or text. `any`: whatever JSON can hold."""


@dataclass(frozen=True)
class Field(Generic[T]):
    """A field of an answer: its name in the contract, its type, how it is found on a T, what it means."""

    name: str
    kind: "Kind"
    of: Callable[[T], object]
    meaning: str


@dataclass(frozen=True)
class Record(Generic[T]):
    """An object with these fields."""

    fields: tuple[Field[T], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The fields' names, in order."""
        return tuple(one.name for one in self.fields)


@dataclass(frozen=True)
class Many:
    """A list."""

    item: "Kind"


@dataclass(frozen=True)
class Named:
    """An object whose keys are names of something else: of parameters, of measures."""

    item: "Kind"


@dataclass(frozen=True)
class Maybe:
    """What may also be null."""

    item: "Kind"


Kind = Scalar | Record[Any] | Many | Named | Maybe


@dataclass(frozen=True)
class Table(Generic[T]):
    """A long table: columns, the field's own type each, and the rows that they are found on. `notes` say what the
    columns' names do not."""

    columns: Sequence[Field[T]]
    rows: Iterable[T]
    notes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer(Generic[T]):
    """What a call answers: its JSON, and how the same is a table where it makes one."""

    record: Record[T]
    table: Callable[[T], Table[Any]] | None = None


def told(kind: Kind, value: Any, plain: Callable[[Any], Any]) -> Any:
    """A value of this kind by its declared fields; `plain` makes what holds none of them JSON's."""
    if value is None:
        return None
    if isinstance(kind, Record):
        return {one.name: told(one.kind, one.of(value), plain) for one in kind.fields}
    if isinstance(kind, Maybe):
        return told(kind.item, value, plain)
    if isinstance(kind, Many) and _is_deep(kind.item):
        return [told(kind.item, item, plain) for item in value]
    if isinstance(kind, Named) and _is_deep(kind.item):
        return {str(name): told(kind.item, item, plain) for name, item in value.items()}
    return plain(value)


def _is_deep(kind: Kind) -> bool:
    """Whether there are records in it, which alone are not plain already."""
    return isinstance(kind, Record) or (isinstance(kind, Many | Named | Maybe) and _is_deep(kind.item))


def through(of: Callable[[S], T], fields: Iterable[Field[T]]) -> tuple[Field[S], ...]:
    """The same fields of something that leads to a T."""
    return tuple(_through(of, one) for one in fields)


def _through(of: Callable[[S], T], one: Field[T]) -> Field[S]:
    return Field(one.name, one.kind, lambda source: one.of(of(source)), one.meaning)


def parameter_columns(paths: Iterable[str], of: Callable[[S], Mapping[str, Any]]) -> tuple[Field[S], ...]:
    """A column for every parameter, of its own type, found in the values that a row leads to."""
    return tuple(parameter_column(path, path, _entry(of, path)) for path in paths)


def _entry(of: Callable[[S], Mapping[str, Any]], name: str) -> Callable[[S], object]:
    return lambda row: of(row)[name]


def parameter_column(name: str, path: str, of: Callable[[S], object]) -> Field[S]:
    """A column of values of a parameter, of seeds, of experiments, or of layers: of numbers where all of them are, else
    of text, as for a parameter that an older version had."""
    if path == "seed":
        return Field(name, "integer", of, "The seed.")
    if path == EXPERIMENT:
        return Field(name, "integer", of, "The experiment's number.")
    if path == LAYER:
        return Field(name, Maybe("integer"), of, "The hidden layer, 1 being the first.")
    entry = parameters().get(path)
    kinds = set(entry.types if entry else ("text",)) - {"null"}
    numbers = bool(kinds) and kinds <= {"integer", "number"}
    kind: Scalar = "integer" if kinds == {"integer"} else "number" if numbers else "text"
    return Field(name, Maybe(kind), of, entry.meaning if entry else "A parameter of an older version.")


def page_of(record: Record[T], meaning: str) -> Record[Any]:
    """A page of a list: `items`, and `next`, the cursor of what follows."""
    return Record(
        (
            Field("items", Many(record), lambda page: page.items, meaning),
            Field("next", Maybe("text"), lambda page: page.next, "Cursor of what follows; null at the end."),
        )
    )
