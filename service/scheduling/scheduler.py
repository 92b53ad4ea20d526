"""The scheduler: waits for the lead, then for work, and runs one Tuner per busy period."""

import functools
import logging
import math
import threading
import time
from collections.abc import Callable

from phaselab.db.queue.workforce import Share
from phaselab.db.schema.away import DatabaseAway
from phaselab.db.schema.database import Database
from phaselab.service.base.configuration import Configuration
from phaselab.service.base.errors import RayUnfit
from phaselab.service.scheduling import ray_session
from phaselab.service.scheduling.bookkeeper import Bookkeeper
from phaselab.service.scheduling.dispatch import Dispatcher
from phaselab.service.scheduling.fairness import Use
from phaselab.service.scheduling.lead import Lead
from phaselab.service.scheduling.notifier import Notifier
from phaselab.service.scheduling.sizing import Pace
from phaselab.service.scheduling.telling import Telling
from phaselab.service.scheduling.tuning import ParcelCallback, Tuning
from phaselab.service.scheduling.watchdog import Watchdog
from phaselab.service.scheduling.work_queue import WorkQueue

BUSY_POLL_SECONDS = 0.2
"""How often, at most, flags and queue are read while trials run; a finished stack is answered at once."""
IDLE_POLL_SECONDS = 0.5
"""How often the database is asked for work while there is none."""
SLOTS_SECONDS = 5.0
"""How often the nodes are counted."""
SILENCE_SECONDS = 60.0
"""Longest time in which Tune's loop does not turn or the feed does not finish a round."""
PROGRESS_SECONDS = 1.0
"""How often the mailbox is asked how far stacks are. It dies with the raylet, of whose death nothing else tells."""
END_SECONDS = 20.0
"""How long Tune may take to end, and Ray, before the process is ended: with a dead raylet they never would."""

log = logging.getLogger(__name__)


class Scheduler:
    """The one Ray driver and the one writer of results."""

    def __init__(self, configuration: Configuration, database: Database) -> None:
        self._configuration = configuration
        self._lead = Lead(database, configuration.leader_seconds)
        self._queue = WorkQueue(database, configuration.lease_seconds, configuration.quotas)
        self._pace = Pace(configuration.stack_seconds, configuration.stack_limit_seconds)
        self._use = Use(configuration.use_half_life_seconds, time.monotonic())
        self._notifier = Notifier(configuration, database)
        self._bookkeeper = Bookkeeper(configuration, database)
        self._telling = Telling(self._queue)
        self._watchdog = Watchdog()
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Make `run` end; safe in a signal handler."""
        self._stopping.set()

    def run(self, ray_started: Callable[[], None] = lambda: None) -> None:
        """Serve until `stop`. Raises RayUnfit, or whatever broke a busy period.

        `ray_started` is called when Ray runs: Ray sets signal handlers of its own.
        """
        self._watchdog.start()
        if not self._lead.wait(self._stopping):
            return
        try:
            self._lead.keep(self._watchdog)
            self._queue.release_all()
            self._queue.forget_workforce()
            self._remember_use()
            self._notifier.start()
            self._bookkeeper.start()
            ray_session.start(self._configuration)
            ray_started()
            print("scheduler ready", flush=True)
            self._lead.works()
            # Trials take seconds to load PyTorch; on a Ray of our own they do so before the first run is submitted.
            if self._configuration.ray_address is None and not self._stopping.is_set():
                self._busy_period()
            while self._wait_for_work():
                self._busy_period()
        except Exception as error:
            self._lead.fails(error)
            raise
        finally:
            self._notifier.stop()
            self._bookkeeper.stop()
            self._queue.release_all()
            self._queue.forget_workforce()
            self._lead.give_up()
            self._watchdog.expect("Ray's end", END_SECONDS)
            ray_session.stop()
            self._watchdog.forget("Ray's end")

    def _remember_use(self) -> None:
        """Know again what owners have used; without it the fair share begins anew, and nobody waits for that."""
        try:
            used = self._queue.used(self._configuration.use_half_life_seconds)
        except DatabaseAway:
            raise
        except Exception:
            log.exception("what owners have used cannot be read; the fair share begins anew")
            return
        for owner, seconds in used.items():
            self._use.add(owner, seconds, time.monotonic())

    def _wait_for_work(self) -> bool:
        """Wait until runs wait; False when the scheduler is to end."""
        told = -math.inf
        while not self._stopping.is_set():
            try:
                if self._queue.candidates():
                    return True
                if time.monotonic() - told > SLOTS_SECONDS:
                    told = time.monotonic()
                    self._tell_idle()
            except DatabaseAway as away:
                log.warning("the database is away: %s", away)
            self._stopping.wait(IDLE_POLL_SECONDS)
        return False

    def _tell_idle(self) -> None:
        """Tell which nodes there are, while no trial lives."""
        used = self._use.known(time.monotonic())
        shares = [Share(owner, seconds, 0) for owner, seconds in sorted(used.items())]
        self._telling.tell(ray_session.living_nodes(self._configuration), (), shares)

    def _busy_period(self) -> None:
        """Run trials until nothing has waited for idle_seconds, or until the end."""
        nodes = ray_session.living_nodes(self._configuration)
        trials = ray_session.trial_slots(nodes, self._configuration)
        if trials < 1:
            cpus, gpus = self._configuration.trial_cpus, self._configuration.trial_gpus
            raise RayUnfit(
                f"no node holds a trial of {cpus:g} CPUs and {gpus:g} GPUs:"
                " set PHASELAB_TRIAL_CPUS and PHASELAB_TRIAL_GPUS to what one node has"
            )
        self._watchdog.expect("Tune", SILENCE_SECONDS)
        tuning = Tuning(self._configuration, trials)
        dispatcher = Dispatcher(self._configuration, self._queue, tuning.mailbox, self._pace, self._use, trials)
        period = _Period(self._configuration, tuning, dispatcher, self._telling, self._watchdog, self._stopping)
        feeder = threading.Thread(target=period.feed, name="feed")
        feeder.start()
        try:
            turn = functools.partial(self._watchdog.beat, "Tune")
            tuning.run(ParcelCallback(dispatcher.on_parcel, dispatcher.on_death, turn))
        finally:
            self._watchdog.forget("Tune")
            period.end()
            feeder.join()
            self._watchdog.forget("Tune's end")
            self._queue.release(dispatcher.ledger.keys())
            self._queue.forget_workforce()
        if period.broken is not None:
            raise period.broken


class _Period:
    """The feeding side of a busy period, in a thread of its own."""

    def __init__(
        self,
        configuration: Configuration,
        tuning: Tuning,
        dispatcher: Dispatcher,
        telling: Telling,
        watchdog: Watchdog,
        stopping: threading.Event,
    ) -> None:
        self._configuration = configuration
        self._tuning = tuning
        self._dispatcher = dispatcher
        self._telling = telling
        self._nodes = ray_session.living_nodes(configuration)
        self._watchdog = watchdog
        self._stopping = stopping
        self._ended = threading.Event()
        self.broken: Exception | None = None
        """What ended the feeding before its time."""

    def end(self) -> None:
        """Tune has returned: feed no more."""
        self._ended.set()
        self._dispatcher.landed.set()

    def feed(self) -> None:
        """Feed, stop and extend leases, round after round; then end the Tuner."""
        self._watchdog.expect("the feed", SILENCE_SECONDS)
        try:
            self._rounds()
            self._dispatcher.stop_all()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is raised again where the Tuner returns
            self.broken = error
        finally:
            self._watchdog.forget("the feed")
            self._watchdog.expect("Tune's end", END_SECONDS)
            self._tuning.end()

    def _rounds(self) -> None:
        worked = extended = counted = noted = time.monotonic()
        while not (self._stopping.is_set() or self._ended.is_set()):
            now = time.monotonic()
            if now - extended > self._configuration.lease_seconds / 4:
                self._dispatcher.extend_leases()
                extended = now
            if now - counted > SLOTS_SECONDS:
                self._count_slots()
                counted = now
            if now - noted > PROGRESS_SECONDS:
                self._dispatcher.note_progress()
                self._telling.tell(self._nodes, *self._dispatcher.workforce())
                noted = now
            self._dispatcher.stop_unwanted()
            if self._dispatcher.feed():
                worked = now
            elif now - worked > self._configuration.idle_seconds:
                return
            self._watchdog.beat("the feed")
            self._dispatcher.landed.wait(BUSY_POLL_SECONDS)
            self._dispatcher.landed.clear()

    def _count_slots(self) -> None:
        """Let trials use the nodes that have joined; those of nodes that left wait until others have room."""
        self._nodes = ray_session.living_nodes(self._configuration)
        slots = max(1, ray_session.trial_slots(self._nodes, self._configuration))
        self._dispatcher.trials = slots
        self._tuning.supply.wanted = max(slots, self._tuning.supply.wanted)
