"""Diagrams: cells, axes, boundaries."""

from dataclasses import replace

import numpy as np
import pytest

from phaselab.domain.answers.axes import PictureAxis, order_values
from phaselab.domain.answers.boundaries import boundaries
from phaselab.domain.answers.cell_queries import DiagramQuery
from phaselab.domain.answers.cells import Drawn, Found, PointSummary
from phaselab.domain.answers.diagram import build_diagram
from phaselab.domain.results.intervals import mean_interval, wilson_interval
from phaselab.domain.results.measures import MEASURES
from phaselab.domain.results.over import Over
from phaselab.domain.results.phases import Phase, Thresholds
from phaselab.domain.results.summaries import summarize
from phaselab.domain.settings.parameters import Value
from phaselab.domain.specs.points import plan
from phaselab.domain.specs.spec import parse_spec

A, L = Phase.FEATURE_AVERAGING, Phase.FEATURE_LEARNING


def settings(**groups: object):
    return plan(parse_spec({"name": "x"} | groups)).points[0].settings


def point(k: int, labels: Value, *indices: float) -> PointSummary:
    """A point whose runs have these averaging indices and are trained well."""
    given = {"train_accuracy": 1.0, "start_share": 0.0, "noise_share": 0.1}
    measures = {name: [value for _ in indices] for name, value in given.items()}
    return PointSummary(
        place=(k, (labels,)),
        settings=settings(data={"k": k}, network={"labels": labels}),
        n=len(indices),
        suspect=0,
        measures={name: summarize(v) for name, v in (measures | {"averaging_index": list(indices)}).items()},
        phases={A: sum(i >= 0.8 for i in indices), L: sum(i <= 0.2 for i in indices)},
    )


QUERY = DiagramQuery((1,), "data.k", "network.labels", "averaging_index")


def test_cells_hold_what_was_measured_and_nothing_else() -> None:
    points = [point(4, "binary", 0.9, 1.0), point(8, "binary", 0.9), point(4, "clusters"), point(8, "clusters", 0.0)]
    diagram = build_diagram(QUERY, Found(points))
    assert (diagram.x.values, diagram.y.values) == ((4, 8), ("binary", "clusters"))
    assert [[cell.n for cell in line] for line in diagram.cells] == [[2, 1], [0, 1]]
    assert [[cell.mean for cell in line] for line in diagram.cells] == [[pytest.approx(0.95), 0.9], [None, 0.0]]
    assert [[cell.phase for cell in line] for line in diagram.cells] == [[A, A], [None, L]]
    assert [[cell.phase_share for cell in line] for line in diagram.cells] == [[1.0, 1.0], [None, 1.0]]
    assert diagram.cells[0][1].ci_low is None
    assert [[(cell.runs, cell.defined) for cell in line] for line in diagram.cells] == [
        [(2, 2), (1, 1)],
        [(0, 0), (1, 1)],
    ]
    assert diagram.cells[0][0].interval_over == Over.SEEDS
    low, high = diagram.cells[0][0].ci_low, diagram.cells[0][0].ci_high
    assert low is not None
    assert high is not None
    assert 0 < low < 0.95 < high < 1, "Student's interval would be [.31, 1.59]"


def test_undefined_values_are_counted() -> None:
    runs = point(4, "binary", 0.9, 1.0)
    some = replace(runs, n=3, measures=runs.measures | {"averaging_index": summarize([0.9, None, 1.0])})
    cell = build_diagram(QUERY, Found([some])).cells[0][0]
    assert (cell.n, cell.runs, cell.defined) == (3, 3, 2)


def test_what_is_drawn_is_what_intervals_are_over() -> None:
    """Four runs on two data sets: two draws, of which the phase's share is known no better than of two."""
    runs = [point(4, "binary", 0.9, 1.0, 0.3, 0.4)]
    drawn = {(4, ("binary",)): Drawn(Over.DATA, 2, summarize([0.95, 0.35]))}
    cell = build_diagram(replace(QUERY, thresholds=Thresholds(averaging_from=0.5)), Found(runs, drawn=drawn)).cells[0][
        0
    ]
    assert (cell.n, cell.runs, cell.defined, cell.interval_over) == (2, 4, 4, Over.DATA)
    assert (cell.value, cell.sd) == (pytest.approx(0.65), pytest.approx(np.std([0.9, 1.0, 0.3, 0.4], ddof=1)))
    interval = mean_interval(MEASURES["averaging_index"], summarize([0.95, 0.35]))
    assert (cell.ci_low, cell.ci_high) == interval
    assert (cell.phase_share_low, cell.phase_share_high) == pytest.approx(wilson_interval(1, 2))


def test_points_of_one_cell_are_pooled() -> None:
    diagram = build_diagram(QUERY, Found([point(4, "binary", 0.9, 1.0), point(4, "binary", 0.6)]))
    cell = diagram.cells[0][0]
    assert (cell.n, cell.low, cell.high) == (3, 0.6, 1.0)
    assert cell.mean == pytest.approx(2.5 / 3)
    assert cell.phase_share == pytest.approx(2 / 3)


def test_boundaries_run_along_the_edges_of_cells() -> None:
    lines = boundaries([[A, A], [A, L]])
    assert [(line.between, line.corners) for line in lines] == [((A, L), ((1, 2), (1, 1), (2, 1)))]
    assert boundaries([[A, None], [None, L]]) == ()


def test_boundaries_join_a_closed_loop() -> None:
    (line,) = boundaries([[A, A, A], [A, L, A], [A, A, A]])
    assert line.corners[0] == line.corners[-1]
    assert len(line.corners) == 5


@pytest.mark.parametrize(
    ("parameter", "values", "scale", "edges"),
    [
        ("data.k", (4, 6, 10), "linear", (3, 5, 8, 12)),
        ("network.init_scale", (1e-4, 1e-2), "log", (1e-5, 1e-3, 1e-1)),
        ("network.labels", ("binary", 2, "clusters"), "category", (-0.5, 0.5, 1.5, 2.5)),
        ("data.k", (4,), "linear", (2, 6)),
        ("data.label_noise", (0.0, 0.2), "linear", (-0.1, 0.1, 0.3)),
        ("network.init_scale", (0.0, 1e-4, 1e-2), "log", (1e-7, 1e-5, 1e-3, 1e-1)),
        ("network.init_scale", (0.0, 1e-4, 2e-4), "linear", (-5e-5, 5e-5, 1.5e-4, 2.5e-4)),
        ("network.init_scale", (0.0, 1e-4), "linear", (-5e-5, 5e-5, 1.5e-4)),
        ("data.center_cosine", (-0.1, 0.001, 0.9), "linear", (-0.1505, -0.0495, 0.4505, 1.3495)),
    ],
)
def test_axes(parameter: str, values: tuple[Value, ...], scale: str, edges: tuple[float, ...]) -> None:
    axis = PictureAxis(parameter, values)
    assert axis.scale == scale
    assert axis.edges == pytest.approx(edges)


def test_values_are_in_drawing_order() -> None:
    assert order_values(["clusters", 10, "binary", 2, 10]) == ("binary", 2, 10, "clusters")


def test_numbers_are_placed_between_the_categories_around_them() -> None:
    axis = PictureAxis("network.labels", ("binary", 2, 4, "clusters"))
    assert axis.place(3) == pytest.approx(1.5)
    assert axis.place(5) is None
