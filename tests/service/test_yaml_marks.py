"""Where values of a YAML text stand, and changes of one value that leave the rest as it was written."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phaselab.domain.settings.faults import Fault
from phaselab.service.base import yaml_edit
from phaselab.service.base.yaml_edit import remove_value, set_value
from phaselab.service.base.yaml_marks import marks_of, with_lines
from phaselab.service.base.yaml_text import Unreadable, parse_yaml

TEXT = """\
# 名前 of it all
name: "a b"   # the name
data:     {source: clusters, k: 10, d: 3072}
network:
  labels: binary # two
  width: 5
sweep:
  data.k:
    - 4
    - 6
  # between
  network.labels: [binary, clusters]
claims:
- {text: one, where: [data.k=4]}
- text: two
seeds:
"""


@pytest.mark.parametrize(
    ("place", "line"),
    [
        ("/name", 2),
        ("/data", 3),
        ("/data/k", 3),
        ("/data/n", 3),
        ("/network/width", 6),
        ("/sweep/data.k", 8),
        ("/sweep/data.k/1", 10),
        ("/sweep/network.labels/1", 12),
        ("/claims/0/where/0", 14),
        ("/claims/1/text", 15),
        ("/seeds", 16),
        ("/training/steps", None),
        ("", None),
    ],
)
def test_a_fault_has_the_line_of_the_innermost_value_around_it(place: str, line: int | None) -> None:
    assert with_lines([Fault(place, "it is wrong")], TEXT) == (Fault(place, "it is wrong", line),)


def test_marks_are_where_values_stand() -> None:
    marks = marks_of(TEXT)
    told = {place: TEXT[mark.start : mark.end] for place, mark in marks.items()}
    assert told["/name"] == '"a b"'
    assert told["/data"] == "{source: clusters, k: 10, d: 3072}"
    assert told["/claims/0/where/0"] == "data.k=4"
    assert TEXT[marks["/sweep/data.k"].key or 0 :].startswith("data.k:")


def test_faults_of_a_text_that_cannot_be_read_stay_as_they_are() -> None:
    assert with_lines([Fault("/a", "x")], "a: [") == (Fault("/a", "x"),)
    with pytest.raises(Unreadable) as unreadable:
        parse_yaml("a: 1\nb: [")
    assert unreadable.value.line == 3
    with pytest.raises(Unreadable) as unreadable:
        parse_yaml("a: 1\nb: *c\n")
    assert unreadable.value.line == 2


@pytest.mark.parametrize(
    ("path", "written", "before", "after"),
    [
        ("data/k", "12", "k: 10", "k: 12"),
        ("data/n", "1e3", "d: 3072}", "d: 3072, n: 1e3}"),
        ("network/init_scale", "1e-5", "  width: 5\n", "  width: 5\n  init_scale: 1e-5\n"),
        ("sweep/network.labels", "[4]", "[binary, clusters]", "[4]"),
        ("sweep/data.k", "[4, 8]", "- 4\n    - 6\n", "[4, 8]\n"),
        ("training/steps", "50", "seeds:\n", "seeds:\ntraining: {steps: 50}\n"),
        ("seeds", "3", "seeds:\n", "seeds: 3\n"),
    ],
)
def test_one_value_changes_and_the_rest_stays_as_it_was_written(
    path: str, written: str, before: str, after: str
) -> None:
    assert before in TEXT
    assert set_value(TEXT, path.split("/"), written) == TEXT.replace(before, after)


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("data/source", "source: clusters, ", ""),
        ("data/d", ", d: 3072", ""),
        ("network/labels", "  labels: binary # two\n", ""),
        ("sweep/data.k", "  data.k:\n    - 4\n    - 6\n", ""),
        ("seeds", "seeds:\n", ""),
        ("data/nothing", "", ""),
    ],
)
def test_one_value_is_removed(path: str, before: str, after: str) -> None:
    assert remove_value(TEXT, path.split("/")) == TEXT.replace(before, after)


def test_a_mapping_that_is_left_empty_goes_too() -> None:
    text = "name: a\nsweep:\n  data.k: [4, 6]\nseeds: 5\n"
    assert remove_value(text, ["sweep", "data.k"]) == "name: a\nseeds: 5\n"
    assert remove_value("{name: a, data: {k: 4}}", ["data", "k"]) == "{name: a}"


@pytest.mark.parametrize(
    "text", ["", "# only a comment", "data:\n", "data: {}\n", "- 4\n", "a: |\n  text\n", '{"a": 1}']
)
def test_a_value_can_be_set_in_whatever_is_there(text: str) -> None:
    value = parse_yaml(text)
    kept = {key: one for key, one in value.items() if key != "data"} if isinstance(value, dict) else {}
    assert parse_yaml(set_value(text, ["data", "k"], "4")) == kept | {"data": {"k": 4}}


def test_any_row_of_changes_gives_what_was_asked_for_and_seldom_a_text_written_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chance, anew, usual = random.Random(0), [], yaml_edit.as_yaml

    def written_anew(value: object) -> str:
        anew.append(value)
        return usual(value)

    monkeypatch.setattr(yaml_edit, "as_yaml", written_anew)
    keys = ["data.k", "data.d", "network.width", "a.b", "seeds", "name"]
    for _ in range(60):
        text = TEXT
        for _ in range(8):
            key = chance.choice(keys)
            path = ["sweep", key] if chance.random() < 0.4 else key.split(".")
            if chance.random() < 0.3:
                text = remove_value(text, path)
                value = parse_yaml(text)
                for part in path:
                    value = value.get(part) if isinstance(value, dict) else None
                assert value is None
            else:
                number = chance.randrange(100)
                text = set_value(text, path, chance.choice([f"{number}", f"[{number}, 2]", f"{{a: {number}}}"]))
                value = parse_yaml(text)
                for part in path:
                    value = value[part]
                assert str(number) in str(value)
    assert not anew, "the text itself was changed each time"


SIGNS = st.text(alphabet="ab: -[]{},\n\r'\"#|>&*!1.é\t\ufeff", max_size=40)


@given(text=SIGNS, path=st.sampled_from([["a"], ["a", "b"], ["sweep", "a.b"]]))
@settings(max_examples=400, deadline=None)
def test_any_text_that_is_read_can_be_changed(text: str, path: list[str]) -> None:
    """Whatever it looks like: what was asked for is in it then, and gone when it is taken out again."""
    try:
        before = parse_yaml(text)
    except Unreadable:
        return
    kept = {key: one for key, one in before.items() if key != path[0]} if isinstance(before, dict) else {}
    changed = set_value(text, path, "[1, x]")
    found = parse_yaml(changed)
    assert {key: one for key, one in found.items() if key != path[0]} == kept
    for key in path:
        found = found[key]
    assert found == [1, "x"]
    left: object = parse_yaml(remove_value(changed, path))
    for key in path:
        left = left.get(key) if isinstance(left, dict) else None
    assert left is None
    marks_of(changed)
