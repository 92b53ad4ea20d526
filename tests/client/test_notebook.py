"""An experiment as a notebook has it: what it gives is a frame, a picture, and both when it is shown."""

import base64
import re
import threading
from collections.abc import Iterator, Sequence
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

import phaselab
from phaselab.client import Client, Experiment, Invalid, NotFound, PartMissing, PhaselabError
from phaselab.client.lattice import lattice
from phaselab.client.pictured import Pictured
from phaselab.db.queue.leases import take_stack
from phaselab.db.schema.database import Database
from phaselab.db.writing.landing import land
from phaselab.domain.results.measures import MEASURES
from tests.api.conftest import NEW_SPEC, SPEC
from tests.results import made_up

AXES = ["data.k", "network.labels"]


@pytest.fixture(scope="module")
def finished(filled_url: str) -> Iterator[Experiment]:
    """Experiment 1 of a server that tests only read from."""
    with Client(filled_url) as client:
        yield client.experiment(1)


@pytest.fixture
def own(own_server: tuple[str, Database]) -> Iterator[Client]:
    with Client(own_server[0]) as client:
        yield client


def test_runs_are_a_frame_in_the_order_of_the_axes(finished: Experiment) -> None:
    frame = finished.runs()
    assert list(frame.columns[:5]) == ["key", "seed", "state", *AXES]
    assert set(MEASURES) <= set(frame.columns)
    assert (len(frame), frame["train_loss"].dtype) == (24, np.float64)
    assert frame["data.k"].tolist() == sorted(frame["data.k"])
    failed = finished.runs(where="state=failed")
    assert failed["reason"].tolist() == ["diverged: the loss is not finite"]
    assert failed["train_loss"].isna().all()
    assert finished.runs(["state=done"], order=["-seed"])["seed"].tolist() == [2] * 7 + [1] * 8 + [0] * 8
    assert finished.runs(where="averaging_index>2").empty


def test_a_lattice_has_a_place_for_every_point_and_seed(finished: Experiment) -> None:
    frame = finished.runs()
    along, arrays = lattice(frame, AXES)
    assert along == {"data.k": [4, 6, 8], "network.labels": ["binary", 4, "clusters"], "seed": [0, 1, 2]}
    for name in ("averaging_index", "seconds"):
        assert arrays[name].shape == (3, 3, 3)
    for row in frame.to_dict("records"):
        place = tuple(along[name].index(row[name]) for name in (*AXES, "seed"))
        np.testing.assert_equal(arrays["averaging_index"][place], row["averaging_index"])
        assert (arrays["key"][place], arrays["state"][place]) == (row["key"], row["state"])
    missing = along["data.k"].index(4), along["network.labels"].index("clusters")
    assert np.isnan(arrays["averaging_index"][missing]).all(), "at k = 4 the labels 4 and clusters are one run"
    assert set(arrays["key"][missing]) == {None}


def test_an_xarray_dataset_is_that_lattice(finished: Experiment) -> None:
    found = finished.to_xarray()
    assert dict(found.sizes) == {"data.k": 3, "network.labels": 3, "seed": 3}
    assert found["train_loss"].dims == (*AXES, "seed")
    assert found["network.labels"].values.tolist() == ["binary", 4, "clusters"], "numbers beside texts stay numbers"
    assert found["data.k"].dtype.kind == "i"
    assert (found.attrs["experiment"], found.attrs["name"]) == (1, SPEC["name"])
    index = found["averaging_index"].sel({"network.labels": "binary"}).mean("seed")
    np.testing.assert_allclose(index, 0.971, rtol=1e-3)


def answers(of: Experiment) -> dict[str, Pictured]:
    return {
        "diagram": of.diagram(),
        "lines": of.lines(),
        "curves": of.curves(),
        "seeds": of.curves(per_seed=True, where="data.k=6", method="exact", readout="max"),
        "verdicts": of.verdicts(),
    }


def test_what_it_gives_has_a_frame_and_a_picture_of_it(finished: Experiment) -> None:
    given = answers(finished)
    rows = {name: len(answer.frame()) for name, answer in given.items()}
    assert rows == {"diagram": 9, "lines": 9, "curves": 9 * 6 * 4, "seeds": 9 * 4, "verdicts": 2}
    assert [one.verdict for one in finished.verdicts()] == given["verdicts"].frame()["verdict"].tolist()
    for name, answer in given.items():
        axes = Figure().subplots()
        assert answer.plot(axes) is axes, name
        assert axes.get_xlabel(), name
    named = given["diagram"].plot(Figure().subplots())
    assert [tick.get_text() for tick in named.get_xticklabels()] == ["4", "6", "8"]
    assert [tick.get_text() for tick in named.get_yticklabels()] == ["binary", "4", "clusters"]
    mesh = named.collections[0]
    frame = given["diagram"].frame()
    np.testing.assert_allclose(mesh.get_array().ravel(), frame["value"].to_numpy(np.float64))
    lines = given["lines"].plot(Figure().subplots()).get_lines()
    assert [line.get_label() for line in lines] == [f"network.labels = {one}" for one in ("binary", 4, "clusters")]
    np.testing.assert_allclose(lines[0].get_ydata(), finished.lines().frame()["value"][:3].astype(float))


def test_curves_of_seeds_are_those_of_the_runs(finished: Experiment) -> None:
    frame = finished.curves(per_seed=True, where="data.k=6", method="exact", readout="max").frame()
    for row in finished.runs(where="data.k=6").to_dict("records"):
        mine = frame[(frame["seed"] == row["seed"]) & (frame["network.labels"] == row["network.labels"])]
        whole = finished.lab.run(row["key"])
        (curve,) = [one for one in whole["curves"] if (one["readout"], one["method"]) == ("max", "exact")]
        assert mine["mean"].tolist() == curve["accuracy"]
        assert set(mine["n"]) == {1}


def test_a_notebook_shows_picture_and_numbers(finished: Experiment) -> None:
    for name, answer in answers(finished).items():
        shown = answer._repr_html_()
        assert "<table" in shown, name
        picture = re.search(r'src="data:image/png;base64,([^"]+)"', shown)
        assert picture is not None, name
        assert base64.b64decode(picture[1]).startswith(b"\x89PNG"), name
    shown = finished._repr_html_()
    assert "experiment 1: <b>labels against clusters</b>, finished with failures, 23 of 24 runs done" in shown
    assert f'href="{finished.address}"' in shown
    assert "data:image/png" in shown
    assert "width:95.83%;background:#0072b2" in shown
    waiting = finished.lab.experiment(2)._repr_html_()
    assert "data:image/png" not in waiting


@pytest.mark.parametrize(("lacking", "ask"), [("matplotlib", "plot"), ("xarray", "to_xarray")])
def test_what_is_missing_is_named(
    finished: Experiment, monkeypatch: pytest.MonkeyPatch, lacking: str, ask: str
) -> None:
    def without(name: str, *more: Any) -> ModuleType:
        if name.partition(".")[0] == lacking:
            raise ModuleNotFoundError(name)
        return import_module(name, *more)

    monkeypatch.setattr("phaselab.client.pictured.import_module", without)
    with pytest.raises(PartMissing, match=f"pip install {lacking}"):
        finished.diagram().plot() if ask == "plot" else finished.to_xarray()
    if ask == "plot":
        assert "<img" not in finished.diagram()._repr_html_()


def test_experiments_of_a_client_are_asked_by_themselves(own: Client, own_server: tuple[str, Database]) -> None:
    experiment = own.submit({**NEW_SPEC, "sweep": {"data.k": np.array([4, 6])}, "seeds": np.int64(2)})
    assert (experiment.axes, experiment.counts.total) == (("data.k",), 4)

    def work() -> None:
        while True:
            with own_server[1].transaction() as session:
                leased = take_stack(session, experiment.id, lambda _: 10, "test", 60.0)
                if leased is None:
                    return
                land(session, [made_up(run) for run in leased.stack.runs])

    worker = threading.Thread(target=work)
    worker.start()
    done = experiment.wait(progress=True)
    worker.join()
    assert (done.status, experiment.refresh().counts.done) == ("finished", 4)
    assert len(done.lines().frame()) == 2
    assert len(next(own.experiments()).runs()) == 4, "the axes of an experiment of a list are asked for"
    assert [one.client for one in own.watch(experiment.id)] == [own]
    with pytest.raises(Invalid, match="name x and y"):
        done.diagram()
    assert "<img" in done._repr_html_()
    done.delete()
    with pytest.raises(NotFound):
        experiment.refresh()
    assert {"fig2", "fig3"} <= {one["name"] for one in own.presets()}


def test_an_experiment_of_nowhere_says_so(finished: Experiment) -> None:
    answer = finished.lab._http.get_json("/experiments/1")
    alone = Experiment.read(answer)
    assert "<img" not in alone._repr_html_()
    calls: Sequence[Any] = (alone.runs, alone.refresh, alone.wait, alone.delete, alone.verdicts, alone.curves)
    for call in calls:
        with pytest.raises(PhaselabError, match="came from no client"):
            call()


def test_errors_have_a_place_of_their_own() -> None:
    assert phaselab.errors.NotFound is NotFound
    assert set(dir(phaselab)) == {"Client", "errors"}
    assert phaselab.Client is Client
