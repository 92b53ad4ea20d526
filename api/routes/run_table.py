"""What the page of an experiment's runs shows: its columns, how it is sorted and filtered, and other addresses."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from phaselab.api.answers.runs import phase_of
from phaselab.domain.answers.conditions import WORDS, run_names
from phaselab.domain.results.measures import MEASURES
from phaselab.service.verbs.run_lists import RunPage, RunView

PAGE = 100
"""Runs on a page."""
_USUAL = ("averaging_index", "feature_fraction", "test_accuracy", "phase", "trust")
_TOLD = ("seed", "phase", "trust", "flags", "seconds", "attempts", "landed_at", "reason")
"""Columns of every experiment, beside its axes and the measures."""
_NUMBERS = {"seed", "seconds", "attempts", *MEASURES}


class Cell(NamedTuple):
    """A value of a run under a column."""

    column: str
    value: object


@dataclass(frozen=True)
class RunTable:
    """What was chosen on the page of an experiment's runs; `order` is one text, empty for the order of the axes."""

    experiment_id: int
    axes: tuple[str, ...]
    where: tuple[str, ...]
    order: str
    columns: tuple[str, ...]
    chosen: bool

    @property
    def choices(self) -> tuple[str, ...]:
        """Every column that there is."""
        return ("seed", *self.axes, *MEASURES, *_TOLD[1:])

    @property
    def orders(self) -> Sequence[tuple[str, str]]:
        """What can be sorted by, as it is sent and as it is shown: the columns that are shown, and what is chosen."""
        names = dict.fromkeys(("state", *filter(self.sortable, self.columns), self.order.removeprefix("-")))
        shown = [name for name in names if name]
        return [(f"{sign}{name}", f"{name}, {way}") for name in shown for sign, way in (("", "up"), ("-", "down"))]

    @property
    def hints(self) -> Sequence[str]:
        """Conditions that may be meant, to be completed."""
        words = [f"{word}={value}" for word, values in WORDS.items() for value in values]
        return [*words, *(f"{name}=" for name in ("seed", *self.axes)), *(f"{name}>" for name in MEASURES)]

    def sortable(self, column: str) -> bool:
        """Whether runs can be sorted by a column."""
        return column in run_names()

    def right(self, column: str) -> bool:
        """Whether its values are numbers, which stand to the right."""
        return column in _NUMBERS

    def sorting(self, column: str) -> str:
        """The address of the same, sorted by a column; the other way round where it is by now."""
        return self._page(order=f"-{column}" if self.order == column else column)

    def sorted(self, column: str) -> str:
        """How the rows are sorted by a column, in the words of ARIA."""
        return {column: "ascending", f"-{column}": "descending"}.get(self.order, "none")

    def further(self, cursor: str) -> str:
        """The address of the next page."""
        return self._page(cursor=cursor)

    def only(self, *where: str) -> str:
        """The address of the runs that meet these conditions alone."""
        return self._page(where=where)

    def twin(self, suffix: str) -> str:
        """The address of the same runs as data."""
        query = [("where", text) for text in self.where] + [("order", self.order)] * bool(self.order)
        return f"/api/v1/experiments/{self.experiment_id}/runs{suffix}" + (f"?{urlencode(query)}" if query else "")

    def cells(self, view: RunView) -> Sequence[Cell]:
        """What is shown of a run."""
        return [Cell(column, _value(view, column)) for column in self.columns]

    def _page(self, where: Sequence[str] | None = None, order: str | None = None, cursor: str = "") -> str:
        sent = [("where", text) for text in (self.where if where is None else where)]
        sent += [("order", self.order if order is None else order)]
        sent += [("column", name) for name in self.columns] if self.chosen else []
        query = urlencode([(name, text) for name, text in (*sent, ("cursor", cursor)) if text])
        return f"/experiments/{self.experiment_id}/runs" + (f"?{query}" if query else "")


def run_table(experiment_id: int, axes: Iterable[str], failed: bool, query: QueryParams) -> RunTable:
    """The table that a page's query asks for; columns that there are not are left out. `failed`: some runs did."""
    axes = tuple(axes)
    blank = RunTable(experiment_id, axes, (), "", (), False)
    asked = query.getlist("column")
    columns = tuple(column for column in blank.choices if column in asked)
    usual = ("seed", *axes, *_USUAL, *(["reason"] if failed else []))
    where = tuple(text.strip() for text in query.getlist("where") if text.strip())
    order = query.get("order", "").strip()
    return RunTable(experiment_id, axes, where, order, columns or usual, bool(columns))


def span(page: RunPage) -> str:
    """Which of all runs a page shows."""
    if not page.items:
        return "no runs"
    return f"{page.before + 1:,} to {page.before + len(page.items):,} of {page.total:,} runs"


def _value(view: RunView, column: str) -> object:
    run = view.run
    if column in MEASURES:
        return run.measures[column]
    if column in _TOLD:
        told: Mapping[str, object] = {"phase": phase_of(run.measures), "flags": ", ".join(run.flags) or None}
        return told[column] if column in told else getattr(run, column)
    return view.values[column]
