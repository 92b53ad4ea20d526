"""What the tests of the database share."""

from collections.abc import Sequence
from typing import Any

from phaselab.db.queue import leases
from phaselab.db.reading.experiments import create_experiment
from phaselab.db.schema.database import Database
from phaselab.db.writing import landing
from phaselab.domain.settings.runs import Run
from phaselab.domain.specs.points import plan
from phaselab.domain.specs.spec import parse_spec
from tests.results import made_up

SWEEP = {"data.k": [4, 6, 8], "network.init_scale": [1e-5, 1e-3]}


def store(database: Database, owner: str = "ada", **spec: Any) -> int:
    """Submit a spec: 3 x 2 points with 3 seeds, unless told otherwise."""
    given = {"name": "test", "sweep": SWEEP, "seeds": 3, "attack": {"radii": [0, 10, 20]}} | spec
    with database.transaction() as session:
        return create_experiment(session, plan(parse_spec(given)), owner)


def take(database: Database, experiment: int, most: int = 100, holder: str = "worker") -> tuple[Run, ...]:
    """Lease a stack; no run when nothing is queued."""
    with database.transaction() as session:
        leased = leases.take_stack(session, experiment, lambda _: most, holder, 60)
    return leased.stack.runs if leased else ()


def take_all(database: Database, experiment: int) -> list[Run]:
    """Lease everything that is queued."""
    taken: list[Run] = []
    while some := take(database, experiment):
        taken += some
    return taken


def finish(database: Database, experiment: int) -> list[Run]:
    """Land a made-up result for everything that is queued."""
    taken = take_all(database, experiment)
    land(database, [made_up(run) for run in taken])
    return taken


def land(database: Database, outcomes: Sequence[Any]) -> landing.Landed:
    """Land outcomes in one transaction."""
    with database.transaction() as session:
        return landing.land(session, outcomes)
