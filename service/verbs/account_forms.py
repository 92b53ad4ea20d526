"""What is sent to make or change accounts and tokens."""

from typing import Annotated, Literal

from pydantic import Field

from phaselab.domain.settings.settings import Group

RoleName = Literal["reader", "member", "admin"]
_Whole = Annotated[int, Field(ge=0, le=2**53)]


class AccountChanges(Group):
    """What is to be changed of an account; what is left out stays. Null takes a cap or quota away, so that the
    service's own holds."""

    role: RoleName = "member"
    disabled: bool = False
    weight: Annotated[float, Field(gt=0, le=1000)] = 1.0
    trials: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None
    runs_each: _Whole | None = None
    runs_queued: _Whole | None = None
    seconds_a_day: Annotated[float, Field(ge=0)] | None = None
    bytes_stored: _Whole | None = None


class NewAccount(Group):
    """An account to be made."""

    name: Annotated[str, Field(max_length=64)]
    role: RoleName = "member"


class NewToken(Group):
    """A token to be made, for so many days, or for good."""

    name: Annotated[str, Field(max_length=64)]
    scope: Literal["read", "submit", "admin"]
    days: Annotated[float, Field(gt=0, le=3650)] | None = None
