"""What is sent to make or change accounts and tokens."""

from typing import Annotated, Literal

from pydantic import Field

from phaselab.domain.settings.settings import Group
from phaselab.service.verbs.accounts import LARGEST, MAX_WEIGHT
from phaselab.service.verbs.tokens import MOST_DAYS

RoleName = Literal["reader", "member", "admin"]
_Quota = Annotated[int, Field(ge=0, le=LARGEST["runs_each"])]


class AccountChanges(Group):
    """What is to be changed of an account; what is left out stays. Null takes a cap or quota away, so that the
    service's own holds."""

    role: RoleName = "member"
    disabled: bool = False
    weight: Annotated[float, Field(gt=0, le=MAX_WEIGHT)] = 1.0
    trials: Annotated[int, Field(ge=1, le=LARGEST["trials"])] | None = None
    runs_each: _Quota | None = None
    runs_queued: _Quota | None = None
    seconds_a_day: Annotated[float, Field(ge=0)] | None = None
    bytes_stored: _Quota | None = None


class NewAccount(Group):
    """An account to be made."""

    name: Annotated[str, Field(max_length=64)]
    role: RoleName = "member"


class NewToken(Group):
    """A token to be made, for so many days, or for good."""

    name: Annotated[str, Field(max_length=64)]
    scope: Literal["read", "submit", "admin"]
    days: Annotated[float, Field(gt=0, le=MOST_DAYS)] | None = None
