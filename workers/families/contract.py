"""What a family of networks does, for everyone above it: it trains, and shows what it trained.

A family is the `FAMILY` of the file of its name in this folder. Nobody else asks which family a run has: they ask the
run's family (`registry.family_of`). tests/workers/test_families.py holds every family to this.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from torch import Tensor

from phaselab.domain.results.results import Decision, RunFailure
from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.settings import Settings
from phaselab.workers.attacks.attacks import ExactLabel, ExactMethod
from phaselab.workers.attacks.landscape import Victim
from phaselab.workers.base.stop import Stop
from phaselab.workers.data.features import Features
from phaselab.workers.measures.shown import Shown


class Trained(Protocol):
    """The trained networks of S runs of one shape: as many as are worth attacking as one batch."""

    @property
    def runs(self) -> Sequence[Run]:
        """The runs, in the order of every first dimension."""

    @property
    def victim(self) -> Victim:
        """The networks and their test points, as attacks see them; the same whenever asked."""

    @property
    def exact(self) -> ExactMethod | None:
        """Bounds of the robust radii, exact or certified; null where settings ask for none, or have none."""

    @property
    def exact_label(self) -> ExactLabel | None:
        """Those of the decision between all label groups; null where there is no exact method, or where it is dear and
        `attack.label_radius` does not ask for it."""

    @property
    def clean(self) -> Mapping[Decision, Tensor]:
        """[S] per decision: share of test points whose readout has strictly the sign of their class, or whose own label
        strictly the largest output, computed apart from the attacks."""

    @property
    def tensors(self) -> Mapping[str, Tensor]:
        """The trained tensors of a single run, by the names that docs/methods/training.md explains."""

    def shown(self) -> Shown:
        """What measures look at, without the exact radii."""


@dataclass(frozen=True, eq=False)
class TrainedStack:
    """What became of the runs of a stack in training: networks, batch after batch, and the runs that gave none, which
    are all told of once the networks are at their end."""

    trained: Iterable[Trained]
    failures: Sequence[RunFailure]


class Family(Protocol):
    """A kind of network. Settings that it is asked of are canonical."""

    @property
    def together(self) -> bool:
        """Whether runs of one shape are trained as one batch; else they are computed one after the other."""

    @property
    def resumes(self) -> bool:
        """Whether training and attacks leave checkpoints under the run key and go on from them, with the same result
        as without a break. Only where runs are computed one after the other."""

    def train(self, runs: Sequence[Run], device: str, stop: Stop | None) -> TrainedStack:
        """Train runs of one shape. Where they are not trained together, those of one training (`stacks.Trajectory`),
        that of the fewest steps first: networks come one at a time, each going on from the one before it, and it is
        told which run is at work. A run whose numbers stop being finite is a failure, and harms no other. Raises
        Stopped, DataFault, then or while the networks are asked for.
        """

    def bytes_per_run(self, settings: Settings) -> int:
        """Memory that a run needs at the peak; what runs on the same data share is counted to each."""


@runtime_checkable
class Extractor(Family, Protocol):
    """A family whose last hidden layer heads can be trained on."""

    def extract(self, run: Run, device: str, stop: Stop | None) -> Features:
        """Train the network of a run, and see what its last hidden layer makes of its training images and of every test
        image of the source. Raises Stopped, DataFault.
        """
