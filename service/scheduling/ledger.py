"""The ledger: which stacks are out, for whom, and how often each has killed its worker."""

import threading
import time
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from phaselab.domain.results.parcels import Errand
from phaselab.domain.settings.stacks import Stack


@dataclass(frozen=True)
class Entry:
    """A stack that is in the mailbox or with a trial. `deaths` counts the workers that died while computing it, `at` is
    when it was handed out, by a steady clock."""

    number: int
    stack: Stack
    errand: Errand
    deaths: int = 0
    at: float = field(default_factory=time.monotonic, compare=False)

    @property
    def experiment(self) -> int:
        """The experiment that it was taken of."""
        return self.errand.experiment

    @property
    def owner(self) -> str:
        """Whose it is."""
        return self.errand.owner

    @property
    def keys(self) -> tuple[str, ...]:
        """The run keys of the stack."""
        return tuple(run.key for run in self.stack.runs)


class Ledger:
    """Every stack that is leased and has no result yet. Safe to use from several threads."""

    def __init__(self) -> None:
        self._entries: dict[int, Entry] = {}
        self._keys: dict[int, tuple[str, ...]] = {}
        self._next = 0
        self._lock = threading.Lock()

    def add(self, stack: Stack, errand: Errand, deaths: int = 0) -> Entry:
        """A new entry for a stack."""
        with self._lock:
            self._next += 1
            entry = Entry(self._next, stack, errand, deaths)
            self._entries[entry.number] = entry
            self._keys[entry.number] = entry.keys
            return entry

    def close(self, number: int) -> Entry | None:
        """Strike out an entry; None if it was struck out before."""
        with self._lock:
            self._keys.pop(number, None)
            return self._entries.pop(number, None)

    def after_death(self, number: int) -> Sequence[Entry]:
        """Replace the entry of a stack whose worker died by what is to be computed instead.

        After the first death the same stack; after the second its halves, which share one death, so that one more
        splits them again until the run at fault is alone. Empty when the entry is unknown.
        """
        entry = self.close(number)
        if entry is None:
            return ()
        runs, deaths = entry.stack.runs, entry.deaths + 1
        if deaths < 2 or len(runs) == 1:
            return (self.add(entry.stack, entry.errand, deaths),)
        halves = Stack(runs[: len(runs) // 2]), Stack(runs[len(runs) // 2 :])
        return tuple(self.add(half, entry.errand, 1) for half in halves)

    def keys_of(self, number: int) -> tuple[str, ...]:
        """The keys of the runs of an entry; none if it was struck out."""
        with self._lock:
            return self._keys.get(number, ())

    def keys(self) -> list[str]:
        """The keys of every run that is out."""
        with self._lock:
            return [key for keys in self._keys.values() for key in keys]

    def get(self, number: int) -> Entry | None:
        """The entry of this number; None if it was struck out."""
        with self._lock:
            return self._entries.get(number)

    def numbers(self) -> list[int]:
        """The numbers of all entries."""
        with self._lock:
            return list(self._entries)

    def experiments(self) -> set[int]:
        """The experiments that stacks are out for."""
        with self._lock:
            return {entry.experiment for entry in self._entries.values()}

    def of(self, experiments: Collection[int]) -> list[int]:
        """The entries of these experiments."""
        with self._lock:
            return [number for number, entry in self._entries.items() if entry.experiment in experiments]

    def unwanted(self, keys: Collection[str]) -> list[int]:
        """The entries all of whose runs are among `keys`."""
        with self._lock:
            return [number for number, own in self._keys.items() if all(key in keys for key in own)]

    def stacks_by_owner(self) -> Counter[str]:
        """How many stacks are out for each owner."""
        with self._lock:
            return Counter(entry.owner for entry in self._entries.values())

    def __len__(self) -> int:
        with self._lock:
            return len(self._entries)
