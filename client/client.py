"""The Python client: one method a call of the REST api."""

import os
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import pandas as pd

from phaselab.client.errors import BadAnswer, Invalid, NotFound
from phaselab.client.files import export_format, opened, picture_format, table_format, written
from phaselab.client.frames import curves_frame, diagram_frame, lines_frame
from phaselab.client.queries import (
    Id,
    Ids,
    Texts,
    curve_query,
    diagram_query,
    line_query,
    one_id,
    one_key,
    run_query,
    texts,
)
from phaselab.client.specs import SpecSource, as_json, read_spec
from phaselab.client.transport import Parameters, Transport, json_of
from phaselab.client.values import Diagram, Estimate, Experiment, Failure, Merged, Verdict, known
from phaselab.client.watch import watch

DEFAULT_URL = "http://127.0.0.1:8000"


class Client:
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

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def submit(self, spec: SpecSource, changes: Texts = (), idempotency_key: str | None = None) -> Experiment:
        """Submit a spec; `changes` are `path=value`. Sent again after a broken connection it is still stored once."""
        key = idempotency_key or uuid.uuid4().hex
        answer = self._post_spec(spec, changes, {"Idempotency-Key": key}, [])
        return Experiment.read(answer)

    def estimate(self, spec: SpecSource, changes: Texts = ()) -> Estimate:
        """What a spec would come to; stores nothing."""
        answer = self._post_spec(spec, changes, {}, [("dry_run", "true")])
        try:
            return known(Estimate, answer)
        except (KeyError, TypeError) as error:
            raise BadAnswer(f"the server estimates in a way this client cannot read: {error}") from None

    def _post_spec(self, spec: SpecSource, changes: Texts, headers: Mapping[str, str], parameters: Parameters) -> Any:
        body, kind = read_spec(spec, self.preset)
        asked = [*parameters, *texts("set", changes)]
        sent = {"Content-Type": kind} | dict(headers)
        return json_of(self._http.send("POST", "/experiments", asked, body, sent, repeat=True))

    def experiments(self) -> Iterator[Experiment]:
        """Every experiment, newest first."""
        return (Experiment.read(item) for item in self._items("/experiments", []))

    def experiment(self, experiment_id: Id) -> Experiment:
        """One experiment: status, counts, eta."""
        return Experiment.read(self._http.get_json(f"/experiments/{one_id(experiment_id)}"))

    def watch(self, experiment_id: Id) -> Iterator[Experiment]:
        """The experiment each time it has gone on, until nothing more will happen; survives broken connections."""
        return watch(self._http, one_id(experiment_id))

    def wait(self, experiment_id: Id) -> Experiment:
        """The experiment once nothing more will happen to it."""
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
        return Experiment.read(json_of(self._http.send("POST", path, parameters)))

    def change(self, experiment_id: Id, name: str | None = None, priority: int | None = None) -> Experiment:
        """Change its name or priority."""
        changes = {key: value for key, value in (("name", name), ("priority", priority)) if value is not None}
        headers = {"Content-Type": "application/json"}
        path = f"/experiments/{one_id(experiment_id)}"
        return Experiment.read(json_of(self._http.send("PATCH", path, (), as_json(changes), headers)))

    def failures(self, experiment_id: Id, limit: int = 100) -> list[Failure]:
        """The experiment's failed runs by reason, the `limit` most frequent first."""
        answer = self._http.get_json(f"/experiments/{one_id(experiment_id)}/failures", [("limit", str(limit))])
        try:
            return [known(Failure, item) for item in answer["items"]]
        except (KeyError, TypeError) as error:
            raise BadAnswer(f"the server tells failures in a way this client cannot read: {error}") from None

    def verdicts(self, experiment_id: Id) -> list[Verdict]:
        """What the experiment's runs say of each of its claims."""
        answer = self._http.get_json(f"/experiments/{one_id(experiment_id)}/verdicts")
        try:
            return [known(Verdict, item) for item in answer["items"]]
        except (KeyError, TypeError) as error:
            raise BadAnswer(f"the server tells verdicts in a way this client cannot read: {error}") from None

    def runs(self, experiment_id: Id, where: Texts = (), order: Texts = ()) -> Iterator[Mapping[str, Any]]:
        """Runs of an experiment: key, state, seed, axis values, measures, trust. `where` are conditions such as
        `state=failed` or `averaging_index>0.5`, `order` names to sort by, `-seed` the other way round."""
        return self._items(f"/experiments/{one_id(experiment_id)}/runs", run_query(where, order))

    def run(self, key: str) -> Mapping[str, Any]:
        """One run whole: settings, measures, curves, cosine matrix, trust, provenance."""
        answer = self._http.get_json(f"/runs/{one_key(key)}")
        if not isinstance(answer, dict):
            raise BadAnswer("the server describes a run in a way this client cannot read")
        return answer

    def save_cosines(self, key: str, file: str | Path) -> Path:
        """Save the picture of a run's cosine matrix; the file's suffix says in which format."""
        return self._save(f"/runs/{one_key(key)}/cosines.{picture_format(file)}", [], file)

    def diagram(self, experiment: Ids, x: str, y: str, measure: str, **more: Any) -> Diagram:
        """The phase diagram; `where`, `marginalize` and `threshold` are texts or lists of them (`threshold` like
        trained_accuracy:0.8), `statistic` is mean (the default), median, sd, min, max, q05, q25, q75 or q95."""
        return Diagram.read(self._http.get_json("/diagrams", diagram_query(experiment, x, y, measure, **more)))

    def diagram_frame(self, experiment: Ids, x: str, y: str, measure: str, **more: Any) -> pd.DataFrame:
        """The phase diagram as a frame, one row a cell."""
        return diagram_frame(self.diagram(experiment, x, y, measure, **more))

    def save_diagram(self, experiment: Ids, x: str, y: str, measure: str, file: str | Path, **more: Any) -> Path:
        """Save the phase diagram; the file's suffix says in which format (json, csv, parquet, png, svg, pdf)."""
        query = diagram_query(experiment, x, y, measure, **more)
        return self._save(f"/diagrams.{table_format(file, pictures=True)}", query, file)

    def lines(self, experiment: Ids, x: str, measure: str, by: Texts = (), **more: Any) -> pd.DataFrame:
        """A measure against one parameter as a frame, a line for every combination of values of `by`; `where`,
        `marginalize`, `statistic` and `threshold` as of a diagram."""
        return lines_frame(self._http.get_json("/lines", line_query(experiment, x, measure, by, **more)))

    def save_lines(self, experiment: Ids, x: str, measure: str, file: str | Path, by: Texts = (), **more: Any) -> Path:
        """Save the lines; the file's suffix says in which format (json, csv, parquet, png, svg, pdf)."""
        query = line_query(experiment, x, measure, by, **more)
        return self._save(f"/lines.{table_format(file, pictures=True)}", query, file)

    def curves(self, experiment: Ids, by: Texts = (), **more: Any) -> pd.DataFrame:
        """Robustness curves as a frame; `where`, `method` and `readout` are texts or lists of them."""
        return curves_frame(self._http.get_json("/curves", curve_query(experiment, by, **more)))

    def save_curves(
        self,
        experiment: Ids,
        file: str | Path,
        by: Texts = (),
        overlay: str | Path | None = None,
        **more: Any,
    ) -> Path:
        """Save the curves; `overlay` is a CSV file of published values to lay over the picture."""
        query = curve_query(experiment, by, **more)
        if overlay is None:
            return self._save(f"/curves.{table_format(file, pictures=True)}", query, file)
        try:
            values = Path(overlay).read_bytes()
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise Invalid(f"the overlay file {overlay} cannot be read: {reason}", 400) from None
        headers = {"Content-Type": "text/csv"}
        answer = self._http.send("POST", f"/curves.{picture_format(file)}", query, values, headers, repeat=True)
        return written(file, [answer.content])

    def export(self, experiment_id: Id, file: str | Path, where: Texts = (), order: Texts = ()) -> Path:
        """Save the runs of an experiment as a table (csv, parquet), whatever its size, all or those of `runs`; or, as
        .phaselab, the whole experiment, to be imported elsewhere."""
        query = run_query(where, order)
        if export_format(file) == "phaselab":
            if query:
                raise Invalid("a .phaselab file holds the whole experiment; leave where and order out", 400)
            return self._save(f"/experiments/{one_id(experiment_id)}/portable", [], file)
        return self._save(f"/experiments/{one_id(experiment_id)}/runs.{table_format(file)}", query, file)

    def import_file(self, file: str | Path) -> Merged:
        """Merge an experiment's file (.phaselab). Doing it again changes nothing."""
        with opened(file) as content:
            answer = json_of(self._http.upload("/experiments/import", content, "application/gzip"))
        try:
            return known(Merged, answer | {"conflicts": tuple(answer["conflicts"])})
        except (KeyError, TypeError) as error:
            raise BadAnswer(f"the server imports in a way this client cannot read: {error}") from None

    def _save(self, path: str, query: Parameters, file: str | Path) -> Path:
        with self._http.stream(path, parameters=query, timeout=600.0) as answer:
            return written(file, answer.iter_bytes())

    def catalogue(self, name: str) -> Sequence[Mapping[str, Any]]:
        """`parameters`, `measures` or `presets`."""
        return list(self._items(f"/{name}", []))

    def preset(self, name: str) -> Mapping[str, Any]:
        """A preset of the server: `meaning`, `spec`, `pictures` and `claims`. Raises NotFound."""
        known = {entry.get("name"): entry for entry in self.catalogue("presets")}
        if name not in known:
            raise NotFound(f"there is no preset {name!r}; there are {', '.join(map(str, known))}", 404)
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
            page = self._http.get_json(path, [*query, *cursor])
            if not isinstance(page, dict) or "items" not in page:
                raise BadAnswer(f"the server lists {path} in a way this client cannot read")
            yield from page["items"]
            if page.get("next") is None:
                return
            cursor = [("cursor", str(page["next"]))]
