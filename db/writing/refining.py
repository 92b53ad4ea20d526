"""Letting go what refinements hold: what is measured next follows from what has landed, in the same transaction.

Nothing of a decision is kept but the wants that it lets go, so a process may die at any moment, and another go on.
"""

import logging
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import Row, and_, exists, func, select, update
from sqlalchemy.orm import Session

from phaselab.db.schema.bulk import among, chunks
from phaselab.db.schema.tables import PENDING, Want, experiment_runs, experiments, points, runs
from phaselab.db.writing.described import read_measure_lists
from phaselab.db.writing.queueing import let_wait, queue_again
from phaselab.db.writing.settings_rows import read_settings
from phaselab.domain.refining.deciding import Purse, decide, purse_of
from phaselab.domain.refining.labels import level_labels, phase_labels
from phaselab.domain.refining.seen import FIRST_SEEDS, NOTHING, Seen
from phaselab.domain.refining.slices import SeenPoints, Slices, slices_of
from phaselab.domain.results import summaries
from phaselab.domain.results.measures import MEASURES
from phaselab.domain.results.states import ExperimentStatus, RunState
from phaselab.domain.settings.faults import InvalidInput
from phaselab.domain.specs.refine import Level, Refine
from phaselab.domain.specs.spec import validate
from phaselab.domain.specs.stored import seeds_of, stored_value

log = logging.getLogger(__name__)

_HELD = experiment_runs.c.want == Want.HELD
_SHARE_OF = {"test_points": "attack.test_points", "training_points": "data.n"}
_NO_RESULT = np.float64(0).tobytes()
"""How a summary of no run begins."""


@dataclass(frozen=True)
class Refining:
    """A refinement and what it goes by: its slices and what has been seen of them, what it may let go, and the settings
    of every point, in order. `runs` counts its experiment's, `held` those of them that it has not let go; `ended` when
    it will let nothing go by itself."""

    refine: Refine
    slices: Slices
    seen: tuple[Seen, ...]
    purse: Purse
    settings_ids: Sequence[int]
    runs: int
    held: int
    ended: bool


def let_go(session: Session, experiment_id: int) -> int:
    """Let go what an experiment's refinement wants measured next; how many runs. Decides once all that it let go has
    been handed out: what waits would be measured first anyway."""
    here = experiment_runs.c.experiment_id == experiment_id
    waits = exists().where(here, PENDING, runs.c.id == experiment_runs.c.run_id, runs.c.leased_by.is_(None))
    if session.execute(select(waits)).scalar_one():
        return 0
    found = read_refining(session, experiment_id)
    if found is None:
        return 0
    decision = decide(found.seen, found.refine.audit, found.refine.seed, found.purse)
    asked = [np.zeros(found.slices.shape, np.int64) for _ in found.seen]
    for i, move in decision.moves:
        asked[i][move.x, move.y] = move.seeds
    more = zip(found.settings_ids, found.slices.of_points(asked).tolist(), strict=True)
    wanted: Counter[int] = Counter()
    for settings_id, seeds in more:  # points of equal settings want the same runs
        wanted[settings_id] = max(wanted[settings_id], seeds)
    chosen = _next_held(session, experiment_id, +wanted)
    _set_pending(session, experiment_id, chosen)
    return len(chosen)


def hold_again(session: Session, experiment_id: int) -> int:
    """Hold what was cancelled of an experiment that has a refinement; how many. Counts are still to be made anew."""
    spec = session.execute(select(experiments.c.spec).where(experiments.c.id == experiment_id)).scalar_one()
    if spec.get("refine") is None:
        return 0
    here = experiment_runs.c.experiment_id == experiment_id
    cancelled = update(experiment_runs).where(here, experiment_runs.c.want == Want.CANCELLED)
    held = session.execute(cancelled.values(want=Want.HELD.value).returning(experiment_runs.c.run_id)).scalars().all()
    let_wait(session, held)
    return len(held)


def read_refining(session: Session, experiment_id: int) -> Refining | None:
    """What an experiment's refinement goes by; None for one that has none, or none that this version can read."""
    row = session.execute(select(experiments).where(experiments.c.id == experiment_id)).one()
    if row.spec.get("refine") is None:
        return None
    try:
        refine = validate(Refine, row.spec["refine"])
    except InvalidInput as unfit:
        log.error("experiment %d is not refined: %s", experiment_id, unfit)
        return None
    query = select(points.c.settings_id, points.c.axis_values).where(points.c.experiment_id == experiment_id)
    found = session.execute(query.order_by(points.c.position)).all()
    slices = slices_of(refine, [one.axis_values for one in found])
    settings_ids = [one.settings_id for one in found]
    seeds = len(seeds_of(row.spec))
    seen = slices.seen(seeds, refine.coarse, _seen_points(session, row, refine, settings_ids))
    gone = row.total - row.held - row.cached
    purse = purse_of(slices.shapes, row.total, refine.budget, refine.audit, gone)
    ended = ExperimentStatus(row.status).is_finished
    return Refining(refine, slices, seen, purse, settings_ids, row.total, row.held, ended)


def _seen_points(session: Session, row: Row[Any], refine: Refine, settings_ids: Sequence[int]) -> SeenPoints:
    """What results say of every point, and what is still to come."""
    results, labels, certain = _results(session, row.id, refine, settings_ids)
    waiting = _by_settings(session, row.id, and_(PENDING, runs.c.state != RunState.DONE))
    failed = _by_settings(session, row.id, experiment_runs.c.want == Want.FAILED) if row.failed else {}
    known = _by_settings(session, row.id, experiment_runs.c.cached.is_(True)) if row.cached else {}
    kinds = np.array(settings_ids)
    to_come, lost, before = (_spread(kinds, found) for found in (waiting, failed, known))
    return SeenPoints(results, results + to_come + lost, to_come > 0, labels, certain, before >= FIRST_SEEDS)


def _results(session: Session, experiment_id: int, refine: Refine, settings_ids: Sequence[int]) -> tuple[Any, Any, Any]:
    """How many results every point has, what they say, and whether for certain: three arrays [points]."""
    begins = func.substr(points.c.summary, 1, len(_NO_RESULT))
    columns = (points.c.position, points.c.summary, points.c.measure_list_id)
    query = select(*columns).where(points.c.experiment_id == experiment_id, begins != _NO_RESULT)
    found = session.execute(query).all()
    lists = read_measure_lists(session)
    rows = summaries.from_bytes([one.summary for one in found], [lists[one.measure_list_id] for one in found])
    places = [one.position for one in found]
    if isinstance(refine.by, Level):
        share_points = _share_points(session, refine.by, [settings_ids[place] for place in places])
        label, sure = level_labels(rows, refine.by, share_points)
    else:
        label, sure = phase_labels(rows)
    results, labels = np.zeros(len(settings_ids), np.int64), np.full(len(settings_ids), NOTHING)
    certain = np.zeros(len(settings_ids), np.bool_)
    results[places], labels[places], certain[places] = rows[:, 0], label, sure
    return results, labels, certain


def _share_points(session: Session, by: Level, settings_ids: Sequence[int]) -> list[int | None]:
    """The points that the measure is a share of, of each of the settings; None for other measures."""
    share_of = MEASURES[by.measure].share_of if by.measure in MEASURES else None
    if share_of is None:
        return [None] * len(settings_ids)
    texts = read_settings(session, sorted(set(settings_ids)))
    found = (stored_value(texts[one], _SHARE_OF[share_of]) for one in settings_ids)
    return [value if isinstance(value, int) else None for value in found]


def _by_settings(session: Session, experiment_id: int, which: Any) -> Mapping[int, int]:
    """The experiment's runs by settings, those of `which` wants."""
    query = (
        select(runs.c.settings_id, func.count())
        .join(experiment_runs, experiment_runs.c.run_id == runs.c.id)
        .where(experiment_runs.c.experiment_id == experiment_id, which)
        .group_by(runs.c.settings_id)
    )
    found: dict[int, int] = dict(session.execute(query).all())
    return found


def _spread(settings_ids: Any, found: Mapping[int, int]) -> Any:
    """Counts by settings as those of points, [points]."""
    return np.array([found.get(one, 0) for one in settings_ids.tolist()], dtype=np.int64)


def _next_held(session: Session, experiment_id: int, wanted: Mapping[int, int]) -> list[int]:
    """The ids of the next runs that are held, so many of each of the settings."""
    of_settings: defaultdict[int, list[int]] = defaultdict(list)
    for some in chunks(list(wanted)):
        query = (
            select(runs.c.settings_id, runs.c.id)
            .join(experiment_runs, experiment_runs.c.run_id == runs.c.id)
            .where(among(session, runs.c.settings_id, some), experiment_runs.c.experiment_id == experiment_id, _HELD)
            .order_by(experiment_runs.c.rank)
        )
        for settings_id, run_id in session.execute(query).all():
            of_settings[settings_id].append(run_id)
    return [run_id for one, ids in of_settings.items() for run_id in ids[: wanted[one]]]


def _set_pending(session: Session, experiment_id: int, run_ids: Sequence[int]) -> None:
    """Let runs go: they are wanted from now on, those that had ended without a result again."""
    for some in chunks(run_ids):
        mine = update(experiment_runs).where(
            experiment_runs.c.experiment_id == experiment_id, among(session, experiment_runs.c.run_id, some)
        )
        session.execute(mine.values(want=Want.PENDING.value))
        idle = (RunState.HELD, RunState.CANCELLED, RunState.FAILED)
        ended = select(runs.c.id).where(among(session, runs.c.id, some), runs.c.state.in_(idle))
        queue_again(session, session.execute(ended).scalars().all())
    if run_ids:
        changes = {"held": experiments.c.held - len(run_ids), "revision": experiments.c.revision + 1}
        session.execute(update(experiments).where(experiments.c.id == experiment_id).values(changes))
