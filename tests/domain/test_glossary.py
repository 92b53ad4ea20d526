"""Words whose meaning is data: none that there is lacks one."""

import pytest

from phaselab.domain.answers.glossary import SECTIONS
from phaselab.domain.results.phases import Phase
from phaselab.domain.results.results import READOUTS
from phaselab.domain.results.states import CellState
from phaselab.domain.results.statistics import STATISTICS
from phaselab.domain.settings.settings import METHODS

KINDS = {
    "Phases": Phase,
    "Readouts": READOUTS,
    "Methods": METHODS,
    "Statistics": STATISTICS,
    "States of cells": CellState,
}


@pytest.mark.parametrize("heading", KINDS)
def test_every_word_of_a_kind_has_a_meaning(heading: str) -> None:
    assert set(SECTIONS[heading]) == set(KINDS[heading])
    assert all(meaning.endswith(".") for meaning in SECTIONS[heading].values())
