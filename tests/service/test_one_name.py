"""The package has one import name, and no process of it takes a user's own files for its own."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.harness import ROOT, ServiceProcess

FOLDERS = ("api", "client", "db", "domain", "presets", "service", "workers")
SMALL = ("data.d=32", "data.n=40", "training.steps=5", "seeds=1", "attack={test_points: 20, radii: [0, 1], steps: 5}")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's folder, with files called as our folders are that must never be imported."""
    folder = tmp_path_factory.mktemp("own")
    for name in FOLDERS:
        (folder / f"{name}.py").write_text(f"raise ImportError('this is the {name}.py of somebody else')\n")
    return folder


@pytest.fixture(scope="module")
def service(folder: Path) -> Iterator[ServiceProcess]:
    """`phaselab serve`, started there; beside it a `phaselab.py`."""
    (folder / "phaselab.py").write_text("raise ImportError('this is the phaselab.py of somebody else')\n")
    variables = {"PYTHONPATH": "", "PHASELAB_CPUS": "1"}
    command = ("serve", "--port", "0")
    service = ServiceProcess(f"sqlite:///{folder}/own.db", folder / "log", command, folder, **variables)
    yield service
    service.kill_everything()


def url(service: ServiceProcess) -> str:
    service.wait_until(lambda: "Phaselab at http://127.0.0.1:" in service.log(), "the api listens")
    return service.log().partition("Phaselab at ")[2].split()[0]


def phaselab(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | variables
    return subprocess.run(
        [sys.executable, "-P", "-m", "phaselab.client.cli", *arguments],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_runs_are_computed_beside_files_called_as_we_are(folder: Path, service: ServiceProcess) -> None:
    changes = [word for change in SMALL for word in ("--set", change)]
    done = phaselab(folder, "--url", url(service), "submit", "preset:fig3", *changes, "--watch")
    assert done.returncode == 0, done.stderr + service.log()
    assert "2 runs: 2 done" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("user", "add", "ada"), "account ada is in"),
        (("db", "upgrade"), "The schema is at"),
        (("data", "check", "digits"), "digits: "),
        (("serve", "--port", "none"), "--port"),
        (("api", "--port", "none"), "--port"),
    ],
)
def test_commands_work_beside_them(
    folder: Path, tmp_path: Path, arguments: tuple[str, ...], said: str, service: ServiceProcess
) -> None:
    database = f"sqlite:///{tmp_path}/own.db"
    phaselab(folder, "db", "upgrade", PHASELAB_DATABASE_URL=database)  # accounts are added to a database that is there
    done = phaselab(folder, *arguments, PHASELAB_DATABASE_URL=database)
    assert said in done.stdout + done.stderr


def test_a_cell_works_beside_all_of_them_but_phaselab_py(folder: Path, service: ServiceProcess) -> None:
    # A cell has the current folder on its path by nature: what is called `phaselab.py` there is what it imports.
    address = url(service)
    (folder / "phaselab.py").unlink()
    cell = f"from phaselab import Client; print(Client({address!r}).version()['name'])"
    done = subprocess.run([sys.executable, "-c", cell], cwd=folder, capture_output=True, text=True, check=False)
    assert done.stdout == "phaselab\n", done.stderr


def test_no_file_of_ours_starts_a_module_with_the_current_folder_on_its_path() -> None:
    files = [path for folder in (*FOLDERS, "benchmarks", "examples", "tests") for path in (ROOT / folder).rglob("*.py")]
    starts = re.compile(r"sys\.executable,\s*\"-m\"")
    assert [path for path in files if starts.search(path.read_text())] == []
