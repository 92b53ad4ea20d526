"""Answers on a terminal: a diagram as blocks or letters, lines and curves as tables, the bar of what runs."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from io import StringIO
from typing import Any

import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from phaselab.client.cli import cli
from phaselab.client.client import Client
from phaselab.client.heat import CIVIDIS, block, heat_map
from phaselab.client.show import follow
from phaselab.client.terminal import Screen
from phaselab.client.values import Diagram
from tests.client.test_edges import odd_experiment, telling


@pytest.fixture(scope="module")
def diagram(filled_url: str) -> Diagram:
    with Client(filled_url) as client:
        return client.diagram(1, "data.k", "network.labels", "averaging_index")


def phaselab(url: str, *arguments: object) -> Result:
    return CliRunner().invoke(cli, ["--url", url, *map(str, arguments)])


def drawn(diagram: Diagram, width: int = 80, coloured: bool = False) -> list[str]:
    on = Screen(Console(file=StringIO()), width, coloured)
    return [line.plain.rstrip() for line in heat_map(diagram, on)]


def changed(diagram: Diagram, **cells: dict[tuple[int, int], Any]) -> Diagram:
    """The diagram with other values in some cells of its matrices."""
    matrices = json.loads(json.dumps(dict(diagram.matrices)))
    for name, places in cells.items():
        for (row, column), value in places.items():
            matrices[name][row][column] = value
    return replace(diagram, matrices=matrices)


def test_cells_are_letters_and_digits_where_there_are_no_colours(filled_url: str) -> None:
    title, *lines = phaselab(filled_url, "diagram", 1).stdout.splitlines()
    assert title.startswith("mean of averaging index; up: network.labels")
    cells = [line.replace("!", "").split() for line in lines[:3]]
    assert cells == [["clusters", "L0", "L0", "L0"], ["4", "L0", "M5", "M5"], ["binary", "A9", "A9", "A9"]]
    assert lines[3].split() == ["4", "6", "8"]
    assert "A feature averaging   M mixed   L feature learning" in lines[4]
    assert lines[5] == "digits: 0 is from 0 on, 9 up to 1"


def test_axes_are_those_that_are_named(filled_url: str) -> None:
    turned = phaselab(filled_url, "diagram", 1, "--x", "network.labels", "--text").stdout
    assert "up: data.k" in turned
    assert [line.replace("!", "").split()[1:] for line in turned.splitlines()[1:3]] == [
        ["A9", "M5", "L0"],
        ["A9", "M5", "L0"],
    ]


def test_every_kind_of_cell_has_its_own_mark_and_the_legend_says_which(diagram: Diagram) -> None:
    blank = {(0, 0): None, (0, 1): None, (0, 2): None, (1, 0): None, (1, 1): None}
    states = {(0, 0): "pending", (0, 1): "failed", (0, 2): "impossible", (1, 0): "inferred", (1, 1): "measured"}
    odd = changed(diagram, value=blank, state=states, phase={(1, 0): "lazy", (1, 1): None}, suspect={(1, 2): 2})
    lines = drawn(odd)
    assert [line.split() for line in lines[2:4]] == [["4", "Z~", "?", "M5!"], ["binary", ".", "x", "/"]]
    for words in ("Z lazy", ". pending", "x failed", "/ impossible", "~ inferred", "? measured", "! an attack"):
        assert words in lines[5], words
    assert drawn(odd, coloured=True)[3].split() == ["binary", ".", "x", "/"]


def test_colours_are_those_of_pictures(diagram: Diagram) -> None:
    assert [block(step / 8).bgcolor.name for step in range(9)] == list(CIVIDIS)  # type: ignore[union-attr]
    assert [block(share).color.name for share in (0.0, 1.0)] == ["white", "black"]  # type: ignore[union-attr]
    stream = StringIO()
    console = Console(file=stream, force_terminal=True, color_system="truecolor", width=80)
    for line in heat_map(diagram, Screen(console, 80, True)):
        console.print(line)
    red, green, blue = bytes.fromhex(block(diagram.matrices["value"][0][0]).bgcolor.name[1:])  # type: ignore[union-attr]
    binary = next(line for line in stream.getvalue().splitlines() if line.startswith("  binary"))
    assert f"48;2;{red};{green};{blue}m" in binary
    assert re.sub(r"\x1b\[[\d;]*m|!", "", binary).split() == ["binary", "A", "A", "A"]


@pytest.mark.parametrize("coloured", [True, False])
def test_more_columns_than_fit_follow_below(diagram: Diagram, coloured: bool) -> None:
    many = 100
    x = replace(diagram.x, values=tuple(range(1000, 1000 + many)))
    matrices = {name: [[line[0]] * many for line in rows] for name, rows in diagram.matrices.items()}
    lines = drawn(replace(diagram, x=x, matrices=matrices), coloured=coloured)
    assert max(map(len, lines[1:])) <= 80
    assert sum(line.count("A") for line in lines if "binary" in line) == many
    named = [int(word) for line in lines[1:-2] if "A" not in line and "L" not in line for word in line.split()]
    assert named == sorted(set(named)), "names do not run into one another"
    assert named[0] == 1000


def test_a_range_over_decades_is_logarithmic(diagram: Diagram) -> None:
    values = {(row, column): 10.0 ** (row + column) for row in range(3) for column in range(3)} | {(2, 2): None}
    lines = drawn(replace(changed(diagram, value=values), measure="train_loss"))
    cells = [line.replace("!", "").split() for line in lines[1:4]]
    assert cells == [["clusters", "L6", "L9", "?"], ["4", "L3", "M6", "M9"], ["binary", "A0", "A3", "A6"]]
    assert lines[-1] == "digits: 0 is from 1 on, 9 up to 1000 (logarithmic)"


@pytest.mark.parametrize(
    ("encoding", "more"), [("ascii", {}), ("latin-1", {"NO_COLOR": "1"}), ("ascii", {"TERM": "xterm"})]
)
def test_it_prints_in_every_encoding(filled_url: str, encoding: str, more: dict[str, str]) -> None:
    command = [sys.executable, "-P", "-m", "phaselab.client.cli", "--url", filled_url, "diagram", "1"]
    environment = {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0", "COLUMNS": "80"}
    environment |= {"FORCE_COLOR": "1", "TERM": "xterm-256color"} | more
    done = subprocess.run(command, capture_output=True, env=environment, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    plain, blocks = b"A9" in done.stdout, b"\x1b[" in done.stdout
    assert (plain, blocks) == (bool(more), not more), "letters and digits where there are no colours for a scale"


def test_lines_and_curves_are_tables(filled_url: str) -> None:
    head, *rows = phaselab(filled_url, "lines", 1).stdout.splitlines()
    assert head.split() == ["network.labels", "data.k", "value", "ci_low", "ci_high", "n", "phase"]
    assert [row.split()[:2] for row in rows[:4]] == [["binary", "4"], ["binary", "6"], ["binary", "8"], ["4", "4"]]
    assert rows[0].split()[2] == "0.971"
    averaged = phaselab(filled_url, "lines", 1, "--x", "data.k", "--marginalize", "network.labels").stdout
    assert len(averaged.splitlines()) == 4
    head, *rows = phaselab(filled_url, "curves", 1, "--where", "data.k=6", "--by", "network.labels").stdout.splitlines()
    assert head.split()[:4] == ["network.labels", "readout", "method", "radius"]
    assert len(rows) == 3 * 6 * 4


def test_answers_are_there_as_json_and_as_files_at_once(filled_url: str, tmp_path: Any) -> None:
    with Client(filled_url) as client:
        for name in ("diagram", "lines", "curves"):
            by = ["--by", "network.labels", "--by", "data.k"] if name == "curves" else []
            done = phaselab(filled_url, name, 1, *by, "--json", "-o", tmp_path / f"{name}.json")
            assert done.stderr.strip() == str(tmp_path / f"{name}.json")
            told = json.loads(done.stdout)
            assert told == json.loads((tmp_path / f"{name}.json").read_text())
        assert client.diagram(1, "data.k", "network.labels", "averaging_index").content["revision"] == told["revision"]


@pytest.mark.parametrize("name", ["parameters", "measures", "presets"])
def test_catalogues_are_there_without_a_server(filled_url: str, name: str) -> None:
    there = phaselab(filled_url, name, "--json")
    alone = phaselab("http://127.0.0.1:1", name, "--json")
    assert (alone.exit_code, json.loads(alone.stdout)) == (0, json.loads(there.stdout))
    assert alone.stderr == "no server answers at http://127.0.0.1:1: this is what is installed here\n"


def test_count_and_time_have_room_beside_a_long_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    counts = {"total": 12_345, "done": 12_345, "cached": 4_567, "running": 0, "failed": 0, "cancelled": 0, "queued": 0}
    told = odd_experiment() | {"name": "a name of many letters " * 8, "counts": counts}
    with telling(told) as url, Client(url) as client:
        follow(client, 1)
    lines = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", capsys.readouterr().out).replace("\r", "\n").splitlines()
    last = [line for line in lines if line.strip()][-1]
    assert "12345/12345 0:00:0" in last
    assert last.startswith("a name of many letters")
    assert len(last.rstrip()) <= 80
