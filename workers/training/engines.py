"""The engines by their names."""

from collections.abc import Callable, Mapping, Sequence

from phaselab.workers.base.stop import Stop
from phaselab.workers.training import autograd, gram
from phaselab.workers.training.training import Fitted, Start

ENGINES: Mapping[str, Callable[[Sequence[Start], Stop | None], list[Fitted]]] = {
    "gram": gram.train,
    "autograd": autograd.train,
}
"""Train every run of every start; the starts have equally many runs each, all of one shape and looked at alike."""
