"""What the measures of layers and directions add to a run of the published setting, as a share of its CPU time."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import torch
from rich.console import Console
from rich.table import Table

from benchmarks.stacks import stack
from phaselab.domain.results.measures_of_directions import OF_DIRECTIONS
from phaselab.domain.results.measures_of_layers import OF_LAYERS
from phaselab.workers.base.recent import RECENT
from phaselab.workers.families import two_layer
from phaselab.workers.measures.every import FUNCTIONS, LAYERED
from phaselab.workers.trial.run_stack import run_stack

FORMS = ("binary", "clusters")
STACKS = ((8, 1), (2, 8))
"""(data sets, runs that share each)."""
REPEATS = 5
SHOWN = {
    "_training_points": "training points now and at the start",
    "past_of": "training points now and at the start",
    "frozen_products": "weights off the span",
    "gradients": "gradients at the test points",
    "exact_falls": "falls along the averaged direction",
}
"""What the family shows to these measures alone, by its functions, in words."""


class Clock:
    """CPU seconds by what they were spent on, in this thread."""

    def __init__(self) -> None:
        self.spent: Counter[str] = Counter()

    def timed(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """The same function, with its time noted."""

        def noted(*values: Any) -> Any:
            start = time.process_time()
            found = call(*values)
            self.spent[name] += time.process_time() - start  # type: ignore[assignment]
            return found

        return noted

    @contextmanager
    def on_measures(self) -> Iterator[None]:
        """Note what the measures of layers and directions take."""
        own = {entry.name for entry in (*OF_DIRECTIONS, *OF_LAYERS)}
        with ExitStack() as patches:
            for name, words in SHOWN.items():
                patches.enter_context(patch.object(two_layer, name, self.timed(words, getattr(two_layer, name))))
            for kept in (FUNCTIONS, LAYERED):
                mine = {name: self.timed("their functions", kept[name]) for name in own & kept.keys()}
                patches.enter_context(patch.dict(kept, mine))
            yield


def shares(labels: str, seeds: int, shared: int) -> tuple[float, float, Counter[str]]:
    """(CPU seconds a run, what the measures take over all the rest, what they take by part over all the rest): of the
    median repetition."""
    one, found = stack(seeds, shared, network__labels=labels), []
    run_stack(one)
    for _ in range(REPEATS):
        RECENT.clear()
        clock, start = Clock(), time.process_time()
        with clock.on_measures():
            run_stack(one)
        total, added = time.process_time() - start, sum(clock.spent.values())
        rest = total - added
        parts = Counter({name: value / rest for name, value in clock.spent.items()})
        found.append((total / len(one.runs), added / rest, parts))
    return sorted(found, key=lambda one: one[1])[REPEATS // 2]


def report(console: Console) -> None:
    """Print the table, of one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    table = Table(title="Measures of layers and directions: CPU time over that of all the rest of a run")
    parts = tuple(dict.fromkeys((*SHOWN.values(), "their functions")))
    for column in ("labels", "stack", "ms a run", "added", *parts):
        table.add_column(column, justify="right")
    for labels in FORMS:
        for sizes in STACKS:
            table.add_row(*_row(labels, sizes, parts))
    console.print(table)
    torch.set_num_threads(threads)


def _row(labels: str, sizes: tuple[int, int], parts: Sequence[str]) -> list[str]:
    seconds, added, by_part = shares(labels, *sizes)
    name = f"{sizes[0] * sizes[1]} ({sizes[0]} data sets)"
    return [labels, name, f"{1000 * seconds:.0f}", f"{added:.1%}", *(f"{by_part[part]:.1%}" for part in parts)]
