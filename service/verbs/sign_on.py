"""Single sign-on: as which account somebody comes in whom a provider has said who it is.

Somebody is the pair of issuer and subject, which a provider gives to nobody else, and never a name: names are given
again, and some providers let people choose them. So a name decides once at most, when an account is made for it.
"""

import shlex
from collections.abc import Mapping
from typing import Any

from phaselab.db.reading import accounts, identities, logins
from phaselab.db.reading.identities import Identity as Identity
from phaselab.db.schema.database import Database, Session
from phaselab.db.writing import audit
from phaselab.service.base.configuration import Configuration
from phaselab.service.base.errors import AccountFault, AccountTaken, Forbidden, NoAccount, Unauthorized
from phaselab.service.base.sign_on_settings import EVERYONE, SignOn
from phaselab.service.verbs.accounts import LOCAL, NAME
from phaselab.service.verbs.audit import OPERATOR
from phaselab.service.verbs.logins import SINGLE_SIGN_ON
from phaselab.service.verbs.rights import Role
from phaselab.service.verbs.tokens import existing, new_token

LONGEST = 255
"""Letters of a subject, by the standard."""
_ASK = "ask whoever runs this server"


def log_in(database: Database, configuration: Configuration, settings: SignOn, claims: Mapping[str, Any]) -> str:
    """Open a login for somebody, by claims that have been verified, and give its secret, which is not kept; make the
    account where that is allowed, and give it the role that its groups have. Raises Forbidden for somebody who may not
    come in, Unauthorized for one whose account is disabled."""
    subject = _subject(claims)
    _insist_on_allowed(settings, claims)
    secret, secret_hash = new_token()
    with database.transaction() as session:
        found = identities.find_identity(session, settings.issuer, subject)
        name = _new_account(session, configuration, settings, claims, subject) if found is None else found.account
        if existing(session, name).disabled_at is not None:
            raise Unauthorized(f"the account {name} is disabled; {_ASK}")
        with audit.acting(name, SINGLE_SIGN_ON):
            _give_role(session, settings, claims, name)
            mine = identities.find_identity(session, settings.issuer, subject)
            assert mine is not None
            logins.add_login(session, secret_hash, settings.login_seconds, identity_id=mine.id)
            audit.note(session, "log in", subject=name, issuer=settings.issuer, identity=subject)
    return secret


def name_of(settings: SignOn, claims: Mapping[str, Any]) -> str:
    """What somebody is called: by the claim that names accounts, in small letters; empty where that says nothing, or
    is an address that nobody has verified."""
    name = claims.get(settings.account_claim)
    if not isinstance(name, str) or (settings.account_claim == "email" and not _is_true(claims.get("email_verified"))):
        return ""
    return name.strip().lower()


def link(database: Database, account: str, issuer: str, subject: str) -> None:
    """Let somebody at a provider come in as an account. Raises NoAccount, AccountTaken where that is somebody else's
    already, and AccountFault for what is no subject."""
    if not _is_subject(subject):
        raise AccountFault(f"{subject[:80]!r} is no subject of a provider: 1 to {LONGEST} letters of ASCII")
    with database.transaction() as session:
        existing(session, account)
        found = identities.find_identity(session, issuer, subject)
        if found is not None:
            raise AccountTaken(f"{subject} of {issuer} comes in as {found.account} already; unlink that first")
        identities.add_identity(session, account, issuer, subject)
        audit.note(session, "link identity", subject=account, issuer=issuer, identity=subject)


def unlink(database: Database, account: str, issuer: str, subject: str) -> None:
    """Let somebody at a provider come in no more, and end the logins by that. Raises NoAccount."""
    with database.transaction() as session:
        existing(session, account)
        found = identities.find_identity(session, issuer, subject)
        if found is None or found.account != account:
            raise NoAccount(f"nobody comes in as {account} by {subject[:LONGEST]!r} of {issuer}")
        identities.remove_identity(session, found.id)
        audit.note(session, "unlink identity", subject=account, issuer=issuer, identity=subject)


def identities_of(database: Database, account: str) -> list[Identity]:
    """By which identities an account is come in as, oldest first. Raises NoAccount."""
    with database.reading() as session:
        existing(session, account)
        return list(identities.list_identities(session, account))


def _subject(claims: Mapping[str, Any]) -> str:
    subject = claims.get("sub")
    if not isinstance(subject, str) or not _is_subject(subject):
        raise Unauthorized(f"the provider names you by no subject of 1 to {LONGEST} letters of ASCII; {_ASK}")
    return subject


def _is_subject(text: str) -> bool:
    return 0 < len(text) <= LONGEST and text.isascii() and text.isprintable()


def _insist_on_allowed(settings: SignOn, claims: Mapping[str, Any]) -> None:
    """Raises Forbidden for somebody who is in none of the groups and domains that may come in, if some are named."""
    email, verified = claims.get("email"), _is_true(claims.get("email_verified"))
    domain = f"@{email.rpartition('@')[2].lower()}" if isinstance(email, str) and verified else ""
    has = {EVERYONE, *_groups(settings, claims), *((domain,) if domain else ())}
    if settings.allow and has.isdisjoint(one.lower() if one.startswith("@") else one for one in settings.allow):
        raise Forbidden(f"{settings.name} has you in no group or domain that may come in here; {_ASK}")


def _groups(settings: SignOn, claims: Mapping[str, Any]) -> set[str]:
    """Groups that the provider has somebody in. None of them passes for a domain, or for everyone."""
    told = claims.get(settings.groups_claim)
    listed = [told] if isinstance(told, str) else told if isinstance(told, list) else []
    return {one for one in listed if isinstance(one, str) and not one.startswith("@") and one != EVERYONE}


def _new_account(
    session: Session, configuration: Configuration, settings: SignOn, claims: Mapping[str, Any], subject: str
) -> str:
    """Make the account of somebody who has none; its name. Raises Forbidden where that is not to be."""
    name = name_of(settings, claims)
    told = f"no account is linked with you ({subject} at {settings.issuer})"
    way = f"{_ASK} to link one: phaselab user link NAME {shlex.quote(subject)}"
    can_be = NAME.fullmatch(name) is not None
    if can_be and accounts.get_account(session, name) is not None:
        raise Forbidden(f"{told}, and {name} is somebody's already; if that is you, {way}")
    if settings.new_accounts is None:
        raise Forbidden(f"{told}, and none is made here; {way}")
    reserved = name in (LOCAL, OPERATOR.account) or name in configuration.import_trusted
    if not can_be or reserved or accounts.experiments_of(session, name):
        raise Forbidden(f"{told}, and none can be made by the name {name[:80]!r}; {way}")
    role = Role(settings.new_accounts)
    with audit.acting(name, SINGLE_SIGN_ON):
        accounts.add_account(session, name, role, 1.0, None)
        identities.add_identity(session, name, settings.issuer, subject)
        audit.note(session, "add account", subject=name, role=role, issuer=settings.issuer, identity=subject)
    return name


def _give_role(session: Session, settings: SignOn, claims: Mapping[str, Any], name: str) -> None:
    """Make an admin of who is in a group of admins, where there are such groups, and of nobody else."""
    if not settings.admins:
        return
    is_one, role = not _groups(settings, claims).isdisjoint(settings.admins), existing(session, name).role
    if is_one is (role is Role.ADMIN):
        return
    becomes = Role.ADMIN if is_one else Role(settings.new_accounts or Role.MEMBER)
    accounts.change_account(session, name, role=becomes)
    audit.note(session, "change account", subject=name, role=becomes)


def _is_true(value: object) -> bool:
    """Some providers write it as a text."""
    return value is True or value == "true"
