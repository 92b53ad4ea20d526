"""The file under a SQLite database: never made unasked, its owner's alone, missed when it is gone."""

import os
import shutil
import stat
from pathlib import Path

import pytest
from sqlalchemy import text

from phaselab.db.care.check import check
from phaselab.db.schema.away import DatabaseDamaged, DatabaseLost, DatabaseReadOnly, NoDatabase
from phaselab.db.schema.database import Database
from phaselab.db.schema.upgrade import upgrade
from phaselab.db.writing import arrays
from tests.db.rows import finish, store


def path_of(database: Database) -> Path:
    return Path(str(database.url.database))


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_it_is_not_made_unasked(tmp_path: Path) -> None:
    with pytest.raises(NoDatabase, match="phaselab serve"):
        Database(f"sqlite:///{tmp_path}/deep/none.db", creates=False)
    assert list(tmp_path.iterdir()) == []


def test_it_and_what_stands_beside_it_are_the_owner_s_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        database = Database(f"sqlite:///{tmp_path}/new.db")
        upgrade(database)
        store(database)
        assert {path.name: mode(path) for path in tmp_path.iterdir()} == {
            "new.db": 0o600,
            "new.db-wal": 0o600,
            "new.db-shm": 0o600,
        }
        database.close()
    finally:
        os.umask(before)


def test_what_older_versions_let_others_read_is_closed_to_them(sqlite_url: str, sqlite_database: Database) -> None:
    path = path_of(sqlite_database)
    path.chmod(0o664)
    Database(sqlite_url).close()
    assert mode(path) == 0o660, "a group is let in on purpose"


@pytest.mark.parametrize("replaced", [False, True])
def test_what_goes_into_a_file_that_is_gone_is_not_acknowledged(sqlite_database: Database, replaced: bool) -> None:
    store(sqlite_database)
    path = path_of(sqlite_database)
    kept = path.rename(path.with_suffix(".kept"))
    if replaced:
        shutil.copy(kept, path)
    with pytest.raises(DatabaseLost, match="removed or replaced"), sqlite_database.transaction():
        pass
    with pytest.raises(DatabaseLost), sqlite_database.reading():
        pass
    kept.rename(path)
    assert store(sqlite_database) == 2, "it goes on when the file is back"


def test_a_file_that_goes_while_it_is_written_to_is_missed_too(sqlite_database: Database) -> None:
    with pytest.raises(DatabaseLost), sqlite_database.transaction():
        path_of(sqlite_database).unlink()


def test_a_database_that_nobody_may_write_to_says_so(sqlite_database: Database) -> None:
    with sqlite_database.reading() as session:
        session.execute(text("PRAGMA query_only = ON"))  # as a read-only disk; the user of tests may write everywhere
    with pytest.raises(DatabaseReadOnly, match="read-only"), sqlite_database.transaction() as session:
        session.execute(text("DELETE FROM leader"))


def test_a_server_that_is_read_only_says_so(postgresql_url: str) -> None:
    database = Database(f"{postgresql_url}&options=-c%20default_transaction_read_only%3Don")
    with pytest.raises(DatabaseReadOnly, match="read-only"), database.transaction() as session:
        session.execute(text("DELETE FROM leader"))
    database.close()


def test_a_file_that_is_no_database_says_so(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"no database at all" * 1000)
    database = Database(f"sqlite:///{tmp_path}/x.db")
    with pytest.raises(DatabaseDamaged, match="damaged"), database.reading() as session:
        session.execute(text("SELECT 1 FROM runs"))


def test_flipped_bits_of_arrays_are_found(database: Database) -> None:
    finish(database, store(database))
    with database.reading() as session:
        content = session.execute(text("SELECT content FROM run_arrays WHERE run_id = 3")).scalar_one()
    assert arrays.damage(content) is None
    for place in range(len(content)):
        flipped = bytes([*content[:place], content[place] ^ 4, *content[place + 1 :]])
        assert arrays.damage(flipped) is not None, place
    with database.transaction() as session:
        changed = {"content": bytes([*content[:-9], content[-9] ^ 1, *content[-8:]])}
        session.execute(text("UPDATE run_arrays SET content = :content WHERE run_id = 3"), changed)
    with database.reading() as session:
        [finding] = check(session)
    assert "damaged" in finding.detail
    assert "checksum differs" in finding.detail
