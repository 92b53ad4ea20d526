"""What an answer says of the refinements behind it: how much was measured, how far they are, what audits found."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from phaselab.domain.refining.auditing import Audit


class Progress(StrEnum):
    """How far a refinement is."""

    REFINING = "refining"  # more is to be measured
    COMPLETE = "complete"  # nothing is left to measure
    BUDGET = "budget_used_up"  # it would go on with a larger budget


class Mark(NamedTuple):
    """What a cell is, its phase or its side of a level; null where nothing is known; and whether that is certain."""

    label: str | None
    certain: bool


NO_MARK = Mark(None, False)


@dataclass(frozen=True)
class Refined:
    """A refinement: what its boundaries are between, how far it is, how many of the experiment's runs it let go or
    found done, how many points are inferred where the answer looks, and what audits said there: the first, of all that
    was inferred then, and those of what was still inferred when closing in had gone on."""

    experiment: int
    by: str
    progress: Progress
    measured: int
    runs: int
    inferred: int
    first: Audit
    later: Audit

    @property
    def words(self) -> str:
        """The same in words."""
        progress = {
            Progress.REFINING: "still refining",
            Progress.COMPLETE: "",
            Progress.BUDGET: "its budget is used up",
        }
        parts = [
            f"refined by {self.by}: {self.measured:,} of {self.runs:,} runs",
            progress[self.progress],
            self._audit(),
        ]
        return ", ".join(part for part in parts if part)

    def _audit(self) -> str:
        interval = self.first.interval
        if interval is None:
            return "not audited"
        low, high = (f"{100 * end:.2g} %" for end in interval)
        found = f"audit: {self.first.disagreed} of {self.first.checked} inferred points were something else"
        mended = ", mended" if self.first.disagreed and self.progress is not Progress.REFINING else ""
        return f"{found} ({low} to {high}{mended})"
