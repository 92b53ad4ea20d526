"""Filling: results that are stored are given the measures that they lack; nothing else of them changes.

A measure that is newer than a result is null in it, and not named by its list. A run that is computed again, because
somebody asked or because another lab did, has the same numbers, for its key is the same; so what it lacks is added.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from phaselab.db.schema.bulk import among, update_many
from phaselab.db.schema.tables import Want, run_arrays, runs
from phaselab.db.schema.types import storable_text
from phaselab.db.writing import arrays
from phaselab.db.writing.described import measure_list_ids, read_measure_lists
from phaselab.db.writing.status import settle
from phaselab.db.writing.summaries import rebuild_points
from phaselab.db.writing.wants import count, set_wants, wants_of
from phaselab.domain.results.measures import MEASURES
from phaselab.domain.results.results import Outcome, RunFailure, RunResult
from phaselab.domain.results.summaries import MeasureList

NOTHING_HELD = {"leased_by": None, "lease_expires_at": None, "stage": None, "stage_share": None}
"""A run that nobody works on."""


@dataclass(frozen=True)
class StoredResult:
    """A run with a result: its row, its settings, and the list of the measures that it was given."""

    id: int
    settings_id: int
    measure_list_id: int


@lru_cache(maxsize=1000)
def in_order(names: MeasureList) -> MeasureList:
    """The names in the order of the catalogue, those that it does not hold any more at the end."""
    given = set(names)
    return (*(name for name in MEASURES if name in given), *sorted(given - MEASURES.keys()))


def fill(session: Session, again: Sequence[tuple[StoredResult, Outcome]]) -> int:
    """Add what new outcomes of runs with results hold and the results lack; to how many it was added.

    Wants that waited for it are done. An outcome that failed leaves the result as it was, and the run says why.
    """
    asked = wants_of(session, [run.id for run, _ in again], Want.PENDING)
    waited = {run_id for _, run_id, _ in asked}
    filled = _add_measures(session, [(run, one) for run, one in again if isinstance(one, RunResult)])
    in_vain = [
        (storable_text(f"measuring it again failed: {one.reason}"), storable_text(one.traceback) or None, run.id)
        for run, one in again
        if isinstance(one, RunFailure) and run.id in waited
    ]
    update_many(session, [runs.c.reason, runs.c.traceback], [runs.c.id], in_vain)
    changes: dict[int, dict[str, int]] = {one: {"done": 0} for one, _, _ in wants_of(session, filled)}
    for experiment_id, _, _ in asked:
        changes.setdefault(experiment_id, {"done": 0})["done"] += 1
    set_wants(session, sorted(waited), Want.DONE, Want.PENDING)
    session.execute(update(runs).where(among(session, runs.c.id, [run.id for run, _ in again])).values(NOTHING_HELD))
    count(session, changes)
    settle(session, list(changes))
    return len(filled)


def _add_measures(session: Session, given: Sequence[tuple[StoredResult, RunResult]]) -> list[int]:
    """Add the measures; the runs that lacked some."""
    lists = read_measure_lists(session)
    alike: dict[tuple[MeasureList, MeasureList], list[tuple[StoredResult, RunResult]]] = defaultdict(list)
    for run, result in given:
        held = lists[run.measure_list_id]
        lacking = in_order(tuple(name for name in result.measures if name not in held))
        if lacking:
            alike[held, lacking].append((run, result))
    for (held, lacking), results in alike.items():
        whole = in_order((*held, *lacking))
        rows = ((*map(result.measures.get, lacking), run.id) for run, result in results)
        same = {runs.c.measure_list_id: measure_list_ids(session, [whole])[whole], runs.c.reason: None}
        update_many(session, [runs.c[name] for name in lacking], [runs.c.id], rows, same | {runs.c.traceback: None})
        _add_profiles(session, lacking, [(run.id, result) for run, result in results if result.profiles])
    filled = [run for results in alike.values() for run, _ in results]
    rebuild_points(session, [run.settings_id for run in filled])
    return [run.id for run in filled]


def _add_profiles(session: Session, lacking: MeasureList, given: Sequence[tuple[int, RunResult]]) -> None:
    """Add the profiles of measures that runs, by their ids, lacked. Arrays that are damaged stay as they are."""
    query = select(run_arrays.c.run_id, run_arrays.c.content)
    stored = session.execute(query.where(among(session, run_arrays.c.run_id, [run for run, _ in given]))).all()
    results, changed = dict(given), {}
    for run_id, content in stored:
        more = {name: one for name, one in results[run_id].profiles.items() if name in lacking}
        if more and arrays.damage(content) is None:
            held = arrays.decode(content)
            changed[run_id] = replace(held, profiles={**held.profiles, **more})
    packed = arrays.encode(list(changed.values()))
    rows = ((content, run_id) for run_id, content in zip(changed, packed, strict=True))
    update_many(session, [run_arrays.c.content], [run_arrays.c.run_id], rows)
