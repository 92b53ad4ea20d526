"""What travels between the scheduler and its trials: letters with stacks, parcels with outcomes, and how far it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from phaselab.domain.results.results import Outcome
from phaselab.domain.results.states import Stage
from phaselab.domain.settings.stacks import Stack


@dataclass(frozen=True)
class Progress:
    """`share` in 0..1 of a stage is done of the run of this key; of every run of the stack when `key` is null."""

    stage: Stage
    share: float
    key: str | None = None


KEY_LETTERS = 12
"""Letters of a run's key in logs: the beginning of a key finds its run."""


@dataclass(frozen=True)
class Errand:
    """Whom a stack is computed for: the experiment that it was taken of, its owner, and the request that submitted it
    (empty where it is not known). Others may want its runs, too."""

    experiment: int
    owner: str
    request: str = ""


@dataclass(frozen=True)
class Letter:
    """A stack on its way to a trial."""

    number: int
    stack: Stack
    errand: Errand | None = None


def line_of(number: int, stack: Stack, errand: Errand | None) -> dict[str, object]:
    """What lines of logs about a stack say of it, in JSON's own types; scheduler and workers say the same."""
    whose = {"experiment": errand.experiment, "owner": errand.owner, "request": errand.request} if errand else {}
    return {"stack": number, **whose, "runs": [run.key[:KEY_LETTERS] for run in stack.runs]}


@dataclass(frozen=True)
class Seat:
    """A trial as the mailbox knows it: its node, by Ray's id, and the number of the letter that it holds, null while it
    waits for one; either for so many `seconds`."""

    node: str
    number: int | None
    seconds: float


@dataclass(frozen=True)
class Parcel:
    """What a trial made of a letter: outcomes in the order of the stack, or None when it was told to stop.

    `seconds` is the wall time of the computing, `worker` the process that did it (`host:pid`).
    """

    number: int
    outcomes: list[Outcome] | None = field(repr=False)  # Tune spells every result out, for a log that is off
    seconds: float
    worker: str = ""


class Post(Protocol):
    """A mailbox as the scheduler uses it. Every call fails when the mailbox is dead."""

    def put(self, letters: Sequence[Letter], first: bool = False) -> None:
        """Add letters at the end, or, with `first`, before all others."""

    def bury(self, trial: str) -> int | None:
        """The number of the letter that a dead trial held; it holds none any more, and waits for none."""

    def stop(self, numbers: Sequence[int]) -> list[int]:
        """Take back these letters. Returns those that no trial holds; the others' trials are told to stop."""

    def progress(self) -> dict[int, Progress]:
        """How far the letters are that trials hold, of those that were told of."""

    def seats(self) -> Mapping[str, Seat]:
        """The trials that live, by Tune's ids."""
