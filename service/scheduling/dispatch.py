"""Dispatch: fills the mailbox by fairness, stores what comes back, and deals with stops and deaths."""

import logging
import threading
import time
from collections.abc import Mapping, Sequence

from phaselab.db.queue.leases import Leased
from phaselab.db.queue.workforce import Share, Trial
from phaselab.db.schema.away import DatabaseAway
from phaselab.domain.results.parcels import KEY_LETTERS, Errand, Letter, Parcel, Post, Progress, Seat, line_of
from phaselab.domain.results.results import Outcome, RunFailure
from phaselab.domain.settings.stacks import Stack
from phaselab.service.base.configuration import Configuration
from phaselab.service.base.logs import say
from phaselab.service.scheduling.fairness import Use, choose
from phaselab.service.scheduling.ledger import Entry, Ledger
from phaselab.service.scheduling.sizing import Pace, share
from phaselab.service.scheduling.work_queue import WorkQueue

USUAL_ATTEMPTS = 4
"""A run that was handed out more often goes alone in its stack."""
MOST_ATTEMPTS = 12
"""A run that was handed out as often without a result has failed. Pauses and restarts count, so there are many."""
DEADLY = 3
"""A run that was alone in its stack when workers died counts as failed after this many deaths."""
ASIDE_SECONDS = 30.0
"""How long an experiment is left aside of which no stack could be taken."""

STACKS = "phaselab.stacks"
"""The log of what becomes of stacks, in lines of JSON; workers write one of the same name on their machines."""
LONGEST_REASON = 200
"""Letters of a failed run's reason in the log; the whole of it is with the run."""

log = logging.getLogger(__name__)
_stacks = logging.getLogger(STACKS)


class Dispatcher:
    """The traffic between the database and the trials of one busy period.

    `feed` and `stop_unwanted` belong to one thread, `on_parcel` and `on_death` to Tune's; both may run at a time.
    """

    def __init__(
        self,
        configuration: Configuration,
        queue: WorkQueue,
        mailbox: Post,
        pace: Pace,
        use: Use,
        trials: int,
    ) -> None:
        self._configuration = configuration
        self._queue = queue
        self._mailbox = mailbox
        self._pace = pace
        self._use = use
        self._noted: dict[int, Progress] = {}
        self._aside: dict[int, float] = {}
        self.ledger = Ledger()
        self.trials = trials
        self.landed = threading.Event()

    def feed(self) -> bool:
        """Take stacks until two are out for each trial. Returns whether anything is out or waits."""
        candidates = self._queue.candidates()
        now = time.monotonic()
        empty = {experiment for experiment, until in self._aside.items() if now < until}
        while len(self.ledger) < 2 * self.trials:
            chosen = choose(
                [candidate for candidate in candidates if candidate.id not in empty],
                self._use,
                self.ledger.stacks_by_owner(),
                self._configuration.stack_seconds,
                self._configuration.owner_trials,
            )
            if chosen is None:
                break
            try:
                taken = self._take(chosen.id, share(chosen.queued, self.trials))
            except DatabaseAway:
                raise
            except Exception as error:
                log.exception("nothing of experiment %d can be handed out; the others go on", chosen.id)
                self._set_aside(chosen.id, now, f"{type(error).__name__}: {error}")
                taken = None
            if taken is None or len(taken.stack.runs) >= chosen.queued:
                empty.add(chosen.id)
            if taken is not None:
                self._take_up(chosen.id)
                errand = Errand(chosen.id, chosen.owner, chosen.request)
                self._post([self.ledger.add(part, errand) for part in self._cut(taken)])
        return bool(candidates) or len(self.ledger) > 0

    def _set_aside(self, experiment: int, now: float, why: str) -> None:
        """Leave an experiment alone for a while, and tell its admin why it waits."""
        self._aside[experiment] = now + ASIDE_SECONDS
        self._queue.note_aside(experiment, why)

    def _take_up(self, experiment: int) -> None:
        if self._aside.pop(experiment, None) is not None:
            self._queue.note_aside(experiment, None)

    def extend_leases(self) -> None:
        """Keep what is out leased."""
        self._queue.extend(self.ledger.keys())

    def note_progress(self) -> None:
        """Write down how far the stacks are that have gone on since the last time. Fails when the mailbox is dead."""
        told = self._mailbox.progress()
        gone_on = [(number, progress) for number, progress in told.items() if progress != self._noted.get(number)]
        self._noted = told
        if gone_on:
            self._queue.note_progress(
                [
                    ([progress.key] if progress.key else self.ledger.keys_of(number), progress.stage, progress.share)
                    for number, progress in gone_on
                ]
            )

    def workforce(self) -> tuple[Sequence[Trial], Sequence[Share]]:
        """The trials and what each computes, and what the fair share goes by. Fails when the mailbox is dead."""
        trials = [self._trial(name, seat) for name, seat in sorted(self._mailbox.seats().items())]
        out, used = self.ledger.stacks_by_owner(), self._use.known(time.monotonic())
        return trials, [Share(owner, used.get(owner, 0.0), out[owner]) for owner in sorted({*out, *used})]

    def _trial(self, name: str, seat: Seat) -> Trial:
        entry = None if seat.number is None else self.ledger.get(seat.number)
        if entry is None or seat.number is None:
            return Trial(name, seat.node, seat.seconds)
        told = self._noted.get(seat.number)
        far = (None, None) if told is None else (told.stage, told.share)
        return Trial(name, seat.node, seat.seconds, entry.experiment, entry.owner, len(entry.stack.runs), *far)

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
        spent = {"worker": parcel.worker, "seconds": round(parcel.seconds, 3), "out": round(now - entry.at, 3)}
        if parcel.outcomes is None:
            self._queue.release(entry.keys)
            _say("given back", entry, **spent)
        else:
            self._pace.note(entry.stack.runs, parcel.seconds)
            _say("landed", entry, **spent, failed=_failures(parcel.outcomes))
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
            _say("failed", entry, reason=reason)
        self._post([entry for entry in entries if entry not in deadly], first=True)
        self.landed.set()

    def _take(self, experiment: int, most: int) -> Leased | None:
        """The next stack of an experiment, of at most so many runs and the other runs of their trainings."""
        return self._queue.take(
            experiment,
            lambda settings: min(self._pace.size(settings), most),
            lambda settings: self._pace.load(settings, most),
        )

    def _cut(self, taken: Leased) -> Sequence[Stack]:
        """The stack, less the runs that were handed out often and never came back: they may be what ends schedulers or
        nodes, so they go alone, and at last they fail."""
        runs = taken.stack.runs
        usual = tuple(run for run in runs if taken.attempts[run.key] <= USUAL_ATTEMPTS)
        lost = [run for run in runs if taken.attempts[run.key] > MOST_ATTEMPTS]
        reason = f"handed out {MOST_ATTEMPTS} times, and never came back with a result"
        if lost:
            self._queue.land([RunFailure(run.key, reason) for run in lost])
        alone = [run for run in runs if USUAL_ATTEMPTS < taken.attempts[run.key] <= MOST_ATTEMPTS]
        return [*([Stack(usual)] if usual else []), *(Stack((run,)) for run in alone)]

    def _post(self, entries: Sequence[Entry], first: bool = False) -> None:
        if entries:
            letters = [Letter(entry.number, entry.stack, entry.errand) for entry in entries]
            self._mailbox.put(letters, first)
            for entry in entries:
                _say("handed out", entry, deaths=entry.deaths)

    def _withdraw(self, numbers: Sequence[int]) -> None:
        """Take letters back. Those that a trial holds come back as parcels without outcomes, or are taken back here
        when its worker gives them up."""
        if not numbers:
            return
        for number in self._mailbox.stop(numbers):
            entry = self.ledger.close(number)
            if entry is not None:
                self._queue.release(entry.keys)
                _say("taken back", entry)


def _say(what: str, entry: Entry, **more: object) -> None:
    """A line on what has become of a stack."""
    if _stacks.isEnabledFor(logging.INFO):
        say(_stacks, stacks=what, **line_of(entry.number, entry.stack, entry.errand), **more)


def _failures(outcomes: Sequence[Outcome]) -> Mapping[str, str]:
    """Why runs failed, by the beginning of their keys."""
    failed = (one for one in outcomes if isinstance(one, RunFailure))
    return {one.key[:KEY_LETTERS]: one.reason[:LONGEST_REASON] for one in failed}
