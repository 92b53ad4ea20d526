"""How much a refinement is likely to measure, told before it is submitted."""

from functools import lru_cache

import numpy as np

from phaselab.domain.refining.playing import refine_maps
from phaselab.domain.refining.slices import slices_of
from phaselab.domain.specs.points import Plan


def typical_share(planned: Plan) -> float:
    """The share of a plan's runs that is measured if one boundary runs through every slice from corner to corner, its
    budget kept; 1 without a refinement."""
    refine = planned.spec.refine
    if refine is None:
        return 1.0
    shape = slices_of(refine, [point.values for point in planned.points]).shape
    return min(refine.budget, share_across(shape, len(planned.spec.seed_list), refine.audit, refine.coarse))


@lru_cache(maxsize=64)
def share_across(shape: tuple[int, int], seeds: int, audit: float, coarse: int) -> float:
    """The share of a slice's runs that is measured where one plain boundary runs from corner to corner."""
    across = np.arange(shape[0])[:, None] / (shape[0] - 1) > np.arange(shape[1]) / (shape[1] - 1)
    known = np.repeat(across.astype(np.int64)[:, :, None], min(seeds, MOST_SEEDS), axis=2)
    measured = refine_maps([known], 1.0, audit, coarse=coarse).runs
    return measured / (shape[0] * shape[1] * seeds)


MOST_SEEDS = 3
"""A plain boundary needs no more."""
