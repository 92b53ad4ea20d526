"""What the server answers, as typed values."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

from phaselab.client.handle import Handle
from phaselab.client.pictured import Pictured, scale
from phaselab.client.reading import known, of_kind, reading
from phaselab.domain.answers.diagram_fields import CELL
from phaselab.domain.results.states import ExperimentStatus
from phaselab.domain.settings.parameters import Value
from phaselab.domain.specs.visibility import Visibility

if TYPE_CHECKING:
    from phaselab.client.client import Client


@dataclass(frozen=True)
class Counts:
    """The runs of an experiment by where they stand; `cached` is part of `done`, the others add up to `total`."""

    total: int
    done: int
    cached: int
    running: int
    failed: int
    cancelled: int
    queued: int
    held: int = 0
    """Those that a refinement has not let go."""

    @property
    def ended(self) -> int:
        """Runs on which nothing more will be done."""
        return self.done + self.failed + self.cancelled

    @property
    def asked(self) -> int:
        """Runs that are to be computed, so far: all but those that a refinement holds."""
        return self.total - self.held


@dataclass(frozen=True)
class RunningProgress:
    """Of so many running `runs`, `share` (0..1) of a stage, `training` or `attack`, is done."""

    runs: int
    stage: str
    share: float


@dataclass(frozen=True)
class Experiment(Handle):
    """An experiment, how far it is, and what can be asked of it (`handle.Handle`). `eta_seconds` is null while nothing
    is known of its pace; `running_progress` is there for runs that take more than a few seconds, and not in lists."""

    id: int
    name: str
    owner: str
    status: ExperimentStatus
    priority: int
    created_at: datetime
    finished_at: datetime | None
    points: int
    skipped: int
    counts: Counts
    eta_seconds: float | None
    running_progress: tuple[RunningProgress, ...]
    spec: Mapping[str, Any]
    note: str = ""
    tags: tuple[str, ...] = ()
    archived: bool = False
    edition: int = 0
    visibility: Visibility = Visibility.EVERYONE
    client: "Client | None" = field(default=None, repr=False, compare=False)

    @classmethod
    def read(cls, answer: Any, client: "Client | None" = None) -> Self:
        """The experiment of a JSON answer that a client got. Raises BadAnswer."""
        with reading("describes an experiment"):
            return cls(
                id=of_kind(int, answer["id"]),
                name=of_kind(str, answer["name"]),
                owner=of_kind(str, answer["owner"]),
                status=ExperimentStatus(answer["status"]),
                priority=of_kind(int, answer["priority"]),
                created_at=datetime.fromisoformat(answer["created_at"]),
                finished_at=_time(answer["finished_at"]),
                points=of_kind(int, answer["points"]),
                skipped=of_kind(int, answer["skipped"]),
                counts=known(Counts, answer["counts"]),
                eta_seconds=None if answer["eta_seconds"] is None else float(answer["eta_seconds"]),
                running_progress=tuple(known(RunningProgress, one) for one in answer.get("running_progress", ())),
                spec=of_kind(dict, answer.get("spec", {})),
                note=of_kind(str, answer.get("note", "")),
                tags=tuple(of_kind(str, tag) for tag in answer.get("tags", ())),
                archived=answer.get("archived", False),
                edition=of_kind(int, answer.get("edition", 0)),
                visibility=Visibility(answer.get("visibility", Visibility.EVERYONE)),
                client=client,
            )


@dataclass(frozen=True)
class Failure:
    """A reason that runs failed for (null while one is computed again), how many did, and the key of one of them."""

    reason: str | None
    count: int
    key: str


@dataclass(frozen=True)
class Verdict:
    """What runs say of a claim, `holds`, `fails` or `undecided`: the number that decides, its interval of this
    `confidence` over `n` draws and where it is; `reason` where there is no interval, and about how many `more_seeds`
    would decide."""

    text: str
    source: str
    measure: str
    where: str
    expected: str
    verdict: str
    value: float | None
    ci_low: float | None
    ci_high: float | None
    confidence: float
    n: int
    place: str
    places: int
    more_seeds: int | None
    reason: str | None


@dataclass(frozen=True)
class Estimate:
    """What a spec would come to: `runs` of which `cached` are known, in `stacks`; `seconds` on one core. Of a
    refinement about `measured` of them would be measured, to which stacks and seconds belong."""

    points: int
    skipped: int
    runs: int
    cached: int
    stacks: int
    seconds: float
    measured: int | None = None


@dataclass(frozen=True)
class Merged:
    """What importing a file came to: results that are `new` there, that were `known`, and the keys of those of them
    that the file gives otherwise (what was there stays). `created` when the experiment is new there; `trusted` when
    what is new stands for everyone, else it stands apart, for this experiment alone."""

    experiment: int
    created: bool
    new: int
    known: int
    conflicts: tuple[str, ...]
    trusted: bool = True


@dataclass(frozen=True)
class PictureAxis:
    """An axis of a diagram: where each value stands, and where cells meet, on its scale."""

    parameter: str
    values: tuple[Value, ...]
    title: str
    scale: str
    coordinates: tuple[float, ...]
    edges: tuple[float, ...]

    @classmethod
    def read(cls, answer: Any) -> Self:
        """The axis of a JSON answer. Raises KeyError or TypeError."""
        values, coordinates, edges = (tuple(answer[name]) for name in ("values", "coordinates", "edges"))
        return cls(answer["parameter"], values, answer["title"], answer["scale"], coordinates, edges)


Matrix = list[list[Any]]
"""[y][x]; null where nothing was measured."""


@dataclass(frozen=True)
class Diagram(Pictured):
    """A phase diagram; `matrices` [y][x] by the names that are declared of a cell: `n`, `value` (the statistic),
    `mean`, `sd`, `ci_low`, `ci_high`, `phase`, ...; `thresholds` say where its phases begin and end,
    `refinements` how much of it was measured and what audits found."""

    x: PictureAxis
    y: PictureAxis
    measure: str
    statistic: str
    thresholds: Mapping[str, float]
    matrices: Mapping[str, Matrix]
    boundaries: tuple[Mapping[str, Any], ...]
    theory: tuple[Mapping[str, Any], ...]
    revision: int
    crossings: tuple[Mapping[str, Any], ...] = ()
    refinements: tuple[Mapping[str, Any], ...] = ()
    content: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
    """The server's answer."""

    @classmethod
    def read(cls, answer: Any) -> Self:
        """The diagram of a JSON answer. Raises BadAnswer."""
        with reading("describes a diagram"):
            x, y = PictureAxis.read(answer["x"]), PictureAxis.read(answer["y"])
            return cls(
                x=x,
                y=y,
                measure=answer["measure"],
                statistic=answer["statistic"],
                thresholds=answer["thresholds"],
                matrices={name: answer[name] for name in CELL.names if name in answer},
                boundaries=tuple(answer["boundaries"]),
                theory=tuple(answer["theory"]),
                revision=answer["revision"],
                crossings=tuple(answer.get("crossings", ())),
                refinements=tuple(answer.get("refinements", ())),
                content=answer,
            )

    def _frame(self) -> pd.DataFrame:
        """One row a cell: the two parameters under their paths, then n, mean, sd, ci_low, ci_high, phase, ..."""
        return cells_frame(vars(self.x), vars(self.y), self.matrices)

    def crossings_frame(self) -> pd.DataFrame:
        """Boundaries as numbers, one row a crossing: `before` and `behind` it, along which axis and where on the other,
        `value` between `low` and `high`. A law is fitted to these."""
        columns = ["before", "behind", "along", "at", "value", "low", "high", "steps"]
        with reading("describes crossings"):
            rows = [{**one, "before": one["between"][0], "behind": one["between"][1]} for one in self.crossings]
            return pd.DataFrame(rows, columns=columns)

    def _plot(self, ax: Any) -> Any:
        """The cells between their edges, boundaries between phases and curves of theory."""
        values = np.array(self.matrices["value"], np.float64)  # [y, x], nan where nothing was measured
        mesh = ax.pcolormesh(self.x.edges, self.y.edges, values, cmap="cividis")
        ax.figure.colorbar(mesh, ax=ax, label=f"{self.statistic} of {self.measure}")
        for boundary in self.boundaries:
            ax.plot(*zip(*boundary["points"], strict=True), color="black", linewidth=1.2)
        for curve in self.theory:
            ax.plot(*zip(*curve["points"], strict=True), "--", linewidth=1.2, label=curve["formula"])
        for name, axis in (("x", self.x), ("y", self.y)):
            scale(ax, name, vars(axis))
            getattr(ax, f"set_{name}lim")(axis.edges[0], axis.edges[-1])
        if self.theory:
            ax.legend(fontsize="small")
        return ax


def cells_frame(x: Mapping[str, Any], y: Mapping[str, Any], matrices: Mapping[str, Matrix]) -> pd.DataFrame:
    """Matrices [y][x] as a frame, one row a cell: the values of both axes under their parameters, then every matrix."""
    named = x["parameter"], y["parameter"]
    rows = [
        dict(zip(named, (one, other), strict=True)) | {name: matrix[j][i] for name, matrix in matrices.items()}
        for j, other in enumerate(y["values"])
        for i, one in enumerate(x["values"])
    ]
    return pd.DataFrame(rows, columns=[*named, *matrices])


class Verdicts(list[Verdict], Pictured):
    """What runs say of the claims of an experiment, in their order."""

    def _frame(self) -> pd.DataFrame:
        """One row a claim."""
        columns = [one.name for one in fields(Verdict)]
        return pd.DataFrame([vars(one) for one in self], columns=columns)

    def _plot(self, ax: Any) -> Any:
        """The number that decides each claim, with its interval, by what it says."""
        colours = {"holds": "#0b7a4b", "fails": "#d55e00"}
        for place, one in enumerate(self):
            if one.value is not None and one.ci_low is not None and one.ci_high is not None:
                colour = colours.get(one.verdict, "#5b6372")
                ax.plot([one.ci_low, one.ci_high], [place, place], color=colour)
                ax.plot([one.value], [place], "o", color=colour)
        ax.set_yticks(range(len(self)), [f"{one.text}: {one.verdict}" for one in self])
        ax.invert_yaxis()
        ax.set_xlabel("what was found, with its interval")
        return ax


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
