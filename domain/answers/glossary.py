"""Words whose meaning is data: phases, readouts, methods, statistics, states of cells. The glossary, on its page and in
`docs/glossary.md`, is made of them, of the catalogues of parameters and measures, and of the flags of checks."""

from collections.abc import Mapping

from phaselab.domain.results.phases import DEFAULT_THRESHOLDS, Phase
from phaselab.domain.results.states import CellState
from phaselab.domain.results.statistics import STATISTICS, Statistic, is_quantile, statistic_title

_AT = DEFAULT_THRESHOLDS
PHASES: Mapping[str, str] = {
    Phase.UNTRAINED: "Neither the training set nor fresh points are told apart:"
    f" train_accuracy < {_AT.trained_accuracy} and test_accuracy < {_AT.trained_accuracy}.",
    Phase.LAZY: f"Most of the weights is their random start: else start_share >= {_AT.lazy_share}.",
    Phase.MEMORISING: "Most of the weights is memory of the noise of training points:"
    f" else noise_share >= {_AT.memory_share}.",
    Phase.FEATURE_AVERAGING: "A neuron weighs all features of its side alike:"
    f" else averaging_index >= {_AT.averaging_from}.",
    Phase.FEATURE_LEARNING: f"A neuron holds one feature: else averaging_index <= {_AT.learning_up_to}.",
    Phase.MIXED: "In between.",
}
"""What each phase is, and by which measures, in the order in which they are asked; the numbers are thresholds that a
query may set otherwise."""
READOUT_MEANINGS: Mapping[str, str] = {
    "sum": "The outputs of the positive label groups, summed, less the sum of those of the negative ones.",
    "max": "The largest output of the positive label groups less the largest of the negative ones.",
}
METHOD_MEANINGS: Mapping[str, str] = {
    "exact": "The least perturbation that flips each point, solved for, with a certificate: no attack is stronger.",
    "certified": "Radii that are proved to flip nothing, where there are no exact ones: a bracket with the attacks.",
    "pgd": "Projected gradient descent on the very readout that is scored, with restarts.",
    "pgd_native": "The same on the network's own loss, as the paper did; it can report robustness that is not there.",
}
CELL_MEANINGS: Mapping[str, str] = {
    CellState.MEASURED: "A run of it has a result.",
    CellState.INFERRED: "It lies between measured cells that agree, says a refinement.",
    CellState.PENDING: "None has yet: its runs wait, are computed, or were given up.",
    CellState.FAILED: "Every run of it ended without a result.",
    CellState.IMPOSSIBLE: "Its settings cannot be combined, and were left out (`impossible: skip`).",
}


def statistic_meaning(statistic: Statistic) -> str:
    """A statistic in a sentence."""
    over = "independent draws" if statistic == "mean" else "runs"
    how = ", on the line between its neighbours" if is_quantile(statistic) else ""
    return f"The {statistic_title(statistic)} over the {over} of a cell{how}."


SECTIONS: Mapping[str, Mapping[str, str]] = {
    "Phases": PHASES,
    "Readouts": READOUT_MEANINGS,
    "Methods": METHOD_MEANINGS,
    "Statistics": {name: statistic_meaning(name) for name in STATISTICS},
    "States of cells": CELL_MEANINGS,
}
"""Meanings by word, under the heading of each kind."""
