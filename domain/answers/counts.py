"""How many draws stand behind an answer, and what its intervals are over, in words."""

from collections.abc import Iterable

from phaselab.domain.results.over import OVER_WORDS, Over

_KINDS = {Over.SEEDS: "runs", Over.DATA: "data seeds", Over.WEIGHTS: "initial weights on one data set"}


def counted(found: Iterable[tuple[int, int, Over | None]]) -> str:
    """`n = 3 data seeds (15 runs)`, from draws, runs and what intervals are over; empty where there are no runs."""
    held = [(n, runs, over) for n, runs, over in found if runs and over is not None]
    if not held:
        return ""
    kinds = [over for over in Over if any(over == one for _, _, one in held)]
    words = " or ".join(_KINDS[over] for over in kinds)
    runs = _range(runs for _, runs, _ in held)
    shared = any(n != runs for n, runs, _ in held)
    return f"n = {_range(n for n, _, _ in held)} {words}" + (f" ({runs} runs)" if shared else "")


def _range(numbers: Iterable[int]) -> str:
    every = set(numbers)
    return f"{min(every)}–{max(every)}" if len(every) > 1 else str(*every)


def interval_words(overs: Iterable[Over | None]) -> str:
    """What 95 % intervals are over, of every kind that there is; empty where there are none."""
    kinds = set(overs)
    return "; or ".join(words for over, words in OVER_WORDS.items() if over in kinds)
