"""The command line against a real server: what is printed where, and exit codes."""

import json
import subprocess
import sys
import threading
import time
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from phaselab import client
from phaselab.client.cli import CLIENT_COMMANDS, SERVICE_COMMANDS, cli
from phaselab.client.client import Client
from phaselab.client.show import show_experiment
from phaselab.client.values import Failure
from phaselab.db.queue import progress
from phaselab.db.queue.leases import take_stack
from phaselab.db.schema.database import Database
from phaselab.db.writing import verbs
from phaselab.db.writing.landing import land
from phaselab.domain.results.states import Stage
from tests.api.conftest import NEW_SPEC
from tests.results import made_up


def phaselab(url: str, *arguments: object) -> Result:
    return CliRunner().invoke(cli, ["--url", url, *map(str, arguments)])


def test_list_and_show(filled_url: str) -> None:
    listed = phaselab(filled_url, "list")
    assert listed.exit_code == 0
    lines = listed.stdout.splitlines()
    assert "waiting" in lines[1]
    assert "labels against clusters" in lines[2]
    assert len(phaselab(filled_url, "list", "-n", 1).stdout.splitlines()) == 2
    shown = phaselab(filled_url, "show", 1)
    assert "24 runs: 23 done, 0 running, 0 queued, 1 failed" in shown.stdout
    for command in ("show", "watch"):
        assert "  1 failed: diverged: the loss is not finite (run " in phaselab(filled_url, command, 1).stdout
    assert "failed: " not in phaselab(filled_url, "show", 2).stdout


def test_only_the_most_frequent_reasons_are_shown(filled_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    with Client(filled_url) as client:
        failing = client.experiment(1)
    many = replace(failing, counts=replace(failing.counts, failed=9))
    show_experiment(many, [Failure("lost\x1b[2J\nat sea", 5, "a" * 64), Failure(None, 3, "b" * 64)])
    told = capsys.readouterr().out.splitlines()[3:]
    assert told[0] == rf"  5 failed: lost\x1b[2J\nat sea (run {'a' * 64})", "what a terminal would obey is written out"
    assert told[1].startswith("  3 failed: they are computed again for another experiment")
    assert told[2] == "  1 failed for other reasons"


def test_pictures_and_tables(filled_url: str, tmp_path: Path) -> None:
    file = tmp_path / "d.svg"
    done = phaselab(filled_url, "diagram", 1, "--x", "data.k", "--y", "network.labels", "-o", file)
    assert done.exit_code == 0, done.stderr
    assert done.stdout.strip() == str(file)
    assert "averaging index" in file.read_text()
    assert "median of averaging index" not in file.read_text()
    asked = ("--statistic", "median", "--overwrite", "-o", file)
    assert phaselab(filled_url, "diagram", 1, "--x", "data.k", "--y", "network.labels", *asked).exit_code == 0
    assert "median of averaging index" in file.read_text()
    asked = ("--threshold", "averaging_from:0.99", "--threshold", "lazy_share:0.4", "--overwrite", "-o", file)
    assert phaselab(filled_url, "diagram", 1, "--x", "data.k", "--y", "network.labels", *asked).exit_code == 0
    assert "lazy_share 0.4 · averaging_from 0.99" in " ".join(file.read_text().split())
    assert (
        phaselab(filled_url, "lines", 1, "--x", "data.k", "--by", "network.labels", "--overwrite", "-o", file).exit_code
        == 0
    )
    assert "network.labels = binary" in file.read_text()
    published = tmp_path / "published.csv"
    published.write_text("dataset,network,radius_l2,robust_accuracy_percent\nsynthetic,2-class,2,50\n")
    query = ("--by", "network.labels", "--where", "data.k=6", "--overlay", published)
    curves = phaselab(filled_url, "curves", 1, *query, "-o", tmp_path / "c.svg")
    assert curves.exit_code == 0, curves.stderr
    assert "published: 2-class" in (tmp_path / "c.svg").read_text()
    assert phaselab(filled_url, "export", 1, "-o", tmp_path / "r.csv").exit_code == 0
    key = (tmp_path / "r.csv").read_text().splitlines()[1].split(",")[0]
    assert "averaging_index" in phaselab(filled_url, "run", key).stdout
    assert phaselab(filled_url, "cosines", key, "-o", tmp_path / "cos.png").exit_code == 0


def test_runs_are_listed_filtered_and_sorted(filled_url: str) -> None:
    lines = phaselab(filled_url, "runs", 1).stdout.splitlines()
    assert len(lines) == 25
    assert lines[0].split()[:5] == ["key", "seed", "state", "data.k", "network.labels"]
    failed = phaselab(filled_url, "runs", 1, "--where", "state=failed").stdout
    assert "diverged: the loss is not finite" in failed
    assert len(failed.splitlines()) == 2
    few = phaselab(filled_url, "runs", 1, "--order", "-seed", "--order", "network.labels", "-n", 3)
    assert [line.split()[1] for line in few.stdout.splitlines()[1:]] == ["2", "2", "2"]
    assert "the first 3" in few.stderr
    key = lines[1].split()[0]
    assert f"run {key}" in phaselab(filled_url, "run", key).stdout
    assert phaselab(filled_url, "run", key[:3]).exit_code == 1


@pytest.mark.parametrize(("name", "word"), [("presets", "fig3"), ("parameters", "data.k"), ("measures", "train_loss")])
def test_catalogues(filled_url: str, name: str, word: str) -> None:
    assert word in phaselab(filled_url, name).stdout


def test_submit_and_verbs(own_server: tuple[str, Database], tmp_path: Path) -> None:
    url = own_server[0]
    file = tmp_path / "spec.yaml"
    file.write_text(json.dumps(NEW_SPEC))
    tried = phaselab(url, "submit", file, "--dry-run", "--set", "seeds=1")
    assert "9 points, 8 runs, 0 of them cached" in tried.stdout
    submitted = phaselab(url, "submit", file)
    assert submitted.stdout == f"experiment 3: 24 runs, 0 cached; {url}/experiments/3\n"
    for verb, status in (("pause", "paused"), ("resume", "queued"), ("cancel", "cancelled"), ("retry", "queued")):
        assert status in phaselab(url, verb, 3).stdout
    preset = phaselab(url, "submit", "preset:fig3", "--set", "data.d=100")
    assert preset.exit_code == 0


def test_watching_shows_progress_and_ends(own_server: tuple[str, Database], tmp_path: Path) -> None:
    url, database = own_server
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            with database.transaction() as session:
                leased = take_stack(session, 3, lambda _: 4, "test", 60.0)
                if leased is not None:
                    land(session, [made_up(run) for run in leased.stack.runs])
            stop.wait(0.05)

    worker = threading.Thread(target=work)
    worker.start()
    file = tmp_path / "spec.json"
    file.write_text(json.dumps(NEW_SPEC))
    done = phaselab(url, "submit", file, "--watch")
    stop.set()
    worker.join()
    assert done.exit_code == 0, done.stderr
    assert "24 of 24 runs  finished" in done.stdout
    again = phaselab(url, "submit", file, "--watch")
    assert "24 runs, 24 cached" in again.stdout
    assert phaselab(url, "watch", 1).exit_code == 1, "one of its runs failed"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("show", 99), 1, "there is no experiment 99"),
        (("submit", "nothing.yaml"), 1, "cannot be read"),
        (("submit", "preset:nothing"), 1, "granularity"),
        (("submit", "preset:fig3", "--set", "data.k=1"), 1, "/data/k"),
        (("diagram", 1, "--x", "data.k", "--y", "network.labels", "-o", "d.docx"), 1, ".png"),
        (("diagram", 1, "--x", "data.k", "--y", "data.d", "-o", "d.png"), 1, "network.labels varies"),
        (("diagram", 1, "--x", "data.d", "-o", "d.png"), 1, "network.labels varies"),
        (("curves", 1, "--overlay", "o.csv"), 2, "-o"),
        (("show", "one"), 2, "integer"),
        (("show", "1_0"), 2, "integer"),
        (("show", "0"), 2, "range"),
        (("curves", "1", "２", "-o", "c.png"), 2, "integer"),
        (("nothing",), 2, "No such command"),
    ],
)
def test_errors_are_plain_words_on_stderr(
    filled_url: str, arguments: tuple[object, ...], code: int, words: str
) -> None:
    done = phaselab(filled_url, *arguments)
    assert done.exit_code == code
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_no_server_says_how_to_start_one() -> None:
    done = phaselab("http://127.0.0.1:1", "list")
    assert done.exit_code == 1
    assert "phaselab serve" in done.stderr


def test_the_service_commands_pass_their_arguments_on() -> None:
    command = [sys.executable, "-P", "-m", "phaselab.client.cli", "serve", "--port", "none"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "--port" in done.stderr


def loaded(*modules: str) -> set[str]:
    """What is loaded once these modules are: libraries, and our folders."""
    code = f"import sys, {', '.join(modules)}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.removeprefix("phaselab.").partition(".")[0] for name in done.stdout.split()}


def test_the_client_imports_only_the_domain_and_the_api_neither_ray_nor_torch() -> None:
    whole = loaded(*(f"phaselab.client.{path.stem}" for path in Path(client.__path__[0]).glob("[a-z]*.py")))
    assert not whole & {"api", "service", "db", "workers", "torch", "ray", "matplotlib", "sqlalchemy", "scipy", "yaml"}
    assert not loaded("phaselab.api.app", "phaselab.api.__main__") & {"workers", "torch", "ray"}


def test_help_loads_no_command() -> None:
    assert not loaded("phaselab.client.cli") & {"httpx", "numpy", "pandas", "pydantic", "rich"}


@pytest.mark.parametrize("name", CLIENT_COMMANDS)
def test_help_tells_every_command_in_its_own_words(name: str) -> None:
    with click.Context(cli) as context:
        command = cli.get_command(context, name)
    assert command is not None
    assert command.get_short_help_str(limit=200) == CLIENT_COMMANDS[name][0]


def test_every_command_of_a_file_is_in_the_help() -> None:
    files = {file for _, file in CLIENT_COMMANDS.values()}
    there = {name for file in files for name in import_module(f"phaselab.client.{file}").commands.commands}
    assert there == set(CLIENT_COMMANDS)
    text = CliRunner().invoke(cli, ["-h"]).stdout
    assert [name for name in (*SERVICE_COMMANDS, *CLIENT_COMMANDS) if f"  {name} " not in text] == []


def test_watching_a_long_run_shows_how_far_it_is(own_server: tuple[str, Database]) -> None:
    url, database = own_server
    with database.transaction() as session:
        leased = take_stack(session, 2, lambda _: 2, "test", 60.0)
    assert leased is not None

    def work() -> None:
        for stage, share in ((Stage.TRAINING, 0.2), (Stage.TRAINING, 0.21), (Stage.ATTACK, 0.7)):
            with database.transaction() as session:
                progress.note(session, "test", [run.key for run in leased.stack.runs], stage, share)
            time.sleep(0.8)  # longer than the server waits between two looks
        with database.transaction() as session:
            verbs.cancel(session, 2)

    worker = threading.Thread(target=work)
    worker.start()
    lines = phaselab(url, "watch", 2).stdout.splitlines()
    worker.join()
    assert [line.split("  ")[1] for line in lines if "%" in line] == ["running, training 20%", "running, attack 70%"]
