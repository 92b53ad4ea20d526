"""A refined experiment for tests: a lattice of 9 x 9 points, lazy above a line from corner to corner."""

from typing import Any

from phaselab.db.care.check import check
from phaselab.db.schema.database import Database
from phaselab.domain.results.results import RunResult
from phaselab.domain.settings.runs import Run
from tests.db.rows import land, store, take
from tests.results import made_up

SCALES = [10.0**-i for i in range(9, 0, -1)]
LATTICE = {"data.snr": [1, 2, 3, 4, 5, 6, 7, 8, 9], "network.init_scale": SCALES}
REFINE = {"x": "data.snr", "y": "network.init_scale", "budget": 1, "audit": 0.05}
LAZY = {"start_share": 0.9, "noise_share": 0.0, "averaging_index": 0.4}
AVERAGING = {"start_share": 0.1, "noise_share": 0.0, "averaging_index": 0.9}
NO_ATTACK = {"radii": [0], "methods": []}
TOTAL = 9 * 9 * 3


def says(run: Run) -> RunResult:
    """The result of a run: lazy above a line from corner to corner."""
    height = SCALES.index(run.settings.network.init_scale)
    lazy = height > 8 - run.settings.data.snr * 0.7
    return made_up(run, train_accuracy=1.0, test_accuracy=1.0, **(LAZY if lazy else AVERAGING))


def refined(database: Database, **spec: Any) -> int:
    return store(database, **({"sweep": LATTICE, "refine": REFINE, "attack": NO_ATTACK} | spec))


def go_on(database: Database, experiment: int, most: int = 19, rounds: int = 1000) -> list[Run]:
    """Hand out and land stack by stack until nothing waits, or for so many rounds; the database is sound all along."""
    computed: list[Run] = []
    for _ in range(rounds):
        taken = take(database, experiment, most)
        if not taken:
            break
        land(database, [says(run) for run in taken])
        computed += taken
    sound(database)
    assert len({run.key for run in computed}) == len(computed)
    return computed


def sound(database: Database) -> None:
    with database.reading() as session:
        assert check(session) == []
