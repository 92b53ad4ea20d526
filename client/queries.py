"""Arguments of calls as query parameters: an id is an id, and one text where a list is meant is a list of one."""

import operator
from collections.abc import Iterable, Sequence
from typing import SupportsIndex
from urllib.parse import quote

from phaselab.client.errors import Invalid

Id = SupportsIndex | str
"""The number of an experiment; numpy's integers and digits in a text count as what they say."""
Ids = Id | Iterable[Id]
Texts = str | Iterable[str]


def one_id(experiment: Id) -> str:
    """The number of an experiment as it stands in an address. Raises Invalid for what is no number."""
    if isinstance(experiment, str):
        text = experiment.strip()
        number = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0
    else:
        try:
            number = 0 if isinstance(experiment, bool) else operator.index(experiment)
        except TypeError:
            number = 0
    if number < 1:
        raise Invalid(f"{experiment!r:.60} is no number of an experiment; they are 1, 2, 3, ...", 400)
    return str(number)


def one_key(key: str) -> str:
    """A run's key as it stands in an address, where nothing in it leads elsewhere."""
    return quote(key, safe="", errors="replace")


def ids(experiments: Ids) -> list[tuple[str, str]]:
    """One experiment or several."""
    if isinstance(experiments, str) or not isinstance(experiments, Iterable):
        return [("experiment", one_id(experiments))]
    return [("experiment", one_id(one)) for one in experiments]


def texts(name: str, given: Texts) -> list[tuple[str, str]]:
    """A parameter once for every text."""
    return [(name, str(text)) for text in ([given] if isinstance(given, str) else given)]


def run_query(where: Texts = (), order: Texts = ()) -> Sequence[tuple[str, str]]:
    """The query of a list of runs."""
    return [*texts("where", where), *texts("order", order)]


def diagram_query(
    experiment: Ids,
    x: str,
    y: str,
    measure: str,
    where: Texts = (),
    marginalize: Texts = (),
    statistic: str = "mean",
    threshold: Texts = (),
) -> Sequence[tuple[str, str]]:
    """The query of a diagram."""
    axes = [("x", x), ("y", y), ("measure", measure), ("statistic", statistic)]
    lists = {"where": where, "marginalize": marginalize, "threshold": threshold}
    return [*ids(experiment), *axes, *(one for name, given in lists.items() for one in texts(name, given))]


def difference_query(
    first: Id, second: Id, x: str, y: str, measure: str, where: Texts = (), marginalize: Texts = ()
) -> Sequence[tuple[str, str]]:
    """The query of the differences of two experiments."""
    axes = [("x", x), ("y", y), ("measure", measure)]
    return [*ids([first, second]), *axes, *texts("where", where), *texts("marginalize", marginalize)]


def line_query(
    experiment: Ids,
    x: str,
    measure: str,
    by: Texts = (),
    where: Texts = (),
    marginalize: Texts = (),
    statistic: str = "mean",
    threshold: Texts = (),
) -> Sequence[tuple[str, str]]:
    """The query of lines."""
    axes = [("x", x), ("measure", measure), ("statistic", statistic)]
    lists = {"by": by, "where": where, "marginalize": marginalize, "threshold": threshold}
    return [*ids(experiment), *axes, *(one for name, given in lists.items() for one in texts(name, given))]


def curve_query(
    experiment: Ids,
    by: Texts,
    where: Texts = (),
    method: Texts = (),
    readout: Texts = (),
    per_seed: bool = False,
) -> Sequence[tuple[str, str]]:
    """The query of curves."""
    lists = {"by": by, "where": where, "method": method, "readout": readout}
    per = [("per", "seed")] if per_seed else []
    return [*ids(experiment), *(one for name, given in lists.items() for one in texts(name, given)), *per]


def if_match(edition: int | None) -> dict[str, str]:
    """The header of a change that is for one edition alone."""
    return {} if edition is None else {"If-Match": f'"{edition}"'}
