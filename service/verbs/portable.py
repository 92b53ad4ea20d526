"""An experiment as one portable file, so that labs can merge what they have computed.

The file is gzip over lines of JSON (`portable_file`): a head (format, recipe, name, owner, time, spec), then one line
for every run with a result. Reading one in twice changes nothing; a result that is here already is never overwritten,
and what is read in is the reader's own: it stands apart, unless whoever runs the server trusts the account.
"""

import hashlib
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from os import SEEK_END
from typing import Any, BinaryIO, Literal

import numpy as np
from pydantic_core import to_json

from phaselab.db.reading import experiments, run_rows
from phaselab.db.reading.run_rows import WholeRun
from phaselab.db.schema.database import Database
from phaselab.db.writing import audit, imports, landing, verbs
from phaselab.db.writing.arrays import RunArrays
from phaselab.db.writing.pools import own_keys
from phaselab.domain.results.measures import MEASURES, Measures
from phaselab.domain.results.plausible import implausible, most_bytes
from phaselab.domain.results.results import Curve, RunResult
from phaselab.domain.settings.faults import Fault, InvalidInput
from phaselab.domain.settings.runs import RECIPE
from phaselab.domain.settings.settings import Settings
from phaselab.domain.settings.texts import shortened, shown
from phaselab.domain.specs.draft import Draft
from phaselab.domain.specs.points import LIMITS, Limits
from phaselab.domain.specs.spec import parse_spec, validate
from phaselab.service.base.configuration import NO_QUOTAS, Quotas
from phaselab.service.base.quotas import room_of
from phaselab.service.verbs.portable_file import MAX_HEAD, MAX_LINE, Head, Lines, RunLine
from phaselab.service.verbs.seen import seen_experiment
from phaselab.service.verbs.submit import planned

FORMAT: Literal[1] = 1
BATCH = 1_000
"""Most results that land at once."""
BATCH_NUMBERS = 1_000_000
"""Most numbers of cosine matrices that are held before they land."""
MOST_OF_SOURCE = 500
"""Most letters that say which experiment a file is of."""
SAME = 1e-5
"""Measures that differ by no more than this share are the same: other hardware rounds float32 otherwise."""


@dataclass(frozen=True)
class Merged:
    """What reading a file in came to: results that are new here, that were here already, and the keys of those that
    are here with other values (what is here stays). `trusted` when what is new counts as computed here; else it stands
    apart, for this experiment alone."""

    experiment_id: int
    created: bool
    new: int
    known: int
    conflicts: tuple[str, ...]
    trusted: bool


def export_experiment(database: Database, experiment_id: int) -> Iterator[bytes]:
    """The experiment's file, piece by piece. Raises NotFound at the first piece."""
    packer = zlib.compressobj(level=1, wbits=31)  # gzip; higher levels take twice the time for a few percent
    for line in _lines(database, experiment_id):
        if piece := packer.compress(to_json(line) + b"\n"):  # six times as fast as `json`
            yield piece
    yield packer.flush()


def import_experiment(
    database: Database,
    file: BinaryIO,
    owner: str,
    limits: Limits = LIMITS,
    trusted: bool = False,
    usual: Quotas = NO_QUOTAS,
) -> Merged:
    """Merge an experiment's file. What the file has no result for waits, paused, until it is resumed.

    `trusted` results end the runs that everyone waits for, and are served to everyone; others stand apart
    (`db.writing.imports`). Both are marked as imported, and count as nobody's use.

    Raises InvalidInput for what is no such file, is damaged, holds what its settings do not give, is over the limits,
    or was computed by another recipe. Results that stand before the damage have been merged then; they are whole.
    Raises QuotaExceeded for one of more runs or bytes than the owner may have.
    """
    room = room_of(database, owner, usual)
    room.insist_on_bytes(file.seek(0, SEEK_END))
    file.seek(0)
    lines = Lines(file)
    head = validate(Head, lines.next(MAX_HEAD))
    if head.recipe != RECIPE:
        detail = (
            f"these results are of recipe {head.recipe}; this version computes recipe {RECIPE}, so they do not merge"
        )
        raise InvalidInput([Fault("/recipe", detail)])
    # Whoever submitted it elsewhere asked to be told; whoever reads it in here did not.
    drafted = planned(parse_spec(head.spec | {"notify": None}), limits)
    room.insist_on_size(len(drafted.runs))
    merging = _merging(database, head, drafted, owner, trusted)
    results: list[RunResult] = []
    for result in _results(lines, drafted):
        results.append(result)
        if len(results) >= BATCH or sum(one.cosines.size for one in results) > BATCH_NUMBERS:
            merging.land(results, part=True)
            results = []
    merging.land(results)
    return Merged(merging.experiment_id, merging.created, merging.new, merging.known, (*merging.conflicts,), trusted)


def _results(lines: Lines, drafted: Draft) -> Iterator[RunResult]:
    """The results of a file's lines, each of a run of its own, and plausible for its settings."""
    wanted = {run.key: run.distinct.settings for run in drafted.runs}
    longest = min(MAX_LINE, max(most_bytes(kind.settings) for kind in drafted.distinct))
    while (data := lines.next(longest)) is not None:
        line = validate(RunLine, data)
        settings = wanted.pop(line.key, None)
        if settings is None:
            detail = f"run {line.key} is none of the experiment's, or stands here twice; the file is damaged"
            raise InvalidInput([Fault("/key", detail)])
        yield _plausible(settings, line.result)


def _plausible(settings: Settings, result: RunResult) -> RunResult:
    faults = implausible(settings, result)
    if faults:
        raise InvalidInput([replace(fault, detail=f"run {result.key}: {fault.detail}") for fault in faults[:20]])
    return result


@dataclass
class _Merging:
    """Results on their way into an experiment, and what has become of them so far."""

    database: Database
    experiment_id: int
    created: bool
    import_id: int
    trusted: bool
    new: int = 0
    known: int = 0
    conflicts: list[str] = field(default_factory=list)

    def land(self, results: Sequence[RunResult], part: bool = False) -> None:
        """Store those that are new, and give those that are not what they lack; `part` when others follow."""
        apart = {result.key: imports.key_apart(self.import_id, result.key) for result in results}
        with self.database.transaction(part=part) as session:
            own = {key: key for key in apart} | dict(own_keys(session, self.experiment_id, list(apart)))
            here = landing.stored_measures(session, [*own.values(), *apart.values()])
            known = {key: here[one] for key in apart for one in (own[key], apart[key]) if one in here}
            fresh = [key for key in apart if key not in known]
            if self.trusted:
                ours = [replace(one, key=own[one.key]) for one in results if apart[one.key] not in here]
                landed = landing.land(session, ours, here=False)
                imports.mark(session, self.import_id, [own[key] for key in fresh])
            else:
                imports.set_apart(session, self.experiment_id, self.import_id, fresh)
                theirs = [replace(one, key=apart[one.key]) for one in results if own[one.key] not in here]
                landed = landing.land(session, theirs, here=False)
        self.new += landed.done
        self.known += len(known)
        self.conflicts += [one.key for one in results if one.key in known and _differs(one, known[one.key])]


def _merging(database: Database, head: Head, drafted: Draft, owner: str, trusted: bool) -> _Merging:
    """The experiment that the file's runs belong to here, new or of an earlier import."""
    origin = hashlib.sha256(head.model_dump_json().encode()).hexdigest()
    source = f"{shown(head.name)!r} of {shown(head.owner)}, {shown(head.created_at)}"
    with database.transaction(part=True) as session:
        import_id = imports.note_import(session, owner, origin, shortened(source, MOST_OF_SOURCE))
        told: dict[str, Any] = {"owner": owner, "source": source, "trusted": trusted}
        earlier = experiments.find_submitted(session, owner, f"import:{origin}")
        if earlier is not None:
            audit.note(session, "import", earlier.id, **told, again=True)
            return _Merging(database, earlier.id, False, import_id, trusted)
        experiment_id = experiments.create_experiment(session, drafted, owner, f"import:{origin}")
        audit.note(session, "import", experiment_id, **told)
        verbs.pause(session, experiment_id)
    return _Merging(database, experiment_id, True, import_id, trusted)


def _lines(database: Database, experiment_id: int) -> Iterator[dict[str, Any]]:
    with database.reading() as session:
        row = seen_experiment(session, experiment_id)
    yield Head(
        format=FORMAT,
        recipe=RECIPE,
        name=row.name,
        owner=row.owner,
        created_at=row.created_at.isoformat(),
        spec={**row.spec, "visibility": row.visibility},
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
    profiles = {name: one.tolist() for name, one in arrays.profiles.items() if name in MEASURES}
    return {
        "key": run.common_key,
        "measures": {name: run.row.measures[name] for name in run.measured if name in MEASURES},
        "curves": [_curve(curve) for curve in arrays.curves],
        "cosines": arrays.cosines.tolist(),
        "flags": run.row.flags,
        "seconds": run.row.seconds,
        "provenance": dict(run.provenance or {}),
    } | ({"profiles": profiles} if profiles else {})


def _curve(curve: Curve) -> dict[str, Any]:
    given = {"readout": curve.readout, "method": curve.method, "accuracy": curve.accuracy.tolist()}
    upper = curve.accuracy_upper
    return given if upper is None else given | {"accuracy_upper": upper.tolist()}


def _differs(result: RunResult, here: Measures) -> bool:
    """Whether a result has other numbers than what is here, of the measures that both were given."""
    both = sorted(result.measures.keys() & here.keys())
    given, known = (np.array([of[name] for name in both], dtype=np.float64) for of in (result.measures, here))
    return not np.allclose(given, known, rtol=SAME, atol=1e-9, equal_nan=True)
