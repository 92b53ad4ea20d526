"""A plan made ready to be stored: its distinct settings and runs, with keys and numbers, before any row is touched."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from phaselab.domain.settings.runs import run_key, settings_digest
from phaselab.domain.settings.settings import Settings
from phaselab.domain.settings.stacks import data_number, number, shape, training_data
from phaselab.domain.specs.order import point_ranks, run_rank
from phaselab.domain.specs.points import Plan


@dataclass(slots=True)
class DistinctSettings:
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

    distinct: DistinctSettings
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
    distinct_of_point: list[DistinctSettings]
    distinct: list[DistinctSettings] = field(default_factory=list)
    runs: list[DraftRun] = field(default_factory=list)


def make_draft(plan: Plan) -> Draft:
    """The plan made ready. Two points with the same settings want the same runs, which count once."""
    by_text: dict[str, DistinctSettings] = {}
    of_point = []
    for point, rank in zip(plan.points, point_ranks(plan), strict=True):
        text = point.settings_text
        found = by_text.get(text)
        if found is None:
            found = by_text[text] = _drafted(text, point.settings, rank)
        found.rank = min(found.rank, rank)
        of_point.append(found)
    distinct = list(by_text.values())
    return Draft(plan, of_point, distinct, list(_runs(plan, distinct)))


def _drafted(text: str, settings: Settings, rank: int) -> DistinctSettings:
    numbers = number(shape(settings)), number(training_data(settings))
    return DistinctSettings(text, settings_digest(text), settings, *numbers, rank)


def _runs(plan: Plan, distinct: list[DistinctSettings]) -> Iterator[DraftRun]:
    count, seeds = len(plan.points), plan.spec.seed_list
    for one in distinct:
        for position, seed in enumerate(seeds):
            data = data_number(one.data, one.settings.data.seed_of(seed))
            yield DraftRun(one, seed, run_key(one.text, seed), run_rank(one.rank, position, count), data)
