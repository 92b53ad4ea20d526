"""Answers as pandas frames, one row a cell or radius."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from phaselab.domain.answers.curve_fields import ALONG, HEAD, listed
from phaselab.domain.answers.diagram_fields import CELL


def lines_frame(answer: Mapping[str, Any]) -> pd.DataFrame:
    """One row a value of x of every line: the group's parameters, x under its path, the columns that are declared of a
    cell, and `theory`."""
    x, rows = answer["x"], []
    for line in answer["lines"]:
        told = (line["theory"] or {}).get("values") or [None] * len(x["values"])
        columns = {x["parameter"]: x["values"]} | {name: line[name] for name in CELL.names} | {"theory": told}
        rows += [
            dict(line["group"]) | dict(zip(columns, values, strict=True))
            for values in zip(*columns.values(), strict=True)
        ]
    return pd.DataFrame(rows, columns=[*answer["by"], x["parameter"], *CELL.names, "theory"])


def curves_frame(answer: Mapping[str, Any]) -> pd.DataFrame:
    """One row a radius of every curve: the group's parameters, then the columns that are declared of a curve."""
    rows = []
    for curve in answer["curves"]:
        blank = [None] * len(curve["radii"])
        head = dict(curve["group"]) | {name: curve[name] for name in HEAD.names}
        along = zip(*(curve[listed(column).name] or blank for column in ALONG.fields), strict=True)
        rows += [head | dict(zip(ALONG.names, values, strict=True)) for values in along]
    return pd.DataFrame(rows, columns=[*answer["by"], *HEAD.names, *ALONG.names])
