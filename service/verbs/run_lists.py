"""The verbs of lists of runs: those of an experiment that meet conditions, in an order, in pages or all of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from phaselab.db.reading.experiments import ExperimentRow
from phaselab.db.reading.run_pages import Listed, Listing, Place, count_runs, fits, page_of_runs
from phaselab.db.reading.run_rows import RunRow as RunRow
from phaselab.db.schema.database import Database, Session
from phaselab.domain.answers.conditions import Condition
from phaselab.domain.answers.run_lists import RunList
from phaselab.domain.settings.parameters import Value, parameters
from phaselab.domain.specs.stored import base_value
from phaselab.service.base.cursors import Mark, mark_of, no_cursor
from phaselab.service.verbs.seen import seen_experiment
from phaselab.service.verbs.selection import STANDS_FOR, select

MAX_PAGE = 1000


@dataclass(frozen=True)
class RunView:
    """A run of an experiment and the axis values of its point."""

    run: RunRow
    values: Mapping[str, Value]


@dataclass(frozen=True)
class RunPage:
    """Some runs of a list, how many came `before`, how many there are in all (counted with the first page), and the
    cursor of those that follow, if any."""

    items: tuple[RunView, ...]
    total: int
    before: int
    next: str | None


def list_runs(database: Database, asked: RunList, cursor: str | None = None, limit: int = 100) -> RunPage:
    """A page of an experiment's runs. Raises NotFound, or InvalidInput for a cursor that was never given out for this
    list, or conditions on parameters that no point meets."""
    size = min(limit, MAX_PAGE)
    with database.reading() as session:
        listing, row = _listing(session, asked)
        mark = _mark(session, listing, asked, cursor)
        total = mark.total if mark else _total(session, listing, row)
        if not total:
            select(session, [asked.experiment_id], _on_parameters(asked.where))
        found = page_of_runs(session, listing, mark.place if mark else None, size + 1)
    before = mark.before if mark else 0
    further = Mark(before + size, total, found[size - 1].place) if len(found) > size else None
    return RunPage(tuple(map(_view, found[:size])), total, before, further and further.sealed(asked))


def all_runs(database: Database, asked: RunList, batch: int = 5_000) -> Iterator[RunView]:
    """Every run of a list, in constant memory; the first call to next() raises what `list_runs` raises."""
    with database.reading() as session:
        listing, row = _listing(session, asked)
        if asked.where and not _total(session, listing, row):
            select(session, [asked.experiment_id], _on_parameters(asked.where))
    after: Place | None = None
    while True:
        with database.reading() as session:
            found = page_of_runs(session, listing, after, batch)
        yield from map(_view, found)
        if len(found) < batch:
            return
        after = found[-1].place


def _view(listed: Listed) -> RunView:
    return RunView(listed.run, listed.values)


def _total(session: Session, listing: Listing, row: ExperimentRow) -> int:
    """How many runs a list has; of a whole experiment that is known."""
    whole = not listing.where and listing.only is None
    return row.total if whole else count_runs(session, listing)


def _mark(session: Session, listing: Listing, asked: RunList, cursor: str | None) -> Mark | None:
    """Where the page before ended. Raises InvalidInput."""
    if cursor is None:
        return None
    mark = mark_of(cursor, asked)
    if not fits(session, listing, mark.place):
        raise no_cursor()
    return mark


def _listing(session: Session, asked: RunList) -> tuple[Listing, ExperimentRow]:
    """What the database is asked, and the experiment. A condition on what is not swept, or whose value may stand for
    another, is on settings, and is met or not by whole points. Raises NotFound, or InvalidInput where no point meets
    one of those."""
    row = seen_experiment(session, asked.experiment_id)
    swept = frozenset(row.spec["sweep"])
    auto = frozenset(path for path in parameters() if _may_stand(row.spec, path))
    ours = [one for one in _on_parameters(asked.where) if one.path in auto or one.path not in swept]
    chosen = select(session, [row.id], ours) if any(one.path in auto for one in ours) else None
    if chosen is None and not all(one.holds(base_value(row.spec, one.path)) for one in ours):
        select(session, [row.id], ours)
    order = tuple(one for one in asked.order if one.name not in parameters() or one.name in swept | auto)
    only = None if chosen is None else sorted({point.settings_id for point in chosen.points})
    where = tuple(one for one in asked.where if one not in ours)
    return Listing(row.id, where, order, swept, auto, only), row


def _on_parameters(where: Sequence[Condition]) -> tuple[Condition, ...]:
    return tuple(one for one in where if one.path in parameters())


def _may_stand(spec: Mapping[str, Any], path: str) -> bool:
    """Whether a parameter of a stored spec is anywhere what stands for another value."""
    values = spec["sweep"].get(path)
    if values is None:
        return base_value(spec, path) in STANDS_FOR
    return isinstance(values, list) and any(value in STANDS_FOR for value in values)
