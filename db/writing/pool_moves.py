"""Moving runs from pool to pool: when a private experiment's results are opened, or the experiment is given away.

Where the pool that they move to has the same run, the two become one: the first result wins, what somebody works on is
worked on once, and the wants of both are of the run that stays. Nothing that has landed is lost, and what has not goes
on: a run that is handed out keeps its key until it lands.
"""

import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session

from phaselab.db.schema.bulk import among, chunks, update_many
from phaselab.db.schema.tables import (
    PENDING,
    Want,
    experiment_runs,
    experiments,
    provenances,
    run_arrays,
    runs,
)
from phaselab.db.writing import arrays
from phaselab.db.writing.described import read_measure_lists
from phaselab.db.writing.imports import mark
from phaselab.db.writing.landing import land
from phaselab.db.writing.pools import COMMON, take_common_keys
from phaselab.db.writing.queueing import let_wait, queue_again
from phaselab.db.writing.status import recount, settle
from phaselab.db.writing.summaries import MEASURE_COLUMNS, rebuild_summaries
from phaselab.db.writing.verbs import remove_alone
from phaselab.db.writing.wants import count, note_cached, set_wants, wants_of
from phaselab.domain.results.measures import MEASURES
from phaselab.domain.results.results import RunResult
from phaselab.domain.results.states import RunState
from phaselab.domain.results.trust import Trust
from phaselab.domain.settings.faults import Damaged
from phaselab.domain.specs.visibility import Visibility

BATCH = 500
"""Most results that are read at once."""


@dataclass(frozen=True)
class _Twins:
    """A run and the same run in the pool that it is to be in."""

    id: int
    state: RunState
    leased: bool
    list_id: int | None
    import_id: int | None
    twin: int
    twin_key: str
    twin_state: RunState
    twin_leased: bool
    twin_list_id: int | None

    @property
    def stays(self) -> int:
        """Which of the two does: the twin, unless it has no result and only the other one is worked on."""
        other = self.leased and not self.twin_leased and self.twin_state is not RunState.DONE
        return self.id if other else self.twin

    @property
    def goes(self) -> int:
        """The other one."""
        return self.twin if self.stays == self.id else self.id


def open_results(session: Session, experiment_id: int) -> None:
    """Let the results of a private experiment, those that are there and those to come, serve everyone. What others wait
    for ends by them. Others of its owner's private experiments that have the same runs go on with them."""
    for some in _in_pools(session, [experiment_id]).values():
        _move(session, some, COMMON)


def give_results(session: Session, experiment_ids: Sequence[int], owner: str) -> None:
    """Let the results of private experiments stand in the pool of the owner whom they are given to, but for those that
    experiments of others have, too."""
    for mine in _in_pools(session, experiment_ids).values():  # those of one pool are no twins of each other
        given = among(session, experiment_runs.c.experiment_id, experiment_ids)
        joined = experiments.c.id == experiment_runs.c.experiment_id
        others = select(experiment_runs.c.run_id).where(joined, ~given, experiments.c.owner != owner)
        shared = set(session.execute(others.where(among(session, experiment_runs.c.run_id, mine))).scalars())
        _move(session, [one for one in mine if one not in shared], owner)


def forget_pool(session: Session, owner: str) -> None:
    """Remove what no experiment has of the pool of an owner who goes, and let the rest, which others have, stand in no
    owner's pool, lest another of this name is served it."""
    wanted = exists().where(experiment_runs.c.run_id == runs.c.id)
    alone = session.execute(select(runs.c.id).where(runs.c.pool == owner, ~wanted)).scalars().all()
    for some in chunks(alone):
        remove_alone(session, some)
    nobodys = f"-{uuid.uuid4().hex}"  # no account's name begins so
    session.execute(update(runs).where(runs.c.pool == owner).values(pool=nobodys))


def _in_pools(session: Session, experiment_ids: Sequence[int]) -> Mapping[str, list[int]]:
    """The runs of private ones among the experiments that stand in pools, by pool."""
    query = (
        select(runs.c.pool, runs.c.id)
        .join(experiment_runs, experiment_runs.c.run_id == runs.c.id)
        .join(experiments, experiments.c.id == experiment_runs.c.experiment_id)
        .where(among(session, experiments.c.id, experiment_ids), runs.c.pool != COMMON)
        .where(experiments.c.visibility == Visibility.OWNER)
        .distinct()
    )
    found: dict[str, list[int]] = {}
    for pool, run_id in session.execute(query):
        found.setdefault(pool, []).append(run_id)
    return found


def _move(session: Session, run_ids: Sequence[int], pool: str) -> None:
    pairs = [pair for some in chunks(run_ids) for pair in _twins(session, some, pool)]
    paired = {pair.id for pair in pairs}
    _relabel(session, [one for one in run_ids if one not in paired], pool)
    for i in range(0, len(pairs), BATCH):
        _merge(session, pairs[i : i + BATCH], pool)
    _bring_up_to_date(session, [pair.stays for pair in pairs])


def _twins(session: Session, run_ids: Sequence[int], pool: str) -> Iterator[_Twins]:
    twin = runs.alias()
    same = (twin.c.settings_id == runs.c.settings_id, twin.c.seed == runs.c.seed, twin.c.recipe == runs.c.recipe)
    mine = (runs.c.id, runs.c.state, runs.c.leased_by, runs.c.measure_list_id, runs.c.import_id)
    theirs = (twin.c.id, twin.c.key, twin.c.state, twin.c.leased_by, twin.c.measure_list_id)
    twins = (*same, twin.c.pool == pool, twin.c.id != runs.c.id)
    query = select(*mine, *theirs).where(among(session, runs.c.id, run_ids), *twins)
    for a, state, by, listed, read_in, b, key, twin_state, twin_by, twin_listed in session.execute(query).all():
        ours = (a, RunState(state), by is not None, listed, read_in)
        yield _Twins(*ours, b, key, RunState(twin_state), twin_by is not None, twin_listed)


def _relabel(session: Session, run_ids: Sequence[int], pool: str) -> None:
    for some in chunks(run_ids):
        session.execute(update(runs).where(among(session, runs.c.id, some)).values(pool=pool))
        take_common_keys(session, some)


def _merge(session: Session, pairs: Sequence[_Twins], pool: str) -> None:
    """Make one run of two."""
    _pass_results_on(session, pairs)
    _be_done(session, [one.id for one in pairs if one.twin_state is RunState.DONE and one.state is not RunState.DONE])
    stays = {pair.goes: pair.stays for pair in pairs}
    table = experiment_runs.c
    moved = ((stays[gone], experiment_id, gone) for experiment_id, gone, _ in wants_of(session, list(stays)))
    update_many(session, [table.run_id], [table.experiment_id, table.run_id], moved)
    remove_alone(session, list(stays))
    _relabel(session, [pair.id for pair in pairs if pair.stays == pair.id], pool)
    waits = exists().where(table.run_id == runs.c.id, PENDING)
    ended = select(runs.c.id).where(among(session, runs.c.id, list(stays.values())), runs.c.state == RunState.FAILED)
    queue_again(session, session.execute(ended.where(waits)).scalars().all())
    let_wait(session, list(stays.values()))


def _be_done(session: Session, run_ids: Sequence[int]) -> None:
    """Let every want of runs that are found to be done elsewhere be done; held ones were not asked for."""
    held = Counter(experiment_id for experiment_id, _, _ in wants_of(session, run_ids, Want.HELD))
    note_cached(session, run_ids)
    set_wants(session, run_ids, Want.DONE)
    count(session, {experiment_id: {"cached": number} for experiment_id, number in held.items()})


def _bring_up_to_date(session: Session, run_ids: Sequence[int]) -> None:
    """Count and sum up anew the experiments that have runs."""
    touched = sorted({experiment_id for experiment_id, _, _ in wants_of(session, run_ids)})
    for experiment_id in touched:
        recount(session, experiment_id)
    rebuild_summaries(session, touched)
    settle(session, touched)


def _pass_results_on(session: Session, pairs: Sequence[_Twins]) -> None:
    """Land the results of runs as those of their twins, which have none, or lack measures that these have."""
    lists = read_measure_lists(session)
    more = {
        pair.id: pair.twin_key
        for pair in pairs
        if pair.list_id is not None
        and (pair.twin_list_id is None or set(lists[pair.list_id]) - set(lists[pair.twin_list_id]))
    }
    land(session, list(_results(session, more)), here=False)  # whoever computed them has been counted
    for pair in pairs:
        if pair.import_id is not None and pair.id in more and pair.twin_state is not RunState.DONE:
            mark(session, pair.import_id, [pair.twin_key])


def _results(session: Session, keys: dict[int, str]) -> Iterator[RunResult]:
    """The results of runs by their ids, under other keys. Raises Damaged."""
    lists = read_measure_lists(session)
    columns = (runs.c.id, runs.c.measure_list_id, runs.c.seconds, runs.c.flags, runs.c.key, *MEASURE_COLUMNS)
    query = (
        select(*columns, run_arrays.c.content.label("arrays"), provenances.c.content.label("provenance"))
        .join(run_arrays, run_arrays.c.run_id == runs.c.id)
        .outerjoin(provenances, provenances.c.id == runs.c.provenance_id)
        .where(among(session, runs.c.id, list(keys)))
    )
    for row in session.execute(query).all():
        try:
            stored = arrays.decode(row.arrays)
        except Damaged as damage:
            raise Damaged(f"the curves and cosines of run {row.key} are damaged: {damage}") from None
        own = [name for name in lists[row.measure_list_id] if name in MEASURES]
        yield RunResult(
            key=keys[row.id],
            measures={name: row._mapping[runs.c[name]] for name in own},
            curves=stored.curves,
            cosines=stored.cosines,
            trust=Trust(tuple(row.flags or ())),
            seconds=row.seconds,
            provenance=row.provenance or {},
            profiles=stored.profiles,
        )
