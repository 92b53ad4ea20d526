"""The page of an experiment in a browser."""

from playwright.sync_api import Page

from tests.browser.looks import overhang, photograph, violations


def test_the_page_of_an_experiment_is_open_to_all_and_fits_its_window(page: Page) -> None:
    page.get_by_role("link", name="labels against clusters").click()
    page.wait_for_load_state()
    assert page.get_by_role("heading", level=1).inner_text() == "labels against clusters"
    photograph(page, "experiment")
    assert violations(page) == []
    assert overhang(page) == 0
