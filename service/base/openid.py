"""A provider of OpenID Connect, asked by the authorization code flow with PKCE (OpenID Connect Core 1.0, RFC 7636).

What it answers is believed only as far as it is signed by its own keys, for this service, for this trip, and now. It
is asked with limits on time, size and number, so that a provider that is slow, away or sends nonsense holds up nobody
but who logs in. httpx asks; signatures and claims are joserfc's.
"""

import asyncio
import base64
import hashlib
import json
import logging
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import quote_plus

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, KeySet

from phaselab.service.base.addresses import is_loopback
from phaselab.service.base.errors import ProviderFault, Unauthorized
from phaselab.service.base.sign_on_settings import SignOn
from phaselab.service.base.trips import Trip

SECONDS = 10.0
"""How long everything that a provider is asked at one step may take."""
AT_ONCE = 32
"""People at that step at a time."""
MOST_BYTES = 1_000_000
"""Of one answer."""
KEPT_SECONDS = 600.0
"""How long what a provider says of itself is believed without being asked again. Its keys are asked for every time."""
CLOCKS = 60
"""Seconds by which its clock may differ."""
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
"""Signatures that only the provider can make: not `none`, and none whose key this service has too."""
_MORE = "; if it stays so, whoever runs this server finds more in its log"
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")

log = logging.getLogger("phaselab.sign_on")


@dataclass(frozen=True)
class _Metadata:
    """Where a provider is asked what, and whether it takes a client's secret as a password."""

    authorization: str
    token: str
    keys: str
    userinfo: str | None
    basic: bool


class Provider:
    """One provider, as a service's settings name it."""

    def __init__(self, settings: SignOn, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.settings = settings
        self._transport = transport
        self._asked = 0
        self._known: tuple[float, _Metadata] | None = None

    async def address(self, trip: Trip, redirect: str, afresh: bool = False) -> str:
        """Where the browser goes to log in, `afresh` even where it is still logged in there, and to come back to
        `redirect`. Raises ProviderFault."""
        async with self._asking() as client:
            at = httpx.URL((await self._metadata(client)).authorization)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(trip.verifier.encode()).digest()).decode().rstrip("=")
        asked = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": redirect,
            "scope": " ".join(self.settings.scopes),
            "state": trip.state,
            "nonce": trip.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return str(at.copy_merge_params(asked | ({"prompt": "login"} if afresh else {})))

    async def claims(self, trip: Trip, redirect: str, code: str) -> Mapping[str, Any]:
        """Who it was: claims that are signed, and those that the provider adds when it is asked for the same person.
        Raises ProviderFault, and Unauthorized for what is not of this trip."""
        async with self._asking() as client:
            metadata = await self._metadata(client)
            tokens = await self._tokens(client, metadata, trip, redirect, code)
            keys = _usable(await self._json(client, "GET", metadata.keys))
            claims = self._verified(tokens.get("id_token"), keys, trip)
            if metadata.userinfo is None or self.settings.wanted <= claims.keys():
                return claims
            access = tokens.get("access_token")
            if not (isinstance(access, str) and access.isascii() and access.isprintable()):
                raise self._fault("answers what cannot be used", f"{metadata.token}: no access token")
            bearer = {"Authorization": f"Bearer {access}"}
            more = await self._json(client, "GET", metadata.userinfo, headers=bearer)
        if more.get("sub") != claims["sub"]:
            raise self._fault("tells of another person than who has logged in")
        return more | claims

    @asynccontextmanager
    async def _asking(self) -> AsyncIterator[httpx.AsyncClient]:
        """A client for one step."""
        if self._asked >= AT_ONCE:
            raise ProviderFault(f"{AT_ONCE} people log in at this moment; try again in a few seconds")
        self._asked += 1
        try:
            async with (
                asyncio.timeout(SECONDS),
                httpx.AsyncClient(transport=self._transport, verify=_trusted(), timeout=SECONDS) as client,
            ):
                yield client
        except (TimeoutError, httpx.TimeoutException):
            raise self._fault(f"has not answered within {SECONDS:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            raise self._fault("cannot be reached", str(error) or type(error).__name__) from None
        finally:
            self._asked -= 1

    async def _metadata(self, client: httpx.AsyncClient) -> _Metadata:
        if self._known is not None and time.monotonic() - self._known[0] < KEPT_SECONDS:
            return self._known[1]
        issuer = self.settings.issuer
        told = await self._json(client, "GET", f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        if told.get("issuer") != issuer:
            detail = f"calls itself {str(told.get('issuer'))[:200]!r}, not {issuer!r}: set PHASELAB_OIDC_ISSUER so"
            raise self._fault("calls itself by another name than it is known by here", detail)
        userinfo = None if told.get("userinfo_endpoint") is None else self._endpoint(told, "userinfo_endpoint")
        ways = told.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        leave, token, keys = (self._endpoint(told, name) for name in _ENDPOINTS)
        found = _Metadata(leave, token, keys, userinfo, not isinstance(ways, list) or "client_secret_basic" in ways)
        self._known = (time.monotonic(), found)
        return found

    def _endpoint(self, told: Mapping[str, Any], name: str) -> str:
        """An address that it names: https, or http to this machine. Raises ProviderFault."""
        address = told.get(name)
        try:
            parts = httpx.URL(address if isinstance(address, str) else "")
        except (httpx.InvalidURL, ValueError):
            parts = httpx.URL("")
        if not parts.host or not (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.host))):
            raise self._fault("does not say where it is asked", f"{name} is {str(address)[:200]!r}")
        return str(parts)

    async def _tokens(
        self, client: httpx.AsyncClient, metadata: _Metadata, trip: Trip, redirect: str, code: str
    ) -> dict[str, Any]:
        """What it gives for the code of a trip, once."""
        settings = self.settings
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect,
            "code_verifier": trip.verifier,
        }
        if metadata.basic:  # RFC 6749, 2.3.1: both are encoded as in forms
            password = httpx.BasicAuth(quote_plus(settings.client_id), quote_plus(settings.secret))
            return await self._json(client, "POST", metadata.token, data=form, auth=password)
        form |= {"client_id": settings.client_id, "client_secret": settings.secret}
        return await self._json(client, "POST", metadata.token, data=form)

    async def _json(self, client: httpx.AsyncClient, method: str, url: str, **more: Any) -> dict[str, Any]:
        """The object that it answers. Raises ProviderFault, and Unauthorized for a code that it does not take."""
        async with client.stream(
            method, url, headers={"Accept": "application/json"} | more.pop("headers", {}), **more
        ) as answer:
            body = bytearray()
            async for piece in answer.aiter_bytes():
                body += piece
                if len(body) > MOST_BYTES:
                    raise self._fault("answers what cannot be used", f"{url}: more than {MOST_BYTES} bytes")
        try:
            value = json.loads(body)
        except (ValueError, RecursionError):
            value = None
        if answer.status_code == 200 and isinstance(value, dict):
            return value
        error = str(value.get("error"))[:80] if isinstance(value, dict) else "no JSON object"
        if error == "invalid_grant":
            raise Unauthorized("the log-in has been used already, or took too long; log in again")
        if error in ("invalid_client", "unauthorized_client"):
            detail = f"{error}: check PHASELAB_OIDC_CLIENT_ID and its secret"
            raise self._fault("does not know this service", detail)
        raise self._fault("answers what cannot be used", f"{url}: {answer.status_code}, {error!r}")

    def _verified(self, token: object, keys: KeySet, trip: Trip) -> dict[str, Any]:
        """The claims of an id token (Core, 3.1.3.7). Raises Unauthorized."""
        client_id = self.settings.client_id
        wanted: dict[str, Any] = {
            "iss": {"essential": True, "value": self.settings.issuer},
            "aud": {"essential": True, "value": client_id},
            "nonce": {"essential": True, "value": trip.nonce},
            "sub": {"essential": True},
            "exp": {"essential": True},
            "iat": {"essential": True},
        }
        try:
            claims = jwt.decode(token if isinstance(token, str) else "", keys, algorithms=ALGORITHMS).claims
            jwt.JWTClaimsRegistry(leeway=CLOCKS, **wanted).validate(claims)
            several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
            if claims.get("azp", None if several else client_id) != client_id:
                raise ValueError("it is for another service")
        except (JoseError, ValueError, TypeError, KeyError, RecursionError) as error:
            log.warning("an id token of %s was refused: %r", self.settings.issuer, str(error)[:300])
            detail = f"what {self.settings.name} says of who you are is not to be believed ({_why(error)})"
            raise Unauthorized(f"{detail}; log in again{_MORE}") from None
        return claims

    def _fault(self, what: str, more: str = "") -> ProviderFault:
        """The fault of a provider; what more there is to tell is for whoever runs the service."""
        log.error("%s %s%s", self.settings.issuer, what, f": {more}" if more else "")
        return ProviderFault(
            f"{self.settings.name} {what}; nothing was changed; try again shortly, or use a token{_MORE}"
        )


@cache
def _trusted() -> ssl.SSLContext:
    """Whose certificates are believed: those of certifi, or of the file that SSL_CERT_FILE names. Reading them takes
    longer than everything else that is done here."""
    return httpx.create_ssl_context()


def _usable(told: Mapping[str, Any]) -> KeySet:
    """The keys of a set that can be read; the others are of kinds that nothing here is signed with."""
    listed = told.get("keys")
    found = []
    for one in listed if isinstance(listed, list) else ():
        try:
            found.append(JWKRegistry.import_key(one))
        except (JoseError, ValueError, TypeError, KeyError, AttributeError):
            continue
    return KeySet(found)


def _why(error: Exception) -> str:
    """In a few words, and none of what was sent."""
    claim = getattr(error, "claim", None)
    return f"its claim {claim!r} is wrong" if claim else getattr(error, "error", "") or "it cannot be read"
