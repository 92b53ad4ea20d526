"""What the scheduler asks of the database: whose runs wait, leases, results. One transaction a call."""

import functools
import logging
import math
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import ParamSpec, TypeVar

from phaselab.db.queue import candidates, fair_use, leadership, leases, progress, workforce
from phaselab.db.schema.away import DatabaseAway
from phaselab.db.schema.database import Database
from phaselab.db.writing import landing, recipe
from phaselab.db.writing.status import status_of
from phaselab.domain.results.results import Outcome, RunFailure
from phaselab.domain.results.states import ExperimentStatus, Stage
from phaselab.domain.settings.settings import Settings
from phaselab.service.base.configuration import NO_QUOTAS, Quotas
from phaselab.service.base.quotas import spent

HOLDER = "scheduler"
"""Who holds leases: the role, not the process, for the leader lock lets one process at a time play it. So whoever has
the lead may take back what its predecessors held."""

AWAY_SECONDS = 5.0
"""How long a call goes on asking a database that is away."""
PAUSE_SECONDS = 0.2
SPENT_SECONDS = 5.0
"""How often it is looked whether owners have computed as much today as they may."""
MOST_OF_REASON = 1_000

Asked = ParamSpec("Asked")
Answer = TypeVar("Answer")
log = logging.getLogger(__name__)


def again_while_away(ask: Callable[Asked, Answer]) -> Callable[Asked, Answer]:
    """Ask again while the database is away, for AWAY_SECONDS. Whatever was stored, asking again does no harm: landing
    ignores what has landed, and a stack that was leased without our hearing of it is taken back when its lease ends."""

    @functools.wraps(ask)
    def patiently(*arguments: Asked.args, **named: Asked.kwargs) -> Answer:
        until = time.monotonic() + AWAY_SECONDS
        while True:
            try:
                return ask(*arguments, **named)
            except DatabaseAway as away:
                if time.monotonic() > until:
                    raise
                log.warning("the database is away, asking again: %s", away)
                time.sleep(PAUSE_SECONDS)

    return patiently


class WorkQueue:
    """The runs that wait, as the scheduler sees them. Every call raises DatabaseAway in the end."""

    def __init__(self, database: Database, lease_seconds: float, usual: Quotas = NO_QUOTAS) -> None:
        self._database = database
        self._lease_seconds = lease_seconds
        self._usual = usual
        self._looked, self._looked_at, self._spent = frozenset[str](), -math.inf, frozenset[str]()

    @again_while_away
    def candidates(self) -> Sequence[candidates.Candidate]:
        """The experiments that have runs which wait, less those of owners who have computed enough today."""
        with self._database.reading() as session:
            found = candidates.queued_experiments(session)
            owners = frozenset(one.owner for one in found)
            if not owners <= self._looked or time.monotonic() - self._looked_at > SPENT_SECONDS:
                self._looked, self._looked_at = owners, time.monotonic()
                self._spent = spent(session, owners, self._usual)
        return [one for one in found if one.owner not in self._spent]

    @again_while_away
    def take(
        self,
        experiment: int,
        most: Callable[[Settings], int],
        filling: Callable[[Settings], leases.Filling] | None = None,
    ) -> leases.Leased | None:
        """A stack, leased to this scheduler; None if none waits. `most` tells how many runs of these settings it may
        hold, `filling` which others go with them."""
        with self._database.transaction() as session:
            asked = session, experiment, most, HOLDER, self._lease_seconds, filling
            taken = leases.take_stack(*asked)
            if taken is None and recipe.waits_under_older_recipe(session, experiment):
                # A run that failed under an older recipe was asked for again.
                recipe.adopt_recipe(session)
                taken = leases.take_stack(*asked)
            return taken

    @again_while_away
    def extend(self, keys: Sequence[str]) -> None:
        """Sign of life: these runs are still being computed. Leases of others that have run out are taken back."""
        with self._database.transaction() as session:
            leases.extend_leases(session, HOLDER, keys, self._lease_seconds)
            leases.release(session, expired=True)

    @again_while_away
    def note_progress(self, noted: Sequence[tuple[Sequence[str], Stage, float]]) -> None:
        """How far runs are that are being computed: keys of runs, the stage they are in, and the share of it."""
        with self._database.transaction() as session:
            for keys, stage, share in noted:
                progress.note(session, HOLDER, keys, stage, share)

    @again_while_away
    def tell(
        self, nodes: Sequence[workforce.Node], trials: Sequence[workforce.Trial], shares: Sequence[workforce.Share]
    ) -> None:
        """Who computes what, and what the fair share goes by, for everyone to look at."""
        with self._database.transaction(alone=False) as session:
            workforce.tell(session, nodes, trials, shares)

    @again_while_away
    def forget_workforce(self) -> None:
        """Nobody computes: the lead has just been taken, or is about to be given up."""
        with self._database.transaction(alone=False) as session:
            workforce.tell(session, (), (), ())
            leadership.end_asides(session)

    @again_while_away
    def note_aside(self, experiment: int, why: str | None) -> None:
        """Why nothing of an experiment can be handed out; null: it can again."""
        with self._database.transaction(alone=False) as session:
            leadership.note_aside(session, experiment, why)

    @again_while_away
    def release(self, keys: Sequence[str]) -> None:
        """Give runs back, not computed."""
        with self._database.transaction() as session:
            leases.release(session, keys=keys)

    @again_while_away
    def release_all(self) -> None:
        """Give every leased run back. Only the leader may: every other process that held some is dead."""
        with self._database.transaction() as session:
            leases.release(session, holder=HOLDER)

    @again_while_away
    def unwanted(self) -> set[str]:
        """The keys of leased runs that no experiment wants any more."""
        with self._database.reading() as session:
            return set(leases.unwanted(session, HOLDER))

    @again_while_away
    def paused(self, experiments: Collection[int]) -> set[int]:
        """Which of these experiments are paused."""
        with self._database.reading() as session:
            return {one for one in experiments if status_of(session, one) is ExperimentStatus.PAUSED}

    @again_while_away
    def used(self, half_life_seconds: float) -> Mapping[str, float]:
        """Computing seconds by owner that landed before, as fairness remembers them."""
        with self._database.reading() as session:
            return fair_use.decayed_seconds(session, half_life_seconds)

    @again_while_away
    def land(self, outcomes: Sequence[Outcome]) -> None:
        """Store what was computed. What cannot be stored fails alone, with the reason."""
        try:
            self._land(outcomes)
        except DatabaseAway:
            raise
        except Exception:
            log.exception("a stack cannot be stored whole; its runs are stored one by one")
            for outcome in outcomes:
                self._land_alone(outcome)

    def _land(self, outcomes: Sequence[Outcome]) -> None:
        with self._database.transaction() as session:
            landing.land(session, outcomes)

    def _land_alone(self, outcome: Outcome) -> None:
        try:
            self._land([outcome])
            return
        except DatabaseAway:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the reason of this run
            reason = f"its result cannot be stored: {type(error).__name__}: {error}"[:MOST_OF_REASON]
        try:
            self._land([RunFailure(outcome.key, reason)])
        except DatabaseAway:
            raise
        except Exception:  # it goes out again when its lease ends
            log.exception("run %s: neither its result nor its failure can be stored", outcome.key)
