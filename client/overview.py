"""The service at a look, as a server tells its admins. Times are in UTC."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Lead:
    """Whether a scheduler leads, which, since when; why nothing is computed, if that is known."""

    leads: bool
    holder: str | None
    since: datetime | None
    reason: str | None


@dataclass(frozen=True)
class Place:
    """An experiment of the queue: how many of its runs wait and run, why they wait and until when, where known."""

    experiment: int
    name: str
    owner: str
    priority: int
    status: str
    waiting: int
    running: int
    submitted_at: datetime
    reason: str | None
    until: datetime | None
    eta_seconds: float | None


@dataclass(frozen=True)
class Owner:
    """An owner: runs left, computing seconds (half forgotten every half-life), the part of all that these are, and the
    part that is due to its weight."""

    owner: str
    experiments: int
    left: int
    oldest: datetime | None
    stacks: int
    seconds: float
    used: float
    weight: float
    due: float


@dataclass(frozen=True)
class Node:
    """A node: what it has, how many trials it holds, and how many of them compute."""

    node: str
    name: str
    cpus: float
    gpus: float
    slots: int
    busy: int


@dataclass(frozen=True)
class Trial:
    """A trial: the stack of an experiment that it computes for so many seconds; it waits where there is none."""

    trial: str
    node: str
    experiment: int | None
    owner: str | None
    runs: int
    stage: str | None
    share: float | None
    seconds: float


@dataclass(frozen=True)
class Failing:
    """A kind of failures: how many runs in the last hour, day and week, and the newest of them."""

    kind: str
    hour: int
    day: int
    week: int
    reason: str | None
    key: str
    at: datetime


@dataclass(frozen=True)
class Size:
    """Bytes of the database at the end of a day; by kind of row where that is known."""

    day: str
    bytes: int
    parts: Mapping[str, int] | None


@dataclass(frozen=True)
class Storage:
    """The database; `grows` is in bytes a day, `days_left` for how many of them its disk lasts; null: not known."""

    backend: str
    bytes: int
    free_bytes: int | None
    grows: float | None
    days_left: float | None
    backup_at: datetime | None
    days: tuple[Size, ...]


@dataclass(frozen=True)
class QuotaUse:
    """A quota of an account: how much there may be and is (null: not counted yet), and when there is room again."""

    account: str
    quota: str
    limit: float
    used: float | None
    room_at: datetime | None


@dataclass(frozen=True)
class Overview:
    """The service at a moment; `concerns` say what is not well, and what to do. `more` experiments wait that are not in
    the queue here; `slots` is null while that is not known."""

    at: datetime
    concerns: tuple[str, ...]
    scheduler: Lead
    waiting: int
    running: int
    queue: tuple[Place, ...]
    more: int
    owners: tuple[Owner, ...]
    slots: int | None
    stack_limit_seconds: float
    nodes: tuple[Node, ...]
    trials: tuple[Trial, ...]
    failures: tuple[Failing, ...]
    failures_cut: bool
    database: Storage
    quotas: tuple[QuotaUse, ...]
