"""The pages of admins in a browser: open to all, inside their windows, and up to date without being asked for again."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from phaselab.db.queue import workforce
from phaselab.db.queue.workforce import Trial
from phaselab.db.schema.database import Database
from phaselab.service.base.configuration import Configuration
from phaselab.service.verbs import accounts, logins, tokens
from tests.api.access import COOKIE
from tests.api.conftest import serving
from tests.api.lab import NODES, at_work
from tests.browser.conftest import PHONE, WIDE, profile
from tests.browser.looks import becomes, photograph
from tests.browser.test_pages import look_at

Lab = tuple[str, Database, BrowserContext]


@pytest.fixture
def lab(filled_sqlite: Path, tmp_path: Path, browser: Browser) -> Iterator[Lab]:
    """(URL, database, profile that boss has logged in with) of a lab at work."""
    shutil.copy(filled_sqlite, tmp_path / "lab.db")
    configuration = Configuration(database_url=f"sqlite:///{tmp_path}/lab.db")
    database = Database(configuration.database_url)
    at_work(database)
    with serving(configuration, database) as url, profile(browser, WIDE) as context:
        context.add_cookies([{"name": COOKIE, "value": _login(database), "url": url}])
        yield url, database, context
    database.close()


def in_time(page: Page, expression: str) -> bool:
    """Whether an expression becomes true of a page within minutes of its clock, which is put forward."""
    for _ in range(20):
        page.clock.run_for(6000)
        if becomes(page, expression, 0.3):
            return True
    return False


def _login(database: Database) -> str:
    return logins.log_in(database, tokens.rotate(database, "boss"), 600.0)


def test_the_pages_are_open_to_all_and_fit_their_windows(lab: Lab) -> None:
    url, _, context = lab
    page = context.new_page()
    for address in ("/admin", "/admin/accounts", "/admin/audit", "/admin/accounts/ada/delete"):
        page.goto(f"{url}{address}")
        for summary in page.locator("summary").all():
            summary.click()
        look_at(page, address)
        for width in (WIDE, PHONE):
            page.set_viewport_size({"width": width, "height": 900})
            photograph(page, address.strip("/").replace("/", "-"))


def test_the_page_keeps_itself_up_to_date_and_leaves_what_is_in_use(lab: Lab) -> None:
    url, database, context = lab
    context.clock.install()
    page = context.new_page()
    page.goto(f"{url}/admin")
    expect(page.locator("#trials")).to_contain_text("training 25%")
    page.locator("#queue a").first.focus()
    with database.transaction() as session:
        attacked = Trial("trial-1", "node-a", 50.0, 3, "ada", 5, "attack", 0.75)
        workforce.tell(session, [*NODES, replace(NODES[1], id="c", name="new.lab")], (attacked,), ())
    accounts.change(database, "bob", seconds_a_day=None)
    page.clock.run_for(6000)
    expect(page.locator("#trials")).to_contain_text("attack 75%")
    expect(page.locator("#nodes")).to_contain_text("new.lab")
    assert page.evaluate("document.activeElement.closest('tbody').id") == "queue", "nobody loses the place"
    expect(page.locator("#queue")).to_contain_text("bob has computed 140 s")
    page.evaluate("document.activeElement.blur()")
    assert in_time(page, "!document.querySelector('#queue').textContent.includes('bob has computed')")


def test_a_page_that_is_not_renewed_says_so(lab: Lab, browser: Browser) -> None:
    url, database, _ = lab
    with browser.new_context() as context:  # whose console tells of the status
        context.clock.install()
        context.add_cookies([{"name": COOKIE, "value": _login(database), "url": url}])
        page = context.new_page()
        page.goto(f"{url}/admin")
        page.clock.run_for(6000)
        assert page.locator("#stale").inner_text() == ""
        accounts.disable(database, "boss")
        assert in_time(page, "document.querySelector('#stale').textContent.includes('you are logged out')")
        expect(page.locator("#trials")).to_contain_text("training 25%")


def test_an_account_is_made_changed_and_deleted(lab: Lab) -> None:
    url, database, context = lab
    page = context.new_page()
    page.goto(f"{url}/admin/accounts")
    page.get_by_label("name").fill("dan")
    page.get_by_role("button", name="make it").click()
    token = page.locator("code.token").inner_text()
    assert tokens.caller_of(database, token).name == "dan"
    page.locator("summary", has_text="dan").click()
    form = page.locator("details", has=page.locator("summary", has_text="dan"))
    form.get_by_label("most trials").fill("2")
    form.get_by_label("role").select_option("reader")
    form.get_by_role("button", name="save").click()
    expect(page.get_by_role("row", name="dan")).to_contain_text("reader")
    assert accounts.get(database, "dan").trials == 2
    page.locator("summary", has_text="ada").click()
    page.locator("details[open]").get_by_role("link", name="delete").click()
    page.get_by_label("its experiments go to").select_option("dan")
    page.get_by_role("button", name="delete it").click()
    expect(page.get_by_role("region", name="Accounts")).not_to_contain_text("ada")
    assert accounts.owned(database, "dan") == 2
