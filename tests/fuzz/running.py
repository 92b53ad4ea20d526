"""Feeding what is made to the edges, and keeping what they did not expect."""

import logging
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import text

from phaselab.api.app import create_app
from phaselab.db.schema.database import Database
from phaselab.db.schema.upgrade import upgrade
from phaselab.service.base.configuration import Configuration
from tests.api.conftest import fill
from tests.fuzz.edges import EDGES, Edge
from tests.fuzz.made import Made
from tests.fuzz.requests import Client, Requests

HTTP_SHARE = 10
"""One input in so many is a whole request; the others go to the edges below."""
FRESH = 5_000
"""Requests after which the database is a fresh one, so that it does not grow."""


@dataclass
class Found:
    """What has come of the inputs so far: counts (taken, refused) by edge, and an example of each failure."""

    inputs: int = 0
    by_edge: dict[str, tuple[int, int]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    def feed(self, edge: Edge, given: Any) -> None:
        """Give one input to an edge."""
        self.inputs += 1
        taken, refused = self.by_edge.get(edge.name, (0, 0))
        try:
            edge.feed(given)
            self.by_edge[edge.name] = taken + 1, refused
        except edge.refusals:
            self.by_edge[edge.name] = taken, refused + 1
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            self._note(edge, given, error)

    def _note(self, edge: Edge, given: Any, error: BaseException) -> None:
        last = traceback.extract_tb(error.__traceback__)[-1]
        name = f"{edge.name}: {type(error).__name__} at {Path(last.filename).name}:{last.lineno}"
        told = "".join(traceback.format_exception(error)[-6:])
        self.failures.setdefault(name, f"{given!r:.3000}\n{told:.3000}")


def run(count: int, seed: int, url_of: Callable[[int], str], edges: Sequence[Edge] = EDGES) -> Found:
    """Feed so many inputs that follow from a seed, to these edges and as whole requests. `url_of` gives the address of
    an empty database, a fresh one for every number."""
    made, found = Made(seed), Found()
    share = HTTP_SHARE if edges else 1
    logging.disable(logging.CRITICAL)
    try:
        while found.inputs < count:
            with _app(url_of(found.inputs // (FRESH * share))) as http:
                for i in range(min(count - found.inputs, FRESH * share)):
                    edge = http if i % share == 0 else edges[i % len(edges)]
                    found.feed(edge, edge.make(made))
    finally:
        logging.disable(logging.NOTSET)
    return found


def files_in(folder: Path) -> Callable[[int], str]:
    """Addresses of SQLite files in a folder."""
    return lambda number: f"sqlite:///{folder}/{number}.db"


@contextmanager
def _app(url: str) -> Iterator[Edge]:
    """The edge of whole requests, over a filled database."""
    database = Database(url)
    upgrade(database)
    fill(database)
    with database.reading() as session:
        key = session.execute(text("SELECT key FROM runs ORDER BY id")).scalars().first()
    client = Client(create_app(Configuration(max_points=40, max_runs=400), database))
    requests = Requests(client, key.hex() if isinstance(key, bytes) else str(key))
    make: Callable[[Made], Any] = requests.make
    try:
        yield Edge("http", make, client.check, ())
    finally:
        client.close()
        database.close()
