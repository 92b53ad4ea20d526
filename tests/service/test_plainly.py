"""What an operator has to mend is told in one line, and a bug keeps its traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from phaselab.db.care import maintenance
from phaselab.db.schema.away import DatabaseAway
from phaselab.domain.settings.faults import OperatorFault
from phaselab.service.base import errors
from phaselab.service.base.configuration import ConfigurationError
from phaselab.service.base.exit_codes import UNFIT
from phaselab.service.base.plainly import told_plainly
from phaselab.service.processes.account_commands import account_commands
from phaselab.service.processes.database_commands import database_commands
from phaselab.service.verbs import tokens
from phaselab.workers.data.data_files import DataFault


def kinds(of: type[OperatorFault]) -> set[type[OperatorFault]]:
    return {one for kind in of.__subclasses__() for one in (kind, *kinds(kind))}


def test_every_fault_of_operators_is_named_in_one_place() -> None:
    assert DataFault in kinds(OperatorFault)
    assert [kind for kind in kinds(OperatorFault) if kind.__name__ not in (errors.__doc__ or "")] == []


@pytest.mark.parametrize(("fault", "code"), [(ConfigurationError("PORT: no"), UNFIT), (DatabaseAway("PORT: no"), 1)])
def test_a_fault_ends_the_process_with_a_line(
    capsys: pytest.CaptureFixture[str], fault: OperatorFault, code: int
) -> None:
    with pytest.raises(SystemExit) as ended, told_plainly("api", UNFIT):
        raise fault
    assert ended.value.code == code
    assert capsys.readouterr() == ("", "api: PORT: no\n")


def test_a_bug_is_let_through(monkeypatch: pytest.MonkeyPatch, sqlite_url: str) -> None:
    def buggy(*_: object) -> None:
        raise ValueError("a bug")

    monkeypatch.setattr(maintenance, "vacuum", buggy)
    monkeypatch.setattr(tokens, "rotate", buggy)
    for commands, words in ((database_commands, ["vacuum"]), (account_commands, ["rotate", "ada"])):
        done = CliRunner().invoke(commands, words, env={"PHASELAB_DATABASE_URL": sqlite_url})
        assert isinstance(done.exception, ValueError), done.output
        assert "phaselab:" not in done.output


@pytest.mark.parametrize("command", ["serve", "api", "scheduler"])
def test_a_process_that_can_never_run_says_so_by_its_exit_code(command: str, tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-P", "-m", "phaselab.service", command],
        env=os.environ | {"PHASELAB_TRIAL_CPUS": "0"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == UNFIT
    assert ended.stderr.startswith("phaselab: PHASELAB_TRIAL_CPUS: ")
    assert ended.stderr.count("\n") == 1
