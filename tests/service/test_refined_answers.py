"""What answers say of an experiment that is refined: inferred cells, boundaries as numbers, the audit, estimates."""

import io
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from phaselab.api.pictures.diagram import draw_diagram
from phaselab.db.schema.database import Database
from phaselab.domain.answers.cell_queries import DiagramQuery, LineQuery
from phaselab.domain.answers.conditions import parse_condition
from phaselab.domain.answers.diagram import Diagram
from phaselab.domain.answers.refined import Progress
from phaselab.domain.results.phases import Phase, Thresholds
from phaselab.domain.results.states import CellState
from phaselab.domain.settings.faults import InvalidInput
from phaselab.service.verbs import diagrams, experiments
from phaselab.service.verbs.estimate import estimate
from phaselab.service.verbs.portable import export_experiment, import_experiment
from phaselab.service.verbs.submit import submit
from phaselab.service.verbs.verdicts import verdicts
from tests.db.refined import LATTICE, NO_ATTACK, REFINE, SCALES, TOTAL, go_on, refined, says
from tests.db.rows import land, store, take_all

QUERY = DiagramQuery((1,), "data.snr", "network.init_scale", "start_share")


@pytest.fixture
def local(sqlite_url: str) -> Iterator[Database]:
    database = Database(sqlite_url)
    yield database
    database.close()


def flat(found: Diagram, state: CellState) -> list[tuple[int, int]]:
    """The places (row, column) of the cells in a state."""
    return [(j, i) for j, row in enumerate(found.cells) for i, cell in enumerate(row) if cell.state is state]


def test_a_diagram_infers_what_lies_between_cells_that_agree(local: Database) -> None:
    refined(local)
    go_on(local, 1, rounds=4)
    assert diagrams.diagram(local, QUERY).refinements[0].progress is Progress.REFINING
    go_on(local, 1)
    store(local, sweep=LATTICE, attack=NO_ATTACK)
    land(local, [says(run) for run in take_all(local, 2)])
    whole = diagrams.diagram(local, replace(QUERY, experiments=(2,)))
    refinement = replace(QUERY, where=())
    found = diagrams.diagram(local, refinement)
    assert [[cell.phase for cell in row] for row in found.cells] == [
        [cell.phase for cell in row] for row in whole.cells
    ]
    assert found.boundaries == whole.boundaries
    assert found.crossings == whole.crossings
    (told,) = found.refinements
    inferred = flat(found, CellState.INFERRED)
    assert (told.progress, told.inferred, told.runs) == (Progress.COMPLETE, len(inferred), TOTAL)
    assert told.measured == 3 * len(flat(found, CellState.MEASURED)) == TOTAL - 3 * len(inferred)
    assert (told.first.checked > 0, told.first.disagreed) == (True, 0)
    for row, column in inferred:
        cell = found.cells[row][column]
        assert (cell.n, cell.value, cell.mean, cell.ci_low, cell.phase_share) == (0, None, None, None, None)
    assert whole.refinements == ()
    assert not flat(whole, CellState.INFERRED)


def test_a_boundary_has_a_place_and_an_interval_in_every_row_and_column(local: Database) -> None:
    refined(local)
    go_on(local, 1)
    found = diagrams.diagram(local, QUERY)
    along = {name: [one for one in found.crossings if one.along == name] for name in ("x", "y")}
    for one in along["x"]:
        assert one.between == (Phase.FEATURE_AVERAGING, Phase.LAZY)
        turning = (8 - SCALES.index(one.at)) / 0.7  # type: ignore[arg-type]
        assert one.low <= turning <= one.high
        assert (one.high - one.low, one.steps) == (1, 1)
        assert one.value == (one.low + one.high) / 2
    assert len({one.at for one in along["x"]}) == len(along["x"]) > 4
    assert all(one.value == pytest.approx((one.low * one.high) ** 0.5) for one in along["y"])


def test_a_level_has_a_boundary_of_its_own(local: Database) -> None:
    by = {"measure": "averaging_index", "level": 0.5}
    refined(local, refine=REFINE | {"by": by})
    go_on(local, 1)
    found = diagrams.diagram(local, QUERY)
    sides = ("averaging_index < 0.5", "averaging_index >= 0.5")
    own = [one for one in found.crossings if one.between == sides[::-1] and one.along == "x"]
    assert len({one.at for one in own}) == len(own) > 4
    for one in own:
        assert one.low <= (8 - SCALES.index(one.at)) / 0.7 <= one.high  # type: ignore[arg-type]
    assert sides in [line.between for line in found.boundaries]
    assert all(found.cells[row][column].phase is None for row, column in flat(found, CellState.INFERRED))
    assert found.refinements[0].by == "averaging_index at 0.5"
    figure = draw_diagram(found)
    assert "boundary of averaging index < 0.5" in [text.get_text() for text in figure.legends[0].get_texts()]


def slope_claim(near: float, **changes: object) -> dict[str, object]:
    boundary = {"y": "network.init_scale", "between": ["feature_averaging", "lazy"]}
    slope = {"x": "data.snr", "near": near, "within": 0.2, "boundary": boundary} | changes
    return {"text": "a law", "source": "here", "measure": "start_share", "expect": {"slope": slope}}


def test_a_claim_on_the_slope_of_a_boundary_is_judged_by_its_crossings(local: Database) -> None:
    none = {"y": "network.init_scale", "between": ["mixed", "lazy"]}
    claims = [slope_claim(near, log=True) for near in (-6.0, -2.0)] + [slope_claim(0.0, boundary=none)]
    refined(local, claims=claims)
    go_on(local, 1)
    crossed = [one for one in diagrams.diagram(local, QUERY).crossings if one.along == "y"]
    snr = np.array([float(str(one.at)) for one in crossed])
    middle = np.array([one.value for one in crossed])
    true = np.polyfit(np.log(snr), np.log(10) * (-1 - 0.7 * snr), 1)[0]  # where `says` has the boundary
    near, far, nothing = verdicts(local, 1).items
    assert near.decides.value == pytest.approx(np.polyfit(np.log(snr), np.log(middle), 1)[0])
    assert near.decides.low is not None
    assert near.decides.high is not None
    assert near.decides.low < true < near.decides.high < -2.5
    assert (far.ruling, nothing.ruling, near.more_seeds) == ("fails", "undecided", None)
    assert near.ruling == "undecided", "a lattice of decades says little"
    assert nothing.decides.reason == "the boundary is seen at 0 values of data.snr; 3 are needed"
    wide = [slope_claim(round(true, 1), log=True, within=9.0)]
    refined(local, claims=wide, owner="bob")
    assert verdicts(local, 2).items[0].ruling == "holds"


def test_other_thresholds_and_lines_say_only_what_they_know(local: Database) -> None:
    refined(local)
    go_on(local, 1)
    other = diagrams.diagram(local, replace(QUERY, thresholds=Thresholds(lazy_share=0.4)))
    assert (other.refinements, flat(other, CellState.INFERRED)) == ((), [])
    lines = diagrams.lines(local, LineQuery((1,), "data.snr", "start_share", ("network.init_scale",)))
    states = {cell.state for line in lines.lines for cell in line.cells}
    assert states == {CellState.MEASURED, CellState.INFERRED}


def test_a_budget_that_is_used_up_is_told(local: Database) -> None:
    refined(local, refine=REFINE | {"budget": 0.45})
    go_on(local, 1)
    found = diagrams.diagram(local, QUERY)
    assert found.refinements[0].progress is Progress.BUDGET
    assert "its budget is used up" in found.refinements[0].words
    assert flat(found, CellState.PENDING)


def test_slices_are_told_apart(local: Database) -> None:
    """Two slices, of which a diagram looks at one: its audit is that slice's alone."""
    sweep = LATTICE | {"training.steps": [10, 20]}
    refined(local, sweep=sweep)
    go_on(local, 1)
    audits = []
    for steps in (10, 20):
        found = diagrams.diagram(local, replace(QUERY, where=(parse_condition(f"training.steps={steps}"),)))
        assert len(flat(found, CellState.INFERRED)) == found.refinements[0].inferred > 0
        audits.append(found.refinements[0].first.checked)
    both = diagrams.diagram(local, replace(QUERY, marginalize=("training.steps",)))
    assert both.refinements[0].first.checked == sum(audits)


def test_a_spec_that_cannot_be_refined_is_refused_and_a_dry_run_tells_how_much_is_measured(local: Database) -> None:
    spec = {"name": "test", "sweep": LATTICE, "seeds": 3, "attack": NO_ATTACK}
    with pytest.raises(InvalidInput, match="is not swept"):
        submit(local, spec | {"refine": {"x": "data.k", "y": "data.snr"}}, "ada")
    plain, told = (estimate(local, one, "ada") for one in (spec, spec | {"refine": REFINE}))
    assert (plain.runs, plain.measured) == (TOTAL, TOTAL)
    assert told.runs == TOTAL
    assert 75 < told.measured < TOTAL
    assert told.seconds == pytest.approx(plain.seconds * told.measured / TOTAL, rel=0.02)
    assert submit(local, spec | {"refine": REFINE}, "ada").runs == TOTAL


def test_a_refinement_travels_in_a_portable_file(local: Database) -> None:
    refined(local)
    go_on(local, 1)
    before = diagrams.diagram(local, QUERY)
    file = b"".join(export_experiment(local, 1))
    merged = import_experiment(local, io.BytesIO(file), "bob")
    experiments.resume(local, merged.experiment_id)
    go_on(local, merged.experiment_id)
    counts = experiments.experiment(local, merged.experiment_id).counts
    assert (counts.queued, counts.running) == (0, 0)
    after = diagrams.diagram(local, replace(QUERY, experiments=(merged.experiment_id,)))
    assert [[cell.phase for cell in row] for row in after.cells] == [
        [cell.phase for cell in row] for row in before.cells
    ]
