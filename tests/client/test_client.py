"""The Python client against a real server."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import httpx
import pandas as pd
import pytest

from phaselab import client as package
from phaselab.client import (
    BadAnswer,
    ChangedSince,
    Client,
    Conflict,
    Invalid,
    NotFound,
    PhaselabError,
    Refused,
    ServerError,
    Unauthorized,
    Unreachable,
    errors,
    transport,
)
from phaselab.db.queue.leases import take_stack
from phaselab.db.schema.database import Database
from phaselab.db.writing.landing import land
from phaselab.domain.results.measures import MEASURES
from phaselab.domain.results.states import ExperimentStatus
from phaselab.service.verbs import audit
from tests.api.conftest import NEW_SPEC, SPEC
from tests.results import made_up

AXES = {"x": "data.k", "y": "network.labels", "measure": "averaging_index"}


@pytest.fixture
def lab(filled_url: str) -> Iterator[Client]:
    """A client of a server that tests only read from."""
    with Client(filled_url) as client:
        yield client


@pytest.fixture
def own(own_server: tuple[str, Database]) -> Iterator[Client]:
    """A client of a server of the test's own."""
    with Client(own_server[0]) as client:
        yield client


def answering(status: int, body: bytes, kind: str = "application/json") -> Client:
    """A client whose server always answers this."""
    answer = httpx.MockTransport(lambda _: httpx.Response(status, content=body, headers={"Content-Type": kind}))
    return Client("http://lab", transport=answer)


def test_experiments_are_typed(lab: Client) -> None:
    first = lab.experiment(1)
    assert (first.id, first.name, first.owner) == (1, SPEC["name"], "local")
    assert first.status is ExperimentStatus.FINISHED_WITH_FAILURES
    assert (first.counts.total, first.counts.done, first.counts.failed, first.counts.ended) == (24, 23, 1, 24)
    assert first.created_at.utcoffset() is not None
    assert [experiment.id for experiment in lab.experiments()] == [2, 1]
    assert lab.wait(1) == first


def test_a_diagram_as_value_and_frame(lab: Client) -> None:
    diagram = lab.diagram(1, **AXES)
    assert diagram.x.values == (4, 6, 8)
    assert diagram.matrices["n"] == [[3, 3, 3], [3, 3, 2], [3, 3, 3]]
    frame = lab.diagram_frame(1, **AXES)
    assert isinstance(frame, pd.DataFrame)
    assert len(frame) == 9
    cell = frame[(frame["data.k"] == 8) & (frame["network.labels"] == 4)]
    assert cell["n"].item() == 2
    assert cell["phase"].item() == "mixed"
    median = lab.diagram(1, **AXES, statistic="median")
    assert median.statistic == "median"
    assert median.matrices["value"][0] == pytest.approx([0.971] * 3)
    assert (median.thresholds["averaging_from"], median.matrices["phase"][0][0]) == (0.8, "feature_averaging")
    other = lab.diagram(1, **AXES, threshold="averaging_from:0.99")
    assert (other.thresholds["averaging_from"], other.matrices["phase"][0][0]) == (0.99, "mixed")
    (crossing,) = diagram.crossings_frame().to_dict("records")
    expected = {"before": "feature_learning", "behind": "mixed", "along": "x", "at": 4, "low": 4, "high": 6, "value": 5}
    assert crossing == expected | {"steps": 1}
    assert diagram.refinements == ()
    fewer = lab.diagram(1, **AXES, where=["data.k>4"])
    assert fewer.x.values == (6, 8)


def test_differences_as_frame(lab: Client) -> None:
    frame = lab.differences(1, 2, **AXES)
    assert list(frame.columns) == [
        *("data.k", "network.labels", "value", "ci_low", "ci_high", "n", "first", "second", "reason"),
    ]
    assert len(frame) == 9
    assert frame["value"].isna().all()
    assert frame["first"].tolist() == lab.diagram_frame(1, **AXES)["mean"].tolist()
    assert lab.differences(1, 2, **AXES, where="data.k>4")["data.k"].tolist() == [6, 8] * 3


def test_lines_as_frame(lab: Client, tmp_path: Path) -> None:
    frame = lab.lines(1, "data.k", "averaging_index", by="network.labels")
    assert list(frame.columns[:3]) == ["network.labels", "data.k", "n"]
    assert frame["n"].tolist() == [3, 3, 3, 3, 3, 2, 3, 3, 3]
    diagram = lab.diagram_frame(1, **AXES)
    assert frame["mean"].tolist() == diagram["mean"].tolist()
    file = lab.save_lines(1, "data.k", "averaging_index", tmp_path / "l.csv", where="network.labels=binary")
    assert len(file.read_text().splitlines()) == 4


def test_curves_as_frame(lab: Client) -> None:
    frame = lab.curves(1, by=["network.labels"], where=["data.k=6"], method=["exact"], readout=["max"])
    assert len(frame) == 3 * 4
    assert set(frame["method"]) == {"exact"}
    assert frame["mean"].between(0, 1).all()
    assert (frame["mean_upper"] >= frame["mean"]).all()
    assert (frame["mean_upper"] > frame["mean"]).any()
    assert lab.curves(1, by=["network.labels"], where=["data.k=6"], method=["pgd"])["mean_upper"].isna().all()


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf", "csv", "parquet", "json"])
def test_diagrams_and_curves_are_saved_by_suffix(lab: Client, tmp_path: Path, suffix: str) -> None:
    file = lab.save_diagram(1, file=tmp_path / f"d.{suffix}", **AXES)
    assert file.stat().st_size > 100
    if suffix != "pdf":
        assert lab.save_curves(1, tmp_path / f"c.{suffix}", by=["network.labels", "data.k"]).stat().st_size > 100
    assert not [path for path in tmp_path.iterdir() if path.suffix == ".part"]


def test_published_values_are_laid_over(lab: Client, tmp_path: Path) -> None:
    published = tmp_path / "published.csv"
    published.write_text("label,radius,accuracy\ntheirs,2,0.5\n")
    query = {"by": ["network.labels"], "where": ["data.k=6"]}
    file = lab.save_curves(1, tmp_path / "c.svg", overlay=published, **query)
    assert "published: theirs" in file.read_text()
    with pytest.raises(Invalid, match="cannot be read"):
        lab.save_curves(1, tmp_path / "c.svg", overlay=tmp_path / "no.csv", **query)
    with pytest.raises(Invalid, match="png"):
        lab.save_curves(1, tmp_path / "c.csv", overlay=published, **query)


def test_failures_come_by_reason(lab: Client) -> None:
    (failure,) = lab.failures(1)
    assert (failure.reason, failure.count) == ("diverged: the loss is not finite", 1)
    assert lab.run(failure.key)["state"] == "failed"
    assert lab.failures(2) == []
    with pytest.raises(NotFound):
        lab.failures(99)


def test_runs_and_export(lab: Client, tmp_path: Path) -> None:
    runs = list(lab.runs(1))
    assert len(runs) == 24
    whole = lab.run(runs[0]["key"])
    assert set(whole["measures"]) == set(MEASURES)
    frame = pd.read_parquet(lab.export(1, tmp_path / "runs.parquet"))
    assert list(frame["key"]) == [run["key"] for run in runs]
    assert len(pd.read_csv(lab.export(1, tmp_path / "runs.csv"))) == 24
    assert lab.save_cosines(runs[0]["key"], tmp_path / "c.png").stat().st_size > 100
    chosen = list(lab.runs(1, where=["state=done", "averaging_index>0.9"], order="-seed"))
    assert [run["seed"] for run in chosen] == [2] * 3 + [1] * 3 + [0] * 3
    saved = pd.read_csv(lab.export(1, tmp_path / "some.csv", ["state=done", "averaging_index>0.9"], "-seed"))
    assert list(saved["key"]) == [run["key"] for run in chosen]
    assert lab.run(runs[0]["key"][:12])["key"] == runs[0]["key"]
    for wrong in ({"where": "state=asleep"}, {"order": "colour"}):
        with pytest.raises(Invalid):
            list(lab.runs(1, **wrong))
    with pytest.raises(Invalid, match="whole experiment"):
        lab.export(1, tmp_path / "x.phaselab", where="state=done")


@pytest.mark.parametrize("name", ["json", "yaml", "mapping", "preset"])
def test_specs_from_every_source(own: Client, tmp_path: Path, name: str) -> None:
    file = tmp_path / f"spec.{name}"
    file.write_text(json.dumps(NEW_SPEC))
    source = {"mapping": NEW_SPEC, "preset": "preset:fig2"}.get(name, file)
    estimate = own.estimate(source, ["seeds=2"])
    assert estimate.runs > 0
    assert estimate.stacks > 0
    experiment = own.submit(source, ["seeds=2", "name=changed"])
    assert experiment.counts.total == estimate.runs
    assert experiment.name == "changed"


def test_an_idempotency_key_stores_once(own: Client) -> None:
    assert own.submit(NEW_SPEC, idempotency_key="a").id == own.submit(NEW_SPEC, idempotency_key="a").id
    with pytest.raises(Conflict):
        own.submit(SPEC, idempotency_key="a")
    assert own.submit(NEW_SPEC).id != own.submit(NEW_SPEC).id


def test_verbs_change_the_status(own: Client) -> None:
    assert own.pause(2).status is ExperimentStatus.PAUSED
    assert own.resume(2).status is ExperimentStatus.QUEUED
    assert own.change(2, name="other", priority=3).priority == 3
    assert own.cancel(2).status is ExperimentStatus.CANCELLED
    with pytest.raises(Conflict):
        own.pause(2)
    assert own.retry(2).status is ExperimentStatus.QUEUED


def test_watching_follows_to_the_end(own: Client, own_server: tuple[str, Database]) -> None:
    def work() -> None:
        while True:
            with own_server[1].transaction() as session:
                leased = take_stack(session, 2, lambda _: 100, "test", 60.0)
                if leased is None:
                    return
                land(session, [made_up(run) for run in leased.stack.runs])

    worker = threading.Thread(target=work)
    seen = []
    for experiment in own.watch(2):
        seen.append(experiment)
        if len(seen) == 1:
            worker.start()
    worker.join()
    assert seen[0].counts.ended == 0
    assert seen[-1].status is ExperimentStatus.FINISHED
    assert own.wait(2) == seen[-1]


def test_faults_of_a_spec_come_with_their_places(lab: Client) -> None:
    with pytest.raises(Invalid) as caught:
        lab.submit({"name": "x", "data": {"k": 1, "q": 3}})
    assert {fault.pointer for fault in caught.value.faults} == {"/data/k", "/data/q"}
    assert "/data/q: unknown key" in str(caught.value)


def test_errors_by_what_went_wrong(lab: Client, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no experiment 99"):
        lab.experiment(99)
    with pytest.raises(NotFound):
        lab.run("0" * 64)
    with pytest.raises(NotFound):
        list(lab.watch(99))
    with pytest.raises(Invalid, match="cannot be read"):
        lab.submit(tmp_path / "none.yaml")
    with pytest.raises(Invalid, match="a preset is written preset:fig2"):
        lab.submit("fig2")
    with pytest.raises(NotFound, match=r"there are .*digits, .*fig2, "):
        lab.submit("preset:none")
    with pytest.raises(Invalid, match="cannot be written"):
        lab.export(1, tmp_path / "no" / "folder.csv")
    with pytest.raises(Unreachable, match="phaselab serve"):
        Client("http://127.0.0.1:1").experiment(1)
    for url in ("ftp://x", "nonsense"):
        with pytest.raises(Unreachable, match="http://"):
            Client(url).experiment(1)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, b"<html>", BadAnswer),
        (200, b"{}", BadAnswer),
        (200, b"[]", BadAnswer),
        (404, b"<html>", BadAnswer),
        (500, b'{"detail": "d"}', ServerError),
        (401, b'{"detail": "d"}', Unauthorized),
        (418, b'{"detail": "d"}', Refused),
    ],
)
def test_answers_of_servers_that_are_not_well(status: int, body: bytes, kind: type[PhaselabError]) -> None:
    for call in (Client.experiment, Client.cancel, Client.curves, lambda client, one: client.lines(one, "x", "y")):
        with pytest.raises(kind), answering(status, body) as client:
            call(client, 1)


def test_a_file_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    def broken() -> Iterator[bytes]:
        yield b"key,seed\n"
        raise httpx.ReadError("cut off")

    client = Client("http://lab", transport=httpx.MockTransport(lambda _: httpx.Response(200, content=broken())))
    file = tmp_path / "runs.csv"
    file.write_text("earlier")
    with pytest.raises(Unreachable):
        client.export(1, file)
    assert [path.name for path in tmp_path.iterdir()] == ["runs.csv"]
    assert file.read_text() == "earlier"


@pytest.mark.parametrize("error", [httpx.ReadError("cut off"), httpx.ReadTimeout("slow")])
def test_a_busy_server_is_asked_again(error: httpx.RequestError, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "time", SimpleNamespace(sleep=lambda _: None))
    answers = iter([httpx.Response(503), error, httpx.Response(200, json={"name": "phaselab"})])

    def answer(_: httpx.Request) -> httpx.Response:
        given = next(answers)
        if isinstance(given, Exception):
            raise given
        return given

    with Client("http://lab", transport=httpx.MockTransport(answer)) as client:
        assert client.version() == {"name": "phaselab"}


def test_a_change_is_made_to_the_edition_that_was_seen(own: Client) -> None:
    seen = own.experiment(2)
    mine = own.change(2, note="mine", edition=seen.edition)
    assert mine.edition > seen.edition
    with pytest.raises(ChangedSince, match=f"it is edition {mine.edition} now") as late:
        own.change(2, note="theirs", edition=seen.edition)
    assert late.value.status == 412
    with pytest.raises(ChangedSince):
        own.delete(2, seen.edition)
    own.delete(2, mine.edition)


class Lossy(httpx.BaseTransport):
    """A way on which the first answer to each change is lost, or becomes that of a proxy."""

    def __init__(self, instead: httpx.Response | None) -> None:
        self._way = httpx.HTTPTransport()
        self._instead = instead
        self._seen: set[str] = set()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer, key = self._way.handle_request(request), request.headers.get("Idempotency-Key")
        answer.read()
        if key is None or key in self._seen:
            return answer
        self._seen.add(key)
        if self._instead is None:
            raise httpx.ReadError("cut off")
        return self._instead

    def close(self) -> None:
        self._way.close()


@pytest.mark.parametrize("instead", [None, httpx.Response(502), httpx.Response(504)])
def test_a_change_whose_answer_is_lost_is_made_once(
    own_server: tuple[str, Database], tmp_path: Path, instead: httpx.Response | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "time", SimpleNamespace(sleep=lambda _: None))
    url, database = own_server
    with Client(url, transport=Lossy(instead)) as client:
        file = client.export(1, tmp_path / "1.phaselab")
        new = client.submit(NEW_SPEC).id
        assert client.change(new, note="once").note == "once"
        assert client.pause(new).status == "paused"
        assert client.cancel(new).status == "cancelled"
        assert client.retry(new).status == "queued"
        client.delete(new)
        assert client.import_file(file).created
    done = [deed.deed for deed in audit.deeds(database).items]
    assert done == ["import", "delete", "retry", "cancel", "pause", "change", "submit"]


def test_a_token_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request.headers.get("authorization"))
        return httpx.Response(200, json={"name": "phaselab"})

    Client("http://lab", "t1", httpx.MockTransport(answer)).version()
    monkeypatch.setenv("PHASELAB_TOKEN", "t2")
    Client("http://lab", transport=httpx.MockTransport(answer)).version()
    assert sent == ["Bearer t1", "Bearer t2"]


def test_public_names_and_the_tree_of_errors() -> None:
    kinds = {
        name for name, value in vars(errors).items() if isinstance(value, type) and value.__module__ == errors.__name__
    }
    assert kinds <= set(package.__all__)
    assert all(name in (errors.__doc__ or "") for name in kinds)
    assert all(issubclass(getattr(errors, name), PhaselabError) for name in kinds)
    assert sorted(package.__all__) == package.__all__


def test_faults_of_yaml_are_told_with_their_lines(lab: Client) -> None:
    for text, told in (
        ("name: x\ndata:\n  k: 1\n", "line 3, /data/k: "),
        ("name: x\ndata: *k\n", "line 2: the text is not read: aliases"),
    ):
        with pytest.raises(Invalid) as refused:
            lab.estimate(text.encode())
        assert str(refused.value).startswith(told)
    with pytest.raises(Invalid) as refused:
        lab.estimate({"name": "x", "data": {"k": 1}})
    assert str(refused.value).startswith("/data/k: ")
