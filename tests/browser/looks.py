"""What every page has to be, whatever is on it: open to all, and no wider than the window."""

import os
import time
from pathlib import Path

from axe_playwright_python.base import AXE_FILE_PATH
from playwright.sync_api import Page

_AXE = AXE_FILE_PATH.read_text(encoding="utf-8")
_RUN = "async () => (await axe.run(document, {resultTypes: ['violations']})).violations"


def violations(page: Page) -> list[str]:
    """What axe-core finds wrong with a page for those who cannot see, hear or point well; a line for every element."""
    page.evaluate(_AXE)
    return [
        f"{found['id']} ({found['impact']}): {found['help']}: {' '.join(map(str, node['target']))}"
        for found in page.evaluate(_RUN)
        for node in found["nodes"]
    ]


def overhang(page: Page) -> int:
    """Pixels by which a page is wider than its window."""
    wider: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return wider


def becomes(page: Page, expression: str, seconds: float = 10.0) -> bool:
    """Whether an expression is true of a page, now or so many seconds later. It is asked from here: what Playwright
    leaves in a page to ask by itself, the page's own policy forbids."""
    until = time.monotonic() + seconds
    while not page.evaluate(expression):
        if time.monotonic() > until:
            return False
        page.wait_for_timeout(50)
    return True


def photograph(page: Page, name: str) -> None:
    """Keep a picture of the whole page in the folder that PHASELAB_PICTURES names, if it names one."""
    if folder := os.environ.get("PHASELAB_PICTURES"):
        page.screenshot(path=Path(folder) / f"{name}-{page.viewport_size['width']}.png", full_page=True)
