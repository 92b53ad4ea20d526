"""The bookkeeper: counts now and then what is dear to count: how large the database is, and how many bytes the
results of accounts take."""

import logging
import threading
import time
from collections.abc import Callable

from phaselab.db.care import sizes
from phaselab.db.queue import quota_use
from phaselab.db.reading import accounts, use
from phaselab.db.schema.away import DatabaseAway
from phaselab.db.schema.database import Database
from phaselab.service.base.configuration import Configuration
from phaselab.service.base.quotas import quotas_for

USE_SECONDS = 30.0
"""How often use is counted,"""
SIZE_SECONDS = 600.0
"""and sizes; either at most for a small part of the time:"""
REST = 20.0
"""so many times as long as counting took, it is left alone."""

log = logging.getLogger(__name__)


class Bookkeeper:
    """Counts in a thread of the scheduler's process."""

    def __init__(self, configuration: Configuration, database: Database) -> None:
        self._configuration = configuration
        self._database = database
        self._ending = threading.Event()

    def start(self) -> None:
        """Count from now on. Only the leader may."""
        for name, count, seconds in (("use", self.count_use, USE_SECONDS), ("sizes", self.count_sizes, SIZE_SECONDS)):
            threading.Thread(target=self._run, args=(count, seconds), name=f"count {name}", daemon=True).start()

    def stop(self) -> None:
        """Count no more."""
        self._ending.set()

    def count_sizes(self) -> None:
        """Note how large the database is. Raises DatabaseAway."""
        sizes.note_size(self._database)

    def count_use(self) -> None:
        """Note the bytes of results of accounts that have a quota of them. Raises DatabaseAway."""
        usual = self._configuration.quotas
        with self._database.reading() as session:
            found = [one for one in accounts.list_accounts(session) if one.disabled_at is None]
            limited = [one.name for one in found if quotas_for(one, usual).bytes_stored is not None]
            counted = {name: use.stored_bytes(session, name) for name in limited}
        with self._database.transaction(alone=False) as session:
            quota_use.note(session, counted)

    def _run(self, count: Callable[[], None], seconds: float) -> None:
        pause = 0.0
        while not self._ending.wait(pause):
            started = time.monotonic()
            try:
                count()
            except DatabaseAway as away:
                log.warning("the database is away: %s", away)
            except Exception:
                log.exception("something cannot be counted just now")
            pause = max(seconds, REST * (time.monotonic() - started))
