"""A run computed again where it is asked for: its numbers beside those that are stored, and its weights."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from phaselab.client import Client, Conflict, Invalid, PartMissing
from phaselab.client.cli import cli
from phaselab.client.rerun import rerun
from phaselab.db.queue.leases import take_stack
from phaselab.db.schema.database import Database
from phaselab.db.writing.landing import land
from phaselab.domain.results.results import RunFailure
from phaselab.workers.trial.run_stack import run_stack

SPEC = {
    "name": "small",
    "data": {"d": 40, "n": 24, "k": 4},
    "training": {"steps": 20, "learning_rate": 0.1},
    "attack": {"radii": [0, 2], "test_points": 8, "steps": 5},
    "sweep": {"network.kind": ["two_layer", "mlp"]},
    "seeds": 2,
}


@pytest.fixture(params=[1, 5], ids=["alone", "stacked"])
def computed(request: pytest.FixtureRequest, own_server: tuple[str, Database]) -> Iterator[Client]:
    """A server with experiment 3, whose runs have been computed as workers do, so many in a stack."""
    url, database = own_server
    with Client(url) as client:
        client.submit(SPEC)
        while True:
            with database.transaction() as session:
                leased = take_stack(session, 3, lambda _: request.param, "test", 60.0)
            if leased is None:
                break
            outcomes = run_stack(leased.stack)
            with database.transaction() as session:
                land(session, outcomes)
        yield client


def phaselab(client: Client, *arguments: object) -> Result:
    return CliRunner().invoke(cli, ["--url", client.url, *map(str, arguments)])


def test_a_run_computed_again_is_the_one_that_is_stored(
    computed: Client, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    alone = "alone" in request.node.name
    runs = {run["values"]["network.kind"]: run for run in computed.runs(3)}
    for kind, run in runs.items():
        assert run["state"] == "done", run["reason"]
        found = computed.rerun(run["key"][:10])
        assert (found.key, found.close) == (run["key"], True), (kind, found.differing)
        assert found.same or not alone, (kind, found.differing)
        again = computed.rerun(run["key"])
        assert again.measures == found.measures
        assert all(np.array_equal(again.weights[name], tensor) for name, tensor in found.weights.items())
        for name, value in found.measures.items():
            stored = run["measures"][name]
            assert value == stored or value == pytest.approx(stored, rel=1e-4, abs=1e-6), name
        weights = found.weights["weights"]
        centres = weights[:, :4].T / np.linalg.norm(weights, axis=1)  # orthogonal centres are the first coordinates
        np.testing.assert_allclose(centres, found.cosines, atol=1e-5)
        assert found.weights["bias"].shape == weights.shape[:1]
        assert ("output" in found.weights) == (kind == "mlp")
        file = found.save(tmp_path / f"{kind}.npz")
        with np.load(file) as stored:
            assert set(stored) == {*found.weights, "cosines", "measures"}
            np.testing.assert_array_equal(stored["weights"], weights)
        with pytest.raises(Invalid, match="is there already"):
            found.save(file)
        found.save(file, overwrite=True)


@pytest.mark.parametrize("computed", [5], indirect=True)
def test_the_command_saves_weights_and_overwrites_nothing(computed: Client, tmp_path: Path) -> None:
    key, file = next(iter(computed.runs(3)))["key"], tmp_path / "w.npz"
    done = phaselab(computed, "rerun", key[:12], "--weights", file)
    assert done.exit_code == 0, done.output
    assert f"run {key} computed again" in done.stdout
    assert "  bit for bit what is stored" in done.stdout or "  what is stored, up to rounding" in done.stdout
    held = file.read_bytes()
    refused = phaselab(computed, "rerun", key, "--weights", file)
    assert (refused.exit_code, file.read_bytes()) == (2, held)
    assert "--overwrite" in refused.stderr
    assert phaselab(computed, "rerun", key, "--weights", file, "--overwrite").exit_code == 0
    wrong = phaselab(computed, "rerun", key, "--weights", tmp_path / "w.txt")
    assert (wrong.exit_code, ".npz" in wrong.stderr) == (1, True)


@pytest.mark.parametrize("computed", [1], indirect=True)
def test_what_differs_is_told(computed: Client) -> None:
    stored = dict(computed.run(next(iter(computed.runs(3)))["key"]))
    curve = {**stored["curves"][0], "accuracy": [1.0, 0.99]}
    changed = stored | {
        "measures": stored["measures"] | {"train_loss": stored["measures"]["train_loss"] + 0.5, "test_accuracy": None},
        "curves": [curve, *stored["curves"][1:]],
    }
    found = rerun(changed)
    name = f"curve {curve['readout']} {curve['method']}"
    assert not found.close
    assert set(found.differing) == {"train_loss", "test_accuracy", name}
    assert found.differing["train_loss"] == pytest.approx(0.5)
    for wrong, words in (
        ({"common_key": "0" * 64}, "another recipe"),
        ({"settings": {"network": {"colour": 1}}}, "colour"),
    ):
        with pytest.raises(Conflict, match=words):
            rerun(stored | wrong)


@pytest.mark.parametrize("computed", [1], indirect=True)
def test_what_gives_no_result_and_what_is_missing_is_told(computed: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = computed.run(next(iter(computed.runs(3)))["key"])
    monkeypatch.setattr(
        "phaselab.workers.trial.rerun.run_one", lambda run, device: (RunFailure(run.key, "training diverged"), None)
    )
    with pytest.raises(Invalid, match="training diverged"):
        rerun(stored)
    monkeypatch.setattr("phaselab.client.parts._lacks", lambda part: part == "worker")
    with pytest.raises(PartMissing, match=r"phaselab\[worker\]"):
        computed.rerun(stored["key"])
    refused = phaselab(computed, "rerun", stored["key"])
    assert (refused.exit_code, "needs the worker part" in refused.stderr) == (1, True)


def test_a_private_run_has_the_numbers_of_the_one_of_everyone(own_server: tuple[str, Database]) -> None:
    url, database = own_server
    with Client(url) as client:
        found = {}
        for visibility in ("owner", "everyone"):
            number = client.submit(SPEC | {"visibility": visibility}).id
            for _ in range(2):  # a family each
                with database.transaction() as session:
                    leased = take_stack(session, number, lambda _: 2, "test", 60.0)
                assert leased is not None
                with database.transaction() as session:
                    land(session, run_stack(leased.stack))
            found[visibility] = [client.run(run["key"]) for run in client.runs(number)]
        for private, public in zip(found["owner"], found["everyone"], strict=True):
            assert (private["key"] != public["key"], private["common_key"]) == (True, public["key"])
            for told in ("seed", "settings", "measures", "curves", "cosines", "trust"):
                assert private[told] == public[told], told
        assert client.rerun(found["owner"][0]["key"]).close
