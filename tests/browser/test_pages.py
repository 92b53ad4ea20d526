"""Every page in a browser: open to all and inside its window, by day and by night, at a desk and on a telephone."""

from contextlib import suppress

import httpx
import pytest
from playwright.sync_api import Browser, Error, Page, Route

from phaselab.db.schema.database import Database
from phaselab.service.verbs import accounts
from tests.api.conftest import SPEC
from tests.browser.conftest import PHONE, WIDE, profile
from tests.browser.looks import becomes, overhang, violations

ADDRESSES = (
    "/",
    "/experiments/3",
    "/experiments/3/delete",
    "/experiments/1/runs",
    "/experiments/1/runs?where=state%3Dfailed&order=-seed",
    "/runs/{key}",
    "/submit",
    "/compare?experiment=1&experiment=3",
    "/glossary",
)
HOSTILE = "שלום <b>x</b> $\\frac{1}{2}$ ^_{}& 名前 \U0001f600 " + "W" * 160
"""A name as nobody should give one: of several scripts, one from right to left, with signs of HTML and TeX, long."""
DOT = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c63f8ffff3f0005fe02fea735"
    "81840000000049454e44ae426082"
)
"""The least PNG: what pages look like does not depend on what is drawn."""


def dot(route: Route) -> None:
    with suppress(Error):  # of a page that has been left by now
        route.fulfill(body=DOT, content_type="image/png")


@pytest.fixture
def site(own_server: tuple[str, Database]) -> tuple[str, Database]:
    """A server whose experiment 3 has a name, a tag and a note like that, its results from experiment 1, and is
    private."""
    url, database = own_server
    spec = SPEC | {"name": HOSTILE[:200], "seeds": 2, "visibility": "results"}
    httpx.post(f"{url}/api/v1/experiments", json=spec).raise_for_status()
    told = {"tags": [HOSTILE[:60]], "note": HOSTILE * 3}
    httpx.patch(f"{url}/api/v1/experiments/3", json=told).raise_for_status()
    return url, database


def look_at(page: Page, address: str) -> None:
    """Fail for what is wrong with a page as it stands: at a desk by day, and on a telephone by night. What depends on
    the width does not depend on the light."""
    for width, light in ((WIDE, "light"), (PHONE, "dark")):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=light)  # type: ignore[arg-type]
        # Charts are drawn anew for another width, a moment later.
        becomes(page, "document.documentElement.scrollWidth <= document.documentElement.clientWidth", 2.0)
        assert overhang(page) == 0, (address, width)
        assert violations(page) == [], (address, width, light)


def test_every_page_is_open_to_all_and_fits_its_window_by_day_and_by_night(
    site: tuple[str, Database], browser: Browser
) -> None:
    url, _ = site
    key = httpx.get(f"{url}/api/v1/experiments/3/runs").json()["items"][0]["key"]
    with profile(browser, WIDE) as context:
        page = context.new_page()
        page.route("**/api/v1/**/*.png*", dot)
        page.route("**/api/v1/*.png*", dot)
        for address in ADDRESSES:
            page.goto(f"{url}{address.format(key=key)}")
            look_at(page, address)
            assert page.locator("b:not(.tip b)", has_text="x").count() == 0, "names are no HTML"
        page.unroute_all(behavior="ignoreErrors")


def test_pages_of_faults_and_the_log_in_are_no_worse(site: tuple[str, Database], browser: Browser) -> None:
    url, database = site
    with browser.new_context() as context:  # whose console tells of the status
        page = context.new_page()
        for address in ("/experiments/99", "/compare?experiment=1", "/experiments/1/runs?where=nothing"):
            page.goto(f"{url}{address}")
            look_at(page, address)
        accounts.create(database, "ada")
        page.goto(f"{url}/glossary")
        assert page.get_by_label("Token of your account").is_visible()
        look_at(page, "/login")


def test_a_form_that_somebody_overtook_shows_both_and_loses_neither(
    site: tuple[str, Database], browser: Browser
) -> None:
    url, _ = site
    with browser.new_context() as context:  # whose console tells of the status
        page = context.new_page()
        page.goto(f"{url}/experiments/3")
        page.get_by_text("name, note, tags").click()
        page.get_by_label("note").fill("what I wrote")
        httpx.patch(f"{url}/api/v1/experiments/3", json={"note": HOSTILE * 2}).raise_for_status()
        page.get_by_role("button", name="save", exact=True).click()
        assert page.get_by_role("cell", name="what I wrote").is_visible()
        assert page.get_by_role("cell", name="שלום").count() > 1, "theirs, and the name"
        look_at(page, "overtaken")
        page.get_by_role("button", name="save yours over it").click()
        page.wait_for_url("**/experiments/3")
    assert httpx.get(f"{url}/api/v1/experiments/3").json()["note"] == "what I wrote"


def test_pages_are_walked_through_by_keys(site: tuple[str, Database], browser: Browser) -> None:
    """The way past the header comes first; every element that has the focus shows it, and Tab leads out of all."""
    url, _ = site
    with profile(browser, PHONE) as context:
        page = context.new_page()
        page.goto(f"{url}/")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "to the content"
        assert page.evaluate("document.activeElement.getBoundingClientRect().left") >= 0
        seen = []
        for _ in range(60):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement === document.body"):
                break
            seen.append(page.evaluate("document.activeElement.outerHTML"))
            assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none", seen[-1]
        else:
            pytest.fail("Tab does not lead out of the page")
        assert any('name="experiment" value="3"' in one for one in seen)
        assert any("compare those" in one for one in seen)


def test_dark_pages_are_dark(site: tuple[str, Database], browser: Browser) -> None:
    url, _ = site
    found = {}
    for dark in (False, True):
        with profile(browser, WIDE, dark=dark) as context:
            page = context.new_page()
            page.goto(f"{url}/glossary")
            found[dark] = page.evaluate(
                "[document.body, document.querySelector('dd')].map((one) => getComputedStyle(one))"
                ".map((style) => [style.backgroundColor, style.color].map((text) => Number(text.match(/\\d+/)[0])))"
            )
    assert found[False][0][0] > 200 > 100 > found[False][1][1]
    assert found[True][0][0] < 50 < 200 < found[True][1][1]
