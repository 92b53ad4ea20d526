"""The published setting, submitted over REST and computed by real Ray Tune trials."""

import statistics
from pathlib import Path

import httpx
import pytest

from phaselab.client.client import Client
from phaselab.client.values import Experiment

PUBLISHED = """dataset,network,radius_l2,robust_accuracy_percent
synthetic,10-class,0,100.0
synthetic,10-class,30,100.0
synthetic,2-class,0,100.0
synthetic,2-class,30,0.0
"""
"""Values in the columns in which the paper's curves are laid over; its own are not needed here."""
SEEDS = 3


def finished(client: Client, spec: str, *changes: str) -> Experiment:
    """The experiment of a spec, after all of its runs have got a result."""
    experiment = client.wait(client.submit(spec, changes).id)
    reasons = [run.get("reason") for run in client.runs(experiment.id) if run["state"] == "failed"]
    assert experiment.status == "finished", reasons
    return experiment


@pytest.fixture(scope="module")
def fig2(client: Client) -> dict[str, list[dict]]:
    """Runs of preset `fig2` by labels."""
    experiment = finished(client, "preset:fig2", f"seeds={SEEDS}")
    found: dict[str, list[dict]] = {"binary": [], "clusters": []}
    for run in client.runs(experiment.id):
        whole = client.run(run["key"])
        found["binary" if whole["settings"]["network"]["labels"] == "binary" else "clusters"].append(dict(whole))
    return found


@pytest.fixture(scope="module")
def fig3(client: Client) -> int:
    """The experiment of preset `fig3`."""
    return finished(client, "preset:fig3", f"seeds={SEEDS}").id


def test_binary_labels_average_the_features_of_a_side(fig2: dict[str, list[dict]]) -> None:
    assert len(fig2["binary"]) == SEEDS
    for run in fig2["binary"]:
        assert run["measures"]["averaging_index"] > 0.95
        cosines = run["cosines"]  # [centre][neuron]
        for side in (0, 1):
            block = [cosines[j][r] for j in range(5 * side, 5 * side + 5) for r in range(5 * side, 5 * side + 5)]
            assert statistics.mean(block) == pytest.approx(0.44, abs=0.02)


def test_cluster_labels_learn_one_feature_a_neuron(fig2: dict[str, list[dict]]) -> None:
    assert len(fig2["clusters"]) == SEEDS
    for run in fig2["clusters"]:
        assert run["measures"]["averaging_index"] < 0.05
        diagonal = [run["cosines"][j][j] for j in range(10)]
        assert statistics.mean(diagonal) == pytest.approx(0.99, abs=0.01)


def test_radii_are_those_of_theory(fig2: dict[str, list[dict]]) -> None:
    binary = [run["measures"]["robust_radius_sum"] for run in fig2["binary"]]
    assert all(radius == pytest.approx((3072 / 10) ** 0.5, rel=0.03) for radius in binary)
    clusters = [run["measures"]["robust_radius_max"] for run in fig2["clusters"]]
    assert all(0.93 < radius / (3072 / 2) ** 0.5 < 1 for radius in clusters)
    assert all(run["measures"]["robust_radius_sum"] < 0.75 * max(clusters) for run in fig2["clusters"])


def test_an_attack_on_the_wrong_loss_reports_robustness_that_is_not_there(client: Client, fig3: int) -> None:
    curves = client.curves(fig3, by=["network.labels"])

    def accuracy(labels: str, readout: str, method: str, radius: float) -> float:
        chosen = curves[
            (curves["network.labels"] == labels)
            & (curves["readout"] == readout)
            & (curves["method"] == method)
            & (curves["radius"] == radius)
        ]
        assert len(chosen) == 1
        return float(chosen["mean"].iloc[0])

    assert accuracy("binary", "sum", "exact", 14) > 0.95
    assert accuracy("binary", "sum", "exact", 20) < 0.1
    assert accuracy("clusters", "sum", "pgd_native", 30) > 0.95
    assert accuracy("clusters", "sum", "pgd", 30) < 0.1
    assert accuracy("clusters", "sum", "exact", 30) == 0
    assert accuracy("clusters", "max", "exact", 34) > 0.9


def test_published_values_lie_over_the_figure(client: Client, fig3: int, tmp_path: Path) -> None:
    plain = client.save_curves(fig3, tmp_path / "plain.png", by=["network.labels"])
    values = tmp_path / "published.csv"
    values.write_text(PUBLISHED)
    overlaid = client.save_curves(fig3, tmp_path / "laid.png", by=["network.labels"], overlay=values)
    assert overlaid.read_bytes()[:4] == b"\x89PNG"
    assert overlaid.read_bytes() != plain.read_bytes()


def test_what_is_known_is_not_computed_again(client: Client, fig2: dict[str, list[dict]]) -> None:
    again = client.submit("preset:fig2", [f"seeds={SEEDS}"])
    assert again.status == "finished"
    assert (again.counts.total, again.counts.cached, again.counts.done) == (2 * SEEDS, 2 * SEEDS, 2 * SEEDS)
    more = client.submit("preset:fig2", [f"seeds={SEEDS + 1}"])
    assert (more.counts.total, more.counts.cached) == (2 * SEEDS + 2, 2 * SEEDS)
    assert client.wait(more.id).counts.done == 2 * SEEDS + 2


def test_bad_input_is_refused_and_the_service_goes_on(client: Client, address: str) -> None:
    before = len(list(client.experiments()))
    for body, kind, status in (
        (b'{"name": "x", "data": {"kk": 1}}', "application/json", 422),
        (b"not json", "application/json", 400),
        (b'{"name": "' + b"x" * 50_000_000 + b'"}', "application/json", 413),
        (b"name: x\nsweep: {data.snr: {linspace: [0.1, 1, 10000]}}\nseeds: 1000\n", "application/yaml", 422),
    ):
        answer = httpx.post(f"{address}/api/v1/experiments", content=body, headers={"Content-Type": kind})
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["detail"]
    assert len(list(client.experiments())) == before
    assert client.version()["name"] == "phaselab"
