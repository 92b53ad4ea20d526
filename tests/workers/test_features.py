"""Heads on features: one extractor for all of them, found again by its run key, and the same whoever made it."""

import fcntl
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from phaselab.domain.families.extractor import extractor
from phaselab.domain.families.resolve import resolve
from phaselab.domain.results.plausible import implausible
from phaselab.domain.results.results import RunFailure, RunResult
from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.settings import Settings
from phaselab.domain.settings.stacks import Stack
from phaselab.workers.base.checkpoint import Checkpoint
from phaselab.workers.base.recent import RECENT
from phaselab.workers.data import features
from phaselab.workers.data.feature_data import test_features as features_of_test
from phaselab.workers.data.feature_data import training_set
from phaselab.workers.families import extraction, resnet18
from phaselab.workers.families.registry import bytes_needed, family_of
from phaselab.workers.families.resnet18 import train_resnet
from phaselab.workers.families.two_layer import train_networks
from phaselab.workers.networks.groups import mean_loss
from phaselab.workers.networks.two_layer import network_of, outputs
from phaselab.workers.trial.run_stack import Stopped, run_stack

SMALL: dict[str, dict[str, Any]] = {
    "data": {"source": "digits", "n": 64, "seed": 0},
    "features": {"kind": "resnet18", "width": 2, "steps": 12, "batch_size": 32},
    "network": {"init_scale": 1e-3},
    "training": {"learning_rate": 0.1, "steps": 50},
    "attack": {"test_points": 40, "radii": [0.0, 0.1, 0.3]},
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own for checkpoints and features, and nothing remembered."""
    monkeypatch.setenv("PHASELAB_CHECKPOINT_DIR", str(tmp_path))
    RECENT.clear()
    return tmp_path


@pytest.fixture
def trainings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The run keys of the extractors that were trained, in order."""
    keys: list[str] = []

    def counted(run: Run, *rest: Any) -> Any:
        keys.append(run.key)
        return train_resnet(run, *rest)

    monkeypatch.setattr(resnet18, "train_resnet", counted)
    return keys


def head(seed: int = 0, **groups: dict[str, Any]) -> Run:
    merged = {name: values | groups.get(name, {}) for name, values in SMALL.items()}
    return Run.of(resolve(Settings.model_validate(merged)), seed)


def extractor_of(run: Run) -> Run:
    found = extractor(run)
    assert found is not None
    return found


def results(*runs: Run) -> list[RunResult]:
    outcomes = run_stack(Stack(runs))
    assert all(isinstance(outcome, RunResult) for outcome in outcomes), outcomes
    return [outcome for outcome in outcomes if isinstance(outcome, RunResult)]


def same(one: RunResult, other: RunResult) -> bool:
    curves = zip(one.curves, other.curves, strict=True)
    return one.measures == other.measures and all(np.array_equal(a.accuracy, b.accuracy) for a, b in curves)


def test_an_extractor_is_trained_once_for_all_heads_and_found_again(trainings: list[str]) -> None:
    binary, other_seed, clusters = head(), head(1), head(network={"labels": "clusters"})
    first, _ = results(binary, other_seed)
    RECENT.clear()
    results(clusters)
    assert trainings == [extractor_of(binary).key]
    assert first.provenance["features"] == extractor_of(binary).key
    assert "of all test images" in first.provenance["extractor"]


def test_a_head_gives_the_same_whether_its_features_were_there_or_not(folder: Path, trainings: list[str]) -> None:
    (made,) = results(head())
    assert implausible(head().settings, made) == []
    RECENT.clear()
    (found,) = results(head())
    for file in folder.iterdir():
        file.unlink()
    RECENT.clear()
    (again,) = results(head())
    assert len(trainings) == 2
    assert same(made, found)
    assert same(made, again)


def test_heads_on_other_images_have_other_extractors(trainings: list[str]) -> None:
    one, other = head(data={"seed": None}), head(1, data={"seed": None})
    together = results(one, other)
    assert len(set(trainings)) == 2
    RECENT.clear()
    (alone,) = results(other)
    assert len(trainings) == 2
    assert alone.measures["test_accuracy"] == together[1].measures["test_accuracy"]


def test_features_are_what_the_last_layer_of_the_extractor_sees() -> None:
    run = head()
    results(run)
    trained = train_resnet(extractor_of(run), "cpu", None)
    with torch.no_grad():
        expected = trained.network.features(trained.images)
    data = training_set(run)
    torch.testing.assert_close(data.inputs, expected)
    assert torch.equal(data.cluster, trained.cluster)
    cluster, inputs = features_of_test(run)
    assert inputs.shape == (40, 16)
    kept = features.load(extractor_of(run).key, "original")
    assert kept is not None
    assert kept.test.shape == (500, 16)
    assert len(cluster) == 40


@pytest.mark.parametrize("labels", ["binary", "clusters"])
def test_a_head_is_the_plain_two_layer_network_on_the_same_features(labels: str) -> None:
    run = head(network={"labels": labels, "init_scale": 0.1})
    results(run)
    data, network = training_set(run), network_of(run.settings)
    initial = train_networks([head(network={"labels": labels, "init_scale": 0.1}, training={"steps": 0})], "cpu", None)
    weights = initial[1].weights[0].clone().requires_grad_()  # [M, d]
    bias = initial[1].bias[0].clone().requires_grad_(network.biased)  # [M]
    label = (data.cluster >= 5).long() if labels == "binary" else data.cluster
    for _ in range(50):
        preactivations = weights @ data.inputs.T + bias.unsqueeze(1)  # [M, n]
        loss = mean_loss(outputs(preactivations, network.layout), label, network.loss)
        gradients = torch.autograd.grad(loss, [weights, bias] if network.biased else [weights])
        with torch.no_grad():
            for parameter, gradient in zip((weights, bias), gradients, strict=False):
                parameter -= 0.1 * gradient
    trained = train_networks([run], "cpu", None)[1]
    torch.testing.assert_close(trained.weights[0], weights.detach(), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(trained.bias[0], bias.detach(), rtol=1e-4, atol=1e-5)


def test_a_head_is_attacked_on_its_features_without_a_box() -> None:
    (outcome,) = results(head())
    curves = {(curve.method, curve.readout): curve.accuracy for curve in outcome.curves}
    assert outcome.trust.verdict == "ok"
    assert "box" not in outcome.provenance
    for readout in ("sum", "max"):
        assert np.abs(curves["pgd", readout] - curves["exact", readout]).max() <= 1 / 40
    assert outcome.cosines.shape == (10, 30)
    assert outcome.measures["robust_radius_max"] is not None


def test_an_extractor_that_is_broken_off_goes_on_from_its_checkpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resnet18, "Checkpoint", lambda key: Checkpoint(key, every_seconds=0.0))
    asked = iter([False] * 8 + [True] * 100)
    with pytest.raises(Stopped):
        run_stack(Stack((head(),)), stop=lambda: next(asked))
    saved = Checkpoint(extractor_of(head()).key).load(torch.device("cpu"))
    assert saved is not None
    assert 0 < saved["step"] < 12
    (broken,) = results(head())
    assert Checkpoint(extractor_of(head()).key).load(torch.device("cpu")) is None
    monkeypatch.setenv("PHASELAB_CHECKPOINT_DIR", f"{features.folder()}/other")
    RECENT.clear()
    assert same(broken, results(head())[0])


def test_a_worker_waits_while_another_makes_the_features(folder: Path, trainings: list[str]) -> None:
    run = extractor_of(head())
    made = features.Features(torch.ones(64, 16), torch.ones(500, 16), {"images": "original", "extractor": "another"})
    with features.path_of(run.key).with_suffix(".lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)

        def leave() -> None:
            time.sleep(0.3)
            features.save(run.key, made)
            fcntl.flock(other, fcntl.LOCK_UN)

        thread = threading.Thread(target=leave)
        thread.start()
        found = extraction.made_once(run, "cpu", None)
        thread.join()
    assert found.about["extractor"] == "another"
    assert trainings == []


def test_a_worker_that_waits_can_be_stopped() -> None:
    run = extractor_of(head())
    asked = iter([False, True])
    with features.path_of(run.key).with_suffix(".lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(Stopped):
            extraction.made_once(run, "cpu", lambda: next(asked))


def test_features_that_are_damaged_or_of_other_files_are_made_anew(
    trainings: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    run = extractor_of(head())
    extraction.made_once(run, "cpu", None)
    place = features.path_of(run.key)
    assert features.load(run.key, "other files") is None
    whole = place.read_bytes()
    place.write_bytes(whole[: len(whole) // 2])
    extraction.made_once(run, "cpu", None)
    assert "trained anew" in caplog.text
    assert place.read_bytes() == whole
    assert len(trainings) == 2


def test_an_extractor_that_diverges_fails_its_heads() -> None:
    bad = {"features": {"learning_rate": 1e6}}
    for outcome in run_stack(Stack((head(**bad), head(1, **bad)))):
        assert isinstance(outcome, RunFailure)
        assert extractor_of(head(**bad)).key in outcome.reason
        assert "features.learning_rate" in outcome.reason


def test_heads_on_another_extractor_are_not_harmed() -> None:
    bad, good = head(data={"seed": None}), head(1, data={"seed": None})
    about = {"images": "original", "extractor": "diverged"}
    features.save(extractor_of(bad).key, features.Features(torch.full((64, 16), torch.nan), torch.ones(500, 16), about))
    failed, done = run_stack(Stack((bad, good)))
    assert isinstance(failed, RunFailure)
    assert isinstance(done, RunResult)


def test_a_head_takes_the_memory_of_its_extractor() -> None:
    narrow, wide = head().settings, head(features={"width": 64}).settings
    assert family_of(narrow).bytes_per_run(narrow) < bytes_needed(narrow) < bytes_needed(wide)
    assert bytes_needed(wide) == bytes_needed(extractor_of(head(features={"width": 64})).settings)
