"""Named tuples of tensors, nested in each other: several as one, and some runs of one. The first dimension is runs."""

from collections.abc import Sequence
from typing import Any, TypeVar, cast

import torch
from torch import Tensor

T = TypeVar("T")


def joined(parts: Sequence[T]) -> T:
    """Those of several runs as one; all of one form."""
    first: Any = parts[0]
    if isinstance(first, Tensor):
        return cast(T, torch.cat(cast(list[Tensor], list(parts))))
    return cast(T, _like(first, [joined(same) for same in zip(*cast(Any, parts), strict=True)]))


def taken(value: T, index: Tensor | slice) -> T:
    """Of some of the runs."""
    if isinstance(value, Tensor):
        return cast(T, value[index])
    return cast(T, _like(value, [taken(one, index) for one in cast(Any, value)]))


def _like(value: Any, parts: list[Any]) -> Any:
    """A tuple of the same kind."""
    return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
