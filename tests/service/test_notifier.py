"""Notices against a real receiver: signed, at least once, never lost, to nobody who is not allowed."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, update

from phaselab.db.schema.away import DatabaseAway
from phaselab.db.schema.clock import database_time
from phaselab.db.schema.database import Database
from phaselab.db.schema.tables import notices
from phaselab.db.writing import landing
from phaselab.domain.results.results import RunFailure
from phaselab.domain.settings.faults import InvalidInput
from phaselab.service.base.configuration import Configuration
from phaselab.service.scheduling.notifier import TRIES, Notifier
from phaselab.service.verbs import experiments, portable
from phaselab.service.verbs.submit import submit
from tests.db.rows import finish, take_all
from tests.faults.harness import TINY, wait_until
from tests.service.receiver import Receiver, listening

SECRET = "0123456789abcdef"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with listening() as server:
        yield server


def notifier(database: Database, allow: tuple[str, ...]) -> Notifier:
    return Notifier(Configuration(notify_secret=SECRET, notify_allow=allow), database)  # type: ignore[arg-type]


def submitted(database: Database, url: str, **changes: object) -> int:
    spec = {"name": "told", "notify": url, "seeds": 3} | TINY | changes
    return submit(database, spec, "ada", notify_allow=(url,)).id


def left(database: Database) -> list[int]:
    """The tries of every notice that is still to be sent."""
    with database.reading() as session:
        return list(session.execute(select(notices.c.tries)).scalars())


def make_due(database: Database) -> None:
    with database.transaction() as session:
        session.execute(update(notices).values(next_at=database_time(session)))


def test_an_end_is_told_once_and_signed(database: Database, receiver: Receiver) -> None:
    experiment = submitted(database, receiver.url)
    sender = notifier(database, (receiver.url,))
    sender.send_due()
    assert receiver.got == []
    finish(database, experiment)
    sender.send_due()
    sender.send_due()
    [(path, signed, body)] = receiver.got
    assert path == "/hook"
    assert signed == "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    told = json.loads(body)
    counts = {"total": 3, "done": 3, "cached": 0, "failed": 0, "cancelled": 0, "held": 0}
    assert told["experiment"] == {"id": experiment, "name": "told", "owner": "ada", "status": "finished"} | counts
    ended = experiments.experiment(database, experiment).row.finished_at
    assert ended is not None
    assert (told["ended_at"], len(told["event"])) == (ended.isoformat(), 32)
    assert left(database) == []


def test_an_address_is_not_told_in_the_log_beyond_its_host(
    sqlite_database: Database, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    """Addresses of webhooks are secrets."""
    hooks = {f"{receiver.url}/T0/s3cret?key=s3cret": "it answered 500", "http://127.0.0.1:1/s3cret": "ConnectError"}
    for url, told in hooks.items():
        finish(sqlite_database, submitted(sqlite_database, url, seeds=[len(told)]))
        receiver.answers = [500] * TRIES
        for _ in range(TRIES):
            make_due(sqlite_database)
            notifier(sqlite_database, (receiver.url, "http://127.0.0.1:1")).send_due()
        assert "is given up" in caplog.text
        assert told in caplog.text
        assert left(sqlite_database) == []
    assert "s3cret" not in caplog.text


def test_every_kind_of_end_is_told_and_each_has_an_event_of_its_own(database: Database, receiver: Receiver) -> None:
    failing = submitted(database, receiver.url, seeds=[7])
    [run] = take_all(database, failing)
    with database.transaction() as session:
        landing.land(session, [RunFailure(run.key, "broke")])
    experiments.cancel(database, submitted(database, receiver.url, seeds=[8]))
    experiments.retry(database, failing)
    finish(database, failing)
    submitted(database, receiver.url, seeds=[7])
    notifier(database, (receiver.url,)).send_due()
    told = [json.loads(body) for *_, body in receiver.got]
    ends = [one["experiment"]["status"] for one in told]
    assert ends == ["finished_with_failures", "cancelled", "finished", "finished"]
    assert len({one["event"] for one in told}) == 4


def test_a_failed_attempt_is_repeated_with_the_same_event_by_whatever_scheduler_is_next(
    database: Database, receiver: Receiver
) -> None:
    receiver.answers = [500, 302]
    finish(database, submitted(database, receiver.url))
    for tries in (1, 2):
        notifier(database, (receiver.url,)).send_due()
        assert left(database) == [tries]
        notifier(database, (receiver.url,)).send_due()
        assert len(receiver.got) == tries, "not before its pause is over"
        make_due(database)
    notifier(database, (receiver.url,)).send_due()
    assert [path for path, *_ in receiver.got] == ["/hook"] * 3, "a redirect is not followed"
    assert len({body for *_, body in receiver.got}) == 1
    assert left(database) == []


def test_nobody_listens(sqlite_database: Database) -> None:
    url = "http://127.0.0.1:1/hook"
    finish(sqlite_database, submitted(sqlite_database, url))
    for _ in range(TRIES - 1):
        notifier(sqlite_database, (url,)).send_due()
        make_due(sqlite_database)
    assert left(sqlite_database) == [TRIES - 1]
    notifier(sqlite_database, (url,)).send_due()
    assert left(sqlite_database) == []


@pytest.mark.parametrize(
    ("name", "value"), [("ALL_PROXY", "socks5h://127.0.0.1:1"), ("HTTPS_PROXY", "gopher://x"), ("SSL_CERT_FILE", "/no")]
)
def test_an_environment_that_cannot_be_used_is_a_failed_attempt(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    url = "https://hooks.lab.invalid/hook"
    for _ in range(2):
        finish(sqlite_database, submitted(sqlite_database, url, seeds=[len(left(sqlite_database))]))
    monkeypatch.setenv(name, value)
    notifier(sqlite_database, (url,)).send_due()
    assert left(sqlite_database) == [1, 1]


def test_the_thread_outlives_whatever_goes_wrong(
    sqlite_database: Database, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish(sqlite_database, submitted(sqlite_database, receiver.url))
    broken = iter([ArithmeticError("a bug"), DatabaseAway("away")])
    send = Notifier.send_due

    def at_first_broken(self: Notifier) -> None:
        if (error := next(broken, None)) is not None:
            raise error
        send(self)

    monkeypatch.setattr(Notifier, "send_due", at_first_broken)
    monkeypatch.setattr("phaselab.service.scheduling.notifier.LOOK_SECONDS", 0.05)
    sender = notifier(sqlite_database, (receiver.url,))
    sender.start()
    wait_until(lambda: len(receiver.got) == 1, "the end is told", 20)
    sender.stop()


def test_what_is_allowed_no_more_is_not_sent(sqlite_database: Database, receiver: Receiver) -> None:
    finish(sqlite_database, submitted(sqlite_database, receiver.url))
    notifier(sqlite_database, ("https://lab.example",)).send_due()
    assert (receiver.got, left(sqlite_database)) == ([], [])


def test_a_deleted_experiment_is_told_of_no_more(database: Database, receiver: Receiver) -> None:
    experiment = submitted(database, receiver.url)
    finish(database, experiment)
    experiments.delete(database, experiment)
    assert left(database) == []


@pytest.mark.parametrize("allow", [(), ("https://lab.example/hooks",)])
def test_an_address_that_is_not_allowed_is_refused_at_submission(
    sqlite_database: Database, allow: tuple[str, ...]
) -> None:
    spec = {"name": "told", "notify": "https://elsewhere.example/hooks"} | TINY
    with pytest.raises(InvalidInput) as refused:
        submit(sqlite_database, spec, "ada", notify_allow=allow)
    [fault] = refused.value.faults
    assert fault.pointer == "/notify"
    assert (allow[0] if allow else "none") in fault.detail


def test_an_experiment_that_is_read_in_tells_nobody(
    sqlite_database: Database, receiver: Receiver, tmp_path: Path
) -> None:
    experiment = submitted(sqlite_database, receiver.url)
    finish(sqlite_database, experiment)
    notifier(sqlite_database, (receiver.url,)).send_due()
    file = tmp_path / "experiment"
    file.write_bytes(b"".join(portable.export_experiment(sqlite_database, experiment)))
    with file.open("rb") as opened:
        merged = portable.import_experiment(sqlite_database, opened, "bob")
    assert experiments.experiment(sqlite_database, merged.experiment_id).row.status == "finished"
    assert left(sqlite_database) == []
