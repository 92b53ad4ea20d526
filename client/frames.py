"""Answers as pandas frames in long form."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from phaselab.client.values import Diagram


def diagram_frame(diagram: Diagram) -> pd.DataFrame:
    """One row a cell: the two parameters under their paths, then n, mean, sd, ci_low, ci_high, phase, ..."""
    rows = [
        {diagram.x.parameter: x, diagram.y.parameter: y}
        | {name: matrix[j][i] for name, matrix in diagram.matrices.items()}
        for j, y in enumerate(diagram.y.values)
        for i, x in enumerate(diagram.x.values)
    ]
    return pd.DataFrame(rows, columns=[diagram.x.parameter, diagram.y.parameter, *diagram.matrices])


def curves_frame(answer: Mapping[str, Any]) -> pd.DataFrame:
    """One row a radius of every curve: the group's parameters, readout, method, n, radius, mean, ci_low, ci_high."""
    rows = []
    for curve in answer["curves"]:
        blank = [None] * len(curve["radii"])
        fields = (curve["radii"], curve["mean"], curve["ci_low"] or blank, curve["ci_high"] or blank)
        for radius, mean, low, high in zip(*fields, strict=True):
            row = dict(curve["group"]) | {name: curve[name] for name in ("readout", "method", "n")}
            rows.append(row | {"radius": radius, "mean": mean, "ci_low": low, "ci_high": high})
    columns = [*answer["by"], "readout", "method", "n", "radius", "mean", "ci_low", "ci_high"]
    return pd.DataFrame(rows, columns=columns)
