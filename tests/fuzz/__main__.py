"""`python -m tests.fuzz [INPUTS] [SEED] [postgresql]`: the long form, to every edge, or as requests alone to the app
over PostgreSQL. Each failure is told once, with its input; none is exit code 0."""

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.fuzz.edges import EDGES
from tests.fuzz.running import files_in, run
from tests.postgresql import running_postgresql


def main() -> None:
    """Feed so many inputs, a million by default, and say what was found."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    on_server = sys.argv[3:] == ["postgresql"]
    started = time.monotonic()
    with _servers() if on_server else _files() as url_of:
        found = run(count, seed, url_of, () if on_server else EDGES)
    print(f"{found.inputs} inputs in {time.monotonic() - started:.0f} s, seed {seed}; taken and refused by edge:")
    for name, (taken, refused) in sorted(found.by_edge.items()):
        print(f"  {name:20} {taken:9} {refused:9}")
    for failure, example in found.failures.items():
        print(f"\n{failure}\n{example}")
    print(f"\n{len(found.failures)} undocumented exceptions")
    sys.exit(bool(found.failures))


@contextmanager
def _files() -> Iterator[Callable[[int], str]]:
    with tempfile.TemporaryDirectory() as folder:
        yield files_in(Path(folder))


@contextmanager
def _servers() -> Iterator[Callable[[int], str]]:
    with running_postgresql() as server:

        def url_of(number: int) -> str:
            with psycopg.connect(server.get_uri(), autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE fuzz{number}".encode())
            return str(server.get_uri(f"fuzz{number}"))

        yield url_of


if __name__ == "__main__":
    main()
