"""Dispatch: fills the mailbox by fairness, stores what comes back, and deals with stops and deaths."""

import itertools
import logging
import threading
import time
from collections.abc import Sequence

from domain.cost import estimate_seconds
from domain.results import RunFailure
from domain.runs import Run
from domain.stacks import Stack, shape
from service.fairness import Use, choose
from service.ledger import Entry, Ledger
from service.settings import ServiceSettings
from service.sizing import Pace, share
from service.work import Taken, WorkQueue
from workers.mailbox import Letter, MailboxClient, Parcel

USUAL_ATTEMPTS = 4
"""A run that was handed out more often goes alone in its stack."""
MOST_ATTEMPTS = 12
"""A run that was handed out as often without a result has failed. Pauses and restarts count, so there are many."""
DEADLY = 3
"""A run that was alone in its stack when workers died counts as failed after this many deaths."""

log = logging.getLogger(__name__)


class Dispatcher:
    """The traffic between the database and the trials of one busy period.

    `feed` and `stop_unwanted` belong to one thread, `on_parcel` and `on_death` to Tune's; both may run at a time.
    """

    def __init__(
        self,
        settings: ServiceSettings,
        queue: WorkQueue,
        mailbox: MailboxClient,
        pace: Pace,
        use: Use,
        trials: int,
    ) -> None:
        self._settings = settings
        self._queue = queue
        self._mailbox = mailbox
        self._pace = pace
        self._use = use
        self._size_hint: dict[int, int] = {}
        self.ledger = Ledger()
        self.trials = trials
        self.landed = threading.Event()

    def feed(self) -> bool:
        """Take stacks until two are out for each trial. Returns whether anything is out or waits."""
        candidates = self._queue.candidates()
        empty: set[int] = set()
        while len(self.ledger) < 2 * self.trials:
            chosen = choose(
                [candidate for candidate in candidates if candidate.id not in empty],
                self._use,
                self.ledger.stacks_by_owner(),
                self._settings.stack_seconds,
                self._settings.owner_trials,
            )
            if chosen is None:
                break
            # Before its first stack is seen, what an experiment's runs cost is not known: each may be a stack.
            room = 2 * self.trials - len(self.ledger)
            most = min(self._size_hint.get(chosen.id, room), share(chosen.queued, self.trials))
            taken = self._queue.take(chosen.id, most)
            if taken is None or len(taken.stack.runs) >= chosen.queued:
                empty.add(chosen.id)
            if taken is not None:
                parts = self._cut(chosen.id, taken)
                self._post([self.ledger.add(part, chosen.id, chosen.owner) for part in parts])
        return bool(candidates) or len(self.ledger) > 0

    def extend_leases(self) -> None:
        """Keep what is out leased."""
        self._queue.extend(self.ledger.keys())

    def stop_unwanted(self) -> None:
        """Stop the stacks of paused experiments, and those none of whose runs any experiment wants any more."""
        experiments = self.ledger.experiments()
        if experiments:
            paused = self.ledger.of(self._queue.paused(experiments))
            self._withdraw([*paused, *self.ledger.unwanted(self._queue.unwanted())])

    def stop_all(self) -> None:
        """Stop every stack, for the scheduler ends."""
        self._withdraw(self.ledger.numbers())

    def on_parcel(self, parcel: Parcel) -> None:
        """Store what a trial made of a stack, or give its runs back if it was told to stop."""
        if parcel.outcomes is not None:
            self._queue.land(parcel.outcomes)
        entry = self.ledger.close(parcel.number)
        if entry is None:
            return
        now = time.monotonic()
        self._use.add(entry.owner, parcel.seconds, now)
        if parcel.outcomes is None:
            self._queue.release(entry.keys)
        else:
            self._pace.note(shape(entry.stack.runs[0].settings), len(entry.stack.runs), parcel.seconds)
        self.landed.set()

    def on_death(self, trial: str) -> None:
        """Compute again what a dead trial's worker held: as it was, then in halves, then not at all."""
        number = self._mailbox.bury(trial)
        entries = () if number is None else self.ledger.after_death(number)
        log.warning("a worker died; to be computed again: %d runs", sum(len(entry.stack.runs) for entry in entries))
        deadly = [entry for entry in entries if len(entry.stack.runs) == 1 and entry.deaths >= DEADLY]
        for entry in deadly:
            reason = f"the worker process died {entry.deaths} times while it computed this run alone"
            self._queue.land([RunFailure(entry.keys[0], reason)])
            self.ledger.close(entry.number)
        self._post([entry for entry in entries if entry not in deadly], first=True)
        self.landed.set()

    def _cut(self, experiment: int, taken: Taken) -> Sequence[Stack]:
        """The stack in parts of the size that takes about stack_seconds.

        Runs that were handed out often and never came back may be what ends schedulers or nodes: they go alone, and
        at last they fail.
        """
        runs = taken.stack.runs
        usual = tuple(run for run in runs if taken.attempts[run.key] <= USUAL_ATTEMPTS)
        lost = [run for run in runs if taken.attempts[run.key] > MOST_ATTEMPTS]
        reason = f"handed out {MOST_ATTEMPTS} times, and never came back with a result"
        if lost:
            self._queue.land([RunFailure(run.key, reason) for run in lost])
        alone = [run for run in runs if USUAL_ATTEMPTS < taken.attempts[run.key] <= MOST_ATTEMPTS]
        return [*self._cut_to_size(experiment, usual), *(Stack((run,)) for run in alone)]

    def _cut_to_size(self, experiment: int, runs: Sequence[Run]) -> Sequence[Stack]:
        if not runs:
            return ()
        settings = runs[0].settings
        size = self._pace.size(shape(settings), estimate_seconds(settings))
        self._size_hint[experiment] = size
        parts = -(-len(runs) // size)
        bounds = [len(runs) * i // parts for i in range(parts + 1)]
        return [Stack(tuple(runs[low:high])) for low, high in itertools.pairwise(bounds)]

    def _post(self, entries: Sequence[Entry], first: bool = False) -> None:
        if entries:
            letters = [Letter(entry.number, entry.stack) for entry in entries]
            self._mailbox.put(letters, first)

    def _withdraw(self, numbers: Sequence[int]) -> None:
        """Take letters back; those that a trial holds come back as parcels without outcomes."""
        if not numbers:
            return
        for number in self._mailbox.stop(numbers):
            entry = self.ledger.close(number)
            if entry is not None:
                self._queue.release(entry.keys)
