"""What became of the presets' claims: a table of verdicts that is kept as a file and compared with an earlier one."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import pandas as pd

from phaselab.client.errors import Invalid
from phaselab.client.reading import known
from phaselab.client.values import Verdict


@dataclass(frozen=True)
class Reproduced:
    """A preset that was run: its experiment there, how it ended, how long it took from here, which is nothing where the
    server knew its runs; its pictures as files; and how long its runs computed, one core each, null in older tables."""

    preset: str
    meaning: str
    experiment: int
    status: str
    runs: int
    failed: int
    seconds: float
    verdicts: tuple[Verdict, ...]
    pictures: tuple[str, ...]
    computing: float | None = None


@dataclass(frozen=True)
class Reproduction:
    """All of them, of one server: its version and recipe, and when it was."""

    version: str
    recipe: int
    made_at: str
    presets: tuple[Reproduced, ...]

    @property
    def rows(self) -> Iterator[tuple[str, Verdict]]:
        """Every verdict with the name of its preset."""
        return ((one.preset, verdict) for one in self.presets for verdict in one.verdicts)

    def count(self, ruling: str) -> int:
        """How many verdicts are so."""
        return sum(verdict.verdict == ruling for _, verdict in self.rows)

    def frame(self) -> pd.DataFrame:
        """One row a verdict."""
        rows = [{"preset": preset} | asdict(verdict) for preset, verdict in self.rows]
        return pd.DataFrame(rows, columns=["preset", *(field.name for field in fields(Verdict))])

    def json(self) -> str:
        """As the text of a file that `read` reads."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n"


def read(file: Path) -> Reproduction:
    """An earlier one from its file. Raises Invalid."""
    try:
        answer = json.loads(file.read_bytes())
        presets = tuple(_preset(one) for one in answer["presets"])
        return known(Reproduction, answer | {"presets": presets})
    except OSError as error:
        raise Invalid(f"{file} cannot be read: {error.strerror or type(error).__name__}", 400) from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Invalid(f"{file} is not what `phaselab reproduce` wrote as reproduction.json: {error!r}", 400) from None


def _preset(answer: Mapping[str, Any]) -> Reproduced:
    verdicts = tuple(known(Verdict, one) for one in answer["verdicts"])
    return known(Reproduced, {**answer, "verdicts": verdicts, "pictures": tuple(answer["pictures"])})


@dataclass(frozen=True)
class Change:
    """What is no longer as it was with a claim of a preset: `before` and `now` in words, null where it was not there;
    whether the `ruling` is another one."""

    preset: str
    text: str
    before: str | None
    now: str | None
    ruling: bool


def changed(earlier: Reproduction, now: Reproduction) -> Sequence[Change]:
    """Claims whose verdict is another one, whose intervals have no number in common, that are new or gone. Claims of
    presets that were not run now are not gone."""
    ran = {one.preset for one in now.presets}
    old = {(preset, verdict.text): verdict for preset, verdict in earlier.rows if preset in ran}
    new = {(preset, verdict.text): verdict for preset, verdict in now.rows}
    found = []
    for place in dict.fromkeys([*old, *new]):
        before, after = old.get(place), new.get(place)
        if before is None or after is None or before.verdict != after.verdict or _apart(before, after):
            ruling = before is not None and after is not None and before.verdict != after.verdict
            found.append(Change(*place, _said(before), _said(after), ruling))
    return found


def said(verdict: Verdict) -> str:
    """The verdict with the number that decides."""
    if verdict.value is None or verdict.ci_low is None or verdict.ci_high is None:
        return f"{verdict.verdict} ({verdict.reason})"
    return f"{verdict.verdict}, {verdict.value:.4g} ({verdict.ci_low:.4g} to {verdict.ci_high:.4g})"


def _said(verdict: Verdict | None) -> str | None:
    return None if verdict is None else said(verdict)


def _apart(one: Verdict, other: Verdict) -> bool:
    """Whether both intervals are known and have no number in common, or only one is."""
    if one.ci_low is None or one.ci_high is None or other.ci_low is None or other.ci_high is None:
        return (one.value is None) != (other.value is None)
    return one.ci_high < other.ci_low or other.ci_high < one.ci_low
