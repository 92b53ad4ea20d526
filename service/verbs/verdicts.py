"""The verb of verdicts: what the runs of an experiment say of the claims that it carries."""

from phaselab.db.schema.database import Database, Session
from phaselab.domain.answers.boundary_slopes import boundary_slope
from phaselab.domain.answers.cell_queries import DiagramQuery, LineQuery
from phaselab.domain.answers.claim_faults import check_claims
from phaselab.domain.answers.conditions import Condition, parse_condition
from phaselab.domain.answers.estimates import Asked, Estimate
from phaselab.domain.answers.verdicts import Verdict, Verdicts, judge, judge_boundary, undecided
from phaselab.domain.settings.faults import InvalidInput
from phaselab.domain.specs.claims import Claim, PhaseBoundary, Slope
from phaselab.domain.specs.stored import Misfit, stored_spec
from phaselab.service.base.errors import Conflict
from phaselab.service.verbs.found import find
from phaselab.service.verbs.seen import seen_experiment
from phaselab.service.verbs.selection import Selection, everything, narrowed, varying

SHARED = "data.seed"
"""Runs on the same data are one draw: verdicts average over data seeds."""


def verdicts(database: Database, experiment_id: int) -> Verdicts:
    """The verdict on every claim of an experiment, in its order. Raises NotFound, and Conflict for a spec of another
    version whose claims cannot be read."""
    with database.reading() as session:
        row = seen_experiment(session, experiment_id)
        try:
            claims = stored_spec(row.spec).claims if row.spec.get("claims") else ()
        except Misfit as unfit:
            raise Conflict(f"there are no verdicts of this experiment: {unfit}") from None
        whole = everything(session, [experiment_id])
        found = [_verdict(session, whole, claim, len(claims)) for claim in claims]
    return Verdicts(tuple(found), row.revision)


def _verdict(session: Session, whole: Selection, claim: Claim, claims: int) -> Verdict:
    """One that names what this version does not know is undecided, and harms no other."""
    try:
        check_claims([claim])
    except InvalidInput as unknown:
        return undecided(claim, str(unknown))
    slope = claim.expect.slope
    if slope is not None and slope.boundary is not None:
        return judge_boundary(claim, _boundary(session, whole, claim, slope, slope.boundary))
    return judge(claim, _asked(session, whole, claim), claims)


def _boundary(session: Session, whole: Selection, claim: Claim, slope: Slope, boundary: PhaseBoundary) -> Estimate:
    """The slope of a boundary in the one diagram that the claim's conditions leave."""
    where = tuple(parse_condition(text) for text in claim.where)
    try:
        selection = narrowed(whole, where)
    except InvalidInput:
        return Estimate((), reason="no point meets its conditions")
    hidden = [path for path in varying(selection) if path not in (slope.x, boundary.y, SHARED)]
    if hidden:
        return Estimate((), reason=f"{hidden[0]} varies: fix it with where")
    query = DiagramQuery(
        tuple(selection.experiments), slope.x, boundary.y, claim.measure, where=where, marginalize=(SHARED,)
    )
    return boundary_slope(slope, boundary, query, find(session, selection, query))


def _asked(session: Session, whole: Selection, claim: Claim) -> list[Asked]:
    """What is asked for a claim, and found: once, or once for every group compared. Nothing where no point is."""
    where = tuple(parse_condition(text) for text in claim.where)
    groups = [(*where, parse_condition(text)) for text in claim.expect.groups] or [where]
    try:
        selections = [narrowed(whole, conditions) for conditions in groups]
    except InvalidInput:  # no point meets them
        return []
    return [_found(session, selection, claim, of) for selection, of in zip(selections, groups, strict=True)]


def _found(session: Session, selection: Selection, claim: Claim, where: tuple[Condition, ...]) -> Asked:
    free = [path for path in varying(selection) if path != SHARED]
    x = claim.expect.slope.x if claim.expect.slope is not None else next(iter(free), "data.k")
    by = tuple(path for path in free if path != x)
    query = LineQuery(tuple(selection.experiments), x, claim.measure, by, where=where, marginalize=(SHARED,))
    return query, find(session, selection, query)
