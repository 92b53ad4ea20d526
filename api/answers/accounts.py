"""What answers on accounts, tokens and the audit are made of."""

from collections.abc import Sequence

from phaselab.domain.answers.fields import Field, Many, Maybe, Named, Record, page_of
from phaselab.service.verbs.accounts import Account
from phaselab.service.verbs.audit import Deed, DeedPage
from phaselab.service.verbs.rights import Caller
from phaselab.service.verbs.tokens import Token

_NUMBER, _WHOLE, _TIME = Maybe("number"), Maybe("integer"), Maybe("time")

ACCOUNT: Record[Account] = Record(
    (
        Field("name", "text", lambda one: one.name, "The account, and the owner of what it submits."),
        Field("role", "text", lambda one: one.role, "`reader`, `member` or `admin`."),
        Field("weight", "number", lambda one: one.weight, "Its part in the fair share."),
        Field("trials", _WHOLE, lambda one: one.trials, "Most trials that work for it; null: the service's own."),
        Field("runs_each", _WHOLE, lambda one: one.runs_each, "Most runs of one experiment; null as above."),
        Field("runs_queued", _WHOLE, lambda one: one.runs_queued, "Most of its runs that may wait; null as above."),
        Field("seconds_a_day", _NUMBER, lambda one: one.seconds_a_day, "Most computing seconds a day; null as above."),
        Field("bytes_stored", _WHOLE, lambda one: one.bytes_stored, "Most bytes of its results; null as above."),
        Field("created_at", "time", lambda one: one.created_at, "When it was made."),
        Field("disabled_at", _TIME, lambda one: one.disabled_at, "Since when it is refused; null where it is not."),
        Field("edition", "integer", lambda one: one.edition, "Rises with every change of it; its ETag."),
    )
)
ACCOUNTS: Record[Sequence[Account]] = Record(
    (Field("items", Many(ACCOUNT), lambda found: found, "The accounts, by name."),)
)
TOKEN: Record[Token] = Record(
    (
        Field("name", "text", lambda one: one.name, "What it is called."),
        Field("scope", "text", lambda one: one.scope, "What it is for: `read`, `submit` or `admin`."),
        Field("created_at", "time", lambda one: one.created_at, "When it was made."),
        Field("expires_at", _TIME, lambda one: one.expires_at, "Until when it is good; null: for good."),
        Field("used_at", _TIME, lambda one: one.used_at, "When it was last used, to a minute; null: never."),
    )
)
TOKENS: Record[Sequence[Token]] = Record(
    (Field("items", Many(TOKEN), lambda found: found, "The tokens, oldest first."),)
)
SECRET: Record[str] = Record((Field("token", "text", str, "The token. It is not kept, and not shown again."),))
WHO: Record[Caller] = Record(
    (
        Field("name", "text", lambda one: one.name, "The account that asks."),
        Field("role", "text", lambda one: one.role, "Its role."),
        Field("scope", "text", lambda one: one.scope, "What the token, or the login's token, is for."),
    )
)
_DEED: Record[Deed] = Record(
    (
        Field("id", "integer", lambda one: one.id, "Its number; a later deed has a higher one."),
        Field("at", "time", lambda one: one.at, "When it was done."),
        Field("account", "text", lambda one: one.account, "Who did it; `operator`: a command; empty: nobody came in."),
        Field("by", "text", lambda one: one.by, "By which token, login or command."),
        Field("address", "text", lambda one: one.address, "From which address; empty for commands."),
        Field("request", "text", lambda one: one.request, "In which request: its `X-Request-Id`."),
        Field("deed", "text", lambda one: one.deed, "What was done."),
        Field("experiment", _WHOLE, lambda one: one.experiment_id, "To which experiment; null where to none."),
        Field("subject", "text", lambda one: one.subject, "To which account; empty where to none."),
        Field("content", Named("any"), lambda one: one.content, "What belongs to it."),
    )
)
DEEDS: Record[DeedPage] = page_of(_DEED, "What was done, newest first.")
