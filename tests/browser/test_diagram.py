"""The diagram in a browser: walked through by pointer and keys, opened cell by cell, its view in the address."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from phaselab.db.schema.database import Database
from tests.browser.conftest import PHONE, WIDE, Opened, profile
from tests.browser.looks import overhang, photograph, violations

DIAGRAM = "figure[data-chart=diagram]"


def cell(page: Page, row: int, column: int) -> Locator:
    return page.locator(f"{DIAGRAM} [role=row]").nth(row).locator("[role=gridcell]").nth(column)


def tip(page: Page) -> Locator:
    return page.locator(f"{DIAGRAM} .tip")


def test_the_pointer_and_the_keys_tell_what_is_in_a_cell(open_page: Opened) -> None:
    page = open_page("/experiments/1")
    cell(page, 0, 0).hover()
    expect(tip(page)).to_contain_text("data.k = 4, network.labels = binary")
    expect(tip(page)).to_contain_text("averaging index: 0.971 (0.9684 to 0.9734)")
    expect(tip(page)).to_contain_text("n = 3")
    expect(tip(page)).to_contain_text("phase: feature averaging, of 100 % of the runs")
    cell(page, 0, 0).focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowUp", "ArrowRight"):
        page.keyboard.press(key)
    expect(cell(page, 1, 2)).to_be_focused()
    expect(tip(page)).to_contain_text("data.k = 8, network.labels = 4")
    expect(tip(page)).to_contain_text("n = 2")
    expect(tip(page)).to_contain_text("1 failed")
    assert tip(page).get_attribute("role") == "status", "a screen reader says it"


def test_a_cell_is_opened_by_enter_kept_in_the_address_and_closed(open_page: Opened) -> None:
    page = open_page("/experiments/1")
    cell(page, 0, 1).focus()
    page.keyboard.press("Enter")
    panel = page.locator("#cell")
    expect(panel.get_by_role("heading", level=2)).to_be_focused()
    expect(panel.get_by_role("heading", level=2)).to_have_text("data.k = 6, network.labels = binary")
    expect(panel.locator("tbody tr")).to_have_count(3)
    expect(panel.locator("svg.matrix")).to_have_count(3)
    expect(panel.locator("svg.lines")).to_have_count(2)
    assert "cell.x=6" in page.url
    again = open_page("/experiments" + page.url.partition("/experiments")[2])
    expect(again.locator("#cell h2")).to_have_text("data.k = 6, network.labels = binary")
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(cell(page, 0, 1)).to_be_focused()
    assert "cell." not in page.url


def test_what_lies_over_the_cells_is_switched_in_the_address(open_page: Opened) -> None:
    page = open_page("/experiments/1")
    expect(page.locator(f"{DIAGRAM} text.letter")).to_have_count(3)
    expect(page.locator(f"{DIAGRAM} .over path.interval")).to_have_count(0)
    page.get_by_label("phases").uncheck()
    page.get_by_label("uncertainty").check()
    expect(page.locator(f"{DIAGRAM} text.letter")).to_have_count(0)
    expect(page.locator(f"{DIAGRAM} .over path.interval")).to_have_count(9)
    page.reload()
    expect(page.locator(f"{DIAGRAM} .over path.interval")).to_have_count(9)
    assert not page.get_by_label("phases").is_checked()
    assert page.get_by_label("boundaries").is_checked()


def test_one_run_that_is_not_trusted_does_not_hatch_a_cell_away(open_page: Opened) -> None:
    page = open_page("/experiments/1")
    source = page.locator(DIAGRAM).evaluate("one => new URL(one.dataset.source, location).href")
    found = page.request.get(source).json()
    rows = zip(found["suspect"], found["runs"], strict=True)
    shares = [suspect / runs for row in rows for suspect, runs in zip(*row, strict=True)]
    expect(page.locator(f"{DIAGRAM} .over path.suspect.corner")).to_have_count(sum(0 < share < 0.5 for share in shares))
    expect(page.locator(f"{DIAGRAM} .over path.suspect.hatched")).to_have_count(sum(share >= 0.5 for share in shares))
    for name in ("corner", "hatched"):
        for mark in page.locator(f"{DIAGRAM} .over path.suspect.{name}").all():
            assert mark.evaluate("one => getComputedStyle(one).fill") != "none", "it is seen"
    swatch = page.locator(f"{DIAGRAM} .legend path.suspect.corner")
    assert swatch.evaluate("one => getComputedStyle(one).fill") != "none"
    assert 0 < sum(share > 0 for share in shares) < 9


def test_a_map_is_zoomed_and_the_focus_stays_in_view(open_page: Opened) -> None:
    page = open_page("/experiments/1")
    cell(page, 0, 0).focus()
    before = cell(page, 0, 0).bounding_box()
    page.keyboard.press("+")
    page.keyboard.press("+")
    after = cell(page, 0, 0).bounding_box()
    assert before is not None
    assert after is not None
    assert after["width"] > 2 * before["width"]
    frame = page.locator(f"{DIAGRAM} rect.border").bounding_box()
    page.keyboard.press("Home")
    here = cell(page, 0, 0).bounding_box()
    assert frame is not None
    assert here is not None
    assert here["x"] < frame["x"] + frame["width"]
    assert here["x"] + here["width"] > frame["x"]
    page.get_by_label("show the whole").click()
    whole = cell(page, 0, 0).bounding_box()
    assert whole is not None
    assert abs(whole["width"] - before["width"]) < 5  # its outline counts


def test_a_select_shows_at_once_what_it_says_and_back_goes_back(open_page: Opened) -> None:
    page = open_page("/experiments/1")
    expect(page.get_by_role("button", name="show", exact=True)).to_have_count(0)
    page.locator("select[name=y]").focus()
    page.locator("select[name=y]").select_option("lines")
    expect(page.locator("figure[data-chart=lines] path.line")).not_to_have_count(0)
    expect(page.locator("select[name=y]")).to_be_focused()
    assert "y=lines" in page.url
    page.go_back()
    expect(cell(page, 0, 0)).to_be_visible()
    groups = page.locator("select[name=x]").locator("optgroup").first
    assert groups.locator("option").all_inner_texts() == ["data.k", "network.labels"], "what is swept goes first"


def test_lines_tell_values_under_the_pointer_and_by_keys(open_page: Opened) -> None:
    page = open_page("/experiments/1?x=data.k&y=lines&by=network.labels")
    lines = page.locator("figure[data-chart=lines]")
    lines.locator("svg.lines").hover(position={"x": 70, "y": 60})
    expect(lines.locator(".tip")).to_contain_text("data.k = 4")
    expect(lines.locator(".tip")).to_contain_text(
        "network.labels = binary: 0.971 (0.9684 to 0.9734), n = 3, feature averaging"
    )
    page.mouse.move(0, 0)
    page.get_by_label("lines and curves by").focus()
    lines.locator("svg.lines").focus()
    page.keyboard.press("ArrowRight")
    expect(lines.locator(".tip")).to_contain_text("data.k = 6")


@pytest.mark.parametrize("width", [WIDE, PHONE])
def test_an_open_cell_is_open_to_all_and_fits_its_window(open_page: Opened, width: int) -> None:
    page = open_page("/experiments/1?cell.x=8&cell.y=4", width)
    expect(page.locator("#cell tbody tr")).to_have_count(3)
    expect(page.locator("#cell svg.matrix")).to_have_count(2)
    photograph(page, "cell")
    assert violations(page) == []
    assert overhang(page) == 0


def test_two_columns_where_there_is_room(open_page: Opened) -> None:
    boxes = {}
    for width in (WIDE, PHONE):
        page = open_page("/experiments/1", width)
        boxes[width] = [page.locator(f"figure[data-chart={one}]").bounding_box() for one in ("diagram", "curves")]
    (left, right), (above, below) = boxes[WIDE], boxes[PHONE]
    assert left["x"] + left["width"] <= right["x"]
    assert above["y"] + above["height"] <= below["y"]


def test_without_scripts_the_servers_pictures_are_there(browser: Browser, filled_url: str) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(f"{filled_url}/experiments/1")
        for picture in page.locator("figure img").all():
            assert picture.evaluate("one => one.complete && one.naturalWidth > 0")
        page.get_by_label("measure").select_option("test_accuracy")
        page.get_by_role("button", name="show").click()
        assert "measure=test_accuracy" in page.url


def test_the_page_fills_while_its_experiment_runs_and_loses_nothing_at_the_end(
    browser: Browser, own_server: tuple[str, Database], compute: Callable[[Database, int, int], None]
) -> None:
    url, database = own_server
    with profile(browser, WIDE) as context:
        page = context.new_page()
        page.goto(f"{url}/experiments/2")
        expect(page.locator(f"{DIAGRAM} .legend")).to_contain_text("pending")
        cell(page, 0, 0).focus()
        expect(tip(page)).to_contain_text("no result yet")
        page.keyboard.press("Enter")
        expect(page.locator("#cell .told")).to_contain_text("no result yet")
        compute(database, 2, 12)
        expect(page.locator("[data-field=done]")).to_have_text("12")
        compute(database, 2, 100)
        expect(page.locator("[data-field=status]")).to_have_text("finished with failures")
        expect(page.locator("#verbs")).to_contain_text("retry")
        expect(page.locator("#claims")).to_contain_text("holds")
        expect(page.locator("#cell .told")).to_contain_text("averaging index: 0.971")
        expect(page.locator(f"{DIAGRAM} .legend")).not_to_contain_text("pending")
        expect(page.locator("#cell svg.matrix")).to_have_count(3)


def test_seven_pages_do_not_keep_an_eighth_from_loading(browser: Browser, own_server: tuple[str, Database]) -> None:
    url, _ = own_server
    with profile(browser, WIDE) as context:
        for _ in range(7):
            page = context.new_page()
            page.goto(f"{url}/experiments/2")
            expect(page.locator(f"{DIAGRAM} .legend")).to_contain_text("pending")
        page = context.new_page()
        page.goto(f"{url}/experiments/1")
        expect(page.locator(f"{DIAGRAM} .legend")).to_contain_text("feature averaging")


def test_a_page_opens_on_the_cosines_that_its_spec_names_and_goes_to_its_other_pictures(
    browser: Browser, own_server: tuple[str, Database], compute: Callable[[Database, int, int], None]
) -> None:
    url, database = own_server
    pictures = [
        {"kind": "cosines"},
        {"kind": "lines", "query": {"x": "data.k", "measure": "train_loss"}},
        {"kind": "lines", "query": {"x": "data.k", "measure": "test_accuracy"}},
    ]
    with profile(browser, WIDE) as context:
        spec = {"name": "opens", "data": {"d": 64, "n": 20}, "sweep": {"data.k": [5, 7]}, "pictures": pictures}
        context.request.post(f"{url}/api/v1/experiments", data=spec)
        compute(database, 3, 100)
        page = context.new_page()
        page.goto(f"{url}/experiments/3")
        expect(page.locator("#cosines svg.matrix")).to_have_count(2)
        expect(page.locator("#cosines .of").first).to_have_text("data.k = 5")
        expect(page.locator("select[name=measure]")).to_have_value("train_loss")
        page.get_by_role("link", name="test accuracy").click()
        expect(page.locator("select[name=measure]")).to_have_value("test_accuracy")
        expect(page.locator("figure[data-chart=lines] path.line")).to_have_count(1)
        photograph(page, "cosines")
        assert violations(page) == []


def test_published_values_are_laid_over_the_curves(browser: Browser, filled_url: str) -> None:
    page = browser.new_page()  # whose console tells of the answer to what is wrong
    page.goto(f"{filled_url}/experiments/1")
    curves = page.locator("figure[data-chart=curves]")
    rows = "label,radius,accuracy\nTable 1,2,0.9\nTable 1,4,0.5\n"
    field = curves.get_by_label("published values")
    field.set_input_files({"name": "published.csv", "mimeType": "text/csv", "buffer": rows.encode()})
    expect(curves.locator(".legend")).to_contain_text("published: Table 1")
    expect(curves.locator("path.spot")).to_have_count(4)
    field.set_input_files({"name": "wrong.csv", "mimeType": "text/csv", "buffer": b"radius\n1\n"})
    expect(curves.locator(".fault")).to_contain_text("the CSV needs a column accuracy")
    expect(curves.locator("path.spot")).to_have_count(0)
    expect(curves.locator("path.line")).not_to_have_count(0)
    page.close()
