"""The notifier: tells whom experiments name, by signed POSTs, that they have ended. At least once, never lost."""

import hashlib
import hmac
import json
import logging
import threading

import httpx

from phaselab.db.schema.away import DatabaseAway
from phaselab.db.schema.database import Database
from phaselab.db.writing import notices
from phaselab.db.writing.notices import Notice
from phaselab.service.base.addresses import is_allowed, is_loopback, origin_of
from phaselab.service.base.configuration import Configuration

SIGNATURE = "X-Phaselab-Signature"
"""Header: `sha256=` and the hexadecimal HMAC-SHA256 of the body under `notify_secret`."""
LOOK_SECONDS = 2.0
SEND_SECONDS = 5.0
"""How long connecting, sending and waiting for an answer may each take."""
FIRST_PAUSE_SECONDS = 5.0
"""Pause after the first failed attempt; it doubles with every further one."""
TRIES = 10
"""Attempts, spread over some 40 minutes, before a notice is given up."""
AT_A_TIME = 100

log = logging.getLogger(__name__)


class Notifier:
    """Sends what is due, in a thread of the scheduler's process."""

    def __init__(self, configuration: Configuration, database: Database) -> None:
        self._configuration = configuration
        self._database = database
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="notifier", daemon=True)

    def start(self) -> None:
        """Send from now on. Only the leader may, lest notices go out twice as a rule."""
        self._thread.start()

    def stop(self) -> None:
        """Send no more; what is due stays due."""
        self._ending.set()

    def send_due(self) -> None:
        """Send every notice that is due, once. Raises DatabaseAway."""
        with self._database.reading() as session:
            waiting = notices.due(session, AT_A_TIME)
        for notice in waiting:
            if self._ending.is_set():
                return
            fault = self._send(notice)
            with self._database.transaction() as session:
                if fault is None:
                    notices.remove(session, notice.id)
                elif notice.tries + 1 < TRIES and self._allows(notice):
                    notices.put_off(session, notice.id, FIRST_PAUSE_SECONDS * 2**notice.tries)
                else:
                    whose, where = notice.content["experiment"]["id"], origin_of(notice.url)
                    log.warning("a notice of experiment %s to %s is given up: %s", whose, where, fault)
                    notices.remove(session, notice.id)

    def _run(self) -> None:
        while not self._ending.wait(LOOK_SECONDS):
            try:
                self.send_due()
            except DatabaseAway as away:
                log.warning("the database is away: %s", away)
            except Exception:
                log.exception("notices cannot be sent just now; they stay due")

    def _allows(self, notice: Notice) -> bool:
        return self._configuration.notify_secret is not None and is_allowed(
            notice.url, self._configuration.notify_allow
        )

    def _send(self, notice: Notice) -> str | None:
        """POST a notice; what went wrong, if anything did."""
        secret = self._configuration.notify_secret
        if secret is None or not self._allows(notice):
            return "the address is not among those of notify_allow"
        body = json.dumps(notice.content, separators=(",", ":")).encode()
        headers = {"Content-Type": "application/json", SIGNATURE: signature(body, secret.get_secret_value())}
        try:
            # The answer's body is of no interest, and may be long: it is never read.
            with (
                httpx.Client(
                    timeout=SEND_SECONDS,
                    follow_redirects=False,
                    trust_env=not is_loopback(httpx.URL(notice.url).host),
                ) as client,
                client.stream("POST", notice.url, content=body, headers=headers) as answer,
            ):
                return None if answer.is_success else f"it answered {answer.status_code}"
        except Exception as error:  # noqa: BLE001 - also what proxies and certificates of the environment raise
            return f"{type(error).__name__}: {error}".replace(notice.url, origin_of(notice.url))


def signature(body: bytes, secret: str) -> str:
    """What the header SIGNATURE holds for a body."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
