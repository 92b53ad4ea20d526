"""Names and labels are shown as they are in every format, or refused."""

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import httpx
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib.font_manager import fontManager

from phaselab.api.pictures import fonts
from phaselab.api.pictures.curves import Series, draw_curves
from phaselab.api.pictures.diagram import diagram_picture, draw_diagram
from phaselab.api.pictures.style import render, title_of
from tests.api.conftest import NEW_SPEC
from tests.api.test_errors import assert_problem
from tests.api.test_pictures import diagram, run_curves

ODD = "cost in $ at $x_1^2$ \\alpha [/y] <b>&amp;</b> 100 % #{}"
LETTER = "\U0001f9ea"
"""A letter that no font of a fresh machine holds."""
OVERLAY = {"Content-Type": "text/csv"}
PLANE = "x=data.k&y=network.labels&measure=averaging_index"


def written(svg: bytes) -> str:
    """Everything that is written in an SVG picture, which is well-formed."""
    return " ".join("".join(element.itertext()) for element in ElementTree.fromstring(svg).iter())


@pytest.mark.parametrize("kind", ["svg", "png", "pdf"])
@pytest.mark.parametrize("name", [ODD, "$", "$$", "$\\frac{$", "中文 テスト", "שלום", "\ue000\x1b\x00 of old"])
def test_every_name_can_be_drawn(kind: str, name: str) -> None:
    picture = render(lambda: draw_diagram(replace(diagram(), names=(name,))), kind)  # type: ignore[arg-type]
    assert len(picture) > 1000
    if kind == "svg" and name.isprintable():
        assert " ".join(name.split()) in written(picture)


@pytest.mark.parametrize("measure", ["averaging_index", "train_loss"])
def test_nothing_is_written_in_the_marks_of_formulas(measure: str) -> None:
    text = written(render(lambda: draw_diagram(diagram(measure)), "svg"))
    assert "10⁻⁴" in text
    assert not {"$", "\\"} & set(text)


def test_a_label_is_drawn_as_it_is() -> None:
    picture = render(lambda: draw_curves(run_curves({"binary": 17.0}), (Series(ODD, (0.0, 1.0), (1.0, 0.5)),)), "svg")
    assert f"published: {ODD}" in written(picture)


def test_the_names_of_many_experiments_leave_room_for_the_map() -> None:
    names = tuple(f"{i}: " + "a long name that goes on and on and on " * 4 for i in range(14))
    title = diagram_picture(replace(diagram(), names=names)).title
    assert title.count("\n") <= 3
    assert title.startswith("0: a long name")
    assert title.endswith("13 more")
    assert title_of(("one", "two")) == "one; two"
    assert title_of(("x" * 200,)).replace("\n", "") == "x" * 200
    assert max(map(len, title_of(("中" * 200,)).split("\n"))) <= 36


@pytest.fixture
def installed(tmp_path: Path) -> Iterator[str]:
    """The family of a font, with one letter, that is there for a while."""
    builder = FontBuilder(1000, isTTF=True)
    pen = TTGlyphPen(None)
    pen.moveTo((0, 0))
    for corner in ((0, 700), (600, 700), (600, 0)):
        pen.lineTo(corner)
    pen.closePath()
    builder.setupGlyphOrder([".notdef", "tube"])
    builder.setupCharacterMap({ord(LETTER): "tube"})
    builder.setupGlyf({".notdef": TTGlyphPen(None).glyph(), "tube": pen.glyph()})
    builder.setupHorizontalMetrics({".notdef": (600, 0), "tube": (600, 0)})
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": "Laboratory", "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(tmp_path / "laboratory.ttf")
    before = list(fontManager.ttflist)
    fontManager.addfont(tmp_path / "laboratory.ttf")
    fonts._families.cache_clear()
    yield "Laboratory"
    fontManager.ttflist[:] = before
    fonts._families.cache_clear()


def test_letters_that_the_usual_font_lacks_come_from_installed_fonts(installed: str) -> None:
    assert fonts.families(f"tubes {LETTER}") == (installed,)
    assert fonts.families("σ₀ → ∞ ±") == ()
    figure = replace(diagram(), names=(f"tubes {LETTER}",))
    svg = render(lambda: draw_diagram(figure), "svg").decode()
    assert installed in svg
    with_letter = render(lambda: draw_diagram(figure), "png")
    fontManager.ttflist[:] = [entry for entry in fontManager.ttflist if entry.name != installed]
    fonts._families.cache_clear()
    assert render(lambda: draw_diagram(figure), "png") != with_letter, "it was a box"


def test_names_are_refused_alike_wherever_they_come_in(http: httpx.Client) -> None:
    made = http.post("/experiments", json=NEW_SPEC).json()["id"]
    for name in ("a\u2028b", "\x1b[2J", " ", "a\u202eb"):
        assert_problem(http.post("/experiments", json=NEW_SPEC | {"name": name}), 422)
        assert_problem(http.patch(f"/experiments/{made}", json={"name": name}), 422)
        assert_problem(http.post("/experiments", json=NEW_SPEC, params={"set": f'name="{name}"'}), 422)
        body = f'radius,accuracy,label\n1,0.5,"{name}x"\n'.encode()
        asked = "/curves.svg?experiment=1&where=data.k=4&by=network.labels"
        if name.strip():
            problem = assert_problem(http.post(asked, content=body, headers=OVERLAY), 422)
            assert problem["errors"][0]["pointer"] == "/overlay/2"


def test_an_odd_name_is_shown_by_every_answer(http: httpx.Client) -> None:
    assert http.patch("/experiments/1", json={"name": ODD}).json()["name"] == ODD
    for kind in ("png", "svg", "pdf"):
        assert http.get(f"/diagrams.{kind}?experiment=1&{PLANE}").status_code == 200
    assert ODD in written(http.get(f"/diagrams.svg?experiment=1&{PLANE}").content)
    assert ODD in written(http.get("/curves.svg?experiment=1&by=network.labels&by=data.k").content)
    page = http.get(str(http.base_url).removesuffix("/api/v1/") + "/experiments/1").text
    assert "&lt;b&gt;" in page
    assert "<b>&amp;amp;" not in page
    assert io.BytesIO(http.get("/experiments/1/portable").content).read(2) == b"\x1f\x8b"
