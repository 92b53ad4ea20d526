"""The yardstick: MLflow's search_runs and a pandas group-by over its own SQLite file.

A program of its own, run by an interpreter that has MLflow: `python benchmarks/database_mlflow.py RUNS`. Prints the
median seconds of a question, and how many runs it covered. It imports nothing of Phaselab.
"""

import json
import os
import statistics
import sys
import tempfile
import time
import uuid
from pathlib import Path

import mlflow
import numpy as np
from mlflow.store.tracking.dbmodels.models import SqlLatestMetric, SqlMetric, SqlParam, SqlRun
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

AXES = ("k", "init_scale")
SIDE = 20
MEASURES = 11
REPEATS = 3


def fill(store: SqlAlchemyStore, experiment: str, runs: int) -> None:
    """Runs on 20 x 20 points, with as many params and metrics as a run of ours has, through MLflow's own tables;
    logging them one by one would take minutes and would not be read any faster."""
    draw = np.random.default_rng(0)
    with store.ManagedSessionMaker() as session:
        for i in range(runs):
            run = uuid.uuid4().hex
            session.add(_run(run, experiment, i))
            point = {"k": 4 + i % SIDE, "init_scale": 10.0 ** -(i // SIDE % SIDE)}
            session.add_all(SqlParam(key=name, value=str(value), run_uuid=run) for name, value in point.items())
            for number, value in enumerate(draw.random(MEASURES).tolist()):
                metric = {"key": f"measure_{number}", "value": value, "timestamp": 0, "step": 0, "run_uuid": run}
                session.add_all([SqlMetric(**metric, is_nan=False), SqlLatestMetric(**metric, is_nan=False)])
            if i % 1000 == 999:
                session.flush()
                session.expunge_all()


def _run(run: str, experiment: str, number: int) -> SqlRun:
    times = {"start_time": number, "end_time": number + 1}
    return SqlRun(
        run_uuid=run,
        name=f"run {number}",
        source_type="LOCAL",
        user_id="benchmark",
        status="FINISHED",
        lifecycle_stage="active",
        experiment_id=int(experiment),
        artifact_uri="",
        **times,
    )


def question(experiment: str, runs: int) -> int:
    """Mean, spread and number of a measure on every point; how many runs were counted."""
    frame = mlflow.search_runs([experiment], max_results=runs)
    groups = frame.groupby([f"params.{axis}" for axis in AXES])["metrics.measure_0"]
    table = groups.agg(["count", "mean", "std", "min", "max"])
    assert len(table) == SIDE**2
    return int(table["count"].sum())


def main(runs: int) -> None:
    """Print the answer as JSON."""
    with tempfile.TemporaryDirectory() as folder:
        uri = f"sqlite:///{Path(folder) / 'mlflow.db'}"
        os.environ["MLFLOW_TRACKING_URI"] = uri
        mlflow.set_tracking_uri(uri)
        store = SqlAlchemyStore(uri, folder)
        experiment = store.create_experiment("benchmark")
        fill(store, experiment, runs)
        counted, seconds, cpu = 0, [], []
        for _ in range(REPEATS):
            wall, used = time.perf_counter(), time.process_time()
            counted = question(experiment, runs)
            seconds.append(time.perf_counter() - wall)
            cpu.append(time.process_time() - used)
    told = {"version": mlflow.__version__, "runs": counted}
    print(json.dumps(told | {"seconds": statistics.median(seconds), "cpu": statistics.median(cpu)}))


if __name__ == "__main__":
    main(int(sys.argv[1]))
