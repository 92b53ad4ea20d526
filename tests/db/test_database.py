import threading
from pathlib import Path

import pytest
from sqlalchemy import text

from phaselab.db.queue import leadership
from phaselab.db.schema.database import BadDatabaseUrl, Database, DatabaseAway
from phaselab.db.schema.network_files import NetworkFileSystem, file_system, refuse_network_files
from phaselab.domain.answers.run_lists import RunList
from phaselab.service.verbs.run_lists import list_runs
from tests.db.rows import finish, store
from tests.postgresql import PostgresServer

MOUNTS = """\
/dev/vda / ext4 rw 0 0
server:/export /home/lab nfs4 rw 0 0
tmpfs /home/lab/my\\040scratch tmpfs rw 0 0
"""


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("mysql://x/y", "no mysql here"),
        ("sqlite://", "needs a file"),
        ("sqlite:///:memory:", "needs a file"),
        ("nonsense", "not a URL"),
    ],
)
def test_a_bad_url_is_told_what_would_be_right(url: str, told: str) -> None:
    with pytest.raises(BadDatabaseUrl, match=told):
        Database(url)


def test_a_server_that_is_away_is_told_plainly() -> None:
    database = Database("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(DatabaseAway, match="cannot be reached"), database.reading() as session:
        session.execute(text("SELECT 1"))
    with pytest.raises(DatabaseAway), database.transaction():
        pass
    database.close()


def test_lost_connections_are_told_and_made_again(postgresql_url: str, postgresql_server: PostgresServer) -> None:
    database = Database(postgresql_url)
    admin = Database(postgresql_server.get_uri())
    experiment = store(database)

    def lose_connection() -> None:
        with database.transaction() as session, admin.reading() as other:
            gone = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"
            other.execute(text(gone), {"name": database.url.database})
            session.execute(text("SELECT 1"))

    with pytest.raises(DatabaseAway):
        lose_connection()
    assert len(finish(database, experiment)) == 18
    database.close()
    admin.close()


def test_what_raises_is_not_stored(database: Database) -> None:
    store(database)

    def change_and_fail() -> None:
        with database.transaction() as session:
            session.execute(text("UPDATE experiments SET name = 'changed'"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        change_and_fail()
    with database.reading() as session:
        assert session.execute(text("SELECT name FROM experiments")).scalar_one() == "test"


def test_a_reader_sees_one_moment(database: Database) -> None:
    store(database)
    with database.reading() as session:
        before = session.execute(text("SELECT count(*) FROM experiments")).scalar_one()
        store(database, name="other")
        assert session.execute(text("SELECT count(*) FROM experiments")).scalar_one() == before
    with database.reading() as session:
        assert session.execute(text("SELECT count(*) FROM experiments")).scalar_one() == before + 1


def test_writers_wait_for_each_other(database: Database) -> None:
    def add() -> None:
        for _ in range(20):
            with database.transaction() as session:
                value = session.execute(text("SELECT priority FROM experiments")).scalar_one()
                session.execute(text("UPDATE experiments SET priority = :more"), {"more": value + 1})

    store(database)
    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.reading() as session:
        assert session.execute(text("SELECT priority FROM experiments")).scalar_one() == 80


def test_one_leads_until_its_time_is_up(database: Database) -> None:
    with database.transaction() as session:
        assert leadership.acquire(session, "one", 600)
        assert not leadership.acquire(session, "two", 600)
        assert leadership.acquire(session, "one", 600)
        assert leadership.renew(session, "one", 600)
        assert not leadership.renew(session, "two", 600)
        assert leadership.holder_of(session) == "one"
        leadership.release(session, "two")
        assert leadership.holder_of(session) == "one"
        assert leadership.acquire(session, "one", -1)
        assert leadership.holder_of(session) is None
        assert leadership.acquire(session, "two", 600)
        assert not leadership.renew(session, "one", 600)
        leadership.release(session, "two")
        assert leadership.holder_of(session) is None


def test_network_file_systems_are_refused(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(MOUNTS)
    assert file_system(Path("/home/lab/my scratch/x.db"), MOUNTS) == "tmpfs"
    refuse_network_files(Path("/srv/x.db"), mounts)
    with pytest.raises(NetworkFileSystem, match="PHASELAB_DATABASE_URL"):
        refuse_network_files(Path("/home/lab/x.db"), mounts)
    refuse_network_files(Path("/home/lab/x.db"), tmp_path / "none")


def test_sqlite_is_set_up_for_several_processes(sqlite_database: Database) -> None:
    with sqlite_database.reading() as session:
        assert session.execute(text("PRAGMA journal_mode")).scalar_one() == "wal"
        assert session.execute(text("PRAGMA foreign_keys")).scalar_one() == 1
        assert session.execute(text("PRAGMA busy_timeout")).scalar_one() == 60_000
    assert list_runs(sqlite_database, RunList(store(sqlite_database))).next is None
