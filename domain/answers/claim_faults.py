"""What no runs could ever say of a claim: it names something that is not there."""

from collections.abc import Iterator, Sequence

from phaselab.domain.answers.conditions import parse_condition
from phaselab.domain.results.measures import MEASURES
from phaselab.domain.results.phases import Phase
from phaselab.domain.settings.faults import Fault, InvalidInput, pointer
from phaselab.domain.settings.parameters import parameters
from phaselab.domain.specs.claims import Claim, Slope


def check_claims(claims: Sequence[Claim]) -> None:
    """Raises InvalidInput with a fault for everything that the claims of a spec name in vain."""
    if faults := [fault for i, claim in enumerate(claims) for fault in _faults(claim, i)]:
        raise InvalidInput(faults)


def _faults(claim: Claim, number: int) -> Iterator[Fault]:
    if claim.measure not in MEASURES:
        detail = f"no measure {claim.measure!r}; known: {', '.join(MEASURES)}"
        yield Fault(pointer("claims", number, "measure"), detail)
    conditions = {pointer("claims", number, "where", i): text for i, text in enumerate(claim.where)}
    at = ("order",) if claim.expect.order else ("alike", "groups")
    groups = {pointer("claims", number, "expect", *at, i): text for i, text in enumerate(claim.expect.groups)}
    for place, text in (conditions | groups).items():
        try:
            condition = parse_condition(text, place)
        except InvalidInput as invalid:
            yield from invalid.faults
            continue
        if place in groups and condition.operator != "=":
            yield Fault(place, f"a group has one value, as {condition.path}=value, not {text!r}")
    if claim.expect.slope is not None:
        yield from _slope_faults(claim.expect.slope, pointer("claims", number, "expect", "slope"))


def _slope_faults(slope: Slope, place: str) -> Iterator[Fault]:
    axes = {f"{place}/x": slope.x} | ({} if slope.boundary is None else {f"{place}/boundary/y": slope.boundary.y})
    for at, path in axes.items():
        if path not in parameters() or not parameters()[path].swept:
            yield Fault(at, f"no parameter {path!r} to draw a line along")
    if slope.boundary is None:
        return
    if slope.boundary.y == slope.x:
        yield Fault(f"{place}/boundary/y", f"x and y are both {slope.x}; name two parameters")
    for i, phase in enumerate(slope.boundary.between):
        if phase not in tuple(Phase):
            yield Fault(f"{place}/boundary/between/{i}", f"no phase {phase!r}; there are {', '.join(Phase)}")
    if len(set(slope.boundary.between)) == 1:
        yield Fault(f"{place}/boundary/between", "a boundary is between two phases; here is one twice")
