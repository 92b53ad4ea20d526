"""Streams and the memory of training sets."""

import numpy as np
import pytest
import torch
from scipy import stats

from phaselab.workers.base.recent import Recent
from phaselab.workers.base.streams import Stream, chi, generator, normal
from phaselab.workers.data.law import draw_training_set
from phaselab.workers.data.training_set import TrainingSet
from tests.workers.runs import small_run


def test_streams_are_reproducible_and_differ_by_seed_purpose_and_number() -> None:
    keys = [(seed, stream, *more) for seed in (0, 1) for stream in Stream for more in ((), (0,), (1,), (0, 1))]
    drawn = [generator(*key).random() for key in keys]  # type: ignore[arg-type]
    assert drawn == [generator(*key).random() for key in keys]  # type: ignore[arg-type]
    distinct = {value for key, value in zip(keys, drawn, strict=True)}
    assert len(distinct) == len(keys)


@pytest.mark.parametrize("precision", [torch.float32, torch.float64])
def test_normals_are_normal(precision: torch.dtype) -> None:
    drawn = normal(generator(1, Stream.TEST), (20_000,), precision)
    assert drawn.dtype == precision
    assert stats.kstest(drawn.numpy(), "norm").pvalue > 1e-3


def test_chi_is_the_length_of_a_normal_vector() -> None:
    degrees = np.full(5000, 3)
    drawn = chi(generator(2, Stream.TEST), degrees, torch.float64).numpy()
    assert stats.kstest(drawn, "chi", args=(3,)).pvalue > 1e-3


def drawn(n: int) -> TrainingSet:
    return draw_training_set(small_run(data__n=n))


def test_memory_of_training_sets_is_bounded_and_keeps_the_latest() -> None:
    one = drawn(10).bytes
    recent, made = Recent(2 * one + one // 2), []

    def get(name: str, n: int = 10) -> TrainingSet:
        def make() -> TrainingSet:
            made.append(name)
            return drawn(n)

        return recent.get((name,), make)

    first = get("a")
    get("b")
    assert get("a") is first
    get("c")  # b was used longest ago
    get("a")
    get("b")
    assert made == ["a", "b", "c", "b"]
    get("large", 60)  # alone larger than the bound: kept, and nothing else
    get("large", 60)
    get("a")
    assert made == ["a", "b", "c", "b", "large", "a"]
