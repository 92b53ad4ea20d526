"""What a family of networks, and a source of what they are trained on, say of themselves.

Each has a file of its own, and nobody else asks which one a run has: they ask the run's family and its source
(`registry.family_of`, `sources.source_of`) for the answer.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from phaselab.domain.settings.entries import SourceName
from phaselab.domain.settings.faults import Fault
from phaselab.domain.settings.settings import Method, Settings


def as_they_are(settings: Settings) -> Settings:
    """Nothing follows."""
    return settings


def anything_goes(settings: Settings) -> Iterable[Fault]:
    """Nothing is impossible."""
    return ()


@dataclass(frozen=True, eq=False, kw_only=True)
class Rules:
    """What a family and a source have in common.

    `chosen_by` is how a spec asks for it. `choices` are, of parameters that it does not take in all their choices,
    those that it offers. `notes` say what a parameter is here, where that is special, or why it is nothing here; they
    follow a colon. `follow` fills in what follows from it, and must not raise where settings are impossible; of what it
    gives `impossible` tells the faults, beside those of the general rules. `has_theory`: whether the closed forms of
    docs/methods/theory.md speak of it.
    """

    name: str
    chosen_by: str
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)
    follow: Callable[[Settings], Settings] = as_they_are
    impossible: Callable[[Settings], Iterable[Fault]] = anything_goes
    has_theory: bool = False


@dataclass(frozen=True)
class Unfit:
    """Why a method of attack does not hold for settings, and which one does in its place."""

    why: str
    instead: Method


@dataclass(frozen=True, eq=False, kw_only=True)
class Family(Rules):
    """A kind of network, with what it can be trained on and what it costs.

    `takes` are the parameters of other families (their fields name those) that it takes as well. `neurons` are those of
    the last hidden layer, and `layers` tells how many hidden ones there are; `directions` are the columns of the cosine
    matrix, its neurons when left out; `seconds` what training, looking at and attacking a network takes on one core.
    All are asked of canonical settings; but `unfit`, the methods of attack that it offers and that do not hold, of
    settings in which nothing of the network is left out.
    """

    sources: tuple[SourceName, ...]
    unfit: Callable[[Settings], Mapping[Method, Unfit]] = lambda _: {}
    takes: frozenset[str] = frozenset()
    neurons: Callable[[Settings], int]
    directions: Callable[[Settings], int] | None = None
    layers: Callable[[Settings], int] = lambda _: 1
    seconds: Callable[[Settings], float]


@dataclass(frozen=True, eq=False, kw_only=True)
class Source(Rules):
    """A kind of what networks are trained on.

    `missing` are the faults of settings that ask for it and lack what it is made of; where there is one, nothing more
    is said of what is for it. `fixed` are the values of parameters that follow from it: others cannot be given.
    `extractor` are the settings, as submitted, of the run that must be there before; null where there is none.
    """

    name: SourceName
    missing: Callable[[Settings], Iterable[Fault]] = anything_goes
    fixed: Callable[[Settings], Mapping[str, int]] = lambda _: {}
    extractor: Callable[[Settings], Settings | None] = lambda _: None
