"""Dispatch: fills the mailbox by fairness, stores what comes back, and deals with stops and deaths."""

import itertools
import threading
import time
from collections.abc import Sequence

from domain.cost import estimate_seconds
from domain.results import RunFailure
from domain.stacks import Stack, shape
from service.fairness import Use, choose
from service.ledger import Entry, Ledger
from service.settings import ServiceSettings
from service.sizing import Pace, share
from service.work import WorkQueue
from workers.mailbox import Letter, MailboxClient, Parcel

FIRST_MOST = 64
"""Most runs taken from an experiment before any of its stacks was sized."""
DEADLY = 3
"""A run that was alone in its stack when workers died counts as failed after this many deaths."""


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
            most = min(self._size_hint.get(chosen.id, FIRST_MOST), share(chosen.queued, self.trials))
            stack = self._queue.take(chosen.id, most)
            if stack is None or len(stack.runs) >= chosen.queued:
                empty.add(chosen.id)
            if stack is not None:
                self._post([self.ledger.add(part, chosen.id, chosen.owner) for part in self._cut(chosen.id, stack)])
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
        if number is None:
            return
        entries = self.ledger.after_death(number)
        deadly = [entry for entry in entries if len(entry.stack.runs) == 1 and entry.deaths >= DEADLY]
        for entry in deadly:
            reason = f"the worker process died {entry.deaths} times while it computed this run alone"
            self._queue.land([RunFailure(entry.keys[0], reason)])
            self.ledger.close(entry.number)
        self._post([entry for entry in entries if entry not in deadly], first=True)
        self.landed.set()

    def _cut(self, experiment: int, stack: Stack) -> Sequence[Stack]:
        """The stack in parts of the size that takes about stack_seconds."""
        settings = stack.runs[0].settings
        size = self._pace.size(shape(settings), estimate_seconds(settings))
        self._size_hint[experiment] = max(size, 1)
        parts = -(-len(stack.runs) // size)
        bounds = [len(stack.runs) * i // parts for i in range(parts + 1)]
        return [Stack(stack.runs[low:high]) for low, high in itertools.pairwise(bounds)]

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
