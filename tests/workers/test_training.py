"""The engines against an independent PyTorch training loop, step by step, on the same literal data."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from phaselab.domain.settings.labels import deal_clusters, group_count
from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.stacks import trajectories
from phaselab.workers.base.recent import RECENT
from phaselab.workers.base.stop import Stopped
from phaselab.workers.base.streams import Stream, generator
from phaselab.workers.data import clusters
from phaselab.workers.data.sources import training_set
from phaselab.workers.data.training_set import TrainingSet, training_labels
from phaselab.workers.families.two_layer import start_training, train_networks
from phaselab.workers.training import gram, in_span
from phaselab.workers.training.training import finish
from tests.workers.runs import small_run

STEPS = (0, 1, 2, 5, 12, 30)
TOLERANCE = {"float32": 1e-4, "float64": 1e-9}


class LiteralNetwork(nn.Module):
    """One linear layer per output, ReLU, mean; the first layer as drawn for the run."""

    def __init__(self, run: Run) -> None:
        super().__init__()
        start = start_training(trajectories([run]), training_set(run, "cpu"), "cpu")
        outputs, width = start.network.layout.outputs, start.network.layout.width
        binary = run.settings.network.labels == "binary"
        self.layers = nn.ModuleList(nn.Linear(run.settings.data.d, width, bias=binary) for _ in range(outputs))
        self.to(start.weights.dtype)
        with torch.no_grad():
            for i, layer in enumerate(self.layers):
                mine = slice(i * width, (i + 1) * width)
                layer.weight.copy_(start.weights[0, mine])
                if binary:
                    layer.bias.copy_(start.bias[0, mine])

    def forward(self, inputs: Tensor) -> Tensor:
        return torch.stack([layer(inputs).relu().mean(dim=1) for layer in self.layers], dim=1)

    @property
    def weights(self) -> Tensor:
        return torch.cat([layer.weight for layer in self.layers]).detach()


def literal_loss(run: Run, outputs: Tensor, label: Tensor) -> Tensor:
    if run.settings.network.labels == "binary":
        return nn.functional.binary_cross_entropy_with_logits(
            outputs[:, 0] - outputs[:, 1], (label == 0).to(outputs.dtype)
        )
    return nn.functional.cross_entropy(outputs, label)


def literal_batches(run: Run) -> Iterator[Tensor]:
    n, size = run.settings.data.n, run.settings.training.batch_size
    if size is None:
        while True:
            yield torch.arange(n)
    random = generator(run.seed, Stream.BATCHES)
    while True:
        order = random.permutation(n)
        yield from (torch.from_numpy(part) for part in np.split(order[: n // size * size], n // size))


def literal_trajectory(run: Run, data: TrainingSet, label: Tensor) -> dict[int, tuple[Tensor, float]]:
    """Weights [M, d] and the mean training loss after each number of steps of STEPS."""
    network, training = LiteralNetwork(run), run.settings.training
    if training.optimizer == "adam":
        optimizer: torch.optim.Optimizer = torch.optim.Adam(
            network.parameters(), training.learning_rate, weight_decay=training.weight_decay
        )
    else:
        optimizer = torch.optim.SGD(
            network.parameters(),
            training.learning_rate,
            momentum=training.momentum or 0,
            weight_decay=training.weight_decay,
            nesterov=training.optimizer == "nesterov",
        )
    seen, batches = {}, literal_batches(run)
    for step in range(max(STEPS) + 1):
        if step in STEPS:
            loss = literal_loss(run, network(data.inputs), label)
            seen[step] = network.weights.clone(), float(loss.detach())
        rows = next(batches)
        optimizer.zero_grad()
        literal_loss(run, network(data.inputs[rows]), label[rows]).backward()
        optimizer.step()
    return seen


def assert_same_trajectory(tolerance: float, **changes: object) -> None:
    reference_run = small_run(data__draw="literal", **changes)
    data = clusters.draw_training_set(reference_run)
    expected = literal_trajectory(reference_run, data, training_labels(reference_run, data.cluster))
    for steps, (weights, loss) in expected.items():
        run = small_run(data__draw="literal", training__steps=steps, **changes)
        finished, networks = train_networks([run], "cpu", None)
        assert finished == [run]
        difference = (networks.weights[0] - weights).norm() / weights.norm()
        assert float(difference) < tolerance, f"weights after {steps} steps"
        assert float(networks.loss[0]) == pytest.approx(loss, rel=tolerance), f"loss after {steps} steps"


OPTIMIZERS = {
    "gd": {},
    "momentum": {"training__optimizer": "momentum", "training__momentum": 0.8},
    "nesterov": {"training__optimizer": "nesterov", "training__momentum": 0.8},
    "nesterov, decay, batches": {
        "training__optimizer": "nesterov",
        "training__batch_size": 10,
        "training__weight_decay": 0.1,
    },
    "batches": {"training__batch_size": 7},
    "decay": {"training__weight_decay": 0.3},
    "all": {
        "training__optimizer": "momentum",
        "training__batch_size": 10,
        "training__weight_decay": 0.05,
        "data__label_noise": 0.2,
    },
}
FORMS = {
    "binary": {"network__labels": "binary"},
    "clusters": {"network__labels": "clusters"},
    "groups": {"network__labels": 3, "network__width": 2, "data__center_cosine": 0.3},
    "wide": {"network__labels": 2, "network__width": 7},
}
ODD = {
    "n > d": {"data__n": 20, "data__d": 12},
    "n > 2 d": {"data__n": 40, "data__d": 12},
    "n < k": {"data__n": 3, "data__k": 6, "network__labels": "clusters"},
    "width 1": {"network__width": 1},
    "k = 2": {"data__k": 2, "network__labels": "clusters"},
    "d = k": {"data__d": 4, "data__snr": 3.0},
    "unbalanced": {"data__positive_clusters": 1, "network__labels": 3},
}


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_gram_follows_the_literal_loop(optimizer: str, form: str, precision: str) -> None:
    assert_same_trajectory(
        TOLERANCE[precision],
        training__engine="gram",
        training__precision=precision,
        **OPTIMIZERS[optimizer],
        **FORMS[form],
    )


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("sizes", ODD)
def test_gram_follows_the_literal_loop_at_odd_sizes(sizes: str, precision: str) -> None:
    assert_same_trajectory(TOLERANCE[precision], training__engine="gram", training__precision=precision, **ODD[sizes])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("optimizer", [*OPTIMIZERS, "adam"])
def test_autograd_follows_the_literal_loop(optimizer: str, form: str) -> None:
    adam = {"training__optimizer": "adam", "training__learning_rate": 1e-2, "training__weight_decay": 0.01}
    changes = adam if optimizer == "adam" else OPTIMIZERS[optimizer]
    assert_same_trajectory(1e-9, training__engine="autograd", training__precision="float64", **changes, **FORMS[form])


@pytest.mark.parametrize("labels", ["binary", 3, "clusters"])
def test_engines_agree_on_what_is_computed_of_the_networks(labels: str | int) -> None:
    both = [
        train_networks(
            [
                small_run(seed, data__draw="literal", training__engine=engine, network__labels=labels)
                for seed in range(3)
            ],
            "cpu",
            None,
        )[1]
        for engine in ("gram", "autograd")
    ]
    for name in ("loss", "center_products", "weight_products", "preactivations"):
        torch.testing.assert_close(getattr(both[0], name), getattr(both[1], name), rtol=1e-4, atol=1e-4)
    assert both[0].accuracy.tolist() == both[1].accuracy.tolist()


@pytest.mark.parametrize("engine", ["gram", "autograd"])
@pytest.mark.parametrize("center_cosine", [0.0, 0.4])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_what_is_left_of_the_start_is_what_the_data_never_touched(
    optimizer: str, center_cosine: float, engine: str
) -> None:
    """Gradients lie in the span of the n < d training points, so that outside of it the weights are a W0: a is read off
    there, and the shares follow by projections."""
    run = small_run(
        data__draw="literal",
        data__n=20,
        data__center_cosine=center_cosine,
        training__engine=engine,
        training__precision="float64",
        **OPTIMIZERS[optimizer],
    )
    data = training_set(run, "cpu")
    initial = start_training(trajectories([run]), data, "cpu").weights[0].numpy()
    trained = train_networks([run], "cpu", None)[1]
    points, centers = (np.linalg.qr(x.numpy().T).Q for x in (data.inputs, data.centers.points))
    untouched = np.eye(run.settings.data.d) - points @ points.T
    outside = trained.weights[0].numpy() @ untouched
    left = (outside * initial).sum() / ((initial @ untouched) ** 2).sum()
    assert np.abs(outside - left * initial @ untouched).max() < 1e-12
    assert (left < 0.99) == bool(run.settings.training.weight_decay)
    learned = trained.weights[0].numpy() - left * initial
    total = left**2 * (initial**2).sum() + (learned**2).sum()
    beyond = learned - learned[:, : len(centers)] @ centers @ centers.T
    assert trained.start_share.item() == pytest.approx(left**2 * (initial**2).sum() / total, rel=1e-9)
    assert trained.noise_share.item() == pytest.approx((beyond**2).sum() / total, rel=1e-9)


def test_an_output_that_is_0_at_every_training_point_is_dead() -> None:
    run = small_run(network__labels="clusters", network__width=2)
    start = start_training(trajectories([run]), training_set(run, "cpu"), "cpu")
    seen = torch.full((1, 8, 25), -1.0)  # of four outputs with two neurons each
    seen[0, 3, 7] = seen[0, 4, 0] = 1e-3
    assert finish(start, start.weights, start.bias, seen, torch.ones(1)).dead.tolist() == [0.5]


@pytest.mark.parametrize(("weight_decay", "known"), [(0.0, True), (0.01, False)])
def test_adam_with_weight_decay_leaves_no_one_share_of_the_start(weight_decay: float, known: bool) -> None:
    run = small_run(data__draw="literal", training__optimizer="adam", training__weight_decay=weight_decay)
    networks = train_networks([run], "cpu", None)[1]
    assert networks.start_share.isfinite().all() == networks.noise_share.isfinite().all() == known


def test_gram_refuses_adam() -> None:
    run = small_run(training__optimizer="adam")
    with pytest.raises(ValueError, match="adam"):
        gram.train([start_training(trajectories([run]), training_set(run, "cpu"), "cpu")])


@pytest.mark.parametrize("engine", ["gram", "autograd"])
@pytest.mark.parametrize("batch_size", [None, 5])
def test_training_stops_between_steps(engine: str, batch_size: int | None) -> None:
    asked = iter([False, False, True])
    with pytest.raises(Stopped):
        train_networks(
            [small_run(training__engine=engine, training__batch_size=batch_size)], "cpu", lambda: next(asked)
        )


def test_label_noise_moves_the_asked_share_of_labels_to_other_groups() -> None:
    run = small_run(data__n=20_000, data__label_noise=0.3, network__labels="clusters")
    cluster = torch.from_numpy(np.random.default_rng(0).integers(4, size=20_000))
    label = training_labels(run, cluster)
    assert float((label != cluster).double().mean()) == pytest.approx(0.3, abs=0.015)
    for group in range(4):  # every other group alike
        moved = label[(cluster == group) & (label != group)]
        assert torch.bincount(moved, minlength=4).double().div(len(moved)).tolist() == pytest.approx(
            [0 if i == group else 1 / 3 for i in range(4)], abs=0.04
        )


@pytest.mark.parametrize("labels", ["binary", 2, 3, 4])
def test_labels_without_noise_are_the_dealt_groups(labels: str | int) -> None:
    run = small_run(network__labels=labels)
    dealt = deal_clusters(4, 2, group_count(labels, 4))
    assert training_labels(run, torch.arange(4)).tolist() == list(dealt.group_of_cluster)


def test_training_data_is_drawn_once_for_runs_that_share_it() -> None:
    RECENT.clear()
    first, sharing = small_run(1, data__seed=5), small_run(2, data__seed=5, network__labels="clusters")
    data = training_set(first, "cpu")
    assert training_set(sharing, "cpu") is data
    assert training_set(small_run(2, data__seed=6), "cpu") is not data
    matrix = in_span.gram_of(start_training(trajectories([first]), data, "cpu"))
    assert in_span.gram_of(start_training(trajectories([sharing]), data, "cpu")) is matrix


def test_gram_matrix_is_the_matrix_of_inner_products() -> None:
    inputs = torch.randn(300, 310, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).tril(10)
    matrix = in_span.Gram.of(inputs).matrix
    assert matrix is not None
    torch.testing.assert_close(matrix, inputs @ inputs.T)
