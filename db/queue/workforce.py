"""The workforce: nodes, trials and what each computes, and what the fair share goes by. Told by who has the lead."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from phaselab.db.schema.clock import database_time
from phaselab.db.schema.tables import nodes, shares, trials


@dataclass(frozen=True)
class Node:
    """A node that computes, by Ray's id: its name, CPUs and GPUs, and how many trials it holds."""

    id: str
    name: str
    cpus: float
    gpus: float
    slots: int


@dataclass(frozen=True)
class Trial:
    """A trial by Tune's id, on a node by Ray's: the stack that it computes for so many `seconds`, of `runs` runs of an
    experiment, and how far it is where that is known. Without an experiment it waits for one as long."""

    id: str
    node_id: str
    seconds: float
    experiment_id: int | None = None
    owner: str | None = None
    runs: int = 0
    stage: str | None = None
    stage_share: float | None = None


@dataclass(frozen=True)
class Share:
    """An owner's computing seconds, of which half is forgotten every half-life, and how many of its stacks are out."""

    owner: str
    seconds: float
    stacks: int


@dataclass(frozen=True)
class Workforce:
    """What was last told. The seconds of trials go on by the database's clock."""

    nodes: Sequence[Node]
    trials: Sequence[Trial]
    shares: Sequence[Share]

    @property
    def slots(self) -> int:
        """How many trials the nodes hold."""
        return sum(node.slots for node in self.nodes)


def tell(session: Session, node: Sequence[Node], trial: Sequence[Trial], share: Sequence[Share]) -> None:
    """Replace what was told before."""
    now = database_time(session)
    told = {
        nodes: [dict(vars(one)) for one in node],
        trials: [_row(one, now) for one in trial],
        shares: [dict(vars(one)) for one in share],
    }
    for table, rows in told.items():
        session.execute(delete(table))
        if rows:
            session.execute(insert(table), rows)


def _row(trial: Trial, now: datetime) -> dict[str, object]:
    row = dict(vars(trial))
    return row | {"since": now - timedelta(seconds=row.pop("seconds"))}


def workforce(session: Session) -> Workforce:
    """What was last told, by names."""
    now = database_time(session)
    of = trials.c
    columns = (of.id, of.node_id, of.since, of.experiment_id, of.owner, of.runs, of.stage, of.stage_share)
    found = [
        Trial(name, node, max(0.0, (now - since).total_seconds()), *rest)
        for name, node, since, *rest in session.execute(select(*columns).order_by(of.id))
    ]
    has = [Node(*row) for row in session.execute(select(nodes).order_by(nodes.c.name, nodes.c.id))]
    return Workforce(has, found, [Share(*row) for row in session.execute(select(shares).order_by(shares.c.owner))])
