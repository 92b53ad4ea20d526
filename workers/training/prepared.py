"""A small per-process memory of training sets, so that consecutive stacks on the same data draw them once."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from phaselab.domain.families.on_images import image_set
from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.stacks import data_key
from phaselab.workers.data import clusters, image_data, law
from phaselab.workers.data.training_set import TrainingSet
from phaselab.workers.training.gram import Gram

LIMIT_BYTES = 512 * 2**20
"""Most memory that remembered training sets hold, unless one alone is larger."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """A training set on its device, with its Gram matrix where the engine needs one."""

    data: TrainingSet
    gram: Gram | None

    @property
    def bytes(self) -> int:
        """Memory held."""
        return self.data.bytes + (self.gram.bytes if self.gram else 0)


class Recent:
    """The most recently used values, together of at most `limit_bytes`, or one value alone."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._values: OrderedDict[tuple[str, ...], Prepared] = OrderedDict()
        self._held = 0

    def get(self, key: tuple[str, ...], make: Callable[[], Prepared]) -> Prepared:
        """The value of a key, made when it is not remembered."""
        if key in self._values:
            self._values.move_to_end(key)
            return self._values[key]
        value = make()
        self._held += value.bytes
        while self._values and self._held > self._limit_bytes:
            _, dropped = self._values.popitem(last=False)
            self._held -= dropped.bytes
        self._values[key] = value
        return value

    def clear(self) -> None:
        """Forget everything."""
        self._values.clear()
        self._held = 0


RECENT = Recent(LIMIT_BYTES)
"""The training sets that this process used last."""


def prepared(run: Run, device: str) -> Prepared:
    """The training data of a run on a device, drawn or remembered; the same numbers either way."""
    engine = run.settings.training.engine
    return RECENT.get((data_key(run), engine, device), lambda: _prepare(run, device))


def _draw(run: Run) -> TrainingSet:
    if image_set(run.settings.data) is not None:
        return image_data.training_set(run)
    return law.draw_training_set(run) if run.settings.data.draw == "law" else clusters.draw_training_set(run)


def _prepare(run: Run, device: str) -> Prepared:
    data = _draw(run)
    data = TrainingSet(data.inputs.to(device), data.cluster.to(device), data.centers.to(device))
    return Prepared(data, Gram.of(data.inputs) if run.settings.training.engine == "gram" else None)
