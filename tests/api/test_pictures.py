"""Pictures: the data they draw, and that what must be seen is drawn."""

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from matplotlib.collections import PatchCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from phaselab.api.entrance.overlay import in_unit_of, overlay_series
from phaselab.api.pictures.blanks import LOOKS
from phaselab.api.pictures.cosines import cosines_picture, draw_cosines
from phaselab.api.pictures.curves import Series, curves_picture, draw_curves
from phaselab.api.pictures.diagram import diagram_picture, draw_diagram
from phaselab.api.pictures.regions import middle, regions
from phaselab.api.pictures.style import colours, new_figure, render, words
from phaselab.domain.answers.cell_queries import DiagramQuery
from phaselab.domain.answers.cells import Cell, Found, Lack, PointSummary
from phaselab.domain.answers.conditions import parse_condition
from phaselab.domain.answers.curves import CurveQuery, Curves, RunCurves, group_curves
from phaselab.domain.answers.diagram import Diagram, build_diagram
from phaselab.domain.answers.theory import TheoryRadius
from phaselab.domain.answers.theory_curves import TheoryCurve, TheoryGap
from phaselab.domain.families.resolve import resolve
from phaselab.domain.results.phases import Phase, Thresholds, phase
from phaselab.domain.results.states import CellState
from phaselab.domain.results.summaries import summarize
from phaselab.domain.settings.faults import InvalidInput
from phaselab.domain.settings.settings import Settings


def settings(**changes: Mapping[str, Any]) -> Settings:
    return resolve(Settings.model_validate(changes))


def point(k: int, scale: float, measures: Mapping[str, float | None], n: int = 3, suspect: int = 0) -> PointSummary:
    label = phase(measures, Thresholds())
    return PointSummary(
        place=(k, (scale,)),
        settings=settings(data={"k": k}, network={"init_scale": scale}),
        n=n,
        suspect=suspect,
        measures={name: summarize([value] * n) for name, value in measures.items()},
        phases={label: n} if label and n else {},
    )


AVERAGING = {"test_accuracy": 1.0, "start_share": 0.0, "noise_share": 0.1, "averaging_index": 0.95, "train_loss": 1e-4}
LAZY = {"test_accuracy": 1.0, "start_share": 0.9, "noise_share": 0.0, "averaging_index": 0.5, "train_loss": 1e-1}


def diagram(measure: str = "averaging_index") -> Diagram:
    """Three by three: lazy at the largest scale; one cell blank, one suspect, one undefined."""
    points = []
    for k in (4, 6, 10):
        for scale in (1e-5, 1e-4, 1e-1):
            n = 0 if (k, scale) == (6, 1e-4) else 3
            given: dict[str, float | None] = dict(LAZY if scale == 1e-1 else AVERAGING)
            if (k, scale) == (10, 1e-1):
                given[measure] = None
            points.append(point(k, scale, given, n, suspect=int((k, scale) == (10, 1e-5))))
    query = DiagramQuery((1,), "data.k", "network.init_scale", measure, where=(parse_condition("data.n=1000"),))
    return build_diagram(query, Found(points, 3, ("scale against clusters",)))


def texts(figure: Any) -> str:
    """Everything that is written in a figure."""
    return render(lambda: figure, "svg").decode()


def test_the_map_holds_the_means_and_nothing_where_nothing_is_known() -> None:
    picture = diagram_picture(diagram())
    assert picture.values[0].tolist() == pytest.approx([0.95, 0.95, 0.95])
    assert np.isnan(picture.values[1, 1])
    assert picture.blanks == {CellState.MEASURED: ((2, 2),), CellState.PENDING: ((1, 1),)}
    assert picture.suspect == {(0, 2): pytest.approx(1 / 3)}
    assert picture.limits == (0.0, 1.0)


def test_a_cell_is_hatched_only_where_half_of_its_runs_are_not_trusted() -> None:
    found = diagram()
    for suspect, mark, other in ((1, "some attacks", "half of the"), (2, "half of the", "some attacks")):
        cells = tuple(
            tuple(replace(cell, suspect=suspect if cell.suspect else 0) for cell in row) for row in found.cells
        )
        text = texts(draw_diagram(replace(found, cells=cells)))
        assert mark in text
        assert other not in text


def test_the_colours_show_the_statistic_that_was_asked_for() -> None:
    found = diagram()
    assert diagram_picture(found).colour_title == "mean of averaging index (A)"
    asked = replace(found, query=replace(found.query, statistic="sd"))
    values = ((0.1, 0.2, None), (0.1, None, 0.3), (0.2, 0.2, 0.2))
    cells = tuple(
        tuple(replace(cell, value=value) for cell, value in zip(line, row, strict=True))
        for line, row in zip(asked.cells, values, strict=True)
    )
    picture = diagram_picture(replace(asked, cells=cells))
    assert picture.colour_title == "standard deviation of averaging index (A)"
    assert picture.limits == (0.1, 0.3), "a spread does not fill the range of the measure"
    assert picture.values[0].tolist() == pytest.approx([0.1, 0.2, np.nan], nan_ok=True)
    assert "standard deviation of averaging index" in texts(draw_diagram(replace(asked, cells=cells)))


def test_every_region_of_a_phase_is_marked_once() -> None:
    marks = diagram_picture(diagram()).labels
    assert sorted(mark.phase for mark in marks) == [Phase.FEATURE_AVERAGING, Phase.LAZY]


def test_regions_are_cells_that_touch() -> None:
    grid = [["a", "a", None], ["b", "a", "a"], ["a", "b", "b"]]
    found = sorted(sorted(region) for region in regions(grid))
    assert found == [[(0, 0), (0, 1), (1, 1), (1, 2)], [(1, 0)], [(2, 0)], [(2, 1), (2, 2)]]


def test_colours_follow_the_measure() -> None:
    assert diagram_picture(diagram("train_loss")).log_colours
    assert diagram_picture(diagram("train_loss")).limits == pytest.approx((1e-4, 1e-1))
    assert diagram_picture(diagram("robust_radius_max")).limits == (0.0, 1.0)


def test_a_diagram_names_axes_measure_phases_and_theory() -> None:
    text = texts(draw_diagram(diagram()))
    for words_shown in (
        "data.k (k, clusters)",
        "network.init_scale (σ₀)",
        "averaging index (A)",
        "scale against clusters",
        "n = 3 runs a cell · data.n=1000",
        "feature averaging",
        "lazy",
        "boundary between phases",
        "some attacks not trusted",
        "pending",
        "measured, but undefined",
        "theory, lazy boundary: σ₀ =",
    ):
        assert words_shown in text, words_shown


def test_every_kind_of_cell_without_a_value_looks_its_own_way() -> None:
    """Measured but undefined, inferred, pending, failed, impossible, in no experiment: each look is in the legend."""
    points = [point(k, 1e-5, AVERAGING, 0 if k in (6, 8) else 3) for k in (4, 6, 8)]
    points += [point(12, scale, AVERAGING, 0) for scale in (1e-5, 1e-3)]
    points += [point(4, 1e-3, AVERAGING | {"averaging_index": None}), point(6, 1e-3, AVERAGING)]
    lacks = {
        (6, (1e-5,)): Lack(3, all_failed=True),
        (6, (1e-3,)): Lack(2),
        (8, (1e-3,)): Lack(impossible=True),
    }
    query = DiagramQuery((1,), "data.k", "network.init_scale", "averaging_index")
    states = CellState
    inferred = {(12, (1e-5,)): Phase.FEATURE_AVERAGING, (4, (1e-5,)): Phase.LAZY}
    found = build_diagram(query, Found([*points, point(10, 1e-5, AVERAGING)], lacks=lacks, inferred=inferred))
    assert [[cell.state for cell in line] for line in found.cells] == [
        [states.MEASURED, states.FAILED, states.PENDING, states.MEASURED, states.INFERRED],
        [states.MEASURED, states.MEASURED, states.IMPOSSIBLE, None, states.PENDING],
    ]
    assert found.cells[0][0].phase is Phase.FEATURE_AVERAGING, "what is measured is not inferred"
    assert found.cells[0][4] == Cell(phase=Phase.FEATURE_AVERAGING, state=states.INFERRED)
    figure = draw_diagram(found)
    drawn = {
        (to_hex(one.get_facecolor()[0]), one.get_hatch()): [path.get_extents().x0 for path in one.get_paths()]
        for one in figure.axes[0].collections
        if isinstance(one, PatchCollection)
    }
    assert len(drawn) == 6, "no two look alike"
    assert drawn[to_hex(LOOKS[states.FAILED].face), LOOKS[states.FAILED].hatch] == [found.x.edges[1]]
    assert drawn["#ffffff", None] == [found.x.edges[3]]
    text = texts(figure)
    for look in LOOKS.values():
        assert look.label in text, look.label
    assert "n = 3 runs a cell, 5 failed" in text


def test_a_picture_says_where_theory_is_silent_and_why() -> None:
    asked = diagram()
    gap = TheoryGap("lazy boundary", (4, 8), "noise is not small")
    silent_there = replace(asked, theory=(), theory_gaps=(gap,))
    note = diagram_picture(silent_there).note.replace("\n", " ")
    assert note.endswith("no theory of the lazy boundary at 4, 8: noise is not small")
    assert "theory, lazy boundary" not in texts(draw_diagram(silent_there))
    (curve, *_) = run_curves({"binary": 17}, ("max",)).curves
    silent = replace(curve, theory=TheoryRadius("max", reason="training diverges"))
    text = texts(draw_curves(Curves(CurveQuery((1,)), (silent,))))
    assert "no theory: training diverges" in text
    assert "the radius that flips" not in text


def test_a_broken_curve_of_theory_is_named_once() -> None:
    pieces = tuple(TheoryCurve("lazy boundary", "σ₀ = ...", ((x, 1e-3), (x + 2, 1e-3))) for x in (4, 8))
    figure = draw_diagram(replace(diagram(), theory=pieces))
    drawn = [line for line in figure.axes[0].get_lines() if line.get_linestyle() == "--"]
    assert len(drawn) == 2
    assert len({line.get_color() for line in drawn}) == 1
    assert texts(figure).count("theory, lazy boundary") == 1


def test_cells_meet_midway_on_a_log_axis() -> None:
    axes = draw_diagram(diagram()).axes[0]
    assert axes.get_yscale() == "log"
    mesh = axes.collections[0]
    rows = mesh.get_coordinates()[:, 0, 1]
    assert rows[1] == pytest.approx(10**-4.5)
    columns = mesh.get_coordinates()[0, :, 0]
    assert columns.tolist() == [3, 5, 8, 12]


def test_a_zero_has_a_place_of_its_own_on_a_log_axis() -> None:
    scales = (0.0, *(10.0**-power for power in range(6, 0, -1)))
    points = [point(k, scale, LAZY if scale == 0.1 else AVERAGING) for k in (4, 5, 6, 7, 8, 9) for scale in scales]
    found = build_diagram(DiagramQuery((1,), "data.k", "network.init_scale", "averaging_index"), Found(points))
    figure = draw_diagram(found)
    axes = figure.axes[0]
    low, high = axes.get_ylim()
    edges = np.log(found.y.edges)
    assert np.diff(edges) == pytest.approx(np.full(7, np.log(10))), "all 42 cells are as large as each other"
    assert (low, high) == pytest.approx((1e-7 * 10**-0.5, 10**-0.5))
    ticks = dict(zip([tick.get_text() for tick in axes.get_yticklabels()], axes.get_yticks(), strict=True))
    assert ticks["0"] == pytest.approx(1e-7)
    assert ticks["10⁻⁶"] == pytest.approx(1e-6)
    assert np.isfinite(axes.collections[0].get_coordinates()).all()
    assert [curve.name for curve in found.theory] == ["lazy boundary"]
    assert all(y >= found.y.edges[1] for _, y in found.theory[0].points)


def run_curves(groups: Mapping[Any, float], readouts: tuple[str, ...] = ("sum", "max")) -> Curves:
    radii = np.linspace(0, 40, 9)
    runs = [
        RunCurves(
            {"network.labels": labels},
            settings(network={"labels": labels}),
            readout,  # type: ignore[arg-type]
            method,  # type: ignore[arg-type]
            radii,
            np.clip(1 - radii / (middle + np.arange(3.0)[:, None]), 0, 1),
            np.arange(3),
            np.arange(3),
        )
        for labels, middle in groups.items()
        for readout in readouts
        for method in ("exact", "pgd", "pgd_native")
    ]
    return Curves(CurveQuery((1,), ("network.labels",)), group_curves(runs), 1, ("curves",))


def test_curves_have_a_panel_a_readout_and_a_colour_a_group() -> None:
    picture = curves_picture(run_curves({"binary": 17, "clusters": 39}))
    assert list(picture.panels) == ["sum", "max"]
    assert list(picture.groups) == ["network.labels = binary", "network.labels = clusters"]
    assert len(set(picture.groups.values())) == 2
    assert [mark.formula for mark in picture.marks["max"]] == ["R/√k", "0.97 R/√2"]
    assert [mark.radius for mark in picture.marks["max"]] == pytest.approx([17.40, 38.07], rel=0.01)


def test_curves_are_drawn_with_bands_theory_and_published_values() -> None:
    published = Series("theirs", (0.0, 10.0), (1.0, 0.5))
    figure = draw_curves(run_curves({"binary": 17, "clusters": 39}), [published])
    left = figure.axes[0]
    assert {line.get_linestyle() for line in left.get_lines()} >= {"-", "--", ":"}
    assert len(left.collections) == 6, "a band for every curve"
    assert any(
        line.get_xdata().tolist() == [0, 10]
        for line in left.get_lines()
        if len(line.get_xdata()) == 2 and line.get_marker() == "o"
    )
    text = texts(figure)
    for shown in ("L2 radius (data units)", "robust accuracy", "R/√k", "published: theirs", "95 % interval", "exact"):
        assert shown in text


def open_by(gap: float) -> Curves:
    """Curves of one group whose bracket is open by so much in the middle."""
    tight = run_curves({"binary": 17}, ("max",))
    curves = [
        replace(one, mean_upper=tuple(min(1.0, mean + gap) if 0 < mean < 1 else mean for mean in one.mean))
        if one.method == "exact"
        else one
        for one in tight.curves
    ]
    return replace(tight, curves=tuple(curves))


def test_an_open_bracket_is_a_hatched_band_between_its_curves_and_stands_in_the_legend() -> None:
    figure, (exact, *_) = draw_curves(open_by(0.2)), open_by(0.2).curves
    (band,) = (one for one in figure.axes[0].collections if one.get_hatch())
    corners = {(round(x, 6), round(y, 6)) for x, y in band.get_paths()[0].vertices.tolist()}
    for bound in (exact.mean, exact.mean_upper or ()):
        assert {(radius, round(mean, 6)) for radius, mean in zip(exact.radii, bound, strict=True)} <= corners
    upper = [line for line in figure.axes[0].get_lines() if tuple(line.get_ydata()) == exact.mean_upper]
    assert len(upper) == 1
    assert "bracket of exact" in texts(figure)


@pytest.mark.parametrize("curves", [open_by(0.0), run_curves({"binary": 17}, ("max",))])
def test_a_bracket_whose_bounds_meet_or_are_not_known_is_a_line_as_any(curves: Curves) -> None:
    figure = draw_curves(curves)
    assert not any(one.get_hatch() for one in figure.axes[0].collections)
    curves_drawn = [line for line in figure.axes[0].get_lines() if len(line.get_xdata()) == 9]
    assert len(curves_drawn) == 3
    assert "bracket" not in texts(figure)


def test_the_legend_keeps_inside_the_picture_of_one_panel() -> None:
    figure = draw_curves(run_curves({"binary": 17, "clusters": 39}, ("max",)))
    figure.canvas.draw()
    box = figure.legends[0].get_window_extent()
    assert figure.bbox.x0 <= box.x0 < box.x1 <= figure.bbox.x1


def test_one_readout_is_one_panel_and_no_run_is_said() -> None:
    assert len(draw_curves(run_curves({"binary": 17}, ("max",))).axes) == 1
    assert "no run has finished, or no method" in texts(draw_curves(Curves(CurveQuery((1,)), ())))


def test_cosines_know_their_sides() -> None:
    matrix = np.zeros((10, 10), dtype=np.float32)
    binary = cosines_picture(matrix, settings(), 3)
    assert (binary.negative_centre, binary.negative_neuron) == (5, 5)
    uneven = settings(data={"k": 10, "positive_clusters": 3}, network={"labels": "clusters"})
    assert cosines_picture(matrix, uneven, 3).negative_neuron == 3
    text = texts(draw_cosines(matrix, settings(), 3))
    assert "seed 3" in text
    assert "cos(μ, w)" in text


def test_equal_data_gives_equal_bytes_in_any_thread() -> None:
    found: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: found.append(render(lambda: draw_diagram(diagram()), "svg"))) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert len(found) == 3


@pytest.mark.parametrize("count", [1, 7, 8, 30])
def test_colours_are_told_apart(count: int) -> None:
    assert len({to_hex(colour) for colour in colours(count)}) == count


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e-5, "10⁻⁵"),
        (3.2e-6, "3.2·10⁻⁶"),
        (0.5, "0.5"),
        (3072, "3072"),
        (1_000_000, "10⁶"),
        (None, "—"),
        ("binary", "binary"),
        (0, "0"),
    ],
)
def test_values_in_words(value: object, text: str) -> None:
    assert words(value) == text


def test_published_rows_of_other_data_sets_are_left_out() -> None:
    text = "dataset,network,radius_l2,robust_accuracy_percent\nsynthetic,a,0,100\nsynthetic,a,2,50\nmnist,a,1,50\n"
    assert overlay_series(text, {"clusters"}) == (Series("a", (0.0, 2.0), (1.0, 0.5)),)
    assert overlay_series(text, {"mnist"}) == (Series("a", (1.0,), (0.5,)),)


def test_with_many_groups_only_the_most_exact_method_has_bands() -> None:
    few, many = run_curves({"binary": 17}), run_curves({"binary": 17, 4: 20, 5: 22, "clusters": 39})
    assert curves_picture(few).banded == ("exact", "pgd", "pgd_native")
    assert curves_picture(many).banded == ("exact",)
    assert "bands of exact: 95 % interval" in curves_picture(many).note


def test_a_region_is_marked_deep_inside() -> None:
    square = [(i, j) for i in range(5) for j in range(5)]
    assert middle(square) == (2, 2)
    assert middle([*square, *((2, j) for j in range(5, 30))]) == (2, 2), "not on the long arm"
    assert middle([(0, 0)]) == (0, 0)


def in_norms(*snrs: float) -> Curves:
    """Curves of runs whose radii are in norms of centres."""
    radii, accuracy = np.array([0.0, 0.5, 1.0]), np.array([[1.0, 0.5, 0.0]])
    read = [settings(data={"snr": snr}, attack={"radii_in": "center_norm"}) for snr in snrs]
    seed = np.zeros(1, dtype=np.int64)
    runs = [
        RunCurves({"data.snr": one.data.snr}, one, "max", "pgd", radii, accuracy, seed, seed, None, "center_norm")
        for one in read
    ]
    units = frozenset(snr * 3072**0.5 for snr in snrs)
    return Curves(CurveQuery((1,), ("data.snr",)), group_curves(runs), 1, ("curves",), units=units)


def test_the_axis_says_that_radii_are_in_norms_of_centres_and_theory_is_marked_there() -> None:
    found = in_norms(1.0, 1.5)
    figure = draw_curves(found)
    assert figure.axes[0].get_xlabel() == "L2 radius / R, the norm of the centres"
    assert figure.axes[0].get_xlim() == (0, 1)
    assert draw_curves(run_curves({"binary": 17})).axes[0].get_xlabel() == "L2 radius (data units)"
    assert [mark.radius for mark in curves_picture(found).marks["max"]] == pytest.approx([10**-0.5] * 2, rel=0.01)


def test_published_values_are_laid_over_in_the_unit_of_the_curves() -> None:
    published = [Series("a", (0.0, 3072**0.5), (1.0, 0.5))]
    assert in_unit_of(run_curves({"binary": 17}), published) == tuple(published)
    (one,) = in_unit_of(in_norms(1.0), published)
    assert one.radii == pytest.approx((0.0, 1.0))
    with pytest.raises(InvalidInput, match="choose one d and snr"):
        in_unit_of(in_norms(1.0, 2.0), published)


def test_every_figure_is_drawn_in_the_same_thread() -> None:
    """Each thread that has drawn keeps memory of its own."""
    drawers: list[int] = []

    def draw() -> Figure:
        drawers.append(threading.get_ident())
        return new_figure(1, 1)

    with ThreadPoolExecutor(4) as pool:
        pictures = list(pool.map(lambda _: render(draw, "svg"), range(8)))
    assert len(set(drawers)) == 1
    assert len(set(pictures)) == 1
