"""Pages in a real Chromium without a window, from a real server over made-up results."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from phaselab.db.queue.leases import take_stack
from phaselab.db.schema.database import Database
from phaselab.db.writing.landing import land
from tests.api.conftest import filled_sqlite as filled_sqlite
from tests.api.conftest import filled_url as filled_url
from tests.api.conftest import own_server as own_server
from tests.api.conftest import result_of

WIDE, PHONE = 1400, 390
"""Widths of windows in pixels: of a desk, and of a telephone."""
PATIENCE = 10_000
"""Milliseconds that anything may take to appear."""


def chromium() -> str:
    """The program: PHASELAB_CHROMIUM, or Debian's. Without one the test fails, unless PHASELAB_NO_CHROMIUM says that
    there is none to be had."""
    found = shutil.which(os.environ.get("PHASELAB_CHROMIUM", "chromium"))
    if found is None and os.environ.get("PHASELAB_NO_CHROMIUM"):
        pytest.skip("PHASELAB_NO_CHROMIUM is set")
    if found is None:
        pytest.fail(
            "there is no Chromium to show the pages in: apt install chromium, or name one in PHASELAB_CHROMIUM; where"
            " there is none to be had, PHASELAB_NO_CHROMIUM=1 leaves these tests out",
            pytrace=False,
        )
    return found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser of the module's own: Playwright's loop runs in the tests' thread, and ends with it."""
    program = chromium()
    with sync_playwright() as playwright, playwright.chromium.launch(executable_path=program) as launched:
        yield launched


@contextmanager
def profile(browser: Browser, width: int, *, dark: bool = False) -> Iterator[BrowserContext]:
    """A fresh profile. The block fails in the end for every error that a page of it told its console, or threw."""
    errors: list[str] = []
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light", reduced_motion="reduce"
    )
    context.set_default_timeout(PATIENCE)
    context.on("console", lambda message: errors.append(message.text) if _is_error(message) else None)
    context.on("weberror", lambda thrown: errors.append(str(thrown.error)))
    try:
        yield context
    finally:
        context.close()
    assert not errors, f"the browser tells of errors: {errors}"


def _is_error(message: ConsoleMessage) -> bool:
    """Whether a page has told of an error of its own: that another program gave this machine a network is none."""
    return message.type == "error" and "net::ERR_NETWORK_CHANGED" not in message.text


Opened = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser, filled_url: str) -> Iterator[Opened]:
    """Opens an address of the server in a profile of its own: `open_page("/submit", PHONE, dark=True)`."""
    with ExitStack() as profiles:

        def opened(path: str, width: int = WIDE, *, dark: bool = False) -> Page:
            page = profiles.enter_context(profile(browser, width, dark=dark)).new_page()
            page.goto(f"{filled_url}{path}")
            return page

        yield opened


@pytest.fixture(params=[WIDE, PHONE], ids=["wide", "phone"])
def page(request: pytest.FixtureRequest, browser: Browser, filled_url: str) -> Iterator[Page]:
    """A page of the server, twice: at a desk's width, and at a telephone's. `page.goto("/")` is its first page."""
    with profile(browser, request.param) as context:
        opened = context.new_page()
        opened.goto(filled_url)
        yield opened


@pytest.fixture
def compute() -> Callable[[Database, int, int], None]:
    """Land results of so many runs of an experiment, or of all that it waits for: `compute(database, 2, 12)`."""

    def computed(database: Database, experiment: int, most: int) -> None:
        while most > 0:
            with database.transaction() as session:
                leased = take_stack(session, experiment, lambda _, most=most: most, "test", 60.0)
                if leased is None:
                    return
                land(session, [result_of(run) for run in leased.stack.runs])  # type: ignore[misc]
            most -= len(leased.stack.runs)

    return computed
