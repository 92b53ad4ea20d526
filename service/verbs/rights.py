"""Who may do what: the one place that decides. The table of calls is docs/access.md."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from phaselab.db.schema.account_tables import Role as Role
from phaselab.db.schema.account_tables import Scope as Scope
from phaselab.service.base.errors import Forbidden


class Deed(Enum):
    """What somebody may want to do."""

    READ = "read"
    SUBMIT = "submit"  # and import
    CHANGE = "change an experiment"
    SEE = "see what is private to others"
    OWN = "look after tokens of one's own"
    ADMINISTER = "look after accounts and what is others'"


@dataclass(frozen=True)
class Caller:
    """Who asks: an account, its role, and what the token that it came in by is for."""

    name: str
    role: Role = Role.MEMBER
    scope: Scope = Scope.ADMIN
    by: str = ""

    def may(self, deed: Deed, owner: str | None = None) -> bool:
        """Whether it may do something, to what is an owner's where it has one."""
        return _refusal(self, deed, owner) is None

    @property
    def sees(self) -> str | None:
        """Whose private experiments it sees: its own; None: everybody's (`db.reading.sight`)."""
        return None if self.may(Deed.SEE) else self.name


_OF_ROLE: Mapping[Role, frozenset[Deed]] = {
    Role.READER: frozenset({Deed.READ, Deed.OWN}),
    Role.MEMBER: frozenset({Deed.READ, Deed.OWN, Deed.SUBMIT, Deed.CHANGE}),
    Role.ADMIN: frozenset(Deed),
}
_OF_SCOPE: Mapping[Scope, frozenset[Deed]] = {
    Scope.READ: frozenset({Deed.READ, Deed.SEE}),
    Scope.SUBMIT: frozenset({Deed.READ, Deed.SEE, Deed.SUBMIT, Deed.CHANGE}),
    Scope.ADMIN: frozenset(Deed),
}


def insist(caller: Caller | None, deed: Deed, owner: str | None = None, what: str = "this") -> None:
    """Raises Forbidden unless the caller may do this, to `what` of an owner where it has one. None is everyone, while
    there are no accounts, who may do everything."""
    refusal = None if caller is None else _refusal(caller, deed, owner)
    if refusal is not None:
        raise Forbidden(refusal if owner is None else f"{what} is {owner}'s; {refusal}")


def _refusal(caller: Caller, deed: Deed, owner: str | None) -> str | None:
    """Why not, if so."""
    if deed not in _OF_ROLE[caller.role]:
        return f"the account {caller.name} is a {caller.role}, who may not {deed.value}; an admin gives roles"
    if deed not in _OF_SCOPE[caller.scope]:
        return f"the token is for {_FOR[caller.scope]}, not to {deed.value}; use one of a wider scope"
    if owner not in (None, caller.name) and not caller.may(Deed.ADMINISTER):
        return "only its owner may change it, and admins may"
    return None


_FOR = {Scope.READ: "reading alone", Scope.SUBMIT: "submitting and changing experiments", Scope.ADMIN: "everything"}
