"""What double precision may lose, and how the bounds concede it (docs/methods/exact.md, section 6).

Sums and products of n numbers lose at most n units in the last place of the sum of their terms' sizes, in whatever
order they are taken (Higham 2002, section 3.1). `rounding_of` gives at least twice that for everything the solvers
add up, so that a bound holds for the exact value of what was computed.
"""

import torch
from torch import Tensor

UNIT = 2.0**-52
"""Twice the largest relative error of one operation in double precision."""
SHORTEST = 1e-100
"""Shorter rows, other than zero, are counted as this long (the longest is about 1): their squares would vanish."""
LIGHTEST = 1e-20
"""Dual weights below this count as zero, for the same reason."""
LOWEST = 1e-290
"""Heights below this prove nothing: they may be what was left of numbers too small for double precision."""
EXTREME = 1e150
"""Beyond this size, or one over it, nothing is said of a network or of a point."""


def rounding_of(*terms: int) -> float:
    """Relative rounding of sums over so many terms in all, and of the few operations on them."""
    return (sum(terms) + 16) * UNIT


def row_lengths(factor: Tensor) -> Tensor:
    """[..., M] of [..., M, D]: at least the lengths of the rows, and zero for rows of zeros alone."""
    largest = factor.abs().amax(-1)
    length = (factor / largest.clamp_min(torch.finfo(factor.dtype).tiny).unsqueeze(-1)).norm(dim=-1) * largest
    enough = (length * (1 + rounding_of(factor.shape[-1]))).clamp_min(SHORTEST)
    return torch.where(largest > 0, enough, 0.0)


def into_unit(values: Tensor) -> Tensor:
    """The powers of two that bring sizes >= 0 into [1/2, 1): 1 for zero, nan beyond `EXTREME`."""
    mantissa, _ = torch.frexp(values)
    scale = mantissa / values  # exact: the quotient is a power of two
    plain = (values <= EXTREME) & (values >= 1 / EXTREME)
    return torch.where(values == 0, 1.0, torch.where(plain, scale, torch.nan))


def scale_rows(factor: Tensor, scale: Tensor) -> Tensor:
    """`factor` [S, M, D] times powers of two [S], where no entry but zero becomes zero."""
    scaled = factor * scale.view(-1, 1, 1)
    return torch.where((scaled == 0) & (factor != 0), 1 / EXTREME, scaled)
