"""What a person meets on the command line: JSON, slips of the finger, what is interrupted, files that are there."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from matplotlib.figure import Figure

from phaselab.client.cli import CLIENT_COMMANDS, SERVICE_COMMANDS, cli
from phaselab.client.client import Client
from phaselab.db.schema.database import Database
from phaselab.domain.settings.texts import span
from tests.api.conftest import NEW_SPEC


def phaselab(url: str, *arguments: object, **more: Any) -> Result:
    return CliRunner().invoke(cli, ["--url", url, *map(str, arguments)], **more)


def read(result: Result) -> Any:
    return json.loads(result.stdout)


def test_whatever_is_listed_or_shown_is_there_as_json(filled_url: str) -> None:
    listed = read(phaselab(filled_url, "list", "--json", "-n", 1))
    assert [one["name"] for one in listed] == ["waiting"]
    assert listed[0]["counts"]["queued"] == 24
    shown = read(phaselab(filled_url, "show", 1, "--json"))
    assert (shown["status"], shown["failures"][0]["count"]) == ("finished_with_failures", 1)
    assert set(shown["spec"]["sweep"]) == {"data.k", "network.labels"}
    runs = read(phaselab(filled_url, "runs", 1, "--json", "--where", "state=failed"))
    assert [run["reason"] for run in runs] == ["diverged: the loss is not finite"]
    assert read(phaselab(filled_url, "run", runs[0]["key"], "--json"))["settings"]["data"]["k"] == 8
    verdicts = phaselab(filled_url, "verdicts", 1, "--json")
    assert [one["verdict"] for one in read(verdicts)] == ["holds", "undecided"]
    assert verdicts.exit_code == 1
    (followed,) = phaselab(filled_url, "watch", 1, "--json").stdout.splitlines()
    assert json.loads(followed)["id"] == 1
    for name in ("presets", "parameters", "measures"):
        with Client(filled_url) as client:
            assert read(phaselab(filled_url, name, "--json")) == client.catalogue(name)


def test_differences_of_two_experiments_as_table_file_and_json(
    own_server: tuple[str, Database], tmp_path: Path
) -> None:
    url = own_server[0]
    with Client(url) as client:
        again = client.submit(client.experiment(1).spec, ["name=again"], idempotency_key="again")
        frame = client.differences(1, again.id, "data.k", "network.labels", "averaging_index")
        found = client.ask_differences(1, again.id, "data.k", "network.labels", "averaging_index")
        assert found.plot(Figure().subplots()).get_xlabel() == found.content["x"]["title"]
    told = phaselab(url, "differences", 1, again.id)
    assert told.stdout.split()[:5] == ["data.k", "network.labels", "first", "second", "value"]
    assert len(told.stdout.splitlines()) == 1 + len(frame)
    turned = read(phaselab(url, "differences", 1, again.id, "--x", "network.labels", "--y", "data.k", "--json"))
    assert turned["experiments"] == [1, again.id]
    saved = phaselab(url, "differences", 1, again.id, "--where", "data.k>4", "-o", tmp_path / "d.csv")
    assert (saved.exit_code, len((tmp_path / "d.csv").read_text().splitlines())) == (0, 1 + 6)
    assert phaselab(url, "differences", 1, 99).exit_code == 1


def test_what_is_done_to_an_experiment_is_told_as_json(own_server: tuple[str, Database]) -> None:
    url = own_server[0]
    tried = phaselab(url, "submit", "-", "--dry-run", "--json", input=json.dumps(NEW_SPEC))
    assert read(tried)["runs"] == 24
    submitted = read(phaselab(url, "submit", "-", "--json", input="name: piped\ndata: {d: 71, n: 20}\nseeds: 2\n"))
    assert (submitted["id"], submitted["name"], submitted["counts"]["total"]) == (3, "piped", 2)
    for verb, status in (("pause", "paused"), ("resume", "queued"), ("cancel", "cancelled"), ("retry", "queued")):
        assert read(phaselab(url, verb, 3, "--json"))["status"] == status
    wrong = phaselab(url, "submit", "-", input="name: [")
    assert (wrong.exit_code, "not YAML" in wrong.stderr) == (1, True)


def test_experiments_are_described_and_found(own_server: tuple[str, Database]) -> None:
    url = own_server[0]
    changed = phaselab(url, "change", 1, "--tag", "paper", "--tag", "draft", "--note", "for section 3", "--archive")
    assert "for section 3" in changed.stdout
    assert "paper, draft, (archived)" in changed.stdout
    assert [one["id"] for one in read(phaselab(url, "list", "--json"))] == [2]
    assert [one["id"] for one in read(phaselab(url, "list", "--json", "--archived", "--tag", "draft"))] == [1]
    back = read(phaselab(url, "change", 1, "--unarchive", "--tag", "", "--name", "renamed", "--json"))
    assert (back["tags"], back["archived"], back["note"], back["name"]) == ([], False, "for section 3", "renamed")
    assert [one["id"] for one in read(phaselab(url, "list", "--json", "--name", "RENAMED", "--owner", "local"))] == [1]
    assert [one["id"] for one in read(phaselab(url, "list", "--json", "--status", "queued"))] == [2]
    assert phaselab(url, "list", "--status", "asleep").exit_code == 1
    with Client(url) as client:
        assert client.change(1, tags="one").tags == ("one",)
        assert [one.id for one in client.experiments(tag="one")] == [1]


def test_an_experiment_is_removed_once_it_is_said_twice(own_server: tuple[str, Database]) -> None:
    url = own_server[0]
    kept = phaselab(url, "delete", 1, input="n\n")
    assert kept.exit_code == 1
    assert "remove experiment 1, labels against clusters, with 23 results?" in kept.output
    assert phaselab(url, "delete", 1, input="y\n").exit_code == 0
    assert phaselab(url, "delete", 2, "--yes").stdout == "removed experiment 2, waiting, with 0 results\n"
    assert read(phaselab(url, "list", "--json")) == []


@pytest.mark.parametrize("name", [*SERVICE_COMMANDS, *CLIENT_COMMANDS])
def test_a_slip_of_the_finger_is_understood(name: str) -> None:
    for slip in (name[:-1] + "q" if len(name) > 2 else name + "q", name[1:] if len(name) > 3 else name + name[-1]):
        if slip in {*SERVICE_COMMANDS, *CLIENT_COMMANDS}:
            continue
        done = CliRunner().invoke(cli, [slip])
        assert done.exit_code == 2
        assert f"No such command '{slip}'. Did you mean " in done.stderr
        assert name in done.stderr


def test_what_is_like_nothing_leads_to_help() -> None:
    done = CliRunner().invoke(cli, ["xyzzy"])
    assert (done.exit_code, "`phaselab -h` lists them" in done.stderr) == (2, True)


@pytest.mark.parametrize("name", CLIENT_COMMANDS)
def test_every_command_has_its_help_under_a_letter(name: str) -> None:
    done = CliRunner().invoke(cli, [name, "-h"])
    assert done.exit_code == 0
    assert f"Usage: cli {name}" in done.stdout


def test_watching_can_be_left_and_says_how_to_go_on(filled_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Client, "watch", interrupted)
    for arguments in (("watch", 2), ("watch", 2, "--json")):
        done = phaselab(filled_url, *arguments)
        assert done.exit_code == 130
        assert "experiment 2 goes on by itself" in done.stderr
        assert "phaselab watch 2" in done.stderr
        assert "phaselab cancel 2" in done.stderr


def test_no_file_is_written_over_by_accident(filled_url: str, tmp_path: Path) -> None:
    file = tmp_path / "runs.csv"
    assert phaselab(filled_url, "export", 1, "-o", file).exit_code == 0
    file.write_text("mine")
    refused = phaselab(filled_url, "export", 1, "-o", file)
    assert (refused.exit_code, file.read_text()) == (2, "mine")
    assert "is there already; --overwrite writes over it" in refused.stderr
    for arguments in (("-o", file, "--overwrite"), ("--overwrite", "-o", file)):
        file.write_text("mine")
        assert phaselab(filled_url, "export", 1, *arguments).exit_code == 0
        assert file.read_text().startswith("key,")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "0 s"), (99.4, "99 s"), (100, "2 min"), (3_599, "60 min"), (7_200, "2 h"), (12_000, "3 h 20 min"),
        (171_000, "47 h 30 min"), (172_800, "2 days"), (187_200, "2 days 4 h"), (8_640_000, "100 days"),
    ],
)  # fmt: skip
def test_time_spans_are_words(seconds: float, words: str) -> None:
    assert span(seconds) == words


def test_what_is_private_is_told_and_opened(own_server: tuple[str, Database]) -> None:
    url = own_server[0]
    made = read(phaselab(url, "submit", "-", "--json", "--set", "visibility=owner", input=json.dumps(NEW_SPEC)))
    assert made["visibility"] == "owner"
    assert [line.split()[-3] for line in phaselab(url, "list").stdout.splitlines()[1:]] == ["owner", *["everyone"] * 2]
    assert "visibility owner" in phaselab(url, "show", made["id"]).stdout
    opened = read(phaselab(url, "change", made["id"], "--visibility", "everyone", "--json"))
    assert opened["visibility"] == "everyone"
    refused = phaselab(url, "change", made["id"], "--visibility", "owner")
    assert (refused.exit_code, "cannot be taken back" in refused.stderr) == (1, True)
    with Client(url) as client:
        assert client.change(made["id"], visibility="results").visibility == "results"
