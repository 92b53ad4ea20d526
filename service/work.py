"""What the scheduler asks of the database: whose runs wait, leases, results. One transaction a call."""

from collections.abc import Collection, Sequence

from db import landing, leases
from db.database import Database
from db.status import status_of
from domain.results import Outcome
from domain.stacks import Stack
from domain.states import ExperimentStatus

HOLDER = "scheduler"
"""Who holds leases: the role, not the process, for the leader lock lets one process at a time play it. So whoever has
the lead may take back what its predecessors held."""


class WorkQueue:
    """The runs that wait, as the scheduler sees them."""

    def __init__(self, database: Database, lease_seconds: float) -> None:
        self._database = database
        self._lease_seconds = lease_seconds

    def candidates(self) -> Sequence[leases.Candidate]:
        """The experiments that have runs which wait."""
        with self._database.reading() as session:
            return leases.queued_experiments(session)

    def take(self, experiment: int, most: int) -> Stack | None:
        """A stack of at most `most` runs, leased to this scheduler; None if none waits."""
        with self._database.transaction() as session:
            return leases.take_stack(session, experiment, most, HOLDER, self._lease_seconds)

    def extend(self, keys: Sequence[str]) -> None:
        """Sign of life: these runs are still being computed. Leases of others that have run out are taken back."""
        with self._database.transaction() as session:
            leases.extend_leases(session, HOLDER, keys, self._lease_seconds)
            leases.release(session, expired=True)

    def release(self, keys: Sequence[str]) -> None:
        """Give runs back, not computed."""
        with self._database.transaction() as session:
            leases.release(session, keys=keys)

    def release_all(self) -> None:
        """Give every leased run back. Only the leader may: every other process that held some is dead."""
        with self._database.transaction() as session:
            leases.release(session, holder=HOLDER)

    def unwanted(self) -> set[str]:
        """The keys of leased runs that no experiment wants any more."""
        with self._database.reading() as session:
            return set(leases.unwanted(session, HOLDER))

    def paused(self, experiments: Collection[int]) -> set[int]:
        """Which of these experiments are paused."""
        with self._database.reading() as session:
            return {one for one in experiments if status_of(session, one) is ExperimentStatus.PAUSED}

    def land(self, outcomes: Sequence[Outcome]) -> None:
        """Store what was computed."""
        with self._database.transaction() as session:
            landing.land(session, outcomes)
