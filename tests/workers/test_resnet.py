"""ResNet-18: its shape and gradients, its training, and runs of it from settings to results."""

from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from phaselab.domain.families.resolve import resolve
from phaselab.domain.results.plausible import implausible
from phaselab.domain.results.results import RunResult
from phaselab.domain.settings.faults import InvalidInput
from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.settings import Settings, Training
from phaselab.domain.settings.stacks import Stack
from phaselab.workers.attacks.pgd import Breaking
from phaselab.workers.base.checkpoint import Checkpoint, forget
from phaselab.workers.data.image_data import Box, training_images
from phaselab.workers.data.training_set import centred_means
from phaselab.workers.families.resnet18 import FAMILY, ResNetRun, train_resnet
from phaselab.workers.measures.every import LAYERED
from phaselab.workers.networks.resnet import ResNet18, draw_resnet
from phaselab.workers.training.resnet import Augmentation, rate, train
from phaselab.workers.trial.run_stack import Stopped, run_stack
from tests.workers import plain

SMALL: dict[str, dict[str, Any]] = {
    "data": {"source": "digits", "n": 100, "normalization": "standard"},
    "network": {"kind": "resnet18", "width": 4},
    "training": {"optimizer": "nesterov", "learning_rate": 0.1, "steps": 40, "batch_size": 50},
    "attack": {"test_points": 30, "radii": [0.0, 0.5, 1.0], "steps": 5},
}


def resnet_run(seed: int = 0, **groups: dict[str, Any]) -> Run:
    merged = {name: SMALL.get(name, {}) | groups.get(name, {}) for name in SMALL | groups}
    return Run.of(resolve(Settings.model_validate(merged)), seed)


def result(run: Run) -> RunResult:
    (outcome,) = run_stack(Stack((run,)))
    assert isinstance(outcome, RunResult), outcome
    return outcome


def test_the_published_network_has_the_published_number_of_parameters_and_shapes() -> None:
    network = draw_resnet(0, 3, 64, 10)
    assert sum(parameter.numel() for parameter in network.parameters()) == 11_173_962
    shapes: list[tuple[int, ...]] = []
    for block in network.blocks:
        block.register_forward_hook(lambda module, inputs, output: shapes.append(tuple(output.shape[1:])))
    with torch.no_grad():
        assert network(torch.zeros(2, 3, 32, 32)).shape == (2, 10)
    sizes = [(64, 32, 32)] * 2 + [(128, 16, 16)] * 2 + [(256, 8, 8)] * 2 + [(512, 4, 4)] * 2
    assert shapes == sizes
    assert sum(isinstance(module, torch.nn.Conv2d) for module in network.modules()) == 17 + 3


def test_gradients_are_those_of_finite_differences() -> None:
    network = draw_resnet(1, 1, 2, 3).double().eval()
    images = torch.rand(2, 1, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert torch.autograd.gradcheck(network, images.requires_grad_())  # type: ignore[no-untyped-call]


def test_weights_are_seeded_and_of_he_variance() -> None:
    one, same, other = (draw_resnet(seed, 3, 16, 10) for seed in (0, 0, 1))
    for a, b, c in zip(one.parameters(), same.parameters(), other.parameters(), strict=True):
        assert torch.equal(a, b)
        assert a.dim() == 1 or not torch.equal(a, c)
    last = [module for module in one.modules() if isinstance(module, torch.nn.Conv2d)][-1]
    assert float(last.weight.detach().std()) == pytest.approx((2 / last.weight[0].numel()) ** 0.5, rel=0.02)


def test_a_small_training_set_is_learned_by_heart() -> None:
    outcome = result(
        resnet_run(
            network={"kind": "resnet18", "width": 8, "labels": "clusters"},
            training=SMALL["training"] | {"schedule": "triangle", "steps": 60},
        )
    )
    assert outcome.measures["train_accuracy"] == 1.0
    assert outcome.measures["train_loss"] < 0.1


def test_a_run_gives_curves_measures_cosines_and_no_exact_radii() -> None:
    outcome = result(resnet_run())
    names = {(curve.method, curve.readout) for curve in outcome.curves}
    assert names == {(method, readout) for method in ("pgd", "pgd_native") for readout in ("sum", "max")}
    for curve in outcome.curves:
        assert (np.diff(curve.accuracy) <= 0).all()
        assert curve.accuracy[0] == outcome.measures["test_accuracy"]
    assert outcome.cosines.shape == (10, 2)
    assert implausible(resnet_run().settings, outcome) == []
    assert np.allclose(outcome.cosines[:, 0], -outcome.cosines[:, 1], atol=1e-6)  # two outputs differ in one direction
    assert "robust_radius_max" not in outcome.measures
    assert 0 <= outcome.measures["feature_fraction"] <= 1
    assert outcome.provenance["images"] == "original"


def test_the_same_run_gives_the_same_numbers_and_another_seed_others() -> None:
    augmented = {"augmentation": "flip_crop", "schedule": "triangle", "label_smoothing": 0.1}
    training = SMALL["training"] | augmented | {"steps": 8}
    one, same = (result(resnet_run(training=training)) for _ in range(2))
    other = result(resnet_run(1, training=training))
    assert one.measures == same.measures
    assert all(np.array_equal(a.accuracy, b.accuracy) for a, b in zip(one.curves, same.curves, strict=True))
    assert one.measures["train_loss"] != other.measures["train_loss"]


def test_adversarial_training_keeps_more_accuracy_at_its_radius() -> None:
    settings = {"attack": SMALL["attack"] | {"test_points": 100, "radii": [1.0]}}
    # In float32 the rounding of another number of threads is magnified until either may win.
    training = SMALL["training"] | {"steps": 80, "precision": "float64"}
    plain = result(resnet_run(training=training, **settings))
    hardened = result(resnet_run(training=training | {"adversarial_radius": 1.0}, **settings))
    assert hardened.curves[0].accuracy[0] > plain.curves[0].accuracy[0] + 0.1


def test_mixed_precision_trains() -> None:
    training = SMALL["training"] | {"precision": "mixed", "steps": 30}
    assert result(resnet_run(training=training)).measures["train_accuracy"] > 0.7


def test_a_run_that_diverges_is_a_failure_that_says_so() -> None:
    (outcome,) = run_stack(Stack((resnet_run(training=SMALL["training"] | {"learning_rate": 1e6, "steps": 5}),)))
    assert not isinstance(outcome, RunResult)
    assert "diverged" in outcome.reason


def test_a_missing_data_set_is_a_failure_that_names_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.setenv("PHASELAB_DATA_DIR", str(tmp_path_factory.mktemp("empty")))
    (outcome,) = run_stack(Stack((resnet_run(data={"source": "cifar10"}),)))
    assert not isinstance(outcome, RunResult)
    assert "data_batch_1.bin" in outcome.reason
    assert "phaselab data fetch cifar10" in outcome.reason


def test_a_run_stops_between_two_steps() -> None:
    asked = iter([False] * 5 + [True] * 100)
    with pytest.raises(Stopped):
        run_stack(Stack((resnet_run(),)), stop=lambda: next(asked))


class EveryStep(Checkpoint):
    """A checkpoint that is always due."""

    @property
    def due(self) -> bool:
        return True


@pytest.mark.parametrize("broken_at", [1, 7, 11])
def test_a_training_that_is_broken_off_goes_on_to_the_same_network(
    broken_at: int, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path_factory.mktemp("checkpoints")
    monkeypatch.setenv("PHASELAB_CHECKPOINT_DIR", str(folder))
    kinds = {"augmentation": "flip_crop", "schedule": "cosine", "steps": 12}
    run = resnet_run(training=SMALL["training"] | kinds)
    images = training_images(run)[1].view(-1, 1, 8, 8)
    label, limits = torch.arange(len(images)) % 2, Box(torch.zeros(64), torch.ones(64))
    whole, broken = draw_resnet(0, 1, 2, 2), draw_resnet(5, 1, 2, 2)
    train(whole, run, images, label, limits)
    asked = iter([False] * broken_at + [True])
    with pytest.raises(Stopped):
        train(draw_resnet(0, 1, 2, 2), run, images, label, limits, lambda: next(asked), EveryStep(run.key))
    train(broken, run, images, label, limits, None, EveryStep(run.key))
    for one, other in zip(whole.state_dict().values(), broken.state_dict().values(), strict=True):
        assert torch.equal(one, other)
    assert [path.name for path in folder.iterdir()] == [f"{run.key}.pt"]
    forget(run.key, 0)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("kinds", [{"augmentation": "flip_crop", "optimizer": "adam"}, {"adversarial_radius": 0.5}])
def test_a_training_goes_on_from_a_shorter_one_to_the_same_network(kinds: dict[str, Any]) -> None:
    """From its end, or from a checkpoint of its own that is further."""
    short, long = (resnet_run(training=SMALL["training"] | kinds | {"steps": steps}) for steps in (3, 8))
    before = train_resnet(short, "cpu", None)
    kept = [value.clone() for value in before.network.state_dict().values()]
    gone_on, alone = train_resnet(long, "cpu", None, before), train_resnet(long, "cpu", None)
    for one, other in zip(gone_on.network.state_dict().values(), alone.network.state_dict().values(), strict=True):
        assert torch.equal(one, other)
    for value, now in zip(kept, before.network.state_dict().values(), strict=True):
        assert torch.equal(value, now)
    assert (gone_on.ended["step"], before.ended["step"]) == (8, 3)


def test_a_schedule_that_depends_on_the_steps_is_trained_for_each() -> None:
    runs = [resnet_run(training=SMALL["training"] | {"schedule": "cosine", "steps": steps}) for steps in (3, 8)]
    with pytest.raises(ValueError, match="same shape"):
        Stack(tuple(runs))


@pytest.mark.parametrize("left", [1, 4, 9])
def test_a_run_that_is_broken_off_in_an_attack_goes_on_there_to_the_same_result(
    left: int, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is broken off before so many of its attempts were made."""
    folder = tmp_path_factory.mktemp("checkpoints")
    monkeypatch.setenv("PHASELAB_CHECKPOINT_DIR", str(folder))
    attempts: list[int] = []
    start = Breaking.start

    def counted(breaking: Breaking, batch: torch.Tensor, number: int, restart: int) -> None:
        attempts.append(number)
        start(breaking, batch, number, restart)

    monkeypatch.setattr(Breaking, "start", counted)
    attack = SMALL["attack"] | {"restarts": 2, "test_points": 20}
    network = SMALL["network"] | {"labels": "clusters"}
    run = resnet_run(network=network, training=SMALL["training"] | {"steps": 8}, attack=attack)
    whole = result(run)
    total = len(attempts)
    assert total == 12, "two restarts at two radii on three targets"
    assert list(folder.iterdir()) == []
    monkeypatch.setattr(Checkpoint, "due", True)
    with pytest.raises(Stopped):
        run_stack(Stack((run,)), stop=lambda: len(attempts) > 2 * total - left)
    assert {path.name for path in folder.iterdir()} > {f"{run.key}.pt"}
    attempts.clear()
    broken = result(run)
    assert len(attempts) == left
    assert broken.measures == whole.measures
    for one, other in zip(broken.curves, whole.curves, strict=True):
        assert np.array_equal(one.accuracy, other.accuracy)
    assert list(folder.iterdir()) == []


def test_a_checkpoint_that_cannot_be_read_is_not_used(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path_factory.mktemp("checkpoints")
    monkeypatch.setenv("PHASELAB_CHECKPOINT_DIR", str(folder))
    (folder / "key.pt").write_bytes(b"no checkpoint")
    assert Checkpoint("key").load(torch.device("cpu")) is None
    assert "starts anew" in caplog.text
    assert not Checkpoint("key").due


def test_one_step_is_that_of_plain_pytorch() -> None:
    run = resnet_run(training={"optimizer": "nesterov", "learning_rate": 0.1, "steps": 1, "batch_size": None} | {
        "weight_decay": 1e-3, "schedule": "cosine", "label_smoothing": 0.2,
    })  # fmt: skip
    images = training_images(run)[1].view(-1, 1, 8, 8)
    label = torch.arange(len(images)) % 2
    mine, reference = draw_resnet(0, 1, 4, 2), draw_resnet(0, 1, 4, 2)
    train(mine, run, images, label, Box(torch.zeros(64), torch.ones(64)))
    functional.cross_entropy(reference.train()(images), label, label_smoothing=0.2).backward()
    step = 0.1 * 0.5 * (1 + np.cos(np.pi * 0.5)) * 1.9  # nesterov's first step is 1 + momentum times the gradient
    for moved, start in zip(mine.parameters(), reference.parameters(), strict=True):
        assert start.grad is not None
        torch.testing.assert_close(moved, start - step * (start.grad + 1e-3 * start), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(("schedule", "rates"), [
    ("constant", [1.0, 1.0, 1.0, 1.0]),
    ("cosine", [0.962, 0.691, 0.309, 0.038]),
    ("triangle", [0.625, 0.781, 0.469, 0.156]),
])  # fmt: skip
def test_schedules(schedule: str, rates: list[float]) -> None:
    training = Training.model_validate({"schedule": schedule, "steps": 4})
    assert [rate(training, step) for step in range(4)] == pytest.approx(rates, abs=1e-3)


def test_augmentation_shifts_and_mirrors_whole_images() -> None:
    image = torch.arange(64.0).view(1, 1, 8, 8)
    moved = Augmentation(resnet_run(training={"augmentation": "flip_crop"}), image).batch(
        torch.zeros(200, dtype=torch.long)
    )
    padded = functional.pad(image, (1, 1, 1, 1), mode="reflect")[0, 0]
    windows = {tuple(padded[i : i + 8, j : j + 8].flatten().tolist()) for i in range(3) for j in range(3)}
    mirrored = {tuple(padded.flip(1)[i : i + 8, j : j + 8].flatten().tolist()) for i in range(3) for j in range(3)}
    assert {tuple(one.flatten().tolist()) for one in moved} == windows | mirrored


@pytest.mark.parametrize(
    ("groups", "place"),
    [
        ({"data": {"source": "clusters", "n": 100, "normalization": None}}, "/network/kind"),
        ({"network": {"kind": "resnet18", "width": 600}}, "/network/width"),
        ({"network": {"kind": "resnet18", "init_scale": 0.1}}, "/network/init_scale"),
        ({"training": {"engine": "gram"}}, "/training/engine"),
        ({"attack": {"methods": ["exact"], "test_points": 30}}, "/attack/methods"),
        ({"network": {"kind": "two_layer"}, "training": {"schedule": "cosine"}}, "/training/schedule"),
        ({"network": {"kind": "two_layer"}, "training": {"precision": "mixed"}}, "/training/precision"),
    ],
)
def test_what_does_not_go_with_a_network_is_refused_at_its_place(groups: dict[str, Any], place: str) -> None:
    merged = {name: groups.get(name, SMALL.get(name, {})) for name in SMALL | groups}
    if "engine" in groups.get("training", {}):
        merged["training"] = groups["training"]
    with pytest.raises(InvalidInput) as invalid:
        resolve(Settings.model_validate(merged))
    assert place in [fault.pointer for fault in invalid.value.faults]


def test_two_labels_are_binary_labels() -> None:
    assert resnet_run(network={"kind": "resnet18", "labels": 2}).key == resnet_run(
        network={"kind": "resnet18", "labels": "binary"}
    ).key  # fmt: skip


def test_a_stack_of_networks_gives_what_each_gives_alone() -> None:
    runs = tuple(resnet_run(seed, training=SMALL["training"] | {"steps": 3}) for seed in (0, 1))
    together = run_stack(Stack(runs))
    assert [outcome.key for outcome in together] == [run.key for run in runs]
    assert isinstance(together[1], RunResult)
    assert together[1].measures == result(runs[1]).measures


def test_the_network_takes_any_width() -> None:
    assert ResNet18(1, 1, 2)(torch.zeros(2, 1, 28, 28)).shape == (2, 2)


def test_its_layers_are_the_stem_and_the_blocks_and_the_last_is_what_the_head_sees() -> None:
    """Moments of batches add up to those of all images, and gradients are those of the outputs."""
    run = resnet_run(seed=2, data={"n": 120}, training={"steps": 4})
    (trained,) = FAMILY.train([run], "cpu", None).trained
    assert isinstance(trained, ResNetRun)
    shown, network, images = trained.shown(), trained.trained.network, trained.trained.images
    assert len(shown.layers) == 9
    seen = network.features(trained.victim.points.inputs.view(-1, *images.shape[1:]))
    torch.testing.assert_close(shown.layers[-1].given[0].T, seen.double())
    cluster = trained.trained.cluster.numpy()
    for layer, pooled in zip(shown.layers, network.pooled(images), strict=True):
        features, sides = pooled.double().numpy(), np.array(layer.dealt.side_of_cluster)
        found = float(LAYERED["class_compression"](layer))
        assert found == pytest.approx(plain.compression(features, sides[cluster]), rel=1e-6)
        test = layer.given[0].T.numpy()
        expected = plain.alignment(test, layer.cluster[0].numpy())
        assert float(LAYERED["cluster_alignment"](layer)) == pytest.approx(expected, rel=1e-6)
    means = centred_means(images.flatten(1), trained.trained.cluster, run.settings.data.k).double()
    points, gradients = trained.victim.points, shown.gradients["max"]
    one = points.inputs[:1].clone().requires_grad_()
    with torch.enable_grad():
        (slope,) = torch.autograd.grad(points.take(torch.tensor([0])).margins(points.outputs(one))[1].sum(), one)
    assert float(gradients.square[0, 0]) == pytest.approx(float(slope.double().square().sum()), rel=1e-5)
    answers = (slope.double() @ means.T)[0] / means.norm(dim=1)
    torch.testing.assert_close(gradients.held[0, :, 0], answers, rtol=1e-4, atol=1e-8)


def test_its_weights_change_from_where_they_were_drawn() -> None:
    """A run without a step has its start; one with steps has not."""
    changes = []
    for size in (1e-12, 0.1):
        (trained,) = FAMILY.train([resnet_run(training={"learning_rate": size, "steps": 4})], "cpu", None).trained
        changes.append([float(LAYERED["weight_change"](layer)) for layer in trained.shown().layers])
    assert max(changes[0]) < 1e-6
    assert min(changes[1]) > 1e-3
