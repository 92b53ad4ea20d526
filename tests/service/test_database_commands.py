import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from phaselab.db.care import sizes
from phaselab.db.schema.database import Database
from phaselab.db.writing import verbs
from phaselab.service.processes.database_commands import database_commands
from phaselab.service.verbs import audit
from tests.db.rows import finish, store, take

OLD = Path(__file__).parents[1] / "db" / "old"


def run(*arguments: str, url: str) -> Result:
    return CliRunner().invoke(database_commands, arguments, env={"PHASELAB_DATABASE_URL": url})


def test_upgrade_makes_a_new_database_and_can_be_repeated(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/new.db"
    for _ in range(2):
        assert run("upgrade", url=url).output.startswith("The schema is at")
    assert run("check", url=url).output == "The database is sound.\n"


def test_check_finds_what_rebuild_mends(database: Database, database_url: str) -> None:
    experiment = store(database)
    finish(database, experiment)
    with database.transaction() as session:
        session.execute(text("UPDATE experiments SET done = 3, status = 'running'"))
        session.execute(text("UPDATE points SET summary = (SELECT summary FROM points WHERE position = 1)"))
    found = run("check", url=database_url)
    assert found.exit_code == 1
    assert "counts 18 runs, 3 done" in found.output
    assert "summary of point 0" in found.output
    assert run("rebuild", url=database_url).output == "6 points summed up.\n"
    assert run("check", url=database_url).exit_code == 0


def test_check_finds_contradictions(database: Database, database_url: str) -> None:
    experiment = store(database)
    finish(database, experiment)
    with database.transaction() as session:
        session.execute(text("DELETE FROM run_arrays WHERE run_id = 1"))
        session.execute(text("UPDATE runs SET state = 'queued' WHERE id = 2"))
    output = run("check", url=database_url).output
    assert "arrays are missing" in output
    assert "wants that are done of runs that are not" in output


def test_a_backup_is_a_whole_database(
    sqlite_database: Database, sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("phaselab.service.processes.database_commands.NOTE_SECONDS", 0.1)
    experiment = store(sqlite_database)
    finish(sqlite_database, experiment)
    copy = tmp_path / "copy.db"
    with sqlite_database.transaction() as session:
        session.execute(text("UPDATE experiments SET name = 'not stored yet'"))
        assert run("backup", str(copy), url=sqlite_url).exit_code == 0
    assert run("check", url=f"sqlite:///{copy}").output == "The database is sound.\n"
    restored = Database(f"sqlite:///{copy}")
    with restored.reading() as session:
        assert session.execute(text("SELECT name FROM experiments")).scalar_one() == "test"
    restored.close()
    again = run("backup", str(copy), url=sqlite_url)
    assert again.exit_code == 1
    assert "name a new file" in again.output


def test_an_older_database_is_backed_up_as_it_is_and_read_once_it_is_upgraded(tmp_path: Path) -> None:
    old, url = tmp_path / "old.db", f"sqlite:///{tmp_path}/old.db"
    connection = sqlite3.connect(old)
    connection.executescript((OLD / "0004.sqlite.sql").read_text())
    connection.close()
    for command in ("check", "rebuild", "vacuum"):
        told = run(command, url=url)
        assert told.exit_code == 1
        assert "schema is 0004" in told.output
        assert "phaselab db upgrade" in told.output
    assert run("backup", str(tmp_path / "copy.db"), url=url).exit_code == 0
    assert run("upgrade", url=url).exit_code == 0
    assert run("check", url=url).output == "The database is sound.\n"
    assert "schema is 0004" in run("check", url=f"sqlite:///{tmp_path}/copy.db").output


def test_a_server_is_backed_up_by_its_own_means(postgresql_url: str, tmp_path: Path) -> None:
    found = run("backup", str(tmp_path / "x"), url=postgresql_url)
    assert found.exit_code == 1
    assert "pg_dump" in found.output


def test_vacuum_removes_what_nobody_has(database: Database, database_url: str) -> None:
    experiment = store(database)
    store(database, seeds=1, owner="bob")
    taken = take(database, experiment, most=3)
    with database.transaction() as session:
        verbs.delete(session, experiment)
        session.execute(text("UPDATE runs SET state = 'cancelled', leased_by = NULL WHERE leased_by IS NOT NULL"))
    unshared = sum(run.seed > 0 for run in taken)
    assert run("vacuum", url=database_url).output == f"{unshared} runs that no experiment has were removed.\n"
    with database.reading() as session:
        assert session.execute(text("SELECT count(*) FROM runs")).scalar_one() == 6


@pytest.mark.parametrize("url", ["mysql://x", "postgresql://nobody@127.0.0.1:1/none"])
def test_what_is_wrong_with_the_database_is_told_in_one_line(url: str) -> None:
    found = run("check", url=url)
    assert found.exit_code == 1
    assert found.output.startswith("phaselab: ")
    assert found.output.count("\n") == 1


@pytest.mark.parametrize("command", [["backup", "copy.db"], ["check"], ["rebuild"], ["vacuum"]])
def test_in_the_wrong_folder_nothing_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    told = run(*command, url="sqlite:///var/phaselab.db")
    assert told.exit_code == 1
    assert "there is no database at" in told.output
    assert list(tmp_path.iterdir()) == []


def test_an_empty_file_is_not_backed_up(tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    told = run("backup", str(tmp_path / "copy.db"), url=f"sqlite:///{tmp_path}/empty.db")
    assert told.exit_code == 1
    assert "holds no database of Phaselab" in told.output
    assert not (tmp_path / "copy.db").exists()


def test_a_backup_is_its_owner_s_alone(sqlite_database: Database, sqlite_url: str, tmp_path: Path) -> None:
    assert run("backup", str(tmp_path / "copy.db"), url=sqlite_url).exit_code == 0
    assert (tmp_path / "copy.db").stat().st_mode & 0o777 == 0o600


def test_settings_that_a_command_does_not_need_do_not_stop_it(sqlite_database: Database, sqlite_url: str) -> None:
    odd = {"PHASELAB_DATABASE_URL": sqlite_url, "PHASELAB_PORT": "high", "PHASELAB_CPUS": "none"}
    assert CliRunner().invoke(database_commands, ["upgrade"], env=odd).exit_code == 0


def test_the_last_backup_is_known(sqlite_database: Database, sqlite_url: str, tmp_path: Path) -> None:
    with sqlite_database.reading() as session:
        assert sizes.last_backup(session) is None
    assert run("backup", str(tmp_path / "monday.db"), url=sqlite_url).exit_code == 0
    with sqlite_database.reading() as session:
        assert sizes.last_backup(session) is not None
    (noted,) = audit.deeds(sqlite_database).items
    assert (noted.account, noted.deed, noted.subject) == ("operator", "back up", "monday.db")
