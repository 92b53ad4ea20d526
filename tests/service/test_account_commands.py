"""`phaselab user ...` as the operator types it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from phaselab.db.schema.database import Database
from phaselab.db.schema.upgrade import upgrade
from phaselab.service.processes.account_commands import account_commands
from phaselab.service.verbs import audit, tokens


def run(*arguments: str, url: str) -> Result:
    return CliRunner().invoke(account_commands, arguments, env={"PHASELAB_DATABASE_URL": url})


def test_a_token_stands_alone_on_standard_output(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/new.db"
    assert "there is no database at" in run("add", "ada", url=url).output
    upgraded = Database(url)
    upgrade(upgraded)
    upgraded.close()
    added = run("add", "ada", "--weight", "2", "--trials", "3", url=url)
    assert added.exit_code == 0
    assert f"{tmp_path}/new.db" in added.stderr
    rotated = run("rotate", "ada", url=url)
    database = Database(url)
    assert tokens.caller_of(database, rotated.stdout.strip()).name == "ada"
    database.close()
    assert added.stdout.strip() not in ("", rotated.stdout.strip())
    assert rotated.stdout.strip() not in rotated.stderr


def test_accounts_are_listed_disabled_and_changed(sqlite_url: str) -> None:
    assert "no accounts" in run("list", url=sqlite_url).output
    for name in ("bob", "ada"):
        run("add", name, url=sqlite_url)
    assert run("disable", "bob", url=sqlite_url).output == "The account bob is refused from now on.\n"
    assert (
        "weight 2.5 and at most 3 trials"
        in run("share", "ada", "--weight", "2.5", "--trials", "3", url=sqlite_url).output
    )
    assert "weight 2.5 and no cap" in run("share", "ada", "--trials", "0", url=sqlite_url).output
    head, ada, bob = run("list", url=sqlite_url).output.splitlines()
    assert head.split() == ["name", "role", "weight", "trials", "created", "state"]
    assert ada.split()[:4] + ada.split()[-1:] == ["ada", "member", "2.5", "-", "active"]
    assert bob.split()[0] == "bob"
    assert "disabled 20" in bob
    run("enable", "bob", url=sqlite_url)
    assert "disabled" not in run("list", url=sqlite_url).output


def test_roles_tokens_and_quotas_are_given(sqlite_url: str) -> None:
    run("add", "ada", "--role", "reader", url=sqlite_url)
    run("add", "bob", url=sqlite_url)
    assert run("role", "ada", "admin", url=sqlite_url).output == "The account ada is an admin.\n"
    token = run("token", "ada", "laptop", "--scope", "read", "--days", "7", url=sqlite_url)
    assert len(token.stdout.strip()) == 43
    first, laptop = run("tokens", "ada", url=sqlite_url).output.splitlines()
    assert first == "first  admin  for good  never used"
    assert re.fullmatch(r"laptop  read  until \d{4}-\d\d-\d\d \d\d:\d\d  never used", laptop)
    assert "worth nothing" in run("revoke", "ada", "laptop", url=sqlite_url).output
    given = run("quota", "ada", "--runs-each", "5000", "--seconds-a-day", "3600", url=sqlite_url).output
    assert "runs each: 5,000, runs queued: the service's own, seconds a day: 3,600" in given
    assert "runs each: the service's own" in run("quota", "ada", "--runs-each", "none", url=sqlite_url).output
    assert run("delete", "ada", "--heir", "bob", url=sqlite_url).output == "The account ada is gone.\n"
    database = Database(sqlite_url)
    told = [(one.account, one.by, one.deed) for one in audit.deeds(database).items]
    database.close()
    assert told[0] == ("operator", "command line", "delete account")
    assert len(told) == 8


def test_what_cannot_be_done_is_told_in_one_line(sqlite_url: str) -> None:
    run("add", "ada", url=sqlite_url)
    for arguments, words in (
        (("add", "ada"), "already"),
        (("add", "Ada"), "a-z"),
        (("add", "bob", "--weight", "0"), "weight"),
        (("rotate", "eve"), "no account eve"),
        (("disable", "eve"), "no account eve"),
        (("share", "eve", "--weight", "2"), "no account eve"),
        (("role", "eve", "admin"), "no account eve"),
        (("token", "ada", "first"), "already"),
        (("token", "ada", "x", "--days", "0"), "0 days"),
        (("revoke", "ada", "x"), "no token"),
        (("quota", "ada", "--runs-each", "1e3"), "whole number"),
        (("delete", "ada", "--heir", "eve"), "no account eve"),
    ):
        told = run(*arguments, url=sqlite_url)
        assert told.exit_code == 1, arguments
        assert told.output.startswith("phaselab: ")
        assert words in told.output
        assert told.output.count("\n") == 1


def test_the_command_line_hands_over(sqlite_url: str) -> None:
    command = [sys.executable, "-P", "-m", "phaselab.client.cli", "user", "add", "ada"]
    environment = {"PHASELAB_DATABASE_URL": sqlite_url}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert len(done.stdout.strip()) == 43


def test_people_of_a_provider_are_linked_and_unlinked(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run("add", "ada", url=sqlite_url)
    refused = run("link", "ada", "7f3a-1", url=sqlite_url)
    assert (refused.exit_code, "PHASELAB_OIDC_ISSUER is not set" in refused.output) == (1, True)
    monkeypatch.setenv("PHASELAB_OIDC_ISSUER", "https://id.example.org")
    monkeypatch.setenv("PHASELAB_OIDC_CLIENT_ID", "phaselab")
    monkeypatch.setenv("PHASELAB_OIDC_CLIENT_SECRET", "tell-nobody")
    assert "comes in as ada" in run("link", "ada", "7f3a-1", url=sqlite_url).output
    assert "comes in as ada already" in run("link", "ada", "7f3a-1", url=sqlite_url).output
    assert "no account eve" in run("link", "eve", "8", url=sqlite_url).output
    assert "is no subject" in run("link", "ada", "é", url=sqlite_url).output
    assert run("identities", "ada", url=sqlite_url).output.startswith("7f3a-1  https://id.example.org  since 20")
    assert "nobody comes in as ada" in run("unlink", "ada", "8", url=sqlite_url).output
    assert "any more" in run("unlink", "ada", "7f3a-1", url=sqlite_url).output
    assert run("identities", "ada", url=sqlite_url).output == ""
    database = Database(sqlite_url)
    deeds = [(deed.deed, deed.by) for deed in reversed(audit.deeds(database).items)]
    assert deeds[1:] == [("link identity", "command line"), ("unlink identity", "command line")]
    database.close()
