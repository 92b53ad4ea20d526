"""The entries of measures of where networks can be moved: along gradients, off the span of the data, along the averaged
direction.
"""

from collections.abc import Iterator

from phaselab.domain.results.measure import LINEAR_FIRST, WITH_FEATURES, Measure

_DOCS = "docs/methods/measures.md"
_PAPER = "arXiv 2410.10322"


def _of_readout(readout: str) -> Iterator[Measure]:
    """Those of a readout."""
    averaged, offspan = f"averaged_radius_{readout}", f"offspan_radius_{readout}"
    yield Measure(
        f"gradient_averaging_{readout}",
        f"A∇_{readout}",
        0,
        1,
        "",
        f"How evenly the {readout} readout's gradient at a test point that is right holds the features of the point's"
        " side: 1 averages them all, 0 holds one. Mean weighted by squared length; sides of one cluster do not count;"
        " null when both have one. The averaging index as the network's function has it, whatever its family.",
        f"functional twin of the participation ratio of {_PAPER}",
        sources=WITH_FEATURES,
    )
    yield Measure(
        averaged,
        f"a_{readout}",
        0,
        None,
        "L2",
        f"Median over test points of the least distance along the averaged direction, the sum of the centres with the"
        f" signs of their classes, at which the {readout} readout is wrong. Exact for two_layer, an upper bound found"
        " on a grid for others. Null where half of the points are right up to 10 R.",
        f"universal perturbation: arXiv 2303.01456; {_DOCS}",
        LINEAR_FIRST,
        WITH_FEATURES,
    )
    relative = f"{averaged} over R."
    yield Measure(f"{averaged}_relative", f"a_{readout}/R", 0, None, "", relative, _DOCS, LINEAR_FIRST, WITH_FEATURES)
    yield Measure(
        f"averaging_optimality_{readout}",
        f"r/a_{readout}",
        0,
        1,
        "",
        f"robust_radius_{readout} over {averaged}: at 1 the averaged direction is the network's weakness. Null without"
        " `exact`.",
        _DOCS,
        LINEAR_FIRST,
        WITH_FEATURES,
    )
    yield Measure(
        offspan,
        f"o_{readout}",
        0,
        None,
        "L2",
        f"Median over test points of the {readout} readout's margin over the length of that part of its gradient that"
        " lies off the span of training points and centres: to first order the least perturbation there that flips it."
        " What lies there is left of the random start. Null where nothing does, as for n from d - k on.",
        f"arXiv 2303.00783; {_DOCS}",
        LINEAR_FIRST,
        ("clusters",),
    )
    yield Measure(
        f"{offspan}_relative", f"o_{readout}/R", 0, None, "", f"{offspan} over R.", _DOCS, LINEAR_FIRST, ("clusters",)
    )


OF_DIRECTIONS = tuple(entry for readout in ("sum", "max") for entry in _of_readout(readout))
"""All of them."""
