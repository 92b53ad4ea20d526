"""Layouts of neurons over groups and sides."""

import pytest
import torch

from phaselab.workers.networks.layout import GroupLayout


def test_layout_of_groups():
    layout = GroupLayout.build([1, -1, -1], width=2)
    assert (layout.outputs, layout.width, layout.neurons) == (3, 2, 6)
    assert layout.side_of_neuron.tolist() == [1, 1, -1, -1, -1, -1]
    assert layout.neurons_of_side(-1).tolist() == [2, 3, 4, 5]
    assert (layout.groups_of_side(1), layout.groups_of_side(-1)) == (1, 2)


def test_neurons_of_a_side_are_sorted_by_group():
    layout = GroupLayout(torch.tensor([2, 0, 1, 0, 2, 1]), torch.tensor([1, -1, 1]))
    assert layout.neurons_of_side(1).tolist() == [1, 3, 0, 4]


@pytest.mark.parametrize(
    ("groups", "sides"),
    [([0, 0, 1], [1, -1]), ([0, 1, 2], [1, -1]), ([0, 0], [1, -1]), ([0, 1], [1, 1]), ([0, 1], [1, 2])],
)
def test_impossible_layouts_are_refused(groups: list[int], sides: list[int]):
    with pytest.raises(ValueError, match=r"groups need|sides must"):
        GroupLayout(torch.tensor(groups), torch.tensor(sides))
