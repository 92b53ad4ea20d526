"""Lines, and of which cells theory speaks."""

from dataclasses import replace

import pytest

from phaselab.domain.answers.cell_queries import DiagramQuery, LineQuery
from phaselab.domain.answers.cells import Found, PointSummary
from phaselab.domain.answers.diagram import build_diagram
from phaselab.domain.answers.lines import build_lines
from phaselab.domain.answers.theory import flip_radius
from phaselab.domain.answers.theory_curves import averaging_index
from phaselab.domain.families.resolve import resolve
from phaselab.domain.results.summaries import summarize
from phaselab.domain.settings.parameters import Value
from phaselab.domain.settings.settings import Settings

LINES = LineQuery((1,), "data.k", "averaging_index", ("network.labels", "network.width"))


def point(k: int, labels: Value, width: int = 1, value: float | None = 0.5) -> PointSummary:
    settings = resolve(Settings.model_validate({"data": {"k": k}, "network": {"labels": labels, "width": width}}))
    runs = [] if value is None else [value, value]
    measures = {name: summarize(runs) for name in ("averaging_index", "robust_radius_max")}
    return PointSummary((k, (labels, width)), settings, len(runs), 0, measures, {})


def test_groups_are_in_drawing_order_and_blank_where_there_is_nothing() -> None:
    points = [point(8, "clusters"), point(4, "binary", 5), point(8, "binary", 1), point(4, 2, 1, None)]
    lines = build_lines(LINES, Found(points))
    groups = [tuple(line.group.values()) for line in lines.lines]
    assert groups == [("binary", 1), ("binary", 5), (2, 1), ("clusters", 1)]
    assert [[cell.n for cell in line.cells] for line in lines.lines] == [[0, 2], [2, 0], [0, 0], [0, 2]]
    assert [cell.state for cell in lines.lines[2].cells] == ["pending", None]


@pytest.mark.parametrize("measure", ["averaging_index", "robust_radius_max", "robust_radius_max_relative"])
def test_theory_along_a_line_is_that_of_its_settings(measure: str) -> None:
    points = [point(k, "clusters") for k in (4, 10)]
    (line,) = build_lines(replace(LINES, measure=measure), Found(points)).lines
    assert line.theory is not None
    for value, one in zip(line.theory.values, points, strict=True):
        assert one.settings is not None
        radius = flip_radius(one.settings, "max").radius
        assert radius is not None
        expected = {
            "averaging_index": averaging_index(one.settings),
            "robust_radius_max": radius,
            "robust_radius_max_relative": radius / one.settings.data.d**0.5,
        }
        assert value == pytest.approx(expected[measure])


def test_theory_is_silent_where_a_cell_averages_over_trainings() -> None:
    query = replace(LINES, measure="robust_radius_max", marginalize=("data.snr",))
    mixed = [replace(point(4, "clusters"), mixed=True), point(10, "clusters")]
    (line,) = build_lines(query, Found(mixed)).lines
    assert line.theory is not None
    assert line.theory.values[0] is None
    assert line.theory.values[1] is not None
    assert line.theory.reason == "runs are averaged over data.snr"


def test_a_diagram_draws_no_theory_of_cells_that_average_over_trainings() -> None:
    query = DiagramQuery((1,), "data.k", "network.labels", "averaging_index", marginalize=("data.snr",))
    labels = ("binary", 4, "clusters")
    points = [replace(point(k, one), place=(k, (one,))) for k in (8, 10, 12) for one in labels]
    assert build_diagram(query, Found(points)).theory
    found = build_diagram(query, Found([replace(one, mixed=True) for one in points]))
    assert not found.theory
    assert {gap.reason for gap in found.theory_gaps} == {"runs are averaged over data.snr"}
