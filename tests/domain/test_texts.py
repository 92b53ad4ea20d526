"""Names are one line of printable text, whoever gives them."""

import pytest

from phaselab.domain.settings.faults import InvalidInput
from phaselab.domain.settings.texts import one_line, shortened, shown
from phaselab.domain.specs.spec import Changes, parse_spec, validate
from phaselab.domain.specs.stored import stored_spec

GOOD = (
    "a",
    "σ₀ against $k$",
    "中文の名前",
    "[/y] <b>&",
    "می‌خواهم",
    "👩‍🔬",
    "a\u00a0b",
    "'",
    "1",
    "ｗｉｄｅ",
    "x" * 200,
)
BAD = {
    "empty": "",
    "blank": "   ",
    "no-break blank": "\u00a0",
    "hangul filler": "\u3164",
    "braille blank": "\u2800",
    "joiner alone": "\u200d",
    "line break": "a\nb",
    "carriage return": "a\rb",
    "tab": "a\tb",
    "nul": "a\0b",
    "escape": "\x1b[31mred",
    "delete": "a\x7f",
    "next line": "a\u0085b",
    "line separator": "a\u2028b",
    "paragraph separator": "a\u2029b",
    "right to left override": "a\u202eb",
    "isolate": "a\u2066b",
    "byte order mark": "\ufeffa",
    "soft hyphen": "a\u00adb",
    "no character": "a\uffffb",
    "no character of another plane": "a\U0001fffeb",
    "private": "a\ue000b",
    "half a character": "a\ud800b",
    "too long": "x" * 201,
}


@pytest.mark.parametrize("name", GOOD)
def test_printable_lines_are_names(name: str) -> None:
    assert parse_spec({"name": name}).name == name
    assert validate(Changes, {"name": name}).name == name
    assert shown(name) == name


@pytest.mark.parametrize("name", BAD.values(), ids=BAD)
def test_other_texts_are_none_in_a_spec_and_in_a_change_alike(name: str) -> None:
    told = []
    for refused in (lambda: parse_spec({"name": name}), lambda: validate(Changes, {"name": name})):
        with pytest.raises(InvalidInput) as error:
            refused()
        (fault,) = error.value.faults
        assert fault.pointer == "/name"
        assert fault.detail.isprintable()
        told.append(fault.detail)
    assert told[0] == told[1]


@pytest.mark.parametrize("name", [name for name in BAD.values() if name.strip("\u00a0\u200d ") and len(name) < 200])
def test_what_cannot_be_shown_is_written_out(name: str) -> None:
    assert shown(name).isprintable()
    assert len(shown(name)) >= len(name)


def test_what_is_wrong_is_named() -> None:
    with pytest.raises(ValueError, match=r"character 2, U\+2028"):
        one_line("a\u2028b")
    assert shown("a\u2028b\x1b") == "a\\u2028b\\x1b"
    assert shortened("abcdef", 4) == "abc…"


@pytest.mark.parametrize(
    ("stored", "read"), [("a\u2028b", "a\\u2028b"), ("   ", "unnamed"), ("", "unnamed"), ("x" * 300, "x" * 199 + "…")]
)
def test_a_name_of_an_older_version_is_read(stored: str, read: str) -> None:
    assert stored_spec({"name": stored}).name == read
