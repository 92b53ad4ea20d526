"""What runs are filtered and sorted by, as SQL: how an experiment sees them, their phase, their points' values."""

from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Double, and_, case, cast, false, func, null, or_
from sqlalchemy.orm import Session

from phaselab.db.schema.tables import Want, experiment_runs, points, runs, settings
from phaselab.domain.answers.conditions import WORDS, Condition, bounds
from phaselab.domain.results.phases import DEFAULT_THRESHOLDS, Phase, Thresholds

Column = ColumnElement[Any]

STATE: Column = case(
    (experiment_runs.c.want.in_((Want.CANCELLED.value, Want.FAILED.value, Want.HELD.value)), experiment_runs.c.want),
    else_=runs.c.state,
)
"""The state of a run as its experiment sees it: one that was given up is cancelled, and one
that a refinement of it holds is held, whoever else wants it."""


class Value(NamedTuple):
    """A value that is a number or a text: one of the two is null, or both are."""

    number: Column
    text: Column

    def or_else(self, other: "Value") -> "Value":
        """This value; the other where this is `auto` or nothing."""
        own_text = case((self.text != "auto", self.text))
        number = case((own_text.is_(None), func.coalesce(self.number, other.number)))
        return Value(number, case((self.number.is_(None), func.coalesce(own_text, other.text))))


def phase_column(thresholds: Thresholds = DEFAULT_THRESHOLDS) -> Column:
    """The phase of a run; the rule is `domain.results.phases.phase`, and a test holds this to it."""
    limits, of = thresholds, runs.c
    untrained = [or_(one.is_(None), one < limits.trained_accuracy) for one in (of.train_accuracy, of.test_accuracy)]
    shareless = or_(of.start_share.is_(None), of.noise_share.is_(None))
    features = 1 - min(limits.lazy_share, limits.memory_share)
    return case(
        (and_(of.train_accuracy.is_(None), of.test_accuracy.is_(None)), null()),
        (and_(*untrained), Phase.UNTRAINED.value),
        (of.start_share >= limits.lazy_share, Phase.LAZY.value),
        (of.noise_share >= limits.memory_share, Phase.MEMORISING.value),
        (and_(shareless, func.coalesce(of.feature_fraction, 0) <= features), null()),
        (of.averaging_index.is_(None), null()),
        (of.averaging_index >= limits.averaging_from, Phase.FEATURE_AVERAGING.value),
        (of.averaging_index <= limits.learning_up_to, Phase.FEATURE_LEARNING.value),
        else_=Phase.MIXED.value,
    )


def axis_value(session: Session, path: str) -> Value:
    """A parameter's value at a point where it is swept, as submitted."""
    if _is_sqlite(session):
        return _sqlite_value(points.c.axis_values, f'$."{path}"')
    at = points.c.axis_values[path]
    return _postgresql_value(at, points.c.axis_values[path].as_string())


def settings_value(session: Session, path: str) -> Value:
    """A parameter's value in the settings of a run; null where they leave it out."""
    group, name = path.split(".")
    if _is_sqlite(session):
        return _sqlite_value(settings.c.canonical, f"$.{group}.{name}")
    at = cast(settings.c.canonical, points.c.axis_values.type)[(group, name)]
    return _postgresql_value(at, at.as_string())


def _is_sqlite(session: Session) -> bool:
    return session.get_bind().dialect.name == "sqlite"


def _sqlite_value(content: Column, at: str) -> Value:
    found = func.json_extract(content, at)
    kind = func.json_type(content, at)
    return Value(case((kind.in_(("integer", "real")), found)), case((kind == "text", found)))


def _postgresql_value(at: Any, written: Column) -> Value:
    kind = func.json_typeof(at)
    number = case((kind == "number", cast(written, Double)))
    return Value(number, case((kind == "string", written)).collate("C"))


def word_column(name: str) -> Column:
    """`state`, `trust` or `phase` of a run, as text."""
    return {"state": STATE, "trust": runs.c.trust, "phase": phase_column()}[name]


def word_rank(name: str) -> Column:
    """The place of a word among all that it can be; null where there is none."""
    return case({word: place for place, word in enumerate(map(str, WORDS[name]))}, value=word_column(name))


def meets(condition: Condition, value: Value) -> Column:
    """That a value meets a condition, as `Condition.holds` has it: nothing but a number is in order with a number."""
    asked, sign = condition.value, condition.operator
    if asked is None:
        none = and_(value.number.is_(None), value.text.is_(None))
        return none if sign == "=" else ~none if sign == "!=" else false()
    if isinstance(asked, str):
        same = func.coalesce(value.text == asked, false())
        return same if sign == "=" else ~same if sign == "!=" else false()
    low, high = bounds(asked)
    number = value.number
    same = func.coalesce(and_(number >= low, number <= high), false())
    return {"=": same, "!=": ~same, "<": number < low, "<=": number <= high, ">": number > high, ">=": number >= low}[
        sign
    ]


def plain_number(column: Column) -> Value:
    """A column of numbers as such a value."""
    return Value(column, null())


def plain_text(column: Column) -> Value:
    """A column of texts as such a value."""
    return Value(null(), column)
