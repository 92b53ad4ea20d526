"""The page of a large experiment in a real browser: how soon it is of use, what an axis costs, what it weighs."""

import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright
from rich.console import Console
from rich.table import Table

from benchmarks.database_fill import Pace, land_all
from benchmarks.database_server import Server, serving
from phaselab.db.schema.database import Database
from phaselab.db.schema.upgrade import upgrade
from phaselab.service.verbs.submit import submit
from tests.browser.conftest import chromium

SIDE, SEEDS, REPEATS = 40, 32, 7
SPEC = {
    "name": "forty by forty",
    "data": {"d": 3072},
    "sweep": {"data.k": [*range(4, 4 + SIDE)], "network.init_scale": {"logspace": [1e-6, 1e-1, SIDE]}},
    "seeds": SEEDS,
}
CHANGES = ("test_accuracy", "feature_fraction", "averaging_index", "train_loss", "robust_radius_max", "averaging_index")
"""Measures that are chosen one after the other."""

_CHANGE = """([name, value]) => new Promise((done) => {
  const figure = document.querySelector("figure[data-chart=diagram]");
  const select = document.querySelector(`select[name=${name}]`);
  const start = performance.now();
  const isDrawn = () => figure.getAttribute("aria-busy") === "false";
  const told = () => isDrawn() && requestAnimationFrame(() => setTimeout(() => done(performance.now() - start)));
  setTimeout(() => new MutationObserver(told).observe(figure, { attributes: true }));
  select.value = value;
  select.dispatchEvent(new Event("change", { bubbles: true }));
})"""
"""Chooses a value, and gives the milliseconds until the diagram that shows it has been painted."""


@dataclass
class Seen:
    """Milliseconds of every repeat: until the diagram, until everything; of changes; bytes and requests of a load."""

    diagram: list[float] = field(default_factory=list)
    everything: list[float] = field(default_factory=list)
    again: list[float] = field(default_factory=list)
    measure: list[float] = field(default_factory=list)
    axes: list[float] = field(default_factory=list)
    weight: int = 0
    requests: int = 0


@contextmanager
def filled() -> Iterator[Server]:
    """A server over a database with one experiment of 51,200 made-up runs on 40 x 40 points."""
    with tempfile.TemporaryDirectory(prefix="phaselab-bench-") as folder:
        url = f"sqlite:///{Path(folder) / 'phaselab.db'}"
        database = Database(url)
        upgrade(database)
        land_all(database, submit(database, SPEC, "benchmark").id, Pace.none())
        database.close()
        with serving(url, Path(folder)) as server:
            yield server


def watch(browser: Browser, address: str, seen: Seen) -> None:
    """Load the page with nothing cached, load it again, and change what it shows."""
    with browser.new_context(viewport={"width": 1400, "height": 900}) as context:
        page = context.new_page()
        weights: list[int] = []
        session = context.new_cdp_session(page)
        session.send("Network.enable")
        session.on("Network.loadingFinished", lambda told: weights.append(int(told["encodedDataLength"])))
        start = time.perf_counter()
        page.goto(address, wait_until="commit")
        seen.diagram.append(_until(page, _diagram("averaging_index"), start))
        page.wait_for_selector("figure[aria-busy=true]", state="detached")
        seen.everything.append(1000 * (time.perf_counter() - start))
        page.wait_for_load_state("networkidle")
        seen.weight, seen.requests = sum(weights), len(weights)
        session.detach()
        start = time.perf_counter()
        page.reload(wait_until="commit")
        seen.again.append(_until(page, _diagram("averaging_index"), start))
        page.wait_for_selector("figure[aria-busy=true]", state="detached")
        for name in CHANGES:
            seen.measure.append(page.evaluate(_CHANGE, ["measure", name]))
        for path in ("network.init_scale", "data.k"):
            seen.axes.append(page.evaluate(_CHANGE, ["x", path]))
            page.wait_for_selector("figure[aria-busy=true]", state="detached")


def _diagram(measure: str) -> str:
    """The selector of the diagram of a measure, once it is drawn."""
    return f"figure[data-chart=diagram][data-source*='measure={measure}'][aria-busy=false]"


def _until(page: Page, selector: str, start: float) -> float:
    """Milliseconds from a start until something is there."""
    page.wait_for_selector(selector)
    return 1000 * (time.perf_counter() - start)


def report(console: Console) -> None:
    """Print what is seen of 40 x 40 points over 51,200 runs."""
    seen = Seen()
    with filled() as server:
        query = [("experiment", "1"), ("x", "data.k"), ("y", "network.init_scale"), ("measure", "averaging_index")]
        curves = [("experiment", "1"), ("by", "network.init_scale"), ("where", "data.k=10")]
        costs = {"diagram": server.cost("/diagrams", query), "curves": server.cost("/curves", curves)}
        address = str(server.http.base_url).replace("/api/v1/", "/experiments/1")
        with sync_playwright() as playwright, playwright.chromium.launch(executable_path=chromium()) as browser:
            watch(browser, address, Seen())  # warm
            for _ in range(REPEATS):
                watch(browser, address, seen)
        start = time.perf_counter()
        server.http.get("/diagrams.png", params=query).raise_for_status()
        picture = 1000 * (time.perf_counter() - start)
    table = Table("", "median, ms", "slowest, ms", title=f"{SIDE} x {SIDE} points, {SIDE * SIDE * SEEDS:,} runs")
    rows = {"diagram, nothing cached": seen.diagram, "everything on the page": seen.everything}
    rows |= {"diagram, loaded again": seen.again, "another measure": seen.measure, "axes changed": seen.axes}
    for name, times in rows.items():
        table.add_row(name, f"{statistics.median(times):.0f}", f"{max(times):.0f}")
    console.print(table)
    console.print(
        f"first load: {seen.weight / 1e6:.2f} MB in {seen.requests} requests; the server's PNG: {picture:.0f} ms"
    )
    console.print("answers: " + ", ".join(f"{name} {cost}" for name, cost in costs.items()))
