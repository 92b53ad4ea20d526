"""How often 95 % intervals from few draws hold the mean of all: every measure, over stored populations of real runs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table
from scipy.special import stdtrit

from benchmarks.populations import NAMED, Population, load, settings_of
from phaselab.domain.results.intervals import interval_ends, wilson_interval
from phaselab.domain.results.measures import MEASURES, points_of

DRAWS = (3, 5, 10)
TRIALS = 20_000
SHARED = ((3, 5), (5, 3), (10, 2))
"""(data seeds, runs on each)."""
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Covered:
    """Of `n` draws: the share of intervals that hold the mean of the population, by Student's and by ours, and the mean
    width of ours."""

    population: str
    measure: str
    n: int
    student: float
    ours: float
    width: float


def coverage(names: Sequence[str] = tuple(NAMED), trials: int = TRIALS) -> Iterator[Covered]:
    """Every measure of every population; one that is the same in all runs of it is covered however often."""
    populations = load()
    random = np.random.default_rng(0)
    for name in names:
        for place, measure in enumerate(MEASURES.values()):
            values = populations[name][:, place]
            values = values[~np.isnan(values)]
            if not len(values) or measure.heavy_tailed:
                continue
            points = points_of(measure.share_of, settings_of(name)) if measure.share_of else np.inf
            for n in DRAWS:
                drawn = values[random.integers(len(values), size=(trials, n))]  # [trials, n]
                mean, squares = drawn.mean(axis=1), drawn.var(axis=1) * n
                low, high = interval_ends(measure, n, mean, squares, points)
                ours, width = _holds(low, high, values.mean()), float((high - low).mean())
                yield Covered(name, measure.name, n, _student(mean, squares, n, values.mean()), ours, width)


def ratio_coverage(name: str, trials: int = TRIALS) -> Iterator[tuple[int, float]]:
    """(draws, coverage of the mean of coefficient_ratio by Student's): why it has no interval."""
    ratios = load()[name][:, list(MEASURES).index("coefficient_ratio")]
    random = np.random.default_rng(0)
    for n in DRAWS:
        drawn = ratios[random.integers(len(ratios), size=(trials, n))]  # [trials, n]
        yield n, _student(drawn.mean(axis=1), drawn.var(axis=1) * n, n, float(np.nanmean(ratios)))


def shared_coverage(name: str, measure: str, trials: int = TRIALS) -> Iterator[tuple[int, int, float, float]]:
    """(data seeds, runs on each, coverage with every run a draw, coverage with every data seed one) of runs that share
    data, as marginalising over data.seed has them."""
    values: Population = load()[f"{name}, shared data"][:, :, list(MEASURES).index(measure)]
    random = np.random.default_rng(0)
    entry = MEASURES[measure]
    points = points_of(entry.share_of, settings_of(name)) if entry.share_of else np.inf
    for seeds, runs in SHARED:
        rows = random.integers(len(values), size=(trials, seeds, 1))
        drawn = values[rows, random.integers(values.shape[1], size=(trials, seeds, runs))]  # [trials, seeds, runs]
        shares = [
            _holds(
                *interval_ends(entry, each.shape[1], each.mean(axis=1), each.var(axis=1) * each.shape[1], points),
                values.mean(),
            )
            for each in (drawn.reshape(trials, -1), drawn.mean(axis=2))
        ]
        yield seeds, runs, shares[0], shares[1]


def data_share(name: str, measure: str) -> float:
    """The share of a measure's variance that lies between data seeds (0 where it does not vary)."""
    values = load()[f"{name}, shared data"][:, :, list(MEASURES).index(measure)]
    within = values.var(axis=1, ddof=1).mean()
    between = max(0.0, values.mean(axis=1).var(ddof=1) - within / values.shape[1])
    return float(between / (between + within)) if between + within else 0.0


def chosen_share(name: str, n: int, trials: int = TRIALS) -> tuple[float, float, float]:
    """Where half of all seeds are on either side of a threshold of the averaging index: the mean share of a cell's runs
    that have the phase of its mean, the share of all seeds that have it, and how often Wilson's interval holds that."""
    values = load()[name][:, list(MEASURES).index("averaging_index")]
    threshold = np.median(values)
    drawn = values[np.random.default_rng(0).integers(len(values), size=(trials, n))]  # [trials, n]
    above = drawn.mean(axis=1) >= threshold
    count = ((drawn >= threshold) == above[:, None]).sum(axis=1)
    true = np.where(above, (values >= threshold).mean(), (values < threshold).mean())
    ends = np.array([wilson_interval(k, n) for k in range(n + 1)])[count]  # [trials, 2]
    return float(count.mean() / n), float(true.mean()), float(((ends[:, 0] <= true) & (true <= ends[:, 1])).mean())


def _holds(low: Floats, high: Floats, mean: float) -> float:
    slack = 1e-12 * max(1.0, abs(mean))
    return float(((low <= mean + slack) & (mean <= high + slack)).mean())


def _student(mean: Floats, squares: Floats, n: int, truth: float) -> float:
    half = stdtrit(n - 1, 0.975) * np.sqrt(squares / (n - 1) / n)
    return _holds(mean - half, mean + half, truth)


def report(console: Console) -> None:
    """Print the tables."""
    found = list(coverage())
    lacking = set(MEASURES) - {one.measure for one in found}
    console.print(f"not simulated (heavy-tailed, of other families, or newer): {', '.join(sorted(lacking))}")
    for name in NAMED:
        table = Table(title=f"coverage of 95 % intervals: {name}")
        for column in ("measure", *(f"n = {n}: Student's / ours" for n in DRAWS), "width at n = 5"):
            table.add_column(column)
        for measure in MEASURES:
            rows = [one for one in found if (one.population, one.measure) == (name, measure)]
            if rows:
                shares = [f"{one.student:.3f} / {one.ours:.3f}" for one in rows]
                table.add_row(measure, *shares, f"{rows[1].width:.3g}")
        console.print(table)
    for name in ("published", "few points"):
        for n, ratio in ratio_coverage(name):
            console.print(f"{name}, n = {n}: coefficient_ratio, Student's {ratio:.3f}")
    table = Table(title="runs that share data, coverage: every run a draw / every data seed a draw")
    for column in ("population", "measure", "variance between data", *(f"{s} seeds x {r} runs" for s, r in SHARED)):
        table.add_column(column)
    for name in NAMED:
        for measure in ("test_accuracy", "averaging_index", "robust_radius_max"):
            shares = [f"{runs:.2f} / {data:.3f}" for _, _, runs, data in shared_coverage(name, measure)]
            table.add_row(name, measure, f"{data_share(name, measure):.0%}", *shares)
    console.print(table)
    for n in DRAWS:
        reported, true, held = chosen_share("few points", n)
        console.print(
            f"phase at its threshold, n = {n}: share {reported:.2f}, true {true:.2f}, Wilson covers {held:.3f}"
        )
