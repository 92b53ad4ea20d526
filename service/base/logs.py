"""Logs: what happens as lines of JSON, everything else as plain lines, all on standard error."""

import json
import logging
from datetime import UTC, datetime

PLAIN = "%(asctime)s %(levelname)s %(name)s: %(message)s"
"""How a line is written that is no JSON."""


def write_logs(name: str, level: str, lines: str) -> None:
    """Write what the logger `name`, and those under it, are told from this severity on; what `lines` is told, which are
    lines of JSON, alone."""
    for library in ("httpx", "httpcore"):  # they tell the addresses that they ask, and headers
        logging.getLogger(library).setLevel(logging.WARNING)
    for logger, form in ((logging.getLogger(name), PLAIN), (logging.getLogger(lines), "%(message)s")):
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter(form))
        logger.addHandler(handler)
        logger.setLevel(level)
        logger.propagate = False


def say(log: logging.Logger, **told: object) -> None:
    """A line of JSON, with the moment. Nobody tells a secret."""
    if log.isEnabledFor(logging.INFO):
        moment = datetime.now(UTC).isoformat(timespec="milliseconds")
        log.info("%s", json.dumps({"at": moment, **told}, ensure_ascii=True))
