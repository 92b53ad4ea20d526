"""Groups in pictures: colours by value and a colour bar where they are many, names that fit."""

from dataclasses import replace

import pytest
from matplotlib.figure import Figure

from phaselab.api.pictures.curves import curves_picture, draw_curves
from phaselab.api.pictures.groups import MOST_NAMED, colouring, group_label
from phaselab.api.pictures.style import new_figure, render, title_of
from phaselab.domain.answers.curves import CurveQuery, Curves
from phaselab.domain.settings.parameters import Value
from tests.api.test_pictures import run_curves, texts


def groups(path: str, values: list[Value]) -> list[dict[str, Value]]:
    return [{path: value, "network.labels": "binary"} for value in values]


def test_few_groups_have_a_colour_each_and_many_a_colour_bar() -> None:
    few = colouring(groups("data.k", [*range(2, 2 + MOST_NAMED)]))
    assert few.bar is None
    many = colouring(groups("network.init_scale", [10.0 ** (-i / 4) for i in range(40)]))
    assert many.bar is not None
    assert (many.bar.parameter, many.bar.scale) == ("network.init_scale", "log")
    assert len(set(many.colours)) == 40


@pytest.mark.parametrize(
    "many",
    [
        [{"data.k": k, "data.d": d} for k in range(4) for d in range(5)],
        groups("network.labels", ["binary", "clusters", *range(3, 20)]),
        [{"experiment": number} for number in range(1, 30)],
    ],
    ids=["two parameters", "words", "experiments"],
)
def test_what_one_number_does_not_tell_apart_has_no_colour_bar(many: list[dict[str, Value]]) -> None:
    assert colouring(many).bar is None


def curves_of(values: list[float]) -> Curves:
    """The same curves for every value of a parameter."""
    one = run_curves({"binary": 17}, ("max",))
    same = [replace(curve, group={"network.init_scale": value}) for value in values for curve in one.curves]
    return replace(one, curves=tuple(same), query=CurveQuery((1,), ("network.init_scale",)))


def test_forty_curves_have_a_bar_and_no_row_each() -> None:
    few, many = (curves_of([10.0 ** (-i / 4) for i in range(count)]) for count in (3, 40))
    assert (curves_picture(few).shades.bar, len(curves_picture(few).banded)) == (None, 3)
    assert curves_picture(many).banded == ()
    assert "bands" not in curves_picture(many).note
    assert "network.init_scale = 1" in texts(draw_curves(few))
    drawn = texts(draw_curves(many))
    assert "network.init_scale =" not in drawn
    assert "network.init_scale (σ₀)" in drawn


def test_experiments_are_named_in_legends() -> None:
    names = {3: "x" * 100, 7: "$\\frac{1}$"}
    assert group_label({"experiment": 3, "data.k": 4}, names) == f"3: {'x' * 43}…, data.k = 4"
    assert group_label({"experiment": 7}, names) == "7: $\\frac{1}$"
    assert group_label({}, names) == ""


@pytest.mark.parametrize("name", ["W" * 200, "名" * 200, "$^_{}\\" * 40])
def test_a_title_of_any_letters_is_inside_its_picture(name: str) -> None:
    figure, widths = new_figure(6, 4), []

    def draw() -> Figure:
        figure.add_subplot()
        figure.suptitle(title_of([name]), fontsize=11.5)
        return figure

    def seen(_: object) -> None:
        widths.append(figure.texts[0].get_window_extent().width / figure.bbox.width)

    figure.canvas.mpl_connect("draw_event", seen)
    render(draw, "png")
    assert widths
    assert widths[-1] < 1
