"""The short form: a few thousand inputs, always the same ones. `make fuzz` feeds a million."""

from pathlib import Path

import pytest

from phaselab.domain.specs import spec
from tests.fuzz.edges import EDGES, Edge
from tests.fuzz.made import Made
from tests.fuzz.running import Found, files_in, run


@pytest.mark.parametrize("seed", [1, 2])
def test_nothing_that_comes_in_is_an_undocumented_exception(seed: int, tmp_path: Path) -> None:
    found = run(2_000, seed, files_in(tmp_path))
    assert not found.failures, "\n\n".join(f"{name}\n{example}" for name, example in found.failures.items())
    assert found.inputs == 2_000
    assert set(found.by_edge) == {edge.name for edge in EDGES} | {"http"}


def test_no_request_is_an_undocumented_exception_on_a_server(postgresql_url: str) -> None:
    found = run(300, 3, lambda _: postgresql_url, ())
    assert not found.failures, "\n\n".join(f"{name}\n{example}" for name, example in found.failures.items())
    assert set(found.by_edge) == {"http"}


def test_the_fuzz_finds_what_is_there_to_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the limit on numbers, a spec with a great one is not read again as it was stored."""
    monkeypatch.setattr(spec, "LARGEST", float("inf"))
    edge, made, found = next(edge for edge in EDGES if edge.name == "spec"), Made(0), Found()
    while not found.failures and found.inputs < 10_000:
        found.feed(edge, edge.make(made))
    assert found.failures


def test_what_is_taken_and_refused_is_counted() -> None:
    def feed(given: int) -> None:
        if given:
            raise KeyError if given == 1 else ZeroDivisionError

    edge, found = Edge("made up", lambda made: 0, feed, (KeyError,)), Found()
    for given in (0, 1, 1, 2):
        found.feed(edge, given)
    assert (found.inputs, found.by_edge) == (4, {"made up": (1, 2)})
    ((name, example),) = found.failures.items()
    assert name.startswith("made up: ZeroDivisionError at test_fuzz.py:")
    assert example.startswith("2\n")
