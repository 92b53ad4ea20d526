"""A plan made ready to be stored: its distinct settings and runs, with keys and numbers, before any row is touched."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from phaselab.domain.settings.runs import run_key, settings_digest
from phaselab.domain.settings.settings import Settings
from phaselab.domain.settings.stacks import data_number, number, shape, training_data
from phaselab.domain.specs.order import point_ranks, run_rank
from phaselab.domain.specs.points import Plan


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
    numbers = number(shape(settings)), number(training_data(settings))
    return Kind(text, settings_digest(text), settings, *numbers, rank)


def _runs(plan: Plan, kinds: list[Kind]) -> Iterator[DraftRun]:
    count, seeds = len(plan.points), plan.spec.seed_list
    for kind in kinds:
        for position, seed in enumerate(seeds):
            data = data_number(kind.data, kind.settings.data.seed_of(seed))
            yield DraftRun(kind, seed, run_key(kind.text, seed), run_rank(kind.rank, position, count), data)
