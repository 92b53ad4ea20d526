"""Tables in a browser: runs are sorted and filtered, experiments compared, and an address shows the same to others."""

from collections.abc import Callable

import httpx
from playwright.sync_api import Browser, Page, expect

from phaselab.db.schema.database import Database
from tests.api.conftest import SPEC
from tests.browser.conftest import PHONE, profile
from tests.browser.looks import becomes


def seeds(page: Page) -> list[str]:
    """What stands in the column of seeds."""
    head = page.locator("thead th").all_inner_texts()
    place = next(i for i, text in enumerate(head, 1) if text.startswith("seed"))
    return page.locator(f"tbody td:nth-child({place})").all_inner_texts()


def test_runs_are_sorted_and_filtered_and_the_address_shows_the_same_to_others(
    open_page: Callable[..., Page], filled_url: str
) -> None:
    page = open_page("/experiments/1/runs")
    assert seeds(page)[:4] == ["0", "1", "2", "0"]
    page.get_by_role("link", name="seed").click()
    assert seeds(page) == ["0"] * 8 + ["1"] * 8 + ["2"] * 8
    page.get_by_role("link", name="seed").click()
    assert seeds(page)[0] == "2"
    page.get_by_label("where").first.fill("averaging_index>0.9")
    page.get_by_role("button", name="show").click()
    expect(page.get_by_role("status")).to_contain_text("1 to 9 of 9 runs")
    assert seeds(page) == ["2"] * 3 + ["1"] * 3 + ["0"] * 3
    shared = page.url.removeprefix(filled_url)
    other = open_page(shared, PHONE, dark=True)
    assert seeds(other) == seeds(page)
    assert other.get_by_label("where").first.input_value() == "averaging_index>0.9"


def test_two_experiments_are_compared(own_server: tuple[str, Database], browser: Browser) -> None:
    url, _ = own_server
    sweep = {"data.k": [4, 8], "network.labels": ["binary", 4, "clusters"]}
    other = SPEC | {"name": "with two seeds", "sweep": sweep, "seeds": 2, "claims": []}
    httpx.post(f"{url}/api/v1/experiments", json=other).raise_for_status()
    with profile(browser, PHONE) as context:
        page = context.new_page()
        page.goto(f"{url}/")
        for number in (1, 3):
            page.get_by_label(f"compare experiment {number}").check()
        page.get_by_role("button", name="compare those").click()
        page.wait_for_url("**/compare?experiment=*")
        told = page.locator("table").last.inner_text()
        assert told.split()[:2] == ["setting", "experiment"]
        assert "seeds" in told
        page.get_by_label("measure").select_option("train_loss")
        page.get_by_role("button", name="show").click()
        assert "measure=train_loss" in page.url
        assert becomes(page, "[...document.images].every((image) => image.complete && image.naturalWidth > 100)")
        assert "less that of experiment 3 (with two seeds)" in (page.locator("figure img").get_attribute("alt") or "")
        lines, curves = page.locator("figure.chart").all()
        expect(lines.locator(".legend")).to_contain_text("experiment = 3")
        drawn = [path.get_attribute("d") or "" for path in lines.locator("path.line").all()]
        assert drawn
        assert [d.count("M") for d in drawn] == [1] * len(drawn), "a line goes on over places that only others have"
        expect(curves.locator("svg").first).to_be_visible()
