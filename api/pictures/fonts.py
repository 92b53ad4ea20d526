"""Fonts for what people write: letters that the usual font lacks come from fonts that are installed."""

import logging
from functools import lru_cache

from matplotlib.figure import Figure
from matplotlib.font_manager import FontEntry, fontManager
from matplotlib.ft2font import FT2Font
from matplotlib.text import Text

logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)  # that a font has no bold letters is no matter
USUAL = "DejaVu Sans"
"""Comes with matplotlib, so that a picture looks the same wherever it is drawn."""
_BOXES = "Last Resort"
"""Family whose every letter is a box, which matplotlib falls back on by itself."""


def fit_fonts(figure: Figure) -> None:
    """Give every text of a figure that the usual font lacks letters of the fonts that have them."""
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        others = families(text.get_text())
        if others:
            text.set_fontfamily([USUAL, *others])


def families(text: str) -> tuple[str, ...]:
    """The installed families that hold letters of the text which the usual one lacks; as few as come first by name."""
    return () if text.isascii() else _families("".join(sorted(set(text) - {"\n"})))


@lru_cache(maxsize=1000)
def _families(letters: str) -> tuple[str, ...]:
    missing = set(letters)
    chosen = []
    for entry in _upright():
        if not missing:
            break
        held = _held(entry, missing)
        if held and entry.name != USUAL:
            chosen.append(entry.name)
        missing -= held
    return tuple(dict.fromkeys(chosen))


def _upright() -> list[FontEntry]:
    """The plain fonts there are, the usual one first."""
    plain = [
        entry
        for entry in fontManager.ttflist
        if entry.style == "normal" and entry.variant == "normal" and not entry.name.startswith(_BOXES)
    ]
    return sorted(plain, key=lambda entry: (entry.name != USUAL, entry.name, str(entry.weight), entry.fname))


def _held(entry: FontEntry, letters: set[str]) -> set[str]:
    try:
        font = FT2Font(entry.fname)
    except (OSError, RuntimeError):  # removed since the list of fonts was made, or no font at all
        return set()
    return {letter for letter in letters if font.get_char_index(ord(letter))}
