"""A browser's trip to the provider of single sign-on and back. Nothing of it is stored here: strangers, who may begin
as many as they like, fill nothing, and any api may see the end of a trip that another one saw begin.

The browser keeps one random secret, in a cookie. `state`, which travels through the provider and back, tells when the
trip began and where it leads, sealed with that secret: it is no other browser's, and nobody else has made it. The
nonce, which the provider signs into who it was, and the verifier, by which alone it gives out its answer (PKCE), come
from secret and state, and are another trip's never.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from dataclasses import dataclass

from phaselab.service.base.errors import Unauthorized

SECONDS = 600
"""How long a trip may take: people look for their passwords."""
LONGEST = 1000
"""Letters of an address that a trip leads to; one that is longer is forgotten, for the state is part of addresses."""
_AGAIN = "log in again from this page"


@dataclass(frozen=True)
class Trip:
    """What a trip is known by, and the address of this service's own that it leads to."""

    state: str
    nonce: str
    verifier: str
    after: str


def begin(secret: str, after: str, now: float) -> Trip:
    """A trip that begins at `now`, in seconds."""
    told = f"{int(now)} {secrets.token_urlsafe(9)} {after if len(after) <= LONGEST else '/'}"
    packed = base64.urlsafe_b64encode(told.encode()).decode().rstrip("=")
    return _trip(secret, f"{packed}.{_sealed(secret, 'state', packed)}", told)


def end(secret: str | None, state: str, now: float) -> Trip:
    """The trip that comes back with this state to the browser with this secret. Raises Unauthorized."""
    if not secret:
        raise Unauthorized(f"no log-in began in this browser in the last {SECONDS // 60} minutes; {_AGAIN}")
    packed, _, seal = state.partition(".")
    if not hmac.compare_digest(seal.encode(), _sealed(secret, "state", packed).encode()):
        raise Unauthorized(f"this is not the end of the log-in that this browser began last; {_AGAIN}")
    try:
        told = base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)).decode()
    except (binascii.Error, UnicodeError):  # of a seal that only this browser's own secret makes
        raise Unauthorized(f"the state of the log-in cannot be read; {_AGAIN}") from None
    began = int(told.partition(" ")[0])
    if not began - 60 <= now <= began + SECONDS:
        raise Unauthorized(f"the log-in took longer than {SECONDS // 60} minutes; {_AGAIN}")
    return _trip(secret, state, told)


def _trip(secret: str, state: str, told: str) -> Trip:
    return Trip(state, _sealed(secret, "nonce", state), _sealed(secret, "verifier", state), told.split(" ", 2)[2])


def _sealed(secret: str, what: str, text: str) -> str:
    """64 letters that nobody makes without the secret."""
    return hmac.new(
        secret.encode(errors="replace"), f"{what} {text}".encode(errors="replace"), hashlib.sha256
    ).hexdigest()
