"""An experiment as one portable file, so that labs can merge what they have computed.

The file is gzip over lines of JSON: a head (format, recipe, name, owner, time, spec), then one line for every run with
a result. Reading one in twice changes nothing; a result that is here already is never
overwritten; it is only given measures that it lacks.
"""

import gzip
import hashlib
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Annotated, Any, BinaryIO, Literal

import numpy as np
from pydantic import Field
from pydantic_core import to_json

from phaselab.db.reading import experiments, run_rows
from phaselab.db.reading.run_rows import WholeRun
from phaselab.db.schema.database import Database
from phaselab.db.writing import landing, verbs
from phaselab.db.writing.arrays import RunArrays
from phaselab.domain.results.measures import MEASURES, Measures
from phaselab.domain.results.results import Curve, Readout, RunResult
from phaselab.domain.results.trust import FLAGS, Trust
from phaselab.domain.settings.faults import Fault, InvalidInput, pointer
from phaselab.domain.settings.radii import radii
from phaselab.domain.settings.runs import RECIPE
from phaselab.domain.settings.settings import Group, Method
from phaselab.domain.specs.draft import Draft, make_draft
from phaselab.domain.specs.points import plan
from phaselab.domain.specs.spec import parse_spec, validate
from phaselab.service.base.errors import NotFound

FORMAT: Literal[1] = 1
BATCH = 1_000
MAX_LINE = 20_000_000
"""Most bytes of one line."""
SAME = 1e-5
"""Measures that differ by no more than this share are the same: other hardware rounds float32 otherwise."""

Share = Annotated[float, Field(ge=0, le=1)]
Text = Annotated[str, Field(max_length=1000)]


class Head(Group):
    """The first line of a file."""

    format: Literal[1]
    recipe: int
    name: Text
    owner: Text
    created_at: Text
    spec: dict[str, Any]


class CurveLine(Group):
    """A curve of a run."""

    readout: Readout
    method: Method
    accuracy: Annotated[tuple[Share, ...], Field(max_length=200, strict=False)]


class RunLine(Group):
    """A run and its result."""

    key: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    measures: dict[str, float | None]
    curves: Annotated[tuple[CurveLine, ...], Field(max_length=20, strict=False)]
    cosines: list[list[float]]
    flags: Annotated[tuple[str, ...], Field(max_length=100, strict=False)]
    seconds: float
    provenance: dict[str, str]


@dataclass(frozen=True)
class Merged:
    """What reading a file in came to: results that are new here, that were here already, and the keys of those that
    are here with other values (what is here stays)."""

    experiment_id: int
    created: bool
    new: int
    known: int
    conflicts: tuple[str, ...]


def export_experiment(database: Database, experiment_id: int) -> Iterator[bytes]:
    """The experiment's file, piece by piece. Raises NotFound at the first piece."""
    packer = zlib.compressobj(level=1, wbits=31)  # gzip; higher levels take twice the time for a few percent
    for line in _lines(database, experiment_id):
        if piece := packer.compress(to_json(line) + b"\n"):  # six times as fast as `json`
            yield piece
    yield packer.flush()


def import_experiment(database: Database, file: BinaryIO, owner: str, max_runs: int = 1_000_000) -> Merged:
    """Merge an experiment's file. What the file has no result for waits, paused, until it is resumed.

    Raises InvalidInput for what is no such file, is damaged, holds more than `max_runs` runs, or was computed by
    another recipe. Results that stand before the damage have been merged then; they are whole.
    """
    lines = _read(file)
    head = validate(Head, next(lines, None))
    if head.recipe != RECIPE:
        detail = (
            f"these results are of recipe {head.recipe}; this version computes recipe {RECIPE}, so they do not merge"
        )
        raise InvalidInput([Fault("/recipe", detail)])
    # Whoever submitted it elsewhere asked to be told; whoever reads it in here did not.
    drafted = make_draft(plan(parse_spec(head.spec | {"notify": None}), max_runs))
    experiment_id, created = _experiment(database, head, drafted, owner)
    wanted = {run.key: run.distinct.settings for run in drafted.runs}
    new = known = 0
    conflicts: list[str] = []
    while batch := list(islice(lines, BATCH)):
        results = []
        for data in batch:
            line = validate(RunLine, data)
            settings = wanted.pop(line.key, None)
            if settings is None:
                detail = f"run {line.key} is none of the experiment's, or stands here twice; the file is damaged"
                raise InvalidInput([Fault("/key", detail)])
            results.append(_result(line, len(radii(settings.attack))))
        with database.transaction() as session:
            here = landing.stored_measures(session, [result.key for result in results])
            new += landing.land(session, results).done
        known += len(here)
        conflicts += [result.key for result in results if result.key in here and _differs(result, here[result.key])]
    return Merged(experiment_id, created, new, known, tuple(conflicts))


def _experiment(database: Database, head: Head, drafted: Draft, owner: str) -> tuple[int, bool]:
    """The experiment that the file's runs belong to here, and whether it is new."""
    origin = hashlib.sha256(head.model_dump_json().encode()).hexdigest()
    with database.transaction() as session:
        earlier = experiments.find_submitted(session, owner, f"import:{origin}")
        if earlier is not None:
            return earlier.id, False
        experiment_id = experiments.create_experiment(session, drafted, owner, f"import:{origin}")
        verbs.pause(session, experiment_id)
    return experiment_id, True


def _lines(database: Database, experiment_id: int) -> Iterator[dict[str, Any]]:
    with database.reading() as session:
        row = experiments.get_experiment(session, experiment_id)
    if row is None:
        raise NotFound(f"there is no experiment {experiment_id}")
    yield Head(
        format=FORMAT,
        recipe=RECIPE,
        name=row.name,
        owner=row.owner,
        created_at=row.created_at.isoformat(),
        spec=dict(row.spec),
    ).model_dump(mode="json")
    after = 0
    while True:
        with database.reading() as session:
            page = run_rows.page_of_results(session, experiment_id, after, BATCH)
        yield from (_line(run, run.arrays) for run in page if run.arrays is not None and run.recipe == RECIPE)
        if len(page) < BATCH:
            return
        after = page[-1].row.id


def _line(run: WholeRun, arrays: RunArrays) -> dict[str, Any]:
    return {
        "key": run.row.key,
        "measures": {name: run.row.measures[name] for name in run.measured if name in MEASURES},
        "curves": [
            {"readout": curve.readout, "method": curve.method, "accuracy": curve.accuracy.tolist()}
            for curve in arrays.curves
        ],
        "cosines": arrays.cosines.tolist(),
        "flags": run.row.flags,
        "seconds": run.row.seconds,
        "provenance": dict(run.provenance or {}),
    }


def _read(file: BinaryIO) -> Iterator[Any]:
    """The lines' values. Raises InvalidInput where the file cannot be read."""
    number = 0
    try:
        with gzip.open(file, "rb") as lines:
            while line := lines.readline(MAX_LINE):
                number += 1
                yield json.loads(line)
    except (OSError, EOFError, zlib.error, ValueError, RecursionError) as error:
        detail = f"this is no experiment's file, or it is damaged: {error}"
        raise InvalidInput([Fault(pointer("line", number + 1), detail)]) from None


def _result(line: RunLine, count: int) -> RunResult:
    widths = {len(row) for row in line.cosines}
    faults = []
    if any(len(curve.accuracy) != count for curve in line.curves):
        faults.append(Fault("/curves", f"run {line.key}: a curve has {count} radii"))
    if len(widths) > 1:
        faults.append(Fault("/cosines", f"run {line.key}: the rows of the matrix differ in length"))
    if set(line.flags) - set(FLAGS):
        faults.append(Fault("/flags", f"run {line.key}: known flags are {', '.join(FLAGS)}"))
    if faults:
        raise InvalidInput(faults)
    curves = tuple(Curve(one.readout, one.method, np.array(one.accuracy)) for one in line.curves)
    cosines = np.array(line.cosines, dtype=np.float32).reshape(len(line.cosines), widths.pop() if widths else 0)
    # Another version's file may hold a measure that there is none of here.
    measures = {name: value for name, value in line.measures.items() if name in MEASURES}
    return RunResult(line.key, measures, curves, cosines, Trust(line.flags), line.seconds, line.provenance)


def _differs(result: RunResult, here: Measures) -> bool:
    """Whether a result has other numbers than what is here, of the measures that both were given."""
    both = sorted(result.measures.keys() & here.keys())
    given, known = (np.array([of[name] for name in both], dtype=np.float64) for of in (result.measures, here))
    return not np.allclose(given, known, rtol=SAME, atol=1e-9, equal_nan=True)
