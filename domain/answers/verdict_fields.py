"""What the answer of verdicts is made of."""

from typing import TYPE_CHECKING

from phaselab.domain.answers.fields import Answer, Field, Many, Maybe, Record, Table

if TYPE_CHECKING:  # the client reads the names here, and does without the libraries that judge
    from phaselab.domain.answers.verdicts import Verdict, Verdicts

_NUMBER = Maybe("number")


def _place(one: "Verdict") -> str:
    return ", ".join(f"{path}={'null' if value is None else value}" for path, value in one.decides.place)


def _where(one: "Verdict") -> str:
    return ", ".join(one.claim.where)


_OPEN = "About how many more draws (seeds) would decide it; null where none would, or it is decided."

VERDICT: "Record[Verdict]" = Record(
    (
        Field("text", "text", lambda one: one.claim.text, "The claim in words."),
        Field("source", "text", lambda one: one.claim.source, "Where it is published."),
        Field("measure", "text", lambda one: one.claim.measure, "The measure that it is about."),
        Field("where", "text", _where, "The conditions of the runs that it is about."),
        Field("expected", "text", lambda one: str(one.claim.expect), "What is expected of its mean."),
        Field("verdict", "text", lambda one: one.ruling, "`holds`, `fails` or `undecided`."),
        Field("value", _NUMBER, lambda one: one.decides.value, "The mean, difference or slope that decides."),
        Field("ci_low", _NUMBER, lambda one: one.decides.low, "Lower end of its interval, of this `confidence`."),
        Field("ci_high", _NUMBER, lambda one: one.decides.high, "Its upper end."),
        Field("confidence", "number", lambda one: one.confidence, "95 %, corrected for the claims and the places."),
        Field("n", "integer", lambda one: one.decides.n, "Independent draws behind it."),
        Field("place", "text", _place, "Where it decides: the values of the other parameters that vary."),
        Field("places", "integer", lambda one: one.places, "How many places the claim is about; it is held to all."),
        Field("more_seeds", Maybe("integer"), lambda one: one.more_seeds, _OPEN),
        Field("reason", Maybe("text"), lambda one: one.decides.reason, "Why there is no interval; else null."),
    )
)
VERDICTS: "Answer[Verdicts]" = Answer(
    Record((Field("items", Many(VERDICT), lambda found: found.items, "One for every claim, in its order."),)),
    lambda found: Table(VERDICT.fields, found.items),
)
