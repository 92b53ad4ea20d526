"""Telling: what the scheduler writes down of its workers, so that whoever looks at the service sees them."""

import logging
import math
import time
from collections.abc import Hashable, Sequence
from dataclasses import replace

from phaselab.db.queue.workforce import Node, Share, Trial
from phaselab.db.schema.away import DatabaseAway
from phaselab.service.scheduling.work_queue import WorkQueue

STEADY_SECONDS = 10.0
"""How often it is told again when nothing has changed but what owners have used, which is forgotten all the time."""

log = logging.getLogger(__name__)


class Telling:
    """Writes the workforce down where it has changed. Of one thread at a time."""

    def __init__(self, queue: WorkQueue) -> None:
        self._queue = queue
        self._told: Hashable = None
        self._told_at = -math.inf

    def tell(self, nodes: Sequence[Node], trials: Sequence[Trial], shares: Sequence[Share]) -> None:
        """Write it down if it has changed, or if that is long ago. Raises DatabaseAway; whatever else is wrong with it
        keeps nobody from computing."""
        standing = tuple(replace(one, seconds=0.0) for one in trials)
        news = tuple(nodes), standing, tuple((one.owner, one.stacks) for one in shares)
        now = time.monotonic()
        if news == self._told and now - self._told_at < STEADY_SECONDS:
            return
        try:
            self._queue.tell(nodes, trials, shares)
        except DatabaseAway:
            raise
        except Exception:
            log.exception("who computes what cannot be written down")
        self._told, self._told_at = news, now
