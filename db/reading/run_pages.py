"""Reading lists of an experiment's runs: those that meet conditions, in an order, a page at a time.

The order of the axes is that of points, then of seeds, which both databases read off their indexes: a page reads a
page. Any other order, and counting what meets conditions, looks at every run of the experiment once, and at no other's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, exists, false, func, or_, select
from sqlalchemy.orm import Session

from phaselab.db.reading.run_columns import (
    Column,
    Value,
    axis_value,
    meets,
    plain_number,
    plain_text,
    settings_value,
    word_column,
    word_rank,
)
from phaselab.db.reading.run_rows import RunRow, read_rows
from phaselab.db.schema.bulk import among
from phaselab.db.schema.tables import experiment_runs, points, runs, settings
from phaselab.domain.answers.conditions import WORDS, Condition
from phaselab.domain.answers.run_lists import Order
from phaselab.domain.settings.parameters import Value as AxisValue
from phaselab.domain.settings.parameters import parameters

Place = tuple[int | float | str | None, ...]
"""Where a run stands in an order: its value of every key."""
_MOST = 2**63 - 1


@dataclass(frozen=True)
class Listing:
    """Runs of an experiment: which of them, and in which order. Conditions on parameters are on `swept` ones alone;
    `auto` are those whose value at a point stands for another, which the settings hold. `only`: of these settings."""

    experiment_id: int
    where: tuple[Condition, ...] = ()
    order: tuple[Order, ...] = ()
    swept: frozenset[str] = frozenset()
    auto: frozenset[str] = frozenset()
    only: Sequence[int] | None = None


class Listed(NamedTuple):
    """A run in a list, with the axis values of its point (of the first that has its settings), and its place."""

    run: RunRow
    values: Mapping[str, AxisValue]
    place: Place


class _Key(NamedTuple):
    """What runs are sorted by. `kind` of its values; only an integer is never null, and what is null comes last."""

    column: Column
    falling: bool
    kind: Literal["integer", "number", "text"]

    def sorting(self) -> list[ColumnElement[Any]]:
        """The terms of ORDER BY."""
        column = self.column.desc() if self.falling else self.column.asc()
        return [column] if self.kind == "integer" else [self.column.is_(None), column]

    def same(self, value: Any) -> ColumnElement[bool]:
        return self.column.is_(None) if value is None else self.column == value

    def beyond(self, value: Any) -> ColumnElement[bool]:
        if value is None:
            return false()
        further = self.column < value if self.falling else self.column > value
        return further if self.kind == "integer" else or_(further, self.column.is_(None))

    def can_be(self, value: object) -> bool:
        """Whether a value that comes from elsewhere can be one of its own."""
        if value is None:
            return self.kind != "integer"
        if self.kind == "text":
            return isinstance(value, str) and value.isprintable()
        whole = isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _MOST
        return whole or (self.kind == "number" and isinstance(value, float) and abs(value) < float("inf"))


_TAIL = (
    _Key(points.c.position, False, "integer"),
    _Key(runs.c.seed, False, "integer"),
    _Key(runs.c.id, False, "integer"),
)
"""The order of the axes; of imported runs several may have one seed."""


def count_runs(session: Session, listing: Listing) -> int:
    """How many runs there are in a list."""
    which = select(func.count()).select_from(experiment_runs).join(runs, runs.c.id == experiment_runs.c.run_id)
    if any(condition.path in parameters() for condition in listing.where):
        which = _with_points(which, listing)
    return int(session.execute(_which(session, which, listing)).scalar_one())


def fits(session: Session, listing: Listing, place: Sequence[object]) -> bool:
    """Whether this can be the place of a run in a list."""
    keys = _keys(session, listing)
    return len(place) == len(keys) and all(key.can_be(value) for key, value in zip(keys, place, strict=True))


def page_of_runs(session: Session, listing: Listing, after: Place | None, limit: int) -> list[Listed]:
    """At most `limit` runs of a list, those that come after a place."""
    keys = _keys(session, listing)
    query = select(runs.c.id, points.c.axis_values, *(key.column for key in keys)).select_from(points)
    query = query.join(runs, runs.c.settings_id == points.c.settings_id)
    query = query.join(experiment_runs, experiment_runs.c.run_id == runs.c.id)
    query = query.where(points.c.experiment_id == listing.experiment_id, _is_first(listing.experiment_id))
    if listing.auto & {one.name for one in listing.order}:
        query = query.join(settings, settings.c.id == runs.c.settings_id)
    query = _which(session, query, listing).order_by(*(term for key in keys for term in key.sorting())).limit(limit)
    if after is not None:
        query = query.where(_after(keys, after))
    found = session.execute(query).all()
    rows = read_rows(session, listing.experiment_id, [row[0] for row in found])
    return [Listed(rows[row[0]], row[1], tuple(row[2:])) for row in found]


def _which(session: Session, query: Select[Any], listing: Listing) -> Select[Any]:
    """The query of runs of an experiment that meet the conditions."""
    query = query.where(experiment_runs.c.experiment_id == listing.experiment_id)
    query = query.where(*(meets(one, _value(session, one.path, frozenset())) for one in listing.where))
    return query if listing.only is None else query.where(among(session, runs.c.settings_id, listing.only))


def _with_points(query: Select[Any], listing: Listing) -> Select[Any]:
    mine = and_(points.c.settings_id == runs.c.settings_id, points.c.experiment_id == listing.experiment_id)
    return query.join(points, mine).where(_is_first(listing.experiment_id))


def _is_first(experiment_id: int) -> ColumnElement[bool]:
    """That a point is the first of its experiment's that have its settings: a run is listed once."""
    other = points.alias()
    same = (other.c.settings_id == points.c.settings_id, other.c.experiment_id == experiment_id)
    return ~exists().where(*same, other.c.position < points.c.position)


def _value(session: Session, name: str, auto: frozenset[str], swept: bool = True) -> Value:
    """What a name says of a run."""
    if name in WORDS:
        return plain_text(word_column(name))
    if name not in parameters():
        return plain_number(runs.c[name])
    if name not in auto:
        return axis_value(session, name)
    resolved = settings_value(session, name)
    if not swept:
        return resolved
    return axis_value(session, name).or_else(resolved)


def _keys(session: Session, listing: Listing) -> list[_Key]:
    """What a list is sorted by, the order of the axes at last."""
    keys: list[_Key] = []
    for one in listing.order:
        if one.name in WORDS:
            keys.append(_Key(word_rank(one.name), one.falling, "number"))
        elif one.name == "seed":
            keys.append(_Key(runs.c.seed, one.falling, "integer"))
        else:
            value = _value(session, one.name, listing.auto, one.name in listing.swept)
            keys.append(_Key(value.number, one.falling, "number"))
            if one.name in parameters():
                keys.append(_Key(value.text, one.falling, "text"))
    return [*keys, *_TAIL]


def _after(keys: Sequence[_Key], place: Place) -> ColumnElement[bool]:
    """That a run comes after a place. In the order of the axes alone the databases are told where to begin."""
    later: ColumnElement[bool] = false()
    for key, value in reversed(list(zip(keys, place, strict=True))):
        later = or_(key.beyond(value), and_(key.same(value), later))
    return and_(points.c.position >= place[0], later) if len(keys) == len(_TAIL) else later
