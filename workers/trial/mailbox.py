"""The mailbox: a zero-CPU actor that the scheduler fills with stacks and from which trials take them."""

import asyncio
import secrets
import time
from collections import deque
from collections.abc import Sequence
from typing import Any, Self

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from phaselab.domain.results.parcels import Letter, Progress, Seat

CALLS = 10_000
"""Calls a mailbox serves at a time: every trial that waits has one open."""
ANSWER_SECONDS = 15.0
"""How long an answer may take before the mailbox counts as dead."""


class Mailbox:
    """Stacks that wait, which trial holds which, how far it is, and which are to be stopped. Becomes a Ray actor."""

    def __init__(self) -> None:
        self._waiting: deque[Letter] = deque()
        self._held: dict[str, int] = {}
        self._places: dict[str, tuple[str, float]] = {}
        self._asking: dict[str, object] = {}
        self._stopped: set[int] = set()
        self._progress: dict[int, Progress] = {}
        self._closed = False
        self._changed = asyncio.Condition()

    async def put(self, letters: Sequence[Letter], first: bool = False) -> None:
        """Add letters at the end, or, with `first`, before all others."""
        async with self._changed:
            if first:
                self._waiting.extendleft(reversed(letters))
            else:
                self._waiting.extend(letters)
            self._changed.notify_all()

    async def take(self, trial: str, seconds: float, node: str = "") -> Letter | None:
        """The next letter for this trial, which has finished the one before; None if none comes in `seconds`. `node`
        is where the trial is.

        A worker may die while it waits in here: then the letter is not for this call, but for the trial's next one.
        """
        async with self._changed:
            if self._forget(trial) is not None or trial not in self._places:
                self._places[trial] = node, time.monotonic()
            call = self._asking[trial] = object()

            def is_over() -> bool:
                return self._closed or self._asking.get(trial) is not call

            try:
                async with asyncio.timeout(seconds):
                    await self._changed.wait_for(lambda: bool(self._waiting) or is_over())
            except TimeoutError:
                return None
            if is_over():
                return None
            letter = self._waiting.popleft()
            self._held[trial] = letter.number
            self._places[trial] = node, time.monotonic()
            return letter

    async def bury(self, trial: str) -> int | None:
        """The number of the letter that a dead trial held; it holds none any more, and waits for none."""
        self._asking.pop(trial, None)
        self._places.pop(trial, None)
        return self._forget(trial)

    async def give_up(self, number: int) -> None:
        """The worker that holds this letter, and was told to stop, is about to end itself."""
        for trial in [trial for trial, held in self._held.items() if held == number]:
            self._forget(trial)

    async def stop(self, numbers: Sequence[int]) -> list[int]:
        """Take back these letters. Returns those that no trial holds; the others' trials are told to stop."""
        wanted = set(numbers)
        held = wanted & set(self._held.values())
        self._stopped |= held
        self._waiting = deque(letter for letter in self._waiting if letter.number not in wanted)
        return sorted(wanted - held)

    async def look(self, number: int, progress: Progress | None = None) -> bool:
        """Whether the trial that holds this letter shall stop; it says how far it is."""
        if progress is not None and number in self._held.values():
            self._progress[number] = progress
        return number in self._stopped

    async def progress(self) -> dict[int, Progress]:
        """How far the letters are that trials hold, of those that were told of."""
        return dict(self._progress)

    async def seats(self) -> dict[str, Seat]:
        """The trials that live, by Tune's ids."""
        now = time.monotonic()
        return {trial: Seat(node, self._held.get(trial), now - since) for trial, (node, since) in self._places.items()}

    async def close(self) -> None:
        """Send every trial away that asks, now and later."""
        async with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _forget(self, trial: str) -> int | None:
        """The number of the letter that the trial held, of which nothing is kept."""
        number = self._held.pop(trial, None)
        if number is not None:
            self._stopped.discard(number)
            self._progress.pop(number, None)
        return number


class MailboxClient:
    """A mailbox, called from a process of the cluster. Every call raises an error of Ray's when the mailbox is dead
    or does not answer within ANSWER_SECONDS."""

    def __init__(self, name: str, namespace: str) -> None:
        self.name = name
        self.namespace = namespace
        self._actor: Any = ray.get_actor(name, namespace=namespace)

    @classmethod
    def open(cls, namespace: str) -> Self:
        """A new mailbox on this node, which lives as long as this process."""
        name = f"mailbox-{secrets.token_hex(8)}"
        node = ray.get_runtime_context().get_node_id()
        options: dict[str, Any] = {
            "name": name,
            "namespace": namespace,
            "num_cpus": 0,
            "max_concurrency": CALLS,
            "scheduling_strategy": NodeAffinitySchedulingStrategy(node, soft=False),
        }
        actor: Any = ray.remote(Mailbox)
        kept = actor.options(**options).remote()
        client = cls(name, namespace)
        client._actor = kept  # the handle whose loss ends the actor
        return client

    def put(self, letters: Sequence[Letter], first: bool = False) -> None:
        """Add letters at the end, or, with `first`, before all others."""
        ray.get(self._actor.put.remote(letters, first), timeout=ANSWER_SECONDS)

    def take(self, trial: str, seconds: float) -> Letter | None:
        """The next letter for this trial, which has finished the one before; None if none comes in `seconds`."""
        node = ray.get_runtime_context().get_node_id()
        asked = self._actor.take.remote(trial, seconds, node)
        letter: Letter | None = ray.get(asked, timeout=seconds + ANSWER_SECONDS)
        return letter

    def bury(self, trial: str) -> int | None:
        """The number of the letter that a dead trial held; it holds none any more, and waits for none."""
        number: int | None = ray.get(self._actor.bury.remote(trial), timeout=ANSWER_SECONDS)
        return number

    def give_up(self, number: int) -> None:
        """The worker that holds this letter, and was told to stop, is about to end itself."""
        ray.get(self._actor.give_up.remote(number), timeout=ANSWER_SECONDS)

    def stop(self, numbers: Sequence[int]) -> list[int]:
        """Take back these letters. Returns those that no trial holds; the others' trials are told to stop."""
        unheld: list[int] = ray.get(self._actor.stop.remote(numbers), timeout=ANSWER_SECONDS)
        return unheld

    def look(self, number: int, progress: Progress | None) -> bool:
        """Whether the trial that holds this letter shall stop; it says how far it is."""
        return bool(ray.get(self._actor.look.remote(number, progress), timeout=ANSWER_SECONDS))

    def progress(self) -> dict[int, Progress]:
        """How far the letters are that trials hold, of those that were told of."""
        found: dict[int, Progress] = ray.get(self._actor.progress.remote(), timeout=ANSWER_SECONDS)
        return found

    def seats(self) -> dict[str, Seat]:
        """The trials that live, by Tune's ids."""
        found: dict[str, Seat] = ray.get(self._actor.seats.remote(), timeout=ANSWER_SECONDS)
        return found

    def close(self) -> None:
        """Send every trial away that asks, now and later. Does not wait."""
        self._actor.close.remote()
