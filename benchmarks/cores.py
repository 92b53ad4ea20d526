"""Rates on the whole machine: a process per core with a thread each, all at work at the same time, as the service's
workers are.
"""

import multiprocessing
import os
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.synchronize import Barrier
from typing import ParamSpec

import torch

P = ParamSpec("P")
_Span = tuple[float, float, int]
"""Start, end, runs."""
_BARRIERS: list[Barrier] = []
"""Of a process: where it waits for the others."""


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))


def rate_on_all_cores(task: Callable[P, int], repeats: int, *args: P.args, **kwargs: P.kwargs) -> float:
    """Runs per second of `task`, which computes runs and returns how many, on every core at once: the median of the
    repetitions, after one that is not counted.
    """
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(cores())
    with ProcessPoolExecutor(cores(), context, _prepare, (barrier,)) as pool:
        waiting = [pool.submit(_repeat, task, repeats, args, kwargs) for _ in range(cores())]
        spans = [future.result() for future in waiting]  # [cores][repeats]
    return statistics.median(_rate(same) for same in zip(*spans, strict=True))


def _rate(spans: tuple[_Span, ...]) -> float:
    starts, ends, runs = zip(*spans, strict=True)
    return sum(runs) / (max(ends) - min(starts))


def _prepare(barrier: Barrier) -> None:
    torch.set_num_threads(1)
    _BARRIERS.append(barrier)


def _repeat(task: Callable[..., int], repeats: int, args: tuple[object, ...], kwargs: dict[str, object]) -> list[_Span]:
    task(*args, **kwargs)
    return [_timed(task, args, kwargs) for _ in range(repeats)]


def _timed(task: Callable[..., int], args: tuple[object, ...], kwargs: dict[str, object]) -> _Span:
    _BARRIERS[-1].wait()
    start = time.perf_counter()  # one clock for all processes
    runs = task(*args, **kwargs)
    return start, time.perf_counter(), runs
