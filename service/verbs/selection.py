"""Selecting points for an answer: the values they are known by, conditions, and what must not vary unseen."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from phaselab.db.reading import experiments, point_rows
from phaselab.db.reading.experiments import ExperimentRow
from phaselab.db.reading.point_rows import PointRow
from phaselab.db.schema.database import Session
from phaselab.domain.answers.conditions import Condition
from phaselab.domain.settings.faults import Fault, InvalidInput, pointer
from phaselab.domain.settings.numbers import tidy
from phaselab.domain.settings.parameters import Value, parameters
from phaselab.domain.specs.stored import base_value, stored_value
from phaselab.service.verbs.seen import not_there

STANDS_FOR = ("auto", None)
"""Values as submitted that stand for others, which the canonical settings hold."""


@dataclass(frozen=True)
class Selection:
    """Experiments by id, those of their points that meet the conditions, and what every point's settings are."""

    experiments: Mapping[int, ExperimentRow]
    points: tuple[PointRow, ...]
    texts: Mapping[int, str]
    _known: dict[str, Sequence[Value]] = field(init=False, repr=False, compare=False, default_factory=dict)

    @property
    def revision(self) -> int:
        """Rises whenever a result of one of the experiments changes."""
        return sum(row.revision for row in self.experiments.values())

    @property
    def names(self) -> tuple[str, ...]:
        """The experiments' names."""
        return tuple(row.name for row in self.experiments.values())

    def values(self, path: str) -> Sequence[Value]:
        """A parameter's value at every point: as submitted, and what it stands for where that is `auto` or left out.
        Numbers that are one to a person are one, also where an older version stored two. An answer asks more than once.
        """
        if path not in self._known:
            self._known[path] = self._read(path)
        return self._known[path]

    def _read(self, path: str) -> list[Value]:
        bases = {number: base_value(row.spec, path) for number, row in self.experiments.items()}
        found: list[Value] = []
        for point in self.points:
            given = point.values[path] if path in point.values else bases[point.experiment_id]
            if given in STANDS_FOR:
                given = stored_value(self.texts[point.settings_id], path)
            found.append(tidy(given) if isinstance(given, float) else given)
        return found


def select(session: Session, experiment_ids: Sequence[int], where: Sequence[Condition]) -> Selection:
    """The points of the experiments that meet every condition. Raises NotFound, or InvalidInput when none does, or
    when a condition is on something that is no parameter."""
    faults = check_parameters({pointer("where", i): condition.path for i, condition in enumerate(where)})
    if faults:
        raise InvalidInput(faults)
    return narrowed(everything(session, experiment_ids), where)


def everything(session: Session, experiment_ids: Sequence[int]) -> Selection:
    """Every point of the experiments. Raises NotFound."""
    found = experiments.get_experiments(session, experiment_ids)
    for experiment_id in experiment_ids:
        if experiment_id not in found:
            raise not_there(experiment_id)
    rows = point_rows.read_points(session, experiment_ids)
    texts = point_rows.read_settings(session, sorted({row.settings_id for row in rows}))
    return Selection({number: found[number] for number in experiment_ids}, tuple(rows), texts)


def narrowed(whole: Selection, where: Sequence[Condition]) -> Selection:
    """Those of the points that meet every condition. Raises InvalidInput when none does."""
    columns = [map(condition.holds, whole.values(condition.path)) for condition in where]
    kept = tuple(row for row, *held in zip(whole.points, *columns, strict=True) if all(held))
    if not kept:
        raise InvalidInput([_nothing_left(whole, where)])
    return Selection(whole.experiments, kept, whole.texts)


def _nothing_left(whole: Selection, where: Sequence[Condition]) -> Fault:
    """Which condition no point meets, with the values there are; or that no point meets all."""
    for i, condition in enumerate(where):
        values = _distinct(whole.values(condition.path))
        if not any(condition.holds(value) for value in values):
            shown = ", ".join(_shown(value) for value in values[:20])
            return Fault(pointer("where", i), f"no point meets {condition}; {condition.path} is one of {shown}")
    return Fault(pointer("where"), "no point meets all conditions at once; leave one out")


def check_parameters(paths: Mapping[str, str]) -> list[Fault]:
    """A fault for every parameter, given by the place where it was named, that is not one to tell points apart by."""
    known = [name for name, entry in parameters().items() if entry.swept]
    return [
        Fault(place, f"no parameter {path!r} to draw or group by; known: {', '.join(known)}")
        for place, path in paths.items()
        if path not in known
    ]


def check_nothing_hides(selection: Selection, shown: Iterable[str], place: str, remedy: str) -> None:
    """Raises InvalidInput when the points differ in a parameter that is not shown; `remedy` ends the sentence
    that begins with where=..., and may hold {path}."""
    hidden = [path for path in varying(selection) if path not in set(shown)]
    faults = []
    for path in hidden:
        values = _distinct(selection.values(path))
        fixed = f"where={path}={_shown(values[0])}"
        listed = ", ".join(_shown(value) for value in values[:6]) + (", ..." if len(values) > 6 else "")
        detail = f"{path} varies ({listed}) and is not shown: fix it with {fixed}, {remedy.format(path=path)}"
        faults.append(Fault(place, detail))
    if faults:
        raise InvalidInput(faults)


def varying(selection: Selection) -> list[str]:
    """The parameters in which the points differ, whether swept or given otherwise by another experiment."""
    rows = list(
        {point.experiment_id: selection.experiments[point.experiment_id] for point in selection.points}.values()
    )
    varying = []
    for path, entry in parameters().items():
        swept = any(path in row.spec["sweep"] for row in rows)
        bases = [base_value(row.spec, path) for row in rows]
        if not entry.swept or not (swept or any(base != bases[0] for base in bases)):
            continue
        if len(_distinct(selection.values(path))) > 1:
            varying.append(path)
    return varying


def _distinct(values: Iterable[Value]) -> list[Value]:
    return list(dict.fromkeys(values))


def _shown(value: Value) -> str:
    return "null" if value is None else str(value)
