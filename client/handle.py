"""What can be asked of an experiment that a client gave: the same calls without its number, with its axes filled in."""

import html
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from phaselab.client.errors import Invalid, PhaselabError
from phaselab.client.lattice import as_dataset, runs_frame
from phaselab.client.pictured import Curves, Lines, image
from phaselab.client.queries import Texts
from phaselab.client.reading import reading

if TYPE_CHECKING:
    from phaselab.client.client import Client
    from phaselab.client.values import Counts, Diagram, Experiment, Failure, Verdicts

USUAL = "averaging_index"
"""The measure that is shown where none is named."""


class Handle:
    """An experiment that knows its client. It stays as it was when it was read; `refresh` reads it again."""

    id: int
    name: str
    status: str
    counts: "Counts"
    spec: Mapping[str, Any]
    client: "Client | None"

    @property
    def lab(self) -> "Client":
        """The client that gave it. Raises Invalid."""
        if self.client is None:
            raise Invalid("this experiment came from no client; ask a client for it by its number", 400)
        return self.client

    @property
    def axes(self) -> tuple[str, ...]:
        """The parameters that are swept; a list of experiments does not tell them, and they are asked for."""
        spec = self.spec or self.refresh().spec
        with reading("tells a spec"):
            return tuple(map(str, spec["sweep"]))

    @property
    def address(self) -> str:
        """The address of its page."""
        return f"{self.lab.url}/experiments/{self.id}"

    def refresh(self) -> "Experiment":
        """The experiment as it is now."""
        return self.lab.experiment(self.id)

    def wait(self, progress: bool = False) -> "Experiment":
        """The experiment once nothing more will happen to it; with `progress` it is told how far it is."""
        return self.lab.wait(self.id, progress)

    def runs(self, where: Texts = (), order: Texts = ()) -> pd.DataFrame:
        """Its runs as a frame, one row each: key, seed, axes, measures, phase, trust. `where` and `order` as in
        `Client.runs`."""
        found, axes = list(self.lab.runs(self.id, where, order)), self.axes
        with reading("lists runs"):
            return runs_frame(found, axes)

    def to_xarray(self, where: Texts = ()) -> Any:
        """Its runs as an xarray.Dataset: a dimension for each axis and one for the seed, a variable for each measure,
        and state, phase, trust and key. Raises PartMissing."""
        attributes = {"experiment": self.id, "name": self.name, "address": self.address}
        runs, axes = self.runs(where), self.axes
        with reading("lists runs"):
            return as_dataset(runs, axes, attributes)

    def diagram(self, x: str | None = None, y: str | None = None, measure: str = USUAL, **more: Any) -> "Diagram":
        """The phase diagram, on its first two axes where none are named; `more` as of `Client.diagram`."""
        return self.lab.diagram(self.id, *self.plane(x, y), measure, **more)

    def plane(self, x: str | None = None, y: str | None = None) -> tuple[str, str]:
        """The axes of its diagram: those that are named, and its first for those that are not. Raises Invalid."""
        free = [path for path in self.axes if path not in (x, y)]
        if [x, y].count(None) > len(free):
            raise Invalid(f"experiment {self.id} has {len(self.axes)} axes; name x and y, or ask for lines", 400)
        return x or free.pop(0), y or free.pop(0)

    def lines(self, x: str | None = None, measure: str = USUAL, by: Texts | None = None, **more: Any) -> Lines:
        """A measure against its first axis, or another, a line for each value of the others, or of `by`."""
        along, others = self.along(x)
        return self.lab.ask_lines(self.id, along, measure, others if by is None else by, **more)

    def along(self, x: str | None = None) -> tuple[str, tuple[str, ...]]:
        """What its lines run along, its first axis where none is named, and the axes beside it. Raises Invalid."""
        axes = self.axes
        if x is None and not axes:
            raise Invalid(f"experiment {self.id} has no axis; name x", 400)
        along = x or axes[0]
        return along, tuple(path for path in axes if path != along)

    def curves(self, by: Texts | None = None, per_seed: bool = False, **more: Any) -> Curves:
        """Robustness curves, a group for each point, or for each value of `by`; with `per_seed` those of every run."""
        return self.lab.ask_curves(self.id, self.axes if by is None else by, per_seed=per_seed, **more)

    def verdicts(self) -> "Verdicts":
        """What its runs say of each of its claims."""
        return self.lab.verdicts(self.id)

    def failures(self, limit: int = 100) -> "Sequence[Failure]":
        """Its failed runs by reason, the most frequent first."""
        return self.lab.failures(self.id, limit)

    def delete(self) -> None:
        """Remove it, and the runs that no other experiment has."""
        self.lab.delete(self.id)

    def _repr_html_(self) -> str:
        counts, name = self.counts, html.escape(self.name)
        told = f"{counts.done} of {counts.total} runs done"
        told += f", {counts.failed} failed" if counts.failed else ""
        title = f"experiment {self.id}: <b>{name}</b>, {html.escape(str(self.status).replace('_', ' '))}, {told}"
        if self.client is None:
            return f"<p>{title}</p>{_bar(counts)}"
        link = html.escape(self.address)
        return f'<p>{title} · <a href="{link}">{link}</a></p>{_bar(counts)}{self._picture()}'

    def _picture(self) -> str:
        """The picture of its first axes, averaged over the others; nothing where it cannot be had."""
        if not self.counts.done:
            return ""
        try:
            return image(self.lab.picture(self.id, self.axes, USUAL), f"{USUAL} of {self.name}")
        except PhaselabError:
            return ""


def _bar(counts: "Counts") -> str:
    """The shares of runs that are done, failed and cancelled, side by side."""
    colours = {"#0072b2": counts.done, "#d55e00": counts.failed, "#9aa1ad": counts.cancelled}
    parts = "".join(
        f'<div style="width:{100 * number / max(counts.total, 1):.2f}%;background:{colour}"></div>'
        for colour, number in colours.items()
    )
    return f'<div style="display:flex;width:20em;height:.6em;background:#e8ebf0">{parts}</div>'
