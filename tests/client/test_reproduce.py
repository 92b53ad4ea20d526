"""`phaselab reproduce`: presets through the service, the table of verdicts, the report, and what has changed since."""

import json
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner, Result

from phaselab.client import reproduce_commands
from phaselab.client.cli import cli
from phaselab.client.client import Client
from phaselab.client.errors import Invalid
from phaselab.client.report import html
from phaselab.client.reproduce_commands import TABLE
from phaselab.client.reproduction import Reproduced, Reproduction, changed, read
from phaselab.client.show import follow
from phaselab.client.values import Experiment, Verdict
from phaselab.db.queue.leases import take_stack
from phaselab.db.schema.database import Database
from phaselab.db.writing.landing import land
from tests.results import made_up

HOLDS = Verdict(
    "a < b & c", "<there>", "averaging_index", "", "above 0.9", "holds", 0.95, 0.92, 0.98, 0.95, 5, "", 1, None, None
)


def of(*verdicts: Verdict, preset: str = "fig2", pictures: tuple[str, ...] = ()) -> Reproduction:
    one = Reproduced(preset, "what?", 1, "finished", 4, 0, 3.0, verdicts, pictures)
    return Reproduction("0.1.0", 3, "some time", (one,))


def compute(database: Database, url: str, seeds: int, index: float) -> None:
    """Land made-up results of preset fig2."""
    with Client(url) as client:
        experiment = client.submit("preset:fig2", [f"seeds={seeds}"]).id
    with database.transaction() as session:
        while (leased := take_stack(session, experiment, lambda _: 1, "test", 60.0)) is not None:
            (run,) = leased.stack.runs
            averages = index if run.settings.network.labels == "binary" else 0.01
            land(session, [made_up(run, averaging_index=averages + run.seed / 1000)])


def reproduce(url: str, *arguments: object) -> Result:
    return CliRunner().invoke(cli, ["--url", url, "reproduce", *map(str, arguments)])


def test_a_preset_is_run_judged_and_reported(own_server: tuple[str, Database], tmp_path: Path) -> None:
    url, database = own_server
    compute(database, url, 10, 0.97)
    folder = tmp_path / "found"
    done = reproduce(url, "fig2", "--set", "seeds=10", "-o", folder)
    assert done.exit_code == 0, done.output
    assert "2 holds, 0 fails, 0 undecided" in done.stdout
    found = read(folder / TABLE)
    (one,) = found.presets
    assert (one.preset, one.runs, one.failed, len(one.verdicts), len(one.pictures)) == ("fig2", 20, 0, 2, 2)
    assert one.computing is not None
    assert 20 * 0.01 <= one.computing <= 20 * 0.1, "made-up runs take 0.01 to 0.1 s"
    table = pd.read_csv(folder / "reproduction.csv")
    assert list(table["verdict"]) == ["holds", "holds"]
    assert list(table["n"]) == [10, 10]
    page = (folder / "report.html").read_text()
    assert page.count("data:image/png;base64,") == 2
    assert "://" not in page.replace("http-equiv", ""), "it needs no other place"
    refused = reproduce(url, "fig2", "--set", "seeds=10", "-o", folder)
    assert refused.exit_code == 1
    assert "--overwrite" in refused.stderr
    again = reproduce(url, "fig2", "--set", "seeds=10", "-o", folder, "--overwrite", "--against", folder / TABLE)
    assert (again.exit_code, again.stdout.splitlines()[-1]) == (0, "nothing has changed")


def test_a_verdict_that_changes_is_told_by_the_exit_code(own_server: tuple[str, Database], tmp_path: Path) -> None:
    url, database = own_server
    compute(database, url, 4, 0.5)
    earlier = tmp_path / "earlier.json"
    text = "On two labels the neurons average the features of their class"
    earlier.write_text(of(replace(HOLDS, text=text)).json())
    done = reproduce(url, "fig2", "--set", "seeds=4", "-o", tmp_path / "now", "--against", earlier)
    assert done.exit_code == 1
    assert f"fig2: {text}: holds, 0.95 (0.92 to 0.98) -> fails, 0.5" in done.stdout
    assert "fig2: On a label for each cluster every neuron holds one feature: was not there -> holds" in done.stdout


def test_what_was_found_is_there_when_it_is_broken_off(
    own_server: tuple[str, Database], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, database = own_server
    compute(database, url, 4, 0.97)
    ended: list[int] = []

    def broken_off(client: Client, experiment: int) -> Experiment:
        if ended:
            raise KeyboardInterrupt
        ended.append(experiment)
        return follow(client, experiment)

    monkeypatch.setattr(reproduce_commands, "follow", broken_off)
    assert reproduce(url, "fig2", "fig3", "--set", "seeds=4", "-o", tmp_path).exit_code != 0
    assert [one.preset for one in read(tmp_path / TABLE).presets] == ["fig2"]
    assert "fig2" in (tmp_path / "report.html").read_text()


def test_every_preset_of_a_cpu_is_run_when_none_is_named(own_server: tuple[str, Database], tmp_path: Path) -> None:
    url, _ = own_server
    with Client(url) as client:
        sized = {str(one["name"]): one["sized_for"] for one in client.catalogue("presets")}
    assert {name for name, size in sized.items() if size == "gpu"} == {"fig2-cifar10", "fig3-cifar10", "fig3-mnist"}
    refused = reproduce(url, "fig9", "-o", tmp_path)
    assert (refused.exit_code, refused.stderr.count("fig2")) == (1, refused.stderr.count("fig2"))
    assert "there is no preset fig9; there are " in refused.stderr


def test_changes_are_of_what_was_run_in_both() -> None:
    moved, drawn = replace(HOLDS, value=0.99, ci_low=0.985, ci_high=0.995), replace(HOLDS, value=0.96)
    lost = replace(HOLDS, verdict="undecided", value=None, ci_low=None, ci_high=None, reason="no run has a result")
    assert changed(of(HOLDS), of(drawn)) == []
    assert changed(of(HOLDS), of(drawn, preset="fig3"))[0].before is None
    assert len(changed(of(HOLDS, preset="lazy"), of(HOLDS, preset="lazy"))) == 0
    assert [(one.before, one.ruling) for one in changed(of(HOLDS), of(moved))] == [
        ("holds, 0.95 (0.92 to 0.98)", False)
    ]
    assert [(one.now, one.ruling) for one in changed(of(HOLDS), of(lost))] == [
        ("undecided (no run has a result)", True)
    ]
    assert [one.now for one in changed(of(HOLDS), of())] == [None]


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"presets": [{}]}', '{"presets": 3}', "[" * 100_000])
def test_what_is_no_reproduction_is_refused(content: str, tmp_path: Path) -> None:
    file = tmp_path / "earlier.json"
    file.write_text(content)
    with pytest.raises(Invalid, match=r"earlier\.json is not what"):
        read(file)
    with pytest.raises(Invalid, match="cannot be read"):
        read(tmp_path / "none.json")


def test_a_report_shows_texts_as_they_are(tmp_path: Path) -> None:
    file = tmp_path / TABLE
    file.write_text(of(HOLDS).json())
    assert read(file) == of(HOLDS)
    assert json.loads(file.read_text())["presets"][0]["verdicts"][0]["source"] == "<there>"
    seen: list[str] = []

    class Reader(HTMLParser):
        def handle_data(self, data: str) -> None:
            seen.append(data)

    Reader().feed(html(of(HOLDS), tmp_path, changed(of(), of(HOLDS))))
    assert {"a < b & c", "<there>", "was not there", "holds, 0.95 (0.92 to 0.98)"} <= set(seen)
