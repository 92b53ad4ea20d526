"""Which neuron belongs to which output of a two-layer network, and which outputs to which side."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class GroupLayout:
    """The outputs of a two-layer network: every neuron in one label group, every group in one side.

    `group_of_neuron` [M] long holds 0..c-1, each value equally often; `side_of_group` [c] holds +1 or -1, each at
    least once. A binary network is the case of two groups. Raises ValueError for anything else.
    """

    group_of_neuron: Tensor
    side_of_group: Tensor

    def __post_init__(self) -> None:
        counts = torch.bincount(self.group_of_neuron, minlength=self.outputs)
        if len(counts) != self.outputs or bool((counts != counts[0]).any()) or int(counts[0]) == 0:
            raise ValueError(f"{self.outputs} groups need equally many neurons each, got {counts.tolist()}")
        if set(self.side_of_group.tolist()) != {1, -1}:
            raise ValueError(f"sides must be +1 and -1, each at least once, got {self.side_of_group.tolist()}")

    @classmethod
    def build(cls, side_of_group: Sequence[int], width: int, device: torch.device | str = "cpu") -> "GroupLayout":
        """The layout of `width` neurons per group, group after group."""
        sides = torch.tensor(side_of_group, dtype=torch.long, device=device)  # [c]
        return cls(torch.arange(len(sides), device=device).repeat_interleave(width), sides)

    @property
    def outputs(self) -> int:
        """Number c of label groups."""
        return len(self.side_of_group)

    @property
    def width(self) -> int:
        """Number h of neurons per group."""
        return self.neurons // self.outputs

    @property
    def neurons(self) -> int:
        """Number M of neurons."""
        return len(self.group_of_neuron)

    @property
    def side_of_neuron(self) -> Tensor:
        """[M] +1 or -1."""
        return self.side_of_group[self.group_of_neuron]

    def neurons_of_side(self, side: int) -> Tensor:
        """The neurons of a side, [groups of the side * width] long, sorted by group."""
        order = torch.argsort(self.group_of_neuron, stable=True)  # [M]
        return order[self.side_of_neuron[order] == side]

    def groups_of_side(self, side: int) -> int:
        """Number of label groups of a side."""
        return int((self.side_of_group == side).sum())
