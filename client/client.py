"""The Python client: one method a call of the REST api."""

import os
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

import httpx
import pandas as pd

from phaselab.client.compared import Differences
from phaselab.client.errors import BadAnswer, NotFound
from phaselab.client.overview import Overview
from phaselab.client.parts import check_parts
from phaselab.client.pictured import Curves, Lines
from phaselab.client.queries import (
    Id,
    Ids,
    Texts,
    curve_query,
    diagram_query,
    difference_query,
    if_match,
    line_query,
    one_id,
    one_key,
    run_query,
    texts,
)
from phaselab.client.reading import known, reading
from phaselab.client.rerun import Rerun, rerun
from phaselab.client.saving import Saving
from phaselab.client.specs import SpecSource, as_json, read_spec
from phaselab.client.transport import Parameters, Transport, json_of
from phaselab.client.values import Diagram, Estimate, Experiment, Failure, Verdict, Verdicts
from phaselab.client.watch import watch

DEFAULT_URL = "http://127.0.0.1:8000"


class Client(Saving):
    """A Phaselab server. `url` and `token` default to PHASELAB_URL and PHASELAB_TOKEN.

    Experiments are named by their number, in digits or as any integer; where several may be named, one stands for a
    list of one, and so does one text. Every method raises an error of `client.errors`. Use it as a context manager, or
    close it.
    """

    def __init__(
        self, url: str | None = None, token: str | None = None, transport: httpx.BaseTransport | None = None
    ) -> None:
        url = url or os.environ.get("PHASELAB_URL") or DEFAULT_URL
        self._http = Transport(url, token or os.environ.get("PHASELAB_TOKEN"), transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def url(self) -> str:
        """The server's URL."""
        return self._http.url

    def _read(self, answer: Any) -> Experiment:
        return Experiment.read(answer, self)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def submit(self, spec: SpecSource, changes: Texts = (), idempotency_key: str | None = None) -> Experiment:
        """Submit a spec; `changes` are `path=value`. Sent again after a broken connection it is still stored once."""
        key = idempotency_key or uuid.uuid4().hex
        answer = self._post_spec(spec, changes, {"Idempotency-Key": key}, [])
        return self._read(answer)

    def estimate(self, spec: SpecSource, changes: Texts = ()) -> Estimate:
        """What a spec would come to; stores nothing."""
        answer = self._post_spec(spec, changes, {}, [("dry_run", "true")])
        with reading("estimates"):
            return known(Estimate, answer)

    def _post_spec(self, spec: SpecSource, changes: Texts, headers: Mapping[str, str], parameters: Parameters) -> Any:
        body, kind = read_spec(spec, self.preset)
        asked = [*parameters, *texts("set", changes)]
        sent = {"Content-Type": kind} | dict(headers)
        return json_of(self._http.send("POST", "/experiments", asked, body, sent, repeat=True))

    def experiments(
        self,
        status: str | None = None,
        owner: str | None = None,
        name: str | None = None,
        tag: str | None = None,
        archived: bool = False,
    ) -> Iterator[Experiment]:
        """Experiments, newest first: those with this status, owner and tag, and with this text in their name; those
        that are archived, or those that are not."""
        asked = {"status": status, "owner": owner, "name": name, "tag": tag, "archived": "true" if archived else None}
        query = [(key, value) for key, value in asked.items() if value is not None]
        return (self._read(item) for item in self._items("/experiments", query))

    def experiment(self, experiment_id: Id) -> Experiment:
        """One experiment: status, counts, eta."""
        return self._read(self._http.get_json(f"/experiments/{one_id(experiment_id)}"))

    def watch(self, experiment_id: Id) -> Iterator[Experiment]:
        """The experiment each time it has gone on, until nothing more will happen; survives broken connections."""
        return (replace(seen, client=self) for seen in watch(self._http, one_id(experiment_id)))

    def wait(self, experiment_id: Id, progress: bool = False) -> Experiment:
        """The experiment once nothing more will happen to it; with `progress` it is told how far it is."""
        if progress:
            from phaselab.client.show import follow  # noqa: PLC0415 - it takes time, and others have no use for it

            return follow(self, int(one_id(experiment_id)))
        last = self.experiment(experiment_id)
        if not last.status.is_finished:
            *_, last = self.watch(experiment_id)
        return last

    def cancel(self, experiment_id: Id) -> Experiment:
        """Stop it for good; what has landed stays."""
        return self._verb(experiment_id, "cancel")

    def pause(self, experiment_id: Id) -> Experiment:
        """Hand out nothing more of it until it is resumed."""
        return self._verb(experiment_id, "pause")

    def resume(self, experiment_id: Id) -> Experiment:
        """Go on with a paused experiment."""
        return self._verb(experiment_id, "resume")

    def retry(self, experiment_id: Id, missing: bool = False, imported: bool = False) -> Experiment:
        """Queue its failed and cancelled runs again; with `missing` also those whose results lack a newer measure, with
        `imported` also those whose results were imported and stand apart, to be computed there."""
        asked = {"missing": missing, "imported": imported}
        return self._verb(experiment_id, "retry", [(name, "true") for name, wanted in asked.items() if wanted])

    def _verb(self, experiment_id: Id, verb: str, parameters: Parameters = ()) -> Experiment:
        path = f"/experiments/{one_id(experiment_id)}/{verb}"
        return self._read(json_of(self._http.change("POST", path, parameters)))

    def change(
        self,
        experiment_id: Id,
        name: str | None = None,
        priority: int | None = None,
        note: str | None = None,
        tags: Texts | None = None,
        archived: bool | None = None,
        owner: str | None = None,
        edition: int | None = None,
        visibility: str | None = None,
    ) -> Experiment:
        """Change what is given of its name, priority, note and tags, whether it is archived, who sees it (`everyone`;
        `results`: its results alone), and whose it is, which admins may; with an `edition` only while it is that one.
        Raises ChangedSince."""
        listed = None if tags is None else [tags] if isinstance(tags, str) else list(tags)
        given = {"name": name, "priority": priority, "note": note, "tags": listed, "archived": archived}
        given |= {"owner": owner, "visibility": visibility}
        changes = {key: value for key, value in given.items() if value is not None}
        headers = {"Content-Type": "application/json"} | if_match(edition)
        path = f"/experiments/{one_id(experiment_id)}"
        return self._read(json_of(self._http.change("PATCH", path, (), as_json(changes), headers)))

    def delete(self, experiment_id: Id, edition: int | None = None) -> None:
        """Remove an experiment, with an `edition` only while it is that one, and the runs that no other experiment has.
        Raises ChangedSince."""
        self._http.change("DELETE", f"/experiments/{one_id(experiment_id)}", headers=if_match(edition))

    def failures(self, experiment_id: Id, limit: int = 100) -> list[Failure]:
        """The experiment's failed runs by reason, the `limit` most frequent first."""
        answer = self._http.get_json(f"/experiments/{one_id(experiment_id)}/failures", [("limit", str(limit))])
        with reading("tells failures"):
            return [known(Failure, item) for item in answer["items"]]

    def overview(self) -> Overview:
        """The service at a look: who waits and why, what the workers do, what fails; for admins."""
        answer = self._http.get_json("/admin/overview")
        with reading("describes itself"):
            return known(Overview, answer)

    def verdicts(self, experiment_id: Id) -> Verdicts:
        """What the experiment's runs say of each of its claims."""
        answer = self._http.get_json(f"/experiments/{one_id(experiment_id)}/verdicts")
        with reading("tells verdicts"):
            return Verdicts(known(Verdict, item) for item in answer["items"])

    def runs(self, experiment_id: Id, where: Texts = (), order: Texts = ()) -> Iterator[Mapping[str, Any]]:
        """Runs of an experiment: key, state, seed, axis values, measures, trust. `where` are conditions such as
        `state=failed` or `averaging_index>0.5`, `order` names to sort by, `-seed` the other way round."""
        query = [*run_query(where, order), ("limit", "1000")]
        return self._items(f"/experiments/{one_id(experiment_id)}/runs", query)

    def run(self, key: str) -> Mapping[str, Any]:
        """One run whole: settings, measures, curves, cosine matrix, trust, provenance."""
        answer = self._http.get_json(f"/runs/{one_key(key)}")
        if not isinstance(answer, dict):
            raise BadAnswer("the server describes a run in a way this client cannot read")
        return answer

    def rerun(self, key: str, device: str = "cpu") -> Rerun:
        """A run computed again on this machine, with its weights; `key` or the beginning of it. Raises PartMissing
        without the worker part."""
        check_parts("computing a run again", ("worker",))
        return rerun(self.run(key), device)

    def diagram(self, experiment: Ids, x: str, y: str, measure: str, **more: Any) -> Diagram:
        """The phase diagram; `where`, `marginalize` and `threshold` are texts or lists of them (`threshold` like
        trained_accuracy:0.8), `statistic` is mean (the default), median, sd, min, max, q05, q25, q75 or q95."""
        return Diagram.read(self._http.get_json("/diagrams", diagram_query(experiment, x, y, measure, **more)))

    def diagram_frame(self, experiment: Ids, x: str, y: str, measure: str, **more: Any) -> pd.DataFrame:
        """The phase diagram as a frame, one row a cell."""
        return self.diagram(experiment, x, y, measure, **more).frame()

    def differences(self, first: Id, second: Id, x: str, y: str, measure: str, **more: Any) -> pd.DataFrame:
        """How a measure of the second experiment differs from that of the first, one row for every cell that both have:
        `value`, `ci_low`, `ci_high`, `n`, `first`, `second`, `reason`; `where` and `marginalize` as of a diagram."""
        return self.ask_differences(first, second, x, y, measure, **more).frame()

    def ask_differences(self, first: Id, second: Id, x: str, y: str, measure: str, **more: Any) -> Differences:
        """The same as an answer with a frame and a picture."""
        return Differences(
            self._answer("/differences", difference_query(first, second, x, y, measure, **more), "value")
        )

    def lines(self, experiment: Ids, x: str, measure: str, by: Texts = (), **more: Any) -> pd.DataFrame:
        """A measure against one parameter as a frame, a line for every combination of values of `by`; `where`,
        `marginalize`, `statistic` and `threshold` as of a diagram."""
        return self.ask_lines(experiment, x, measure, by, **more).frame()

    def ask_lines(self, experiment: Ids, x: str, measure: str, by: Texts = (), **more: Any) -> Lines:
        """The same as an answer with a frame and a picture."""
        return Lines(self._answer("/lines", line_query(experiment, x, measure, by, **more)))

    def curves(self, experiment: Ids, by: Texts = (), **more: Any) -> pd.DataFrame:
        """Robustness curves as a frame; `where`, `method` and `readout` are texts or lists of them, `per_seed` gives
        those of every run."""
        return self.ask_curves(experiment, by, **more).frame()

    def ask_curves(self, experiment: Ids, by: Texts = (), **more: Any) -> Curves:
        """The same as an answer with a frame and a picture."""
        return Curves(self._answer("/curves", curve_query(experiment, by, **more)))

    def _answer(self, path: str, query: Parameters, holds: str | None = None) -> Mapping[str, Any]:
        """The answer of a call, which holds this; left out, what the call is named as."""
        answer = self._http.get_json(path, query)
        if isinstance(answer, dict) and (holds or path[1:]) in answer:
            return answer
        raise BadAnswer(f"the server answers {path} in a way this client cannot read")

    def catalogue(self, name: str) -> Sequence[Mapping[str, Any]]:
        """`parameters`, `measures` or `presets`."""
        return list(self._items(f"/{name}", []))

    def presets(self) -> Sequence[Mapping[str, Any]]:
        """The presets of the server: `name`, `meaning`, `spec`, `pictures` and `claims` of each."""
        return self.catalogue("presets")

    def preset(self, name: str) -> Mapping[str, Any]:
        """A preset of the server: `meaning`, `spec`, `pictures` and `claims`. Raises NotFound."""
        known = {str(entry.get("name")): entry for entry in self.presets()}
        if name not in known:
            raise NotFound(f"there is no preset {name!r}; there are {', '.join(known)}", 404)
        return known[name]

    def version(self) -> Mapping[str, Any]:
        """Name, version and recipe of the server."""
        answer = self._http.get_json("/version")
        if not isinstance(answer, dict) or answer.get("name") != "phaselab":
            raise BadAnswer(f"{self._http.url} is no Phaselab server")
        return answer

    def _items(self, path: str, query: Parameters) -> Iterator[Mapping[str, Any]]:
        """The items of a list, page after page."""
        cursor: list[tuple[str, str]] = []
        while True:
            with reading(f"lists {path}"):
                page = self._http.get_json(path, [*query, *cursor])
                items, following = [dict(item) for item in page["items"]], page.get("next")
            yield from items
            if following is None:
                return
            if cursor == (cursor := [("cursor", str(following))]):
                raise BadAnswer(f"the server lists {path} without an end")
