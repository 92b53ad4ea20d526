"""The page that submits in a browser: the form and the YAML in step, faults at their lines, drafts, and on to the page
of the experiment."""

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from phaselab.db.schema.database import Database
from tests.browser.conftest import WIDE, profile


@pytest.fixture
def context(browser: Browser, own_server: tuple[str, Database]) -> Iterator[BrowserContext]:
    with profile(browser, WIDE) as opened:
        yield opened


@pytest.fixture
def submit(context: BrowserContext, own_server: tuple[str, Database]) -> Page:
    """The page, with a small spec of one's own in it."""
    page = context.new_page()
    page.goto(f"{own_server[0]}/submit?preset=fig3")
    expect(page.locator("#told")).to_contain_text("10 runs")
    page.locator("#spec").fill("name: mine # keep\ndata: {d: 70, n: 20}\nseeds: 2\n")
    expect(page.locator("#told")).to_contain_text("1 points, 2 runs")
    return page


def test_an_experiment_is_submitted_from_the_form(submit: Page, own_server: tuple[str, Database]) -> None:
    page, spec = submit, submit.locator("#spec")
    assert page.locator('input[data-path="data.d"]').input_value() == "70"
    page.get_by_label("data.k").fill("4, 6")
    expect(spec).to_have_value("name: mine # keep\ndata: {d: 70, n: 20}\nseeds: 2\nsweep: {data.k: [4, 6]}\n")
    expect(page.locator("#told")).to_contain_text("2 points, 4 runs")
    page.locator('input[data-path="name"]').fill("from the form")
    expect(spec).to_have_value("name: from the form # keep\ndata: {d: 70, n: 20}\nseeds: 2\nsweep: {data.k: [4, 6]}\n")
    page.get_by_role("button", name="submit").click()
    page.wait_for_url("**/experiments/3")
    assert page.get_by_role("heading", level=1).inner_text() == "from the form"
    stored = httpx.get(f"{own_server[0]}/api/v1/experiments/3").json()["spec"]
    assert stored["sweep"] == {"data.k": [4, 6]}
    page.goto(f"{own_server[0]}/submit")
    expect(page.locator("#told")).to_contain_text("runs")
    assert page.locator("#draft").is_hidden(), "what was sent is no draft"


def test_faults_are_shown_at_their_lines_while_one_types(submit: Page) -> None:
    page, spec = submit, submit.locator("#spec")
    spec.fill("name: mine\ndata:\n  d: 70\n  k: 1\n")
    link = page.locator("#faults a")
    expect(link).to_have_text("line 4")
    assert page.locator("#lines .faulty").inner_text() == "4"
    assert page.locator('input[data-path="data.k"]').get_attribute("aria-invalid") == "true"
    expect(page.locator("[id='fault-data.k']")).to_contain_text("greater than or equal to 2")
    link.click()
    chosen = "(box) => box.value.slice(box.selectionStart, box.selectionEnd)"
    assert spec.evaluate(chosen) == "  k: 1"
    page.locator('input[data-path="data.k"]').fill("4")
    expect(page.locator("#faults")).to_be_hidden()
    expect(spec).to_have_value("name: mine\ndata:\n  d: 70\n  k: 4\n")


def test_a_preset_drops_nothing_that_was_typed(submit: Page) -> None:
    page, spec = submit, submit.locator("#spec")
    typed = spec.input_value()
    page.locator("summary", has_text="preset").click()
    page.get_by_role("link", name="lazy", exact=True).click()
    page.wait_for_url("**/submit?preset=lazy")
    expect(page.locator("#told")).to_contain_text("runs")
    assert "lazy" in spec.input_value()
    page.get_by_role("button", name="bring it back").click()
    assert spec.input_value() == typed
    expect(page.locator("#told")).to_contain_text("1 points, 2 runs")
    page.reload()
    page.get_by_role("button", name="let it go").click()
    page.reload()
    expect(page.locator("#told")).to_contain_text("runs")
    assert page.locator("#draft").is_hidden()


def test_without_scripts_the_yaml_and_the_cards_work(browser: Browser, own_server: tuple[str, Database]) -> None:
    url, _ = own_server
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(f"{url}/submit")
        assert page.locator("#fields").is_hidden()
        page.get_by_role("link", name="fig3", exact=True).click()
        page.wait_for_url("**/submit?preset=fig3")
        page.locator("#spec").fill("name: x\ndata: {d: 70,\n  k: 1}\n")
        page.get_by_role("button", name="submit").click()
        assert "line 3 /data/k" in page.locator("#faults").inner_text()
        page.locator("#spec").fill("name: by hand\ndata: {d: 70, n: 20}\n")
        page.get_by_role("button", name="come to").click()
        assert "1 points, 5 runs" in page.locator("#told").inner_text()
        page.get_by_role("button", name="submit").click()
        page.wait_for_url("**/experiments/3")
