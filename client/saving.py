"""Answers as files, and experiments as files to be carried elsewhere."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from phaselab.client.errors import Invalid
from phaselab.client.files import export_format, opened, picture_format, table_format, written
from phaselab.client.queries import (
    Id,
    Ids,
    Texts,
    curve_query,
    diagram_query,
    difference_query,
    line_query,
    one_id,
    one_key,
    run_query,
)
from phaselab.client.reading import known, reading
from phaselab.client.transport import Parameters, Transport, json_of
from phaselab.client.values import Merged


class Saving:
    """The part of a client that writes and reads files; what a file is named decides its format."""

    _http: Transport

    def save_cosines(self, key: str, file: str | Path) -> Path:
        """Save the picture of a run's cosine matrix; the file's suffix says in which format."""
        return self._save(f"/runs/{one_key(key)}/cosines.{picture_format(file)}", [], file)

    def picture(self, experiment: Id, axes: Sequence[str], measure: str) -> bytes:
        """A PNG: the diagram on the first two axes, averaged over the others; lines where there is one."""
        if len(axes) > 1:
            query = diagram_query(experiment, axes[0], axes[1], measure, marginalize=axes[2:])
            return self._http.get("/diagrams.png", query).content
        if not axes:
            return self._http.get("/curves.png", curve_query(experiment, ())).content
        return self._http.get("/lines.png", line_query(experiment, axes[0], measure)).content

    def save_diagram(self, experiment: Ids, x: str, y: str, measure: str, file: str | Path, **more: Any) -> Path:
        """Save the phase diagram; the file's suffix says in which format (json, csv, parquet, png, svg, pdf)."""
        query = diagram_query(experiment, x, y, measure, **more)
        return self._save(f"/diagrams.{table_format(file, pictures=True)}", query, file)

    def save_differences(
        self, first: Id, second: Id, x: str, y: str, measure: str, file: str | Path, **more: Any
    ) -> Path:
        """Save how two experiments differ; the file's suffix says in which format, as of a diagram."""
        query = difference_query(first, second, x, y, measure, **more)
        return self._save(f"/differences.{table_format(file, pictures=True)}", query, file)

    def save_lines(self, experiment: Ids, x: str, measure: str, file: str | Path, by: Texts = (), **more: Any) -> Path:
        """Save the lines; the file's suffix says in which format (json, csv, parquet, png, svg, pdf)."""
        query = line_query(experiment, x, measure, by, **more)
        return self._save(f"/lines.{table_format(file, pictures=True)}", query, file)

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
        with reading("imports"):
            return known(Merged, answer | {"conflicts": tuple(answer["conflicts"])})

    def _save(self, path: str, query: Parameters, file: str | Path) -> Path:
        with self._http.stream(path, parameters=query, timeout=600.0) as answer:
            return written(file, answer.iter_bytes())
