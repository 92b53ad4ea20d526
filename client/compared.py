"""What two experiments differ in, as a frame and a picture."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from phaselab.client.pictured import Pictured, scale
from phaselab.client.values import cells_frame
from phaselab.domain.answers.difference_fields import DIFFERENCE


class Differences(Pictured):
    """How a measure of a second experiment differs from that of a first, in the cells that both have: `content` is the
    server's answer."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self.content = content

    def _frame(self) -> pd.DataFrame:
        """One row a cell: the two parameters under their paths, then the columns that are declared of a cell."""
        answer = self.content
        return cells_frame(answer["x"], answer["y"], {name: answer[name] for name in DIFFERENCE.names})

    def _plot(self, ax: Any) -> Any:
        """The cells between their edges, in colours about 0."""
        x, y, values = self.content["x"], self.content["y"], np.array(self.content["value"], np.float64)  # [y, x]
        most = float(np.nanmax(np.abs(values), initial=0.0)) or 1.0
        mesh = ax.pcolormesh(x["edges"], y["edges"], values, cmap="RdBu_r", vmin=-most, vmax=most)
        ax.figure.colorbar(mesh, ax=ax, label=f"{self.content['measure_title']}, second less first")
        for name, axis in (("x", x), ("y", y)):
            scale(ax, name, axis)
        return ax
