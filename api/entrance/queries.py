"""Query parameters of diagrams, curves and lists: how they are written is checked here, their sense in the service."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal

from fastapi import Path, Query
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from phaselab.domain.answers.cell_queries import DiagramQuery, LineQuery
from phaselab.domain.answers.conditions import Condition, parse_condition, parse_run_condition
from phaselab.domain.answers.curves import CurveQuery
from phaselab.domain.answers.failures import FailuresQuery
from phaselab.domain.answers.run_lists import RunList, parse_order
from phaselab.domain.results.phases import Thresholds
from phaselab.domain.results.results import READOUTS, Readout
from phaselab.domain.results.states import ExperimentStatus
from phaselab.domain.results.statistics import Statistic
from phaselab.domain.settings.faults import Fault, InvalidInput, pointer
from phaselab.domain.settings.settings import METHODS, Method
from phaselab.service.base.cursors import LARGEST_ID
from phaselab.service.verbs.experiments import Search


def _digits(value: object) -> object:
    """Refuses what Python, and it alone, takes for a whole number: 1_0, 1.0, digits of other scripts."""
    if isinstance(value, str) and not (value.isascii() and value.isdigit()):
        raise ValueError("a whole number is written in digits")
    return value


Whole = Annotated[int, BeforeValidator(_digits)]
Id = Annotated[Whole, Field(ge=1, le=LARGEST_ID)]
Text = Annotated[str, Field(min_length=1, max_length=300)]


AccountName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._@-]{0,63}$")]
"""What an account can be called."""
TokenName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._@-]{0,63}$")]
"""What a token can be called."""


class Strict(BaseModel):
    """Query parameters; an unknown one is refused, for it is a slip that would change the answer."""

    model_config = ConfigDict(extra="forbid")


class Nothing(Strict):
    """No query parameters."""


class CellParameters(Strict):
    """What diagrams and lines have in common; `experiment`, `where`, `marginalize` and `threshold` may be repeated."""

    experiment: Annotated[list[Id], Field(min_length=1, max_length=100)]
    x: Text
    measure: Text
    where: Annotated[list[Text], Field(max_length=50)] = []
    marginalize: Annotated[list[Text], Field(max_length=50)] = []
    statistic: Statistic = "mean"
    threshold: Annotated[list[Text], Field(max_length=50)] = []

    def shared(self) -> dict[str, Any]:
        """Their part of the query. Raises InvalidInput for a condition or threshold that cannot be read."""
        return {
            "experiments": tuple(dict.fromkeys(self.experiment)),
            "x": self.x,
            "measure": self.measure,
            "where": conditions(self.where),
            "marginalize": tuple(dict.fromkeys(self.marginalize)),
            "statistic": self.statistic,
            "thresholds": Thresholds.parse(self.threshold),
        }


class DiagramParameters(CellParameters):
    """Those of a diagram."""

    y: Text

    def query(self) -> DiagramQuery:
        """The query. Raises InvalidInput for a condition or threshold that cannot be read."""
        return DiagramQuery(y=self.y, **self.shared())


class DifferenceParameters(Strict):
    """Those of differences: two experiments, the second less the first."""

    experiment: Annotated[list[Id], Field(min_length=2, max_length=2)]
    x: Text
    y: Text
    measure: Text
    where: Annotated[list[Text], Field(max_length=50)] = []
    marginalize: Annotated[list[Text], Field(max_length=50)] = []

    def query(self) -> DiagramQuery:
        """The query. Raises InvalidInput for a condition that cannot be read, and for an experiment named twice."""
        if len(set(self.experiment)) < 2:
            raise InvalidInput([Fault("/experiment", "name two experiments: the second less the first is told")])
        both, averaged = tuple(self.experiment), tuple(dict.fromkeys(self.marginalize))
        return DiagramQuery(both, self.x, self.y, self.measure, where=conditions(self.where), marginalize=averaged)


class LineParameters(CellParameters):
    """Those of lines; `by` may be repeated."""

    by: Annotated[list[Text], Field(max_length=12)] = []

    def query(self) -> LineQuery:
        """The query. Raises InvalidInput for a condition or threshold that cannot be read."""
        return LineQuery(by=tuple(dict.fromkeys(self.by)), **self.shared())


class CurveParameters(Strict):
    """All but `per` may be repeated; no `method` and no `readout` mean all there are. `per=seed`: every run's."""

    experiment: Annotated[list[Id], Field(min_length=1, max_length=100)]
    by: Annotated[list[Text], Field(max_length=12)] = []
    where: Annotated[list[Text], Field(max_length=50)] = []
    method: Annotated[list[Method], Field(max_length=len(METHODS))] = []
    readout: Annotated[list[Readout], Field(max_length=len(READOUTS))] = []
    per: Literal["group", "seed"] = "group"

    def query(self) -> CurveQuery:
        """The query. Raises InvalidInput for a condition that cannot be read."""
        return CurveQuery(
            tuple(dict.fromkeys(self.experiment)),
            tuple(dict.fromkeys(self.by)),
            conditions(self.where),
            tuple(dict.fromkeys(self.method)) or METHODS,
            tuple(dict.fromkeys(self.readout)) or READOUTS,
            self.per == "seed",
        )


class PageParameters(Strict):
    """Where a list goes on, and how many items at most."""

    cursor: Annotated[str, Field(max_length=500)] | None = None
    limit: Annotated[Whole, Field(ge=1, le=1000)] = 100


Status = Annotated[ExperimentStatus, WithJsonSchema({"type": "string", "enum": [*map(str, ExperimentStatus)]})]


class SearchParameters(PageParameters):
    """A page of experiments: with this status, owner and tag, this text in their name; archived, or not."""

    status: Status | None = None
    owner: Text | None = None
    name: Text | None = None
    tag: Text | None = None
    archived: bool = False

    def search(self) -> Search:
        """Which are asked for."""
        return Search(self.status, self.owner, self.name, self.tag, self.archived)


async def diagram_query(parameters: Annotated[DiagramParameters, Query()]) -> DiagramQuery:
    """The query of a diagram, as a dependency."""
    return parameters.query()


async def difference_query(parameters: Annotated[DifferenceParameters, Query()]) -> DiagramQuery:
    """The query of differences, as a dependency."""
    return parameters.query()


async def line_query(parameters: Annotated[LineParameters, Query()]) -> LineQuery:
    """The query of lines, as a dependency."""
    return parameters.query()


async def curve_query(parameters: Annotated[CurveParameters, Query()]) -> CurveQuery:
    """The query of curves, as a dependency."""
    return parameters.query()


class MostParameters(Strict):
    """How many items at most."""

    limit: Annotated[Whole, Field(ge=1, le=1000)] = 100


Page = Annotated[PageParameters, Query()]
NoParameters = Annotated[Nothing, Query()]
ExperimentId = Annotated[Id, Path()]
RunKey = Annotated[str, Path(min_length=1, max_length=64, pattern="^[0-9a-f]+$")]


async def run_key(key: RunKey, nothing: NoParameters) -> str:
    """The key of a run in the path, and no query parameters; as a dependency."""
    return key


async def experiment_number(experiment_id: ExperimentId, nothing: NoParameters) -> int:
    """The number of an experiment in the path, and no query parameters; as a dependency."""
    return experiment_id


async def failures_query(experiment_id: ExperimentId, parameters: Annotated[MostParameters, Query()]) -> FailuresQuery:
    """The query of an experiment's failures, as a dependency."""
    return FailuresQuery(experiment_id, parameters.limit)


class RunParameters(PageParameters):
    """A page of runs; `where` and `order` may be repeated. Tables hold every run: they know no page."""

    where: Annotated[list[Text], Field(max_length=50, default_factory=list)]
    order: Annotated[list[Text], Field(max_length=5, default_factory=list)]

    def asked(self, experiment_id: int) -> RunList:
        """The list. Raises InvalidInput for conditions and orders that cannot be read."""
        return run_list(experiment_id, self.where, self.order)


def run_list(experiment_id: int, where: Sequence[str], order: Sequence[str]) -> RunList:
    """The list of runs that texts ask for. Raises InvalidInput for those that cannot be read."""
    return RunList(experiment_id, conditions(where, parse_run_condition), parse_order(order))


def conditions(texts: Sequence[str], parse: Callable[[str, str], Condition] = parse_condition) -> tuple[Condition, ...]:
    """The conditions that texts stand for. Raises InvalidInput with a fault for every one that cannot be read."""
    found: list[Condition] = []
    faults: list[Fault] = []
    for i, text in enumerate(texts):
        try:
            found.append(parse(text, pointer("where", i)))
        except InvalidInput as invalid:
            faults += invalid.faults
    if faults:
        raise InvalidInput(faults)
    return tuple(found)
