"""Made-up results of runs, for tests that store and read but do not compute."""

from itertools import product

import numpy as np
import numpy.typing as npt

from phaselab.domain.families.registry import layers_of
from phaselab.domain.results.measures import LAYERED, MEASURES
from phaselab.domain.results.plausible import cosine_shape
from phaselab.domain.results.results import READOUTS, Curve, RunFailure, RunResult
from phaselab.domain.results.trust import Trust
from phaselab.domain.settings.radii import radii
from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.settings import PROOFS


def made_up(run: Run, **measures: float | None) -> RunResult:
    """A result that the run's key decides; the given measures are set, the others are drawn from their range."""
    draw = np.random.default_rng(int(run.key[:12], 16))
    values: dict[str, float | None] = {
        name: float(draw.uniform(entry.low or 0.0, entry.high or 20.0)) for name, entry in MEASURES.items()
    }
    count, methods = len(radii(run.settings.attack)), run.settings.attack.methods
    falling = {name: np.sort(draw.integers(0, 101, count) / 100)[::-1] for name in product(READOUTS, methods)}
    upper = {readout: np.sort(draw.integers(0, 101, count) / 100)[::-1] for readout in READOUTS}
    curves = tuple(
        Curve(readout, method, line, np.maximum(line, upper[readout]) if method in PROOFS else None)
        for (readout, method), line in falling.items()
    )
    values |= measures
    layers = layers_of(run.settings)
    return RunResult(
        key=run.key,
        measures=values,
        curves=curves,
        cosines=draw.uniform(-1, 1, cosine_shape(run.settings)).astype(np.float32),
        trust=Trust(("more_steps_win",)) if draw.uniform() < 0.2 else Trust(),
        seconds=float(draw.uniform(0.01, 0.1)),
        provenance={"engine": "gram", "device": "cpu"},
        profiles={name: _profile(draw, name, values[name], layers) for name in LAYERED} if layers > 1 else {},
    )


def _profile(draw: np.random.Generator, name: str, last: float | None, layers: int) -> npt.NDArray[np.float64]:
    """Numbers of layers, the last of them given; those before lie between it and the middle of the range."""
    if last is None:
        return np.full(layers, np.nan)
    middle = ((MEASURES[name].low or 0.0) + (MEASURES[name].high or 20.0)) / 2
    return last + (middle - last) * np.append(draw.uniform(size=layers - 1), 0.0)


def failure(run: Run) -> RunFailure:
    """A failure of the run."""
    return RunFailure(run.key, "diverged: the loss is not finite", "Traceback: ...")
