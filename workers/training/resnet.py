"""Training of a ResNet on images that stay on the device. Recipe and its sources: docs/methods/images.md."""

from collections.abc import Iterator
from itertools import islice, repeat

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from phaselab.domain.results.states import Stage
from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.settings import Training
from phaselab.workers.attacks.inputs import InputOwnLoss, InputPoints
from phaselab.workers.base.checkpoint import Checkpoint, State
from phaselab.workers.base.progress import tell
from phaselab.workers.base.stop import Stop, check
from phaselab.workers.base.streams import Stream, generator
from phaselab.workers.data.image_data import Box
from phaselab.workers.networks.resnet import ResNet18
from phaselab.workers.training.adversarial import moved
from phaselab.workers.training.autograd import optimizer_of
from phaselab.workers.training.training import batches

WARM_UP = 0.2
"""Share of the steps in which the `triangle` schedule rises."""


def train(
    network: ResNet18,
    run: Run,
    images: Tensor,
    label: Tensor,
    box: Box,
    stop: Stop | None = None,
    checkpoint: Checkpoint | None = None,
    before: State | None = None,
) -> State:
    """Train a network on images [n, channels, side, side] and label groups [n], in place, from its checkpoint on, or
    from where a run of fewer steps of the same training ended, whichever is further: with the same result as without a
    break. Gives where it ends, for runs of more steps. The checkpoint stays as it was last saved. Raises Stopped.
    """
    state, steps = _Training(network, run, images, label, box), run.settings.training.steps
    first = state.resume(_furthest(before, checkpoint.load(images.device) if checkpoint else None))
    network.train()
    with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True), torch.enable_grad():
        for step, rows in enumerate(islice(_rows(run), first, steps), start=first):
            check(stop)
            tell(Stage.TRAINING, step, steps)
            state.step(step, rows.to(images.device), stop)
            if checkpoint is not None and checkpoint.due:
                checkpoint.save(state.saved(step + 1))
    network.eval()
    return state.saved(steps)


def _furthest(*states: State | None) -> State | None:
    return max((state for state in states if state is not None), key=lambda state: int(state["step"]), default=None)


class _Training:
    """A network in training."""

    def __init__(self, network: ResNet18, run: Run, images: Tensor, label: Tensor, box: Box) -> None:
        self._network, self._training, self._label, self._box = network, run.settings.training, label, box
        self._optimizer = optimizer_of(self._training, list(network.parameters()))
        self._augmented = Augmentation(run, images)
        mixed = self._training.precision == "mixed"
        self._precision = torch.autocast(images.device.type, torch.bfloat16, enabled=mixed)

    def step(self, step: int, points: Tensor, stop: Stop | None) -> None:
        """One optimizer step, number `step`, on the training points [b]."""
        training, network = self._training, self._network
        for group in self._optimizer.param_groups:
            group["lr"] = training.learning_rate * rate(training, step)
        seen, wanted = self._augmented.batch(points), self._label[points]
        if training.adversarial_radius:
            seen = _perturbed(network, seen, wanted, training.adversarial_radius, self._box, stop)
        self._optimizer.zero_grad()
        with self._precision:
            outputs = network(seen)
        smoothing = training.label_smoothing or 0.0
        outputs = outputs.float() if training.precision == "mixed" else outputs
        functional.cross_entropy(outputs, wanted, label_smoothing=smoothing).backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()

    def saved(self, step: int) -> State:
        """What a checkpoint holds, before the step of that number."""
        return {
            "step": step,
            "network": self._network.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "random": self._augmented.position,
        }

    def resume(self, state: State | None) -> int:
        """Go on from a checkpoint; the number of the next step, 0 without one."""
        if state is None:
            return 0
        self._network.load_state_dict(state["network"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._augmented.position = state["random"]
        return int(state["step"])


def rate(training: Training, step: int) -> float:
    """The step size at a step, counted from 0, over learning_rate."""
    done = (step + 0.5) / training.steps
    if training.schedule == "cosine":
        return float(0.5 * (1 + torch.cos(torch.tensor(torch.pi * done))))
    if training.schedule == "triangle":
        return min(done / WARM_UP, (1 - done) / (1 - WARM_UP))
    return 1.0


class Augmentation:
    """Seeded shifts and mirrorings of the training images of a run, batch after batch."""

    def __init__(self, run: Run, images: Tensor) -> None:
        self._moves = run.settings.training.augmentation
        self._random = generator(run.seed, Stream.AUGMENTATION)
        self._images = images  # [n, channels, side, side]
        self._pad = images.shape[-1] // 8

    @property
    def position(self) -> list[int]:
        """Where the random stream stands."""
        state = self._random.bit_generator.state
        return [*(int(word) for word in state["state"]["state"]), int(state["has_uint32"]), int(state["uinteger"])]

    @position.setter
    def position(self, words: list[int]) -> None:
        *state, has_uint32, uinteger = words
        self._random.bit_generator.state = {
            "bit_generator": "SFC64",
            "state": {"state": np.array(state, dtype=np.uint64)},
            "has_uint32": has_uint32,
            "uinteger": uinteger,
        }

    def batch(self, points: Tensor) -> Tensor:
        """[b, channels, side, side]: the images of the points, moved."""
        images = self._images[points]
        if self._moves == "none":
            return images
        if self._moves == "flip_crop":
            mirrored = torch.from_numpy(self._random.random(len(points)) < 0.5).to(images.device)
            images = torch.where(mirrored.view(-1, 1, 1, 1), images.flip(3), images)
        return self._shifted(images)

    def _shifted(self, images: Tensor) -> Tensor:
        """Each image moved by -pad..pad pixels up and sideways; its border is mirrored into what opens."""
        pad, side = self._pad, images.shape[-1]
        padded = functional.pad(images, (pad,) * 4, mode="reflect")
        shift = torch.from_numpy(self._random.integers(2 * pad + 1, size=(2, len(images)))).to(images.device)
        along = torch.arange(side, device=images.device)
        rows, columns = shift[0].unsqueeze(1) + along, shift[1].unsqueeze(1) + along  # [b, side] each
        every = torch.arange(len(images), device=images.device).view(-1, 1, 1)
        return padded.movedim(1, -1)[every, rows.unsqueeze(2), columns.unsqueeze(1)].movedim(-1, 1)


def _rows(run: Run) -> Iterator[Tensor]:
    if run.settings.training.batch_size is None:
        return repeat(torch.arange(run.settings.data.n))
    return batches(run)


def _perturbed(network: ResNet18, images: Tensor, label: Tensor, radius: float, box: Box, stop: Stop | None) -> Tensor:
    """The images moved against the network's own loss, with its running averages held still."""
    network.eval()
    flat, shape = images.flatten(1), images.shape[1:]
    side = torch.ones_like(flat[:, 0])
    groups = network.head.out_features
    points = InputPoints(
        lambda seen: network(seen.view(-1, *shape)).T, groups, groups - 1, flat, side, label, box, len(flat)
    )
    found = moved(InputOwnLoss(points), radius, stop)  # [b, d]
    network.train()
    return found.view_as(images)
