"""Refinement of maps of 64 x 64 points with five seeds, against measuring everything, as much on an even lattice, and
python-adaptive's Learner2D (where it is installed: `pip install adaptive`); what deciding takes; what audits cover."""

import importlib
import importlib.util
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from scipy.spatial import cKDTree

from benchmarks.refinement_maps import MAPS, SEEDS, SIDE, Chance, Floats, drawn, island, shore
from phaselab.db.queue.leases import take_stack
from phaselab.db.schema.database import Database
from phaselab.db.schema.upgrade import upgrade
from phaselab.db.writing import status
from phaselab.db.writing.create import create_experiment
from phaselab.db.writing.landing import land
from phaselab.domain.refining.playing import Map, refine_maps, seen_of
from phaselab.domain.refining.seen import NOTHING
from phaselab.domain.results.results import RunResult
from phaselab.domain.settings.runs import Run
from phaselab.domain.settings.stacks import Stack
from phaselab.domain.specs.points import plan
from phaselab.domain.specs.refine import COARSE_STEPS
from phaselab.domain.specs.spec import parse_spec
from phaselab.service.base.presets import presets
from phaselab.workers.trial.run_stack import run_stack

BUDGET = 1 / 8
AUDIT = 0.02
FINER = 4
"""Steps of a finer coarse lattice, which sees every island as wide as the one of the map."""
STACK = 50


@dataclass(frozen=True)
class Found:
    """What a way found of a map: runs, the share of the whole lattice's boundary that it has within a cell and exactly,
    of its own what is farther than a cell from that, cells that differ, and what an audit said."""

    way: str
    runs: int
    within: float
    exactly: float
    strayed: float
    wrong: int
    audit: str = ""


def compare(chance: Chance, seed: int) -> Iterator[Found]:
    """A map by every way."""
    known = drawn(chance, seed)
    whole = seen_of(known, np.full(known.shape[:2], SEEDS)).label
    yield _found("whole lattice", known.size, whole, whole)
    refined = refine(known, whole, seed, COARSE_STEPS)
    yield refined
    yield refine(known, whole, seed, FINER)
    yield _found("even lattice, 3 seeds", *evenly(known, refined.runs), whole)
    if importlib.util.find_spec("adaptive") is not None:
        yield _found("adaptive Learner2D, 3 seeds", *by_adaptive(chance, refined.runs, seed), whole)


def refine(known: Map, whole: Map, seed: int, coarse: int) -> Found:
    """A map refined from a coarse lattice of such steps."""
    played = refine_maps([known], BUDGET, AUDIT, seed, coarse)
    (one,) = played.decision.rounds
    label = np.where(one.inferred == NOTHING, played.seen[0].label, one.inferred)
    audit = f"{one.first.disagreed}/{one.first.checked}, later {one.later.disagreed}/{one.later.checked}"
    return _found(f"refined, coarse: {coarse}", played.runs, label, whole, audit)


def islands(steps: tuple[int, ...], count: int = 50) -> Iterator[tuple[int, int, float, float]]:
    """For every coarse lattice: its steps, how many of `count` islands at random places were found, the mean share
    of the boundary that was found, and of the runs that were measured."""
    places = np.random.default_rng(0).uniform(0.06, 0.94, size=(20 * count, 2))
    there = places[places[:, 1] < shore(places[:, 0]) - 0.1][:count]
    for coarse in steps:
        found = []
        for seed, (x, y) in enumerate(there):
            known = drawn(lambda *where, at=(float(x), float(y)): island(*where, at), seed)
            whole = seen_of(known, np.full(known.shape[:2], SEEDS)).label
            found.append(refine(known, whole, seed, coarse))
        within = np.array([one.within for one in found])
        runs = float(np.mean([one.runs for one in found]))
        yield coarse, int((within > 0.99).sum()), float(within.mean()), runs / SIDE**2 / SEEDS


def evenly(known: Map, runs: int) -> tuple[int, Map]:
    """As many runs on an even lattice with three seeds, every other point like the nearest of it."""
    side = int(np.sqrt(runs / 3))
    places = np.rint(np.linspace(0, SIDE - 1, side)).astype(np.int64)
    label = (known[np.ix_(places, places)][:, :, :3].mean(axis=2) >= 0.5).astype(np.int64)
    nearest = np.abs(np.arange(SIDE)[:, None] - places).argmin(axis=1)
    return side * side * 3, label[np.ix_(nearest, nearest)]


def by_adaptive(chance: Chance, runs: int, seed: int) -> tuple[int, Map]:
    """As many runs where python-adaptive asks for them, three seeds each, by the area of triangles that the boundary
    runs through; between them as it interpolates."""
    adaptive = importlib.import_module("adaptive")
    random = np.random.default_rng(seed)

    def share(place: tuple[float, float]) -> float:
        return float((random.uniform(size=3) < chance(*(np.array(float(one)) for one in place))).mean())

    def isoline(interpolator: Any) -> Floats:
        values = interpolator.values[interpolator.tri.simplices, 0]
        corners = interpolator.tri.points[interpolator.tri.simplices]
        area = 0.5 * np.abs(np.linalg.det(corners[:, 1:] - corners[:, :1]))
        crossed = (values.min(axis=1) < 0.5) & (values.max(axis=1) >= 0.5)
        return np.sqrt(area) * np.where(crossed, 1.0, 0.05)

    learner = adaptive.Learner2D(share, bounds=[(0, 1), (0, 1)], loss_per_triangle=isoline)
    adaptive.runner.simple(learner, npoints_goal=runs // 3)
    x, y = np.meshgrid(np.linspace(0, 1, SIDE), np.linspace(0, 1, SIDE), indexing="ij")
    between = np.asarray(learner.interpolator(scaled=False)(x, y))[..., 0]
    return learner.npoints * 3, (np.nan_to_num(between, nan=0.0) >= 0.5).astype(np.int64)


def _found(way: str, runs: int, label: Map, whole: Map, audit: str = "") -> Found:
    own, true = edges(label), edges(whole)
    near = _near(true, own, 1), _near(true, own, 0), 1 - _near(own, true, 1)
    return Found(way, runs, *near, int((label != whole).sum()), audit)


def edges(label: Map) -> Floats:
    """The middles (x, y) of the edges between neighbours that differ."""
    along_x = np.argwhere(label[1:] != label[:-1]) + np.array([0.5, 0])
    return np.concatenate([along_x, np.argwhere(label[:, 1:] != label[:, :-1]) + np.array([0, 0.5])])


def _near(of: Floats, others: Floats, cells: float) -> float:
    """The share of edges that have one of the others within so many cells along either axis."""
    if not len(others):
        return 0.0
    return float((cKDTree(others).query(of, p=np.inf)[0] <= cells + 1e-9).mean())


def deciding(chance: Chance) -> tuple[int, int, float, float, float]:
    """(runs, decisions, seconds of deciding, the longest, seconds of all that a database does) of a refinement in
    SQLite, made-up results landing in stacks."""
    spec = {
        "name": "refined",
        "sweep": {
            "data.snr": {"linspace": [1, 2, SIDE]},
            "network.init_scale": {"logspace": [1e-5, 1e-1, SIDE]},
        },
        "refine": {"x": "data.snr", "y": "network.init_scale", "budget": BUDGET, "audit": AUDIT},
        "seeds": SEEDS,
        "attack": {"radii": [0], "methods": []},
    }
    known, took = drawn(chance, 0), []
    planned = plan(parse_spec(spec))
    places = [{value: i for i, value in enumerate(values)} for values in planned.axes.values()]

    def result(run: Run) -> RunResult:
        at = places[0][run.settings.data.snr], places[1][run.settings.network.init_scale]
        share = 0.9 if known[at][run.seed] else 0.1
        measures = {"train_accuracy": 1.0, "test_accuracy": 1.0, "start_share": share, "noise_share": 0.0}
        return RunResult(run.key, measures | {"averaging_index": 0.9}, (), np.zeros((2, 2), np.float32))

    really = status.let_go

    def timed(*given: Any) -> int:
        began = time.process_time()
        let_go = really(*given)
        took.append(time.process_time() - began)
        return let_go

    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{Path(folder)}/refined.db")
        upgrade(database)
        with database.transaction() as session:
            experiment = create_experiment(session, planned, "ada")
        status.let_go = timed
        began, runs = time.process_time(), 0
        try:
            while stack := _take(database, experiment):
                results = [result(run) for run in stack]
                with database.transaction() as session:
                    land(session, results)
                runs += len(stack)
        finally:
            status.let_go = really
        spent = time.process_time() - began
        database.close()
    return runs, len(took), sum(took), max(took), spent


def _take(database: Database, experiment: int) -> tuple[Run, ...]:
    with database.transaction() as session:
        leased = take_stack(session, experiment, lambda _: STACK, "benchmark", 600)
    return leased.stack.runs if leased else ()


def computing() -> float:
    """Seconds of CPU that a run of `lazy-fine` takes, which has no attack, on one thread in stacks of five."""
    torch.set_num_threads(1)  # threads that wait would count
    points = plan(parse_spec(presets()["lazy-fine"].spec)).points[50::101]
    run_stack(Stack((Run.of(points[0].settings, 9),)), "cpu")
    began = time.process_time()
    for point in points:
        run_stack(Stack(tuple(Run.of(point.settings, seed) for seed in range(SEEDS))), "cpu")
    return (time.process_time() - began) / len(points) / SEEDS


def audit_coverage(maps: int = 400) -> tuple[float, float, float]:
    """Over maps with stray patches: how often the first audit's interval holds the share of what was inferred that is
    something else; the mean of that share, and of the same of what is still inferred at the end."""
    random = np.random.default_rng(0)
    covered, before, after = [], [], []
    for seed in range(maps):
        x, y = np.meshgrid(np.linspace(0, 1, 33), np.linspace(0, 1, 33), indexing="ij")
        label = (y > random.uniform(0.2, 0.8) + 0.2 * np.sin(random.uniform(0, 6) + 3 * x)).astype(np.int64)
        for _ in range(random.integers(0, 10)):
            i, j = random.integers(0, 30, size=2)
            label[i : i + random.integers(1, 6), j : j + random.integers(1, 6)] = random.integers(0, 2)
        known = np.repeat(label[:, :, None], 3, axis=2)
        played = refine_maps([known], audit=0.05, seed=seed)
        first = played.decision.rounds[0].first
        shares = [_wrong(label, refine_maps([known], audit=0).decision.rounds[0].inferred)]
        shares.append(_wrong(label, played.decision.rounds[0].inferred))
        assert first.interval is not None
        covered.append(first.interval[0] <= shares[0] <= first.interval[1])
        before.append(shares[0])
        after.append(shares[1])
    return float(np.mean(covered)), float(np.mean(before)), float(np.mean(after))


def _wrong(label: Map, inferred: Map) -> float:
    there = inferred != NOTHING
    return float((inferred != label)[there].mean())


def report(console: Console) -> None:
    """Print all of it."""
    title = f"{SIDE} x {SIDE} points, {SEEDS} seeds, {SIDE * SIDE * SEEDS:,} runs; means over 10 draws"
    table = Table("map", "way", "runs", "share", "within a cell", "exactly", "stray", "cells differ", title=title)
    for name, chance in MAPS.items():
        draws = [list(compare(chance, seed)) for seed in range(10)]
        for ways in zip(*draws, strict=True):
            runs, wrong, *shares = (
                float(np.mean([getattr(one, of) for one in ways]))
                for of in ("runs", "wrong", "within", "exactly", "strayed")
            )
            told = (f"{share:.1%}" for share in (runs / SIDE**2 / SEEDS, *shares))
            numbers = (f"{runs:,.0f}", *told, f"{wrong:.1f}")
            table.add_row(name, ways[0].way, *numbers)
        console.print(f"{name}: audits of the 10 draws: {'; '.join(one[1].audit for one in draws)}")
    console.print(table)
    for coarse, whole, within, share in islands((8, COARSE_STEPS, FINER)):
        console.print(
            f"50 islands at random places, coarse: {coarse}: {whole} found, {within:.1%} of the boundary within a cell,"
            f" {share:.1%} of the runs"
        )
    a_run = computing()
    for name, chance in MAPS.items():
        runs, decisions, seconds, longest, spent = deciding(chance)
        console.print(
            f"deciding, {name}, in SQLite: {decisions} times, {seconds:.2f} s of CPU in all, {1000 * longest:.0f} ms at"
            f" most, for {runs} runs: {1000 * seconds / runs:.2f} ms a run, {seconds / runs / a_run:.2%} of computing"
            f" one of lazy-fine ({1000 * a_run:.0f} ms); all that the database does: {spent:.1f} s"
        )
    covered, before, after = audit_coverage()
    console.print(
        f"audits over 400 maps: the interval covers in {covered:.1%}; wrong of what was inferred {before:.2%}, at the"
        f" end {after:.2%}"
    )
