import gzip
import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from phaselab.db.care.check import check
from phaselab.db.reading.run_rows import WholeRun
from phaselab.db.schema.database import Database
from phaselab.domain.answers.cell_queries import DiagramQuery
from phaselab.domain.answers.curves import CurveQuery
from phaselab.domain.settings.faults import InvalidInput
from phaselab.service.base.errors import NotFound
from phaselab.service.verbs import curves as curve_verbs
from phaselab.service.verbs import diagrams, experiments
from phaselab.service.verbs import runs as run_verbs
from phaselab.service.verbs.portable import export_experiment, import_experiment
from tests.db.rows import finish, land, store, take
from tests.results import made_up


def exported(database: Database, experiment: int) -> bytes:
    return b"".join(export_experiment(database, experiment))


def changed(file: bytes, change: Callable[[list[Any]], None]) -> io.BytesIO:
    lines = [json.loads(line) for line in gzip.decompress(file).splitlines()]
    change(lines)
    return io.BytesIO(gzip.compress(b"\n".join(json.dumps(line).encode() for line in lines)))


def curves_of(run: WholeRun) -> list[tuple[str, list[list[float]]]]:
    assert run.arrays is not None
    return [(curve.method, [bound.tolist() for bound in curve.bounds]) for curve in run.arrays.curves]


@pytest.fixture
def home(sqlite_url: str, postgresql_url: str, database_url: str) -> Any:
    """Another lab's database, of the other kind."""
    opened = Database(sqlite_url if database_url == postgresql_url else postgresql_url)
    yield opened
    opened.close()


def test_an_experiment_moves_between_labs_whole(database: Database, home: Database) -> None:
    experiment = store(home)
    runs = finish(home, experiment)
    merged = import_experiment(database, io.BytesIO(exported(home, experiment)), "bob", trusted=True)
    assert (merged.created, merged.new, merged.known, merged.conflicts) == (True, 18, 0, ())
    assert experiments.experiment(database, merged.experiment_id).row.status == "finished"
    for there in runs[:3]:
        one, other = run_verbs.run(database, there.key).stored, run_verbs.run(home, there.key).stored
        assert one.row.measures == other.row.measures
        assert one.provenance == other.provenance
        assert one.row.flags == other.row.flags
        assert curves_of(one) == curves_of(other)
        assert {name for name, bounds in curves_of(one) if len(bounds) == 2} == {"exact"}
    query = DiagramQuery((experiment,), "data.k", "network.init_scale", "train_loss")
    here = DiagramQuery((merged.experiment_id,), "data.k", "network.init_scale", "train_loss")
    assert diagrams.diagram(home, query).cells == diagrams.diagram(database, here).cells


def test_an_experiment_without_any_method_lands_is_read_and_moves(database: Database, home: Database) -> None:
    experiment = store(home, attack={"methods": [], "radii": [0, 10]}, seeds=1)
    runs = finish(home, experiment)
    merged = import_experiment(database, io.BytesIO(exported(home, experiment)), "bob", trusted=True)
    assert (merged.new, merged.conflicts) == (len(runs), ())
    assert not curves_of(run_verbs.run(database, runs[0].key).stored)
    asked = CurveQuery((merged.experiment_id,), ("data.k", "network.init_scale"))
    assert curve_verbs.curves(database, asked).curves == ()


def test_an_experiment_on_images_moves_too_though_its_spec_is_stored_with_every_default(
    sqlite_database: Database, postgresql_url: str
) -> None:
    home = Database(postgresql_url)
    attack = {"radii": [0.0], "test_points": 10}
    spec = {"data": {"source": "digits"}, "network": {"kind": "resnet18"}, "attack": attack, "sweep": {}}
    experiment = store(home, **spec)
    merged = import_experiment(sqlite_database, io.BytesIO(exported(home, experiment)), "bob")
    assert (merged.created, merged.conflicts) == (True, ())
    home.close()


def test_merging_twice_changes_nothing_and_later_results_are_added(
    sqlite_database: Database, postgresql_url: str
) -> None:
    home = Database(postgresql_url)
    experiment = store(home)
    land(home, [made_up(run) for run in take(home, experiment, most=5)])
    early = exported(home, experiment)
    finish(home, experiment)
    first = import_experiment(sqlite_database, io.BytesIO(early), "bob")
    view = experiments.experiment(sqlite_database, first.experiment_id)
    assert (first.new, view.row.status, view.counts.queued) == (5, "paused", 13)
    again = import_experiment(sqlite_database, io.BytesIO(early), "bob")
    assert (again.experiment_id, again.created, again.new, again.known) == (first.experiment_id, False, 0, 5)
    assert experiments.experiment(sqlite_database, first.experiment_id).row.revision == view.row.revision
    late = import_experiment(sqlite_database, io.BytesIO(exported(home, experiment)), "bob")
    assert (late.experiment_id, late.new, late.known) == (first.experiment_id, 13, 5)
    assert experiments.experiment(sqlite_database, first.experiment_id).row.status == "finished"
    with sqlite_database.reading() as session:
        assert check(session) == []
    home.close()


def test_conflicts_are_told_and_what_is_here_stays(sqlite_database: Database) -> None:
    experiment = store(sqlite_database)
    finish(sqlite_database, experiment)
    file = exported(sqlite_database, experiment)
    key = json.loads(gzip.decompress(file).splitlines()[3])["key"]

    def tamper(lines: list[Any]) -> None:
        lines[3]["measures"]["train_loss"] += 1
        lines[4]["measures"]["train_loss"] *= 1 + 1e-7

    before = run_verbs.run(sqlite_database, key).stored.row.measures
    merged = import_experiment(sqlite_database, changed(file, tamper), "bob")
    assert (merged.new, merged.known, merged.conflicts) == (0, 18, (key,))
    assert run_verbs.run(sqlite_database, key).stored.row.measures == before


def test_files_of_older_and_newer_versions_merge(database: Database, home: Database) -> None:
    experiment = store(home)
    finish(home, experiment)
    file = exported(home, experiment)
    keys = [json.loads(line).get("key") for line in gzip.decompress(file).splitlines()]

    def of_other_versions(lines: list[Any]) -> None:
        del lines[1]["measures"]["train_loss"]
        lines[2]["measures"]["of_tomorrow"] = 1.0
        for curve in lines[1]["curves"]:
            curve.pop("accuracy_upper", None)

    merged = import_experiment(database, changed(file, of_other_versions), "bob", trusted=True)
    assert (merged.new, merged.conflicts) == (18, ())
    older, newer = (run_verbs.run(database, key).stored for key in keys[1:3])
    assert older.row.measures["train_loss"] is None
    assert [len(bounds) for _, bounds in curves_of(older)] == [1] * 6, "what is not known is not made up"
    assert "train_loss" not in older.measured
    assert newer.measured == run_verbs.run(home, keys[2]).stored.measured
    assert exported(database, merged.experiment_id) != file, "what it was not given it does not tell"
    whole = import_experiment(database, io.BytesIO(file), "bob", trusted=True)
    assert (whole.new, whole.known, whole.conflicts) == (0, 18, ())
    filled, there = (run_verbs.run(one, keys[1]).stored.row.measures for one in (database, home))
    assert filled == there
    with database.reading() as session:
        assert check(session) == []


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda lines: lines[0].update(recipe=99), "/recipe"),
        (lambda lines: lines[0].update(format=2), "/format"),
        (lambda lines: lines[0]["spec"].update(unknown=1), "/unknown"),
        (lambda lines: lines[1].update(key="0" * 64), "/key"),
        (lambda lines: lines[1]["curves"][0]["accuracy"].pop(), "/curves/0"),
        (lambda lines: lines[1]["cosines"][0].pop(), "/cosines"),
        (lambda lines: lines[1].update(flags=["odd"]), "/flags"),
        (lambda lines: lines[1]["measures"].update(train_loss="low"), "/measures/train_loss"),
        (lambda lines: lines[1]["measures"].update(train_accuracy=7.0), "/measures/train_accuracy"),
        (lambda lines: lines[1]["curves"][0].update(accuracy=[0.1, 0.2, 0.3]), "/curves/0"),
        (lambda lines: lines[1].update(seconds=1e308), "/seconds"),
        (lambda lines: lines[1].update(provenance={"a": "x" * 5_000_000}), "/line/2"),
        (lambda lines: lines[1].update(provenance={str(i): "x" for i in range(100)}), "/provenance"),
        (lambda lines: lines[1].update(cosines=[[0] * 500_000]), "/line/2"),
        (lambda lines: lines[0].update(name="x" * 9_000_000), "/line/1"),
    ],
)
def test_a_damaged_file_is_refused(sqlite_database: Database, change: Any, place: str) -> None:
    experiment = store(sqlite_database)
    finish(sqlite_database, experiment)
    with pytest.raises(InvalidInput) as caught:
        import_experiment(sqlite_database, changed(exported(sqlite_database, experiment), change), "bob", trusted=True)
    assert caught.value.faults[0].pointer == place


def test_what_is_no_such_file_is_refused(sqlite_database: Database) -> None:
    experiment = store(sqlite_database)
    finish(sqlite_database, experiment)
    for content in (b"", b"nonsense", gzip.compress(b"{"), exported(sqlite_database, experiment)[:-40]):
        with pytest.raises(InvalidInput):
            import_experiment(sqlite_database, io.BytesIO(content), "bob", trusted=True)
    with pytest.raises(NotFound):
        exported(sqlite_database, 9)


def test_profiles_move_with_their_runs_and_false_ones_are_refused(database: Database, home: Database) -> None:
    experiment = store(home, network={"kind": "mlp", "depth": 3}, sweep={}, seeds=2)
    runs = finish(home, experiment)
    file = exported(home, experiment)
    import_experiment(database, io.BytesIO(file), "bob", trusted=True)
    for run in runs:
        found = run_verbs.run(database, run.key).stored.arrays
        assert found is not None
        profiles = {name: one.tolist() for name, one in found.profiles.items()}
        assert profiles == {name: one.tolist() for name, one in made_up(run).profiles.items()}

    def falsify(lines: list[Any]) -> None:
        lines[1]["profiles"]["probe_class"][0] = 3.0

    with pytest.raises(InvalidInput, match="probe_class has a number that is out of its range"):
        import_experiment(database, changed(file, falsify), "eve")
