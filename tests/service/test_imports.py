"""What is read in is the reader's own: it lands on nobody else's runs, is served to nobody else, counts as nobody's
use, says where it is from, and can be computed here."""

import gzip
import io
import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from phaselab.db.care.check import check
from phaselab.db.queue.fair_use import decayed_seconds
from phaselab.db.schema.database import Database
from phaselab.db.schema.tables import runs
from phaselab.db.schema.upgrade import upgrade
from phaselab.domain.answers.cell_queries import DiagramQuery
from phaselab.domain.answers.curves import CurveQuery
from phaselab.domain.answers.run_lists import RunList
from phaselab.domain.settings.faults import InvalidInput
from phaselab.domain.settings.runs import RECIPE
from phaselab.domain.specs.draft import make_draft
from phaselab.domain.specs.points import plan
from phaselab.domain.specs.spec import Changes, parse_spec
from phaselab.domain.specs.visibility import Visibility
from phaselab.service.verbs import curves, diagrams, experiments
from phaselab.service.verbs import runs as run_verbs
from phaselab.service.verbs.portable import Merged, import_experiment
from phaselab.service.verbs.run_lists import list_runs
from tests.db.rows import finish, land, store, take, take_all
from tests.results import made_up
from tests.service.test_portable import exported


@pytest.fixture
def file(tmp_path: Path, sqlite_url: str) -> bytes:
    """The file of `store`'s experiment, all of it done, of another lab."""
    home = Database(f"{sqlite_url}.home")
    upgrade(home)
    experiment = store(home)
    finish(home, experiment)
    content = exported(home, experiment)
    home.close()
    return content


def read_in(database: Database, file: bytes, owner: str = "eve", trusted: bool = False) -> Merged:
    return import_experiment(database, io.BytesIO(file), owner, trusted=trusted)


def counts(database: Database, experiment: int) -> tuple[str, int, int, int, int]:
    """Status, and how many runs are done, cached, failed and queued."""
    with database.reading() as session:
        assert check(session) == []
    view = experiments.experiment(database, experiment)
    return view.row.status, view.counts.done, view.counts.cached, view.counts.failed, view.counts.queued


def used(database: Database) -> dict[str, float]:
    with database.reading() as session:
        return dict(decayed_seconds(session, 3600))


def test_it_lands_on_no_run_that_others_wait_for(database: Database, file: bytes) -> None:
    ada = store(database)
    out = take(database, ada, most=4)
    merged = read_in(database, file)
    assert (merged.new, merged.known, merged.trusted) == (18, 0, False)
    assert counts(database, ada) == ("running", 0, 0, 0, 14)
    assert counts(database, merged.experiment_id) == ("finished", 18, 0, 0, 0)
    assert used(database) == {}
    land(database, [made_up(run) for run in out])
    finish(database, ada)
    assert counts(database, ada) == ("finished", 18, 0, 0, 0)
    assert all(view.run.imported_by is None for view in list_runs(database, RunList(ada)).items)


def test_it_is_served_to_nobody_else(database: Database, file: bytes) -> None:
    merged = read_in(database, file)
    ada = store(database)
    assert counts(database, ada) == ("queued", 0, 0, 0, 18)
    assert counts(database, merged.experiment_id) == ("finished", 18, 0, 0, 0)
    assert len(take_all(database, ada)) == 18


def test_what_was_computed_here_is_taken_and_stays(database: Database, file: bytes) -> None:
    finish(database, store(database))
    merged = read_in(database, file)
    assert (merged.new, merged.known, merged.conflicts) == (0, 18, ())
    assert counts(database, merged.experiment_id)[:3] == ("finished", 18, 18)


def test_every_run_says_where_it_is_from(database: Database, file: bytes) -> None:
    merged = read_in(database, file)
    listed = list_runs(database, RunList(merged.experiment_id)).items
    assert {view.run.imported_by for view in listed} == {"eve"}
    origin = run_verbs.run(database, listed[0].run.key).stored.origin
    assert origin is not None
    assert (origin.imported_by, origin.source.startswith("'test' of ada, 20")) == ("eve", True)


def test_reading_it_in_again_changes_nothing_and_two_readers_are_apart(database: Database, file: bytes) -> None:
    first, again, other = read_in(database, file), read_in(database, file), read_in(database, file, "bob")
    assert (again.experiment_id, again.new, again.known) == (first.experiment_id, 0, 18)
    assert (other.new, other.known) == (18, 0)
    assert other.experiment_id != first.experiment_id
    for merged in (first, other):
        assert counts(database, merged.experiment_id) == ("finished", 18, 0, 0, 0)


def test_it_can_be_computed_here(database: Database, file: bytes) -> None:
    merged, ada = read_in(database, file), store(database)
    land(database, [made_up(run, train_loss=1.5) for run in take(database, ada, most=5)])
    assert experiments.retry(database, merged.experiment_id).counts.done == 18, "not unasked"
    view = experiments.retry(database, merged.experiment_id, imported=True)
    assert (view.counts.done, view.counts.queued) == (5, 13)
    finish(database, merged.experiment_id)
    for experiment in (merged.experiment_id, ada):
        assert counts(database, experiment)[:2] == ("finished", 18)
    assert all(view.run.imported_by is None for view in list_runs(database, RunList(merged.experiment_id)).items)
    with database.reading() as session:
        assert session.execute(select(runs.c.id).where(runs.c.recipe != RECIPE)).all() == []


def test_what_is_alone_can_be_computed_here_too(database: Database, file: bytes) -> None:
    merged = read_in(database, file)
    view = experiments.retry(database, merged.experiment_id, imported=True)
    assert (view.row.status, view.counts.done, view.counts.queued) == ("queued", 0, 18)
    assert len(finish(database, merged.experiment_id)) == 18
    assert counts(database, merged.experiment_id) == ("finished", 18, 0, 0, 0)


def test_whom_the_operator_trusts_reads_in_for_everyone(database: Database, file: bytes) -> None:
    ada = store(database)
    merged = read_in(database, file, trusted=True)
    assert (merged.new, merged.trusted) == (18, True)
    assert counts(database, ada) == ("finished", 18, 0, 0, 0)
    assert counts(database, store(database, owner="bob")) == ("finished", 18, 18, 0, 0)
    assert {view.run.imported_by for view in list_runs(database, RunList(ada)).items} == {"eve"}
    assert used(database) == {}


def test_an_imported_network_and_a_computed_one_count_once(database: Database, file: bytes) -> None:
    eve, bob = read_in(database, file), read_in(database, file, "bob")
    ada = store(database)
    finish(database, ada)
    together = (eve.experiment_id, bob.experiment_id, ada)
    for statistic in ("mean", "median"):
        query = DiagramQuery(together, "data.k", "network.init_scale", "train_loss", statistic=statistic)  # type: ignore[arg-type]
        assert {cell.n for row in diagrams.diagram(database, query).cells for cell in row} == {3}
    found = curves.curves(database, CurveQuery(together, by=("data.k", "network.init_scale")))
    assert {group.n for group in found.curves} == {3}


def hostile(spec: dict[str, Any], line: dict[str, Any], rest: str) -> io.BytesIO:
    """A small file that unpacks to a large one."""
    given = {"name": "x", "seeds": 6, "data": {"k": 4, "d": 64, "n": 20}, "attack": {"radii": [0, 1]}} | spec
    head = {"format": 1, "recipe": RECIPE, "name": "x", "owner": "o", "created_at": "now", "spec": given}
    lines = [json.dumps(head)]
    for run in make_draft(plan(parse_spec(given))).runs:
        whole = {"key": run.key, "measures": {}, "curves": [], "flags": [], "seconds": 1.0, "provenance": {}} | line
        lines.append(json.dumps(whole)[:-1] + rest + "}")
    return io.BytesIO(gzip.compress("\n".join(lines).encode()))


@pytest.mark.parametrize(
    ("spec", "line", "rest"),
    [
        ({}, {}, ', "cosines": [[' + "0," * 2_000_000 + "0]]"),
        ({}, {}, ', "cosines": [' + "[]," * 2_000_000 + "[]]"),
        ({}, {}, ', "cosines": ' + " " * 5_000_000 + "[]"),
        ({}, {"provenance": {"a": "x" * 5_000_000}}, ', "cosines": []'),
        ({}, {"measures": {str(i): 1.0 for i in range(300_000)}}, ', "cosines": []'),
        (
            {"network": {"width": 5000}, "data": {"k": 40, "d": 64, "n": 20}},
            {},
            ', "cosines": [[' + "0," * 199_999 + "0]]",
        ),
    ],
)
def test_a_small_file_takes_little_memory_and_no_room(
    sqlite_database: Database, spec: dict[str, Any], line: dict[str, Any], rest: str
) -> None:
    content = hostile(spec, line, rest)
    tracemalloc.start()
    with pytest.raises(InvalidInput):
        import_experiment(sqlite_database, content, "eve")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 50_000_000
    path = Path(str(sqlite_database.url.database))
    assert path.stat().st_size + Path(f"{path}-wal").stat().st_size < 3_000_000


def private_file(database: Database, owner: str = "ada", **spec: Any) -> tuple[int, bytes]:
    """A private experiment, all of it done, and its file."""
    experiment = store(database, owner, visibility="owner", **spec)
    finish(database, experiment)
    return experiment, exported(database, experiment)


@pytest.mark.parametrize("trusted", [False, True])
def test_a_private_experiment_that_is_read_in_is_its_readers_alone(
    sqlite_database: Database, sqlite_url: str, trusted: bool
) -> None:
    home = Database(f"{sqlite_url}.private")
    upgrade(home)
    _, file = private_file(home)
    home.close()
    database = sqlite_database
    ada = store(database)
    out = take(database, ada, most=4)
    merged = read_in(database, file, trusted=trusted)
    assert (merged.new, merged.known, merged.conflicts) == (18, 0, ())
    assert counts(database, ada) == ("running", 0, 0, 0, 14)
    view = experiments.experiment(database, merged.experiment_id)
    assert (view.row.visibility, view.row.owner, view.counts.done) == ("owner", "eve", 18)
    assert {one.run.imported_by for one in list_runs(database, RunList(merged.experiment_id)).items} == {"eve"}
    assert read_in(database, file, trusted=trusted).known == 18
    assert counts(database, store(database, "eve", visibility="owner"))[1] == (18 if trusted else 0)
    land(database, [made_up(run) for run in out])
    if not trusted:
        assert experiments.retry(database, merged.experiment_id, imported=True).counts.done == 4
        finish(database, merged.experiment_id)
    finish(database, ada)
    for experiment in (ada, merged.experiment_id):
        assert counts(database, experiment)[:2] == ("finished", 18)
    experiments.patch(database, merged.experiment_id, Changes(visibility=Visibility.EVERYONE))
    assert counts(database, merged.experiment_id)[:2] == ("finished", 18)


def test_a_private_experiment_is_the_same_where_it_was(database: Database) -> None:
    experiment, file = private_file(database)
    merged = read_in(database, file, "ada", trusted=True)
    assert (merged.new, merged.known, merged.conflicts, merged.created) == (0, 18, (), True)
    lines = [json.loads(line) for line in gzip.decompress(file).splitlines()]
    assert {line["key"] for line in lines[1:]} == {
        run_verbs.run(database, one.run.key).stored.common_key for one in list_runs(database, RunList(experiment)).items
    }
    assert lines[0]["spec"]["visibility"] == "owner"
    experiments.patch(database, experiment, Changes(visibility=Visibility.RESULTS))
    head = gzip.decompress(exported(database, experiment)).splitlines()[0]
    assert json.loads(head)["spec"]["visibility"] == "results"


def test_what_was_read_in_still_says_so_once_it_is_opened(sqlite_database: Database, sqlite_url: str) -> None:
    home = Database(f"{sqlite_url}.private")
    upgrade(home)
    _, file = private_file(home)
    home.close()
    ada = store(sqlite_database)
    merged = read_in(sqlite_database, file, trusted=True)
    experiments.patch(sqlite_database, merged.experiment_id, Changes(visibility=Visibility.RESULTS))
    assert counts(sqlite_database, ada)[:2] == ("finished", 18)
    assert {one.run.imported_by for one in list_runs(sqlite_database, RunList(ada)).items} == {"eve"}
    assert used(sqlite_database) == {}
