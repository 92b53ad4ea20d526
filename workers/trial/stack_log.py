"""What a worker says of the stacks that it computes: lines of JSON on its standard error."""

import json
import logging
import os
import socket
from collections.abc import Sequence
from datetime import UTC, datetime

from phaselab.domain.results.parcels import Letter, line_of
from phaselab.domain.results.results import Outcome, RunFailure

LOG = logging.getLogger("phaselab.stacks")


class StackLog:
    """Writes them, from a severity on; `worker` is this process (`host:pid`)."""

    def __init__(self, level: str) -> None:
        self.worker = f"{socket.gethostname()}:{os.getpid()}"
        LOG.setLevel(level)
        LOG.propagate = False
        if not LOG.handlers:
            LOG.addHandler(logging.StreamHandler())

    def taken(self, letter: Letter, trial: str) -> None:
        """A stack begins."""
        self._say("begun", letter, trial=trial)

    def ended(self, letter: Letter, outcomes: Sequence[Outcome] | None, seconds: float) -> None:
        """A stack has been computed, or was stopped where there are no outcomes."""
        failed = sum(isinstance(one, RunFailure) for one in outcomes or ())
        self._say("stopped" if outcomes is None else "computed", letter, failed=failed, seconds=round(seconds, 3))

    def _say(self, what: str, letter: Letter, **more: object) -> None:
        if LOG.isEnabledFor(logging.INFO):
            moment = datetime.now(UTC).isoformat(timespec="milliseconds")
            line = {"at": moment, "stacks": what, **line_of(letter.number, letter.stack, letter.errand)}
            LOG.info("%s", json.dumps(line | more | {"worker": self.worker}, ensure_ascii=True))
