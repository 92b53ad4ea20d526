"""Retention: nothing goes by itself, nothing goes unnamed, and what goes is what was named."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from phaselab.db.care import old_notes, retention
from phaselab.db.care.check import check
from phaselab.db.schema import tables
from phaselab.db.schema.database import Database
from phaselab.db.writing import kept, verbs
from phaselab.domain.specs.spec import Changes
from phaselab.service.processes.retain_command import SETTINGS, retain
from phaselab.service.verbs import accounts, audit, experiments, tokens
from tests.db.rows import finish, store, take

SOON = 1e-8
"""Days that have passed by the time they are asked for: a millisecond."""


def run(url: str, *arguments: str, **days: float) -> Result:
    settings = {f"PHASELAB_RETAIN_{name.upper()}_DAYS": str(one) for name, one in days.items()}
    return CliRunner().invoke(retain, arguments, env={"PHASELAB_DATABASE_URL": url} | settings)


def rows(database: Database, *names: str) -> list[int]:
    with database.reading() as session:
        found = (select(func.count()).select_from(tables.metadata.tables[name]) for name in names)
        return [session.execute(query).scalar_one() for query in found]


def archived_in(database: Database) -> Sequence[int]:
    """Experiments that ended: an archived one, one that shares runs with it, and one that has been put back."""
    made = [store(database, seeds=3), store(database, seeds=1, owner="bob"), store(database, seeds=[7])]
    for one in made:
        finish(database, one)
    for one in made[0], made[2]:
        experiments.patch(database, one, Changes(archived=True))
    experiments.patch(database, made[2], Changes(archived=False))
    return made


def test_nothing_goes_that_no_rule_is_set_for(sqlite_database: Database, sqlite_url: str) -> None:
    archived_in(sqlite_database)
    before = rows(sqlite_database, "experiments", "runs", "run_arrays", "audit")
    told = run(sqlite_url, "--yes")
    assert told.exit_code == 0
    assert f"Nothing goes by {', '.join(SETTINGS)}" in told.output
    assert rows(sqlite_database, "experiments", "runs", "run_arrays", "audit") == before


def test_an_archived_experiment_is_named_and_goes(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "PIECE", 5)
    one, other, _ = archived_in(database)
    own = "SELECT sum(length(content)) FROM run_arrays WHERE run_id IN (SELECT id FROM runs WHERE seed IN (1, 2))"
    with database.reading() as session:
        held = session.execute(text(own)).scalar_one()
    named = f"experiment {one}, test, of ada: 12 runs that only it has"
    for asked in (run(database_url, "--dry-run", archived=SOON), run(database_url, archived=SOON)):
        assert named in asked.output, "the second asks, and nobody answers"
        assert rows(database, "experiments", "runs") == [3, 24]
    assert asked.output.partition("archived experiments")[2].split()[:2] == ["1", f"{held:,}"]
    young = run(database_url, "--dry-run", archived=1).output
    assert young.partition("archived experiments")[2].split()[:2] == ["0", "0"]
    assert run(database_url, "--yes", archived=SOON).exit_code == 0
    assert rows(database, "experiments", "runs", "run_arrays") == [2, 12, 12]
    assert experiments.experiment(database, other).counts.done == 6
    (deed,) = audit.deeds(database, experiment_id=one, limit=1).items
    assert (deed.deed, deed.account, deed.content["name"]) == ("delete", "operator", "test")
    with database.reading() as session:
        assert not check(session)


def test_what_is_touched_while_it_is_asked_stays(sqlite_database: Database) -> None:
    one, *_ = archived_in(sqlite_database)
    with sqlite_database.reading() as session:
        (leaving,) = retention.experiments_leaving(session, SOON)
    experiments.patch(sqlite_database, one, Changes(archived=False))
    assert not retention.remove_experiment(sqlite_database, leaving, SOON)
    assert rows(sqlite_database, "experiments") == [3]


def test_runs_that_nobody_has_go(sqlite_database: Database, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "PIECE", 2)
    one = store(sqlite_database)
    store(sqlite_database, seeds=1, owner="bob")
    taken = take(sqlite_database, one, most=5)
    with sqlite_database.transaction() as session:
        verbs.delete(session, one)
        session.execute(text("UPDATE runs SET state = 'cancelled', leased_by = NULL WHERE leased_by IS NOT NULL"))
    unshared = sum(run.seed > 0 for run in taken)
    told = run(sqlite_url, "--yes", runs=SOON).output
    assert told.partition("runs that no experiment has")[2].split()[0] == str(unshared)
    assert rows(sqlite_database, "runs") == [6]


def test_tokens_that_have_run_out_go(sqlite_database: Database, sqlite_url: str) -> None:
    accounts.create(sqlite_database, "ada")
    tokens.make(sqlite_database, "ada", "short", days=SOON)
    tokens.make(sqlite_database, "ada", "long", days=1)
    assert "token short of ada" in run(sqlite_url, "--yes", tokens=SOON).output
    assert [one.name for one in tokens.list_tokens(sqlite_database, "ada")] == ["first", "long"]
    newest = audit.deeds(sqlite_database, limit=1).items[0]
    assert (newest.deed, newest.subject, newest.content["token"]) == ("revoke token", "ada", "short")


def test_old_notes_are_in_the_file_before_they_go(
    database: Database, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(old_notes, "PIECE", 2)
    archived_in(database)
    notes, file = audit.deeds(database).items, tmp_path / "notes.jsonl"
    assert "name one, --audit-file" in run(database_url, "--yes", audit=SOON).output
    (tmp_path / "there").touch()
    told = run(database_url, "--yes", "--audit-file", str(tmp_path / "there"), audit=SOON)
    assert (told.exit_code, "name a new file" in told.output) == (1, True)
    assert audit.deeds(database).items == notes
    assert run(database_url, "--yes", "--audit-file", str(file), audit=SOON).exit_code == 0
    written = [json.loads(line) for line in file.read_text().splitlines()]
    assert [(one["id"], one["deed"], one["content"]) for one in written] == [
        (note.id, note.deed, note.content) for note in reversed(notes)
    ]
    assert file.stat().st_mode & 0o777 == 0o600
    (left,) = audit.deeds(database).items
    assert (left.deed, left.subject, left.content["notes"]) == ("retain audit", "notes.jsonl", len(notes))
    for change in ("DELETE FROM audit", "UPDATE audit SET deed = 'x'"):
        with pytest.raises(DBAPIError, match="only added to"), database.transaction() as session:
            session.execute(text(change))


def test_what_counts_for_nothing_goes_by_no_rule(
    sqlite_database: Database, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = kept.Call("ada", "k", "PATCH", "/", "0")
    with sqlite_database.transaction() as session:
        kept.keep(session, call, kept.Answer(200, {}, b"an answer"))
    run(sqlite_url, "--yes")
    assert rows(sqlite_database, "kept_answers") == [1]
    with sqlite_database.transaction() as session:
        session.execute(text("UPDATE kept_answers SET at = '2020-01-01 00:00:00+00:00'"))
    assert run(sqlite_url, "--yes").output.partition("answers that were kept for a day")[2].split()[0] == "1"
    assert rows(sqlite_database, "kept_answers") == [0]
