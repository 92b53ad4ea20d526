"""`phaselab export -o FILE.phaselab` and `phaselab import FILE` against a real server."""

import gzip
import json
from pathlib import Path

from click.testing import CliRunner, Result

from phaselab.client.cli import cli
from phaselab.client.client import Client
from phaselab.db.schema.database import Database


def phaselab(url: str, *arguments: object) -> Result:
    return CliRunner().invoke(cli, ["--url", url, *map(str, arguments)])


def test_an_experiment_goes_out_and_in_again(own_server: tuple[str, Database], tmp_path: Path) -> None:
    url, _ = own_server
    file = tmp_path / "one.phaselab"
    assert phaselab(url, "export", 1, "-o", file).stdout.strip() == str(file)
    merged = phaselab(url, "import", file)
    assert (merged.exit_code, merged.stdout) == (
        0,
        "experiment 3: 0 results are new, 23 were there, 0 of them with other values\n",
    )
    with Client(url) as client:
        assert client.import_file(file).created is False


def test_conflicts_are_listed_and_end_with_exit_code_1(own_server: tuple[str, Database], tmp_path: Path) -> None:
    url, _ = own_server
    file = tmp_path / "one.phaselab"
    phaselab(url, "export", 1, "-o", file)
    lines = [json.loads(line) for line in gzip.decompress(file.read_bytes()).splitlines()]
    lines[1]["measures"]["train_loss"] += 1
    file.write_bytes(gzip.compress(b"\n".join(json.dumps(line).encode() for line in lines)))
    merged = phaselab(url, "import", file)
    assert merged.exit_code == 1
    assert merged.stderr == f"conflict, and what was there stays: run {lines[1]['key']}\n"


def test_a_file_that_cannot_be_used_is_told_plainly(filled_url: str, tmp_path: Path) -> None:
    missing = phaselab(filled_url, "import", tmp_path / "none.phaselab")
    assert (missing.exit_code, "none.phaselab cannot be read" in missing.stderr) == (1, True)
    (tmp_path / "bad.phaselab").write_bytes(b"nonsense")
    assert "damaged" in phaselab(filled_url, "import", tmp_path / "bad.phaselab").stderr
    assert ".phaselab" in phaselab(filled_url, "export", 1, "-o", tmp_path / "x.zip").stderr
