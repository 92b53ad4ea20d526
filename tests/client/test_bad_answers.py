"""Whatever a server answers, what the client raises is one of phaselab.errors."""

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import httpx
import pytest
from matplotlib.figure import Figure

from phaselab.client import Client, PhaselabError
from phaselab.client.client import DEFAULT_URL

DIAGRAM = ("data.k", "network.labels", "averaging_index")
CALLS: Mapping[str, Callable[[Client], object]] = {
    "submit": lambda client: client.submit({"name": "x"})._repr_html_(),
    "submit a preset": lambda client: client.submit("preset:fig3"),
    "estimate": lambda client: client.estimate({"name": "x"}),
    "list": lambda client: [one._repr_html_() for one in client.experiments()],
    "experiment": lambda client: client.experiment(1),
    "axes": lambda client: client.experiment(1).axes,
    "wait": lambda client: client.wait(1),
    "watch": lambda client: next(client.watch(1)),
    "cancel": lambda client: client.cancel(1),
    "change": lambda client: client.change(1, name="x"),
    "failures": lambda client: client.failures(1),
    "verdicts": lambda client: [drawn(client.verdicts(1))],
    "runs": lambda client: client.experiment(1).runs(),
    "to_xarray": lambda client: client.experiment(1).to_xarray(),
    "run": lambda client: client.run("abcdef"),
    "rerun": lambda client: client.rerun("abcdef"),
    "diagram": lambda client: drawn(client.diagram(1, *DIAGRAM)),
    "crossings": lambda client: client.diagram(1, *DIAGRAM).crossings_frame(),
    "lines": lambda client: drawn(client.ask_lines(1, "data.k", "averaging_index")),
    "differences": lambda client: client.differences(1, 2, *DIAGRAM),
    "curves": lambda client: drawn(client.ask_curves(1)),
    "presets": lambda client: client.presets(),
    "preset": lambda client: client.preset("fig3"),
    "version": lambda client: client.version(),
}


def drawn(answer: Any) -> None:
    answer.frame()
    answer.plot(Figure().subplots())


WRONG: tuple[Any, ...] = (None, 3, "text", [], {}, [1], {"items": [3]}, {"items": None}, {"next": 1}, [None])


def answering(content: Any) -> Client:
    """A client whose server answers every call with this."""
    body = json.dumps(content).encode()
    return Client(DEFAULT_URL, transport=httpx.MockTransport(lambda _: httpx.Response(200, content=body)))


@pytest.mark.parametrize("name", CALLS)
def test_answers_of_another_kind_are_told(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    for content in WRONG:
        with answering(content) as client:
            told(lambda: CALLS[name](client), (name, content))


def told(call: Callable[[], object], case: object) -> None:
    """Call it: it gives something, or raises an error of the tree."""
    try:
        call()
    except PhaselabError:
        pass
    except Exception as error:
        raise AssertionError(f"{case}: {type(error).__name__}: {error}") from error


ADDRESSES: Mapping[str, str] = {
    "diagram": "/diagrams?experiment=1&x=data.k&y=network.labels&measure=averaging_index",
    "crossings": "/diagrams?experiment=1&x=data.k&y=network.labels&measure=averaging_index",
    "lines": "/lines?experiment=1&x=data.k&by=network.labels&measure=averaging_index",
    "curves": "/curves?experiment=1&by=data.k&where=network.labels=binary&method=exact&readout=max",
    "experiment": "/experiments/1",
    "axes": "/experiments/1",
    "verdicts": "/experiments/1/verdicts",
    "failures": "/experiments/1/failures",
    "list": "/experiments",
}


def spoilt(content: Any) -> Iterator[tuple[str, Any]]:
    """The answer with each of its fields, and those of the first entry of its lists, missing or of another kind."""
    for path in _paths(content):
        for wrong in ("missing", None, "text", 7, [], {}, [None], {"a": 1}):
            other = copy.deepcopy(content)
            place = other
            for step in path[:-1]:
                place = place[step]
            if wrong == "missing":
                del place[path[-1]]
            else:
                place[path[-1]] = wrong
            yield f"{path} {wrong}", other


def _paths(content: Any, depth: int = 4) -> Iterator[tuple[Any, ...]]:
    entries = list(content.items()) if isinstance(content, dict) else list(enumerate(content))[:1]
    for name, value in entries:
        yield (name,)
        if isinstance(value, dict | list) and depth:
            yield from ((name, *rest) for rest in _paths(value, depth - 1))


@pytest.mark.parametrize("name", ADDRESSES)
def test_answers_that_lack_something_are_told(filled_url: str, name: str) -> None:
    content = httpx.get(f"{filled_url}/api/v1{ADDRESSES[name]}").raise_for_status().json()
    cases = list(spoilt(content))
    for case, wrong in cases[:: max(1, len(cases) // 70)]:
        with answering(wrong) as client:
            told(lambda: CALLS[name](client), f"{name} {case}")
