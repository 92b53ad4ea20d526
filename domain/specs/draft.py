"""A plan made ready to be stored: its distinct settings and runs, with keys and numbers, before any row is touched."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from operator import attrgetter

from phaselab.domain.settings.runs import run_key, settings_digest
from phaselab.domain.settings.settings import Settings
from phaselab.domain.settings.stacks import VARIES
from phaselab.domain.specs.order import point_ranks, run_rank
from phaselab.domain.specs.points import Plan

_DEFAULTS = Settings()
_PATHS = [f"{group}.{name}" for group in Settings.model_fields for name in type(getattr(_DEFAULTS, group)).model_fields]
_shape = attrgetter(*(path for path in _PATHS if path not in VARIES))
_data = attrgetter(
    *(path for path in _PATHS if path.split(".")[0] in ("data", "features") and path != "data.seed"),
    "training.precision",
)
_MASK = 2**63 - 1
_ODD = 0x9E3779B97F4A7C15  # spreads neighbouring seeds over all bits


@dataclass(slots=True)
class Kind:
    """Settings that some points share. `shape` and `data` are numbers, equal for settings that stack and for those
    that share training data under the same seed; `rank` is the least of the points'; `id` is set once stored."""

    text: str
    digest: str
    settings: Settings
    shape: int
    data: int
    rank: int
    id: int | None = None


@dataclass(slots=True)
class DraftRun:
    """A run that an experiment wants, and its key. `data` is a number, equal for runs on the same training data; `id`
    is set once it is known or stored, `cached` when its result is there."""

    kind: Kind
    seed: int
    key: str
    rank: int
    data: int
    id: int | None = None
    cached: bool = False


@dataclass(frozen=True)
class Draft:
    """A plan, the settings of each of its points, its distinct settings and its distinct runs."""

    plan: Plan
    kind_of_point: list[Kind]
    kinds: list[Kind] = field(default_factory=list)
    runs: list[DraftRun] = field(default_factory=list)


def make_draft(plan: Plan) -> Draft:
    """The plan made ready. Two points with the same settings want the same runs, which count once."""
    distinct: dict[str, Kind] = {}
    kind_of_point = []
    for point, rank in zip(plan.points, point_ranks(plan), strict=True):
        text = point.settings_text
        kind = distinct.get(text)
        if kind is None:
            kind = distinct[text] = _kind(text, point.settings, rank)
        kind.rank = min(kind.rank, rank)
        kind_of_point.append(kind)
    kinds = list(distinct.values())
    return Draft(plan, kind_of_point, kinds, list(_runs(plan, kinds)))


def _kind(text: str, settings: Settings, rank: int) -> Kind:
    return Kind(text, settings_digest(text), settings, _number(_shape(settings)), _number(_data(settings)), rank)


def _number(values: object) -> int:
    """63 bits, equal where the values are equal. Compared inside one experiment only."""
    return int.from_bytes(hashlib.sha256(repr(values).encode()).digest()[:8]) & _MASK


def _runs(plan: Plan, kinds: list[Kind]) -> Iterator[DraftRun]:
    count, seeds = len(plan.points), plan.spec.seed_list
    for kind in kinds:
        fixed = kind.settings.data.seed
        for position, seed in enumerate(seeds):
            data = (kind.data + (seed if fixed is None else fixed) * _ODD) & _MASK
            yield DraftRun(kind, seed, run_key(kind.text, seed), run_rank(kind.rank, position, count), data)
