"""A provider of OpenID Connect inside a test, which signs whatever the test wants: the hostile ones."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import httpx
from joserfc import jws
from joserfc.jwk import ECKey, KeySet

ISSUER = "https://id.example.org/realms/lab"
CLIENT, SECRET = "phaselab", "the client's secret"
KEY = ECKey.generate_key("P-256", {"kid": "one"}, private=True)
OTHER_KEY = ECKey.generate_key("P-256", {"kid": "one"}, private=True)
ADA: Mapping[str, Any] = {"sub": "7f3a-1", "preferred_username": "Ada", "groups": ["lab"]}


@dataclass
class FakeProvider:
    """Answers as a provider does, until a test changes one of its parts. `person` is who logs in; `claims` makes of the
    claims of an id token what is signed, `sign` the token; `answers` are answers in place of its own, by the last part
    of the address; while it is `held` it answers nobody."""

    person: Mapping[str, Any] = field(default_factory=lambda: dict(ADA))
    claims: Callable[[dict[str, Any]], dict[str, Any]] = lambda claims: claims
    sign: Callable[[dict[str, Any]], str] = lambda claims: signed(claims)
    answers: dict[str, Callable[[], httpx.Response]] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    userinfo: Mapping[str, Any] = field(default_factory=dict)
    access: str = "access"
    held: bool = False
    seen: list[httpx.Request] = field(default_factory=list)
    codes: dict[str, Mapping[str, str]] = field(default_factory=dict)

    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self._answer)

    def lets_in(self, address: str) -> dict[str, str]:
        """What the browser brings back, once its person has logged in at the address that it was sent to."""
        asked = {name: values[0] for name, values in parse_qs(httpx.URL(address).query.decode()).items()}
        code = f"code {len(self.codes)}"
        self.codes[code] = asked
        return {"code": code, "state": asked["state"], "iss": ISSUER}

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        while self.held:
            await asyncio.sleep(0.01)
        last = request.url.path.rpartition("/")[2]
        if last in self.answers:
            return self.answers[last]()
        return getattr(self, "_" + last.replace("-", "_"))(request)  # type: ignore[no-any-return]

    def _openid_configuration(self, request: httpx.Request) -> httpx.Response:
        names = {"authorization_endpoint": "auth", "token_endpoint": "token", "jwks_uri": "keys"}
        told = {name: f"{ISSUER}/{last}" for name, last in names.items()} | {"issuer": ISSUER}
        return httpx.Response(200, json=told | self.metadata)

    def _keys(self, request: httpx.Request) -> httpx.Response:
        odd: list[Any] = [{"kty": "AKP", "kid": "new"}, {"kty": "EC"}, 7]
        return httpx.Response(200, json={"keys": odd + KeySet([KEY]).as_dict()["keys"]})  # type: ignore[operator]

    def _token(self, request: httpx.Request) -> httpx.Response:
        form = {name: values[0] for name, values in parse_qs(request.content.decode()).items()}
        asked = self.codes.pop(form["code"], None)
        proof = _encoded(hashlib.sha256(form["code_verifier"].encode()).digest())
        if asked is None or proof != asked["code_challenge"] or form["redirect_uri"] != asked["redirect_uri"]:
            return httpx.Response(400, json={"error": "invalid_grant"})
        now = int(time.time())
        claims = {"iss": ISSUER, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": asked["nonce"]}
        token = self.sign(self.claims(claims | dict(self.person)))
        return httpx.Response(200, json={"access_token": self.access, "token_type": "Bearer", "id_token": token})

    def _userinfo(self, request: httpx.Request) -> httpx.Response:
        assert request.headers["authorization"] == "Bearer access"
        return httpx.Response(200, json=dict(self.userinfo))


def signed(claims: dict[str, Any], key: Any = KEY, alg: str = "ES256") -> str:
    """An id token, by the provider's own key."""
    return jws.serialize_compact({"alg": alg, "kid": "one"}, json.dumps(claims).encode(), key, algorithms=[alg])


def unsigned(claims: dict[str, Any]) -> str:
    """An id token that says of itself that it needs no signature."""
    return ".".join((_part({"alg": "none", "kid": "one"}), _part(claims), ""))


def by_shared_secret(claims: dict[str, Any], secret: bytes) -> str:
    """An id token that is signed by something that others know too."""
    said = f"{_part({'alg': 'HS256', 'kid': 'one'})}.{_part(claims)}"
    return f"{said}.{_encoded(hmac.new(secret, said.encode(), hashlib.sha256).digest())}"


def _part(value: object) -> str:
    return _encoded(json.dumps(value).encode())


def _encoded(text: bytes) -> str:
    return base64.urlsafe_b64encode(text).decode().rstrip("=")
