"""Lists of an experiment's runs: which of them, and in which order."""

from collections.abc import Iterable
from dataclasses import dataclass

from phaselab.domain.answers.conditions import Condition, run_names
from phaselab.domain.settings.faults import Fault, InvalidInput, pointer


@dataclass(frozen=True)
class Order:
    """What runs are sorted by: a parameter, a measure, `seed` or a word; `falling` turns it round. What has none comes
    last in either direction."""

    name: str
    falling: bool = False

    def __str__(self) -> str:
        return f"-{self.name}" if self.falling else self.name


@dataclass(frozen=True)
class RunList:
    """The runs of an experiment that meet every condition, sorted by each of `order` in turn, and then as their points
    and seeds are."""

    experiment_id: int
    where: tuple[Condition, ...] = ()
    order: tuple[Order, ...] = ()


def parse_order(texts: Iterable[str], parameter: str = "order") -> tuple[Order, ...]:
    """What texts like `-averaging_index` say, each name where it is said first. Raises InvalidInput with every fault,
    at the place of its text under `parameter`."""
    found: dict[str, Order] = {}
    faults = []
    for i, text in enumerate(texts):
        name = text.strip().removeprefix("-")
        if name in run_names():
            found.setdefault(name, Order(name, text.strip().startswith("-")))
        else:
            known = ", ".join(run_names())
            faults.append(Fault(pointer(parameter, i), f"runs have no {name!r:.60} to sort by; known: {known}"))
    if faults:
        raise InvalidInput(faults)
    return tuple(found.values())
