"""The overview: what an admin asks of the service at a look. Nothing in it costs more the more runs there are: numbers
are read by index, of what has not ended, or were counted before."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from phaselab.db.care import sizes
from phaselab.db.care.sizes import Size as Size
from phaselab.db.queue import leadership, quota_use, waiting, workforce
from phaselab.db.queue.waiting import Waiting
from phaselab.db.queue.workforce import Node, Share, Workforce
from phaselab.db.queue.workforce import Trial as Trial
from phaselab.db.reading import accounts, use
from phaselab.db.reading.failures import Lately, read_lately
from phaselab.db.schema.clock import database_time
from phaselab.db.schema.database import Database, Session
from phaselab.domain.results.failure_kinds import FailureKind, kind_of
from phaselab.service.base.configuration import Configuration
from phaselab.service.base.quotas import quotas_for
from phaselab.service.verbs.experiments import eta_seconds
from phaselab.service.verbs.readiness import ready_by
from phaselab.service.verbs.turns import Facts, Reason, why

SHOWN = 100
"""Experiments of the queue that are told, the oldest."""
FAILURE_DAYS, MOST_FAILURES = 7, 10_000
"""How far back failures are looked at, and how many of the newest."""
SIZE_DAYS = 60
"""Days whose sizes are told."""


@dataclass(frozen=True)
class Lead:
    """Whether a scheduler leads, which and since when; why nothing is computed, if that is known."""

    leads: bool
    holder: str | None
    since: datetime | None
    reason: str | None


@dataclass(frozen=True)
class Place:
    """An experiment of the queue, why its runs wait, and in how many seconds it will be done, where that is known."""

    experiment: Waiting
    reason: Reason | None
    eta_seconds: float | None


@dataclass(frozen=True)
class OwnerUse:
    """An owner who waits, or has used the workers lately: of how many `experiments` so many runs are `left`; `stacks`
    of it that are out; its computing `seconds`, half of which is forgotten every half-life; the part that these are of
    everybody's, and the part of its weight among the weights of all who are listed."""

    name: str
    experiments: int
    left: int
    oldest: datetime | None
    stacks: int
    seconds: float
    used: float
    due: float
    weight: float


@dataclass(frozen=True)
class NodeUse:
    """A node, and how many of its trials compute."""

    node: Node
    busy: int


@dataclass(frozen=True)
class Failing:
    """A kind of failures of any experiments: how many runs in the last hour, day and week, and the newest of them."""

    kind: FailureKind
    hour: int
    day: int
    week: int
    reason: str | None
    key: str
    at: datetime


@dataclass(frozen=True)
class Storage:
    """The database: `sqlite` or `postgresql`, its bytes and those that are free on its disk (null: not known), its
    sizes day by day, by how much it grows a day (null with less than two days), when it was last backed up."""

    backend: str
    bytes: int
    free_bytes: int | None
    days: Sequence[Size]
    grows: float | None
    backup_at: datetime | None

    @property
    def days_left(self) -> float | None:
        """For how many days the disk lasts at this growth; null where that is not known, or it does not grow."""
        known = self.free_bytes is not None and self.grows is not None and self.grows > 0
        return self.free_bytes / self.grows if known and self.free_bytes is not None and self.grows else None


@dataclass(frozen=True)
class QuotaUse:
    """A quota of an account, its own or the service's: how much there may be, and how much there is (null: it has not
    been counted yet)."""

    account: str
    quota: str
    limit: float
    used: float | None
    room_at: datetime | None


@dataclass(frozen=True)
class Overview:
    """The service at a moment. `waiting` and `running` count runs of all experiments, `more` experiments that are not
    among the places; `asides` says of which nothing can be handed out, and why."""

    at: datetime
    lead: Lead
    waiting: int
    running: int
    places: Sequence[Place]
    more: int
    owners: Sequence[OwnerUse]
    slots: int | None
    stack_limit_seconds: float
    nodes: Sequence[NodeUse]
    trials: Sequence[Trial]
    failing: Sequence[Failing]
    failures_cut: bool
    storage: Storage
    quotas: Sequence[QuotaUse]
    asides: Mapping[int, str]


def overview(database: Database, configuration: Configuration) -> Overview:
    """The service at this moment. Raises DatabaseAway."""
    with database.reading() as session:
        now, lead, queue = database_time(session), _lead(session), waiting.waiting(session)
        force = workforce.workforce(session) if lead.leads else Workforce((), (), ())
        slots = _slots(force, configuration) if force.nodes else None
        quotas = _quotas(session, configuration, queue)
        asides = leadership.asides(session) if lead.leads else {}
        facts = _facts(lead, slots, force, configuration, _spent(quotas), asides)
        lately = read_lately(session, FAILURE_DAYS, MOST_FAILURES)
        return Overview(
            at=now,
            lead=lead,
            waiting=sum(one.waiting for one in queue),
            running=sum(one.running for one in queue),
            places=[_place(one, queue, facts, now) for one in queue[:SHOWN]],
            more=max(0, len(queue) - SHOWN),
            owners=_owners(queue, force),
            slots=slots,
            stack_limit_seconds=configuration.stack_limit_seconds,
            nodes=_nodes(force),
            trials=force.trials,
            failing=_failing(lately),
            failures_cut=sum(one.count for one in lately) >= MOST_FAILURES,
            storage=_storage(database, session),
            quotas=quotas,
            asides=asides,
        )


def _lead(session: Session) -> Lead:
    held, ready = leadership.held(session), ready_by(session)
    holder, since = (held.holder, held.since) if held else (None, None)
    return Lead(ready.leads, holder, since, ready.reason)


def _slots(force: Workforce, configuration: Configuration) -> int:
    return force.slots if configuration.max_trials is None else min(force.slots, configuration.max_trials)


def _facts(
    lead: Lead,
    slots: int | None,
    force: Workforce,
    configuration: Configuration,
    spent: Mapping[str, QuotaUse],
    asides: Mapping[int, str],
) -> Facts:
    return Facts(
        leads=lead.leads,
        slots=slots,
        seconds={one.owner: one.seconds for one in force.shares},
        stacks={one.owner: one.stacks for one in force.shares},
        cap=configuration.owner_trials,
        spent=spent,
        asides=asides,
    )


def _place(one: Waiting, queue: Sequence[Waiting], facts: Facts, now: datetime) -> Place:
    eta = eta_seconds(one.status, one.started_at, one.ended, one.left, now)
    return Place(one, why(one, queue, facts) if one.waiting else None, eta)


def _owners(queue: Sequence[Waiting], force: Workforce) -> Sequence[OwnerUse]:
    """Everyone who waits, or has used the workers lately; who has most runs left first."""
    own: defaultdict[str, list[Waiting]] = defaultdict(list)
    for one in queue:
        own[one.owner].append(one)
    of = {one.owner: one for one in force.shares if one.seconds >= 1 or one.stacks}
    names = sorted({*of, *own})
    weights = {name: own[name][0].weight if own[name] else 1.0 for name in names}
    everybody = sum(one.seconds for one in of.values())
    found = []
    for name in names:
        mine, share = own[name], of.get(name, Share(name, 0.0, 0))
        left, oldest = sum(one.left for one in mine), mine[0].created_at if mine else None
        used, due = share.seconds / everybody if everybody else 0.0, weights[name] / sum(weights.values())
        found.append(OwnerUse(name, len(mine), left, oldest, share.stacks, share.seconds, used, due, weights[name]))
    return sorted(found, key=lambda one: (-one.left, one.name))


def _nodes(force: Workforce) -> Sequence[NodeUse]:
    busy = Counter(one.node_id for one in force.trials if one.experiment_id is not None)
    return [NodeUse(node, busy[node.id]) for node in force.nodes]


def _failing(lately: Sequence[Lately]) -> Sequence[Failing]:
    """The failures by kind, the most frequent first."""
    found: dict[FailureKind, Failing] = {}
    for one in sorted(lately, key=lambda one: one.at):
        kind = kind_of(one.reason)
        before = found.get(kind)
        hour, day, week = (before.hour, before.day, before.week) if before else (0, 0, 0)
        counts = hour + one.hour, day + one.day, week + one.count
        found[kind] = Failing(kind, *counts, one.reason, one.key, one.at)
    return sorted(found.values(), key=lambda one: (-one.week, one.kind))


def _storage(database: Database, session: Session) -> Storage:
    days = sizes.list_sizes(session, SIZE_DAYS)
    grows = None
    if len(days) > 1:
        apart = (date.fromisoformat(days[-1].day) - date.fromisoformat(days[0].day)).days
        grows = (days[-1].bytes - days[0].bytes) / apart
    return Storage(
        "sqlite" if database.is_sqlite else "postgresql",
        sizes.bytes_of(database, session),
        sizes.free_bytes(database),
        days,
        grows,
        sizes.last_backup(session),
    )


def _quotas(session: Session, configuration: Configuration, queue: Sequence[Waiting]) -> Sequence[QuotaUse]:
    """What accounts that may come in have used of the quotas that they have."""
    left, stored, found = Counter[str](), quota_use.noted(session), list[QuotaUse]()
    for one in queue:
        left[one.owner] += one.left
    able = [one for one in accounts.list_accounts(session) if one.disabled_at is None]
    computed = use.seconds_of(session, [one.name for one in able])
    for account in able:
        quotas, name = quotas_for(account, configuration.quotas), account.name
        if quotas.runs_queued is not None:
            found.append(QuotaUse(name, "runs_queued", quotas.runs_queued, left[name], None))
        if quotas.seconds_a_day is not None:
            seconds, most = computed.get(name, 0.0), quotas.seconds_a_day
            room_at = use.day_of(session, name).falls_under(most) if seconds >= most else None
            found.append(QuotaUse(name, "seconds_a_day", most, seconds, room_at))
        if quotas.bytes_stored is not None:
            found.append(QuotaUse(name, "bytes_stored", quotas.bytes_stored, stored.get(name), None))
    return found


def _spent(quotas: Sequence[QuotaUse]) -> Mapping[str, QuotaUse]:
    """Who has computed as much today as they may."""
    days = (one for one in quotas if one.quota == "seconds_a_day")
    return {one.account: one for one in days if one.used is not None and one.used >= one.limit}
