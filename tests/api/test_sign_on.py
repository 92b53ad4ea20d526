"""Single sign-on against a provider that lies: who may come in, as whom, and what stays shut."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from phaselab.api.app import create_app
from phaselab.db.schema.database import Database
from phaselab.service.base import openid, trips
from phaselab.service.base.configuration import Configuration
from phaselab.service.base.openid import Provider
from phaselab.service.verbs import accounts, audit, logins, sign_on, tokens
from phaselab.service.verbs.rights import Role
from tests.api.conftest import serving
from tests.api.openid_provider import (
    ADA,
    CLIENT,
    ISSUER,
    KEY,
    OTHER_KEY,
    SECRET,
    FakeProvider,
    by_shared_secret,
    signed,
    unsigned,
)

SETTINGS: Mapping[str, Any] = {
    "oidc_issuer": ISSUER,
    "oidc_client_id": CLIENT,
    "oidc_client_secret": SECRET,
    "oidc_name": "the lab's provider",
    "oidc_allow": ("lab", "@example.org"),
    "oidc_new_accounts": "member",
}
PAGE = {"Accept": "text/html"}
CALLBACK = "/login/oidc/callback"


class Lab:
    """A service, its provider, and browsers before it."""

    def __init__(self, database: Database, **settings: Any) -> None:
        self.database = database
        self.provider = FakeProvider()
        self.configuration = Configuration.model_validate({**SETTINGS, **settings})
        self.app = create_app(self.configuration, database)
        assert self.configuration.sign_on is not None
        self.app.state.provider = Provider(self.configuration.sign_on, self.provider.transport())
        self.url = ""

    @contextmanager
    def browser(self, **headers: str) -> Iterator[httpx.Client]:
        with httpx.Client(base_url=self.url, timeout=30, headers=PAGE | headers, verify=False) as client:
            yield client

    def log_in(self, client: httpx.Client, after: str = "/") -> httpx.Response:
        """Leave, be let in by the provider, and come back."""
        left = client.get("/login/oidc", params={"after": after})
        assert left.status_code == 303, left.text
        return client.get(CALLBACK, params=self.provider.lets_in(left.headers["location"]))

    def names(self) -> list[str]:
        return [one.name for one in accounts.list_accounts(self.database)]

    def deeds(self) -> list[str]:
        return [one.deed for one in reversed(audit.deeds(self.database).items)]


Labs = Callable[..., Lab]


@pytest.fixture
def labs(sqlite_database: Database) -> Iterator[Labs]:
    """Makes a lab that is served; some settings of its own."""
    served = []

    def made(**settings: Any) -> Lab:
        lab = Lab(sqlite_database, **settings)
        serve = serving(lab.configuration, sqlite_database, lab.app)
        lab.url = serve.__enter__()
        served.append(serve)
        return lab

    yield made
    for serve in served:
        serve.__exit__(None, None, None)


def is_in(client: httpx.Client) -> bool:
    return client.get("/api/v1/account").status_code == 200


def test_somebody_comes_in_and_goes_out(labs: Labs) -> None:
    lab = labs()
    with lab.browser() as ada:
        shown = ada.get("/experiments/1?x=data.k")
        assert (shown.status_code, "Log in with the lab&#39;s provider" in shown.text) == (401, True)
        assert "/login/oidc?after=/experiments/1%3Fx%3Ddata.k" in shown.text
        done = lab.log_in(ada, "/experiments/1?x=data.k&y=a")
        assert done.status_code == 200
        assert 'content="0; url=/experiments/1?x=data.k&amp;y=a"' in done.text, "no redirect: see the route"
        login = next(line for line in done.headers.get_list("set-cookie") if line.startswith("phaselab_login="))
        assert all(part in login for part in ("HttpOnly", "SameSite=strict", "Max-Age=43200"))
        assert "phaselab_trip" not in ada.cookies
        assert ada.get("/api/v1/account").json() == {"name": "ada", "role": "member", "scope": "admin"}
        made = ada.post("/api/v1/tokens", json={"name": "script", "scope": "submit"})
        assert made.status_code == 201, "for programs"
        with lab.browser() as again:
            assert lab.log_in(again).status_code == 200
        out = ada.post("/logout")
        assert not is_in(ada)
        shown = ada.get(out.headers["location"])
        assert 'href="/login/oidc?after=/&amp;afresh=true"' in shown.text
        left = ada.get("/login/oidc?after=/&afresh=true").headers["location"]
        assert httpx.URL(left).params["prompt"] == "login", "whoever comes next says who it is"
    assert lab.names() == ["ada"]
    assert lab.deeds() == ["add account", "log in", "add token", "log in", "log out"]
    told = audit.deeds(lab.database).items
    assert [(one.account, one.by) for one in told[-2:]] == [("ada", "single sign-on")] * 2
    assert told[-2].content == {"issuer": ISSUER, "identity": "7f3a-1"}


def test_what_is_asked_of_the_provider_is_bound_to_this_trip(labs: Labs) -> None:
    lab = labs()
    with lab.browser() as ada:
        addresses = [httpx.URL(ada.get("/login/oidc").headers["location"]) for _ in range(2)]
        lab.log_in(ada)
    asked = [dict(address.params) for address in addresses]
    assert "prompt" not in asked[0]
    assert asked[0]["redirect_uri"] == f"{lab.url}{CALLBACK}"
    assert asked[0] | {"scope": "openid profile email", "response_type": "code", "client_id": CLIENT} == asked[0]
    assert asked[0]["code_challenge_method"] == "S256"
    for name in ("state", "nonce", "code_challenge"):
        assert asked[0][name] != asked[1][name]
    by_name = {request.url.path.rpartition("/")[2]: request for request in lab.provider.seen}
    assert by_name["token"].headers["authorization"].startswith("Basic ")
    assert SECRET.encode() not in by_name["token"].content
    asked_once = [request for request in lab.provider.seen if request.url.path.endswith("openid-configuration")]
    assert len(asked_once) == 1


def _claims(**changes: Any) -> Callable[[FakeProvider], None]:
    def changed(provider: FakeProvider) -> None:
        provider.claims = lambda claims: {name: value for name, value in (claims | changes).items() if value != "none"}

    return changed


def _signs(sign: Callable[[dict[str, Any]], str]) -> Callable[[FakeProvider], None]:
    return lambda provider: setattr(provider, "sign", sign)


def _answers(last: str, answer: Callable[[], httpx.Response]) -> Callable[[FakeProvider], None]:
    return lambda provider: provider.answers.update({last: answer})


def _says(**metadata: Any) -> Callable[[FakeProvider], None]:
    return lambda provider: provider.metadata.update(metadata)


def _is(**person: Any) -> Callable[[FakeProvider], None]:
    return lambda provider: setattr(provider, "person", person)


def _gone() -> httpx.Response:
    raise httpx.ConnectError("no route to host")


def _no_access(provider: FakeProvider) -> None:
    provider.person, provider.access = {"sub": "1"}, "é\r\nX: y"
    provider.metadata = {"userinfo_endpoint": f"{ISSUER}/userinfo"}


def _error(name: str) -> httpx.Response:
    return httpx.Response(400, json={"error": name})


def _deep() -> httpx.Response:
    return httpx.Response(200, content=b"[" * 100_000)


PEM = KEY.as_pem(private=False)
HOSTILE: dict[str, tuple[Callable[[FakeProvider], None], int, str]] = {
    "another trip's nonce": (_claims(nonce="x" * 64), 401, "claim &#39;nonce&#39; is wrong"),
    "no nonce": (_claims(nonce="none"), 401, "not to be believed"),
    "for another service": (_claims(aud="wiki"), 401, "claim &#39;aud&#39; is wrong"),
    "for several, and us by the way": (_claims(aud=["wiki", CLIENT]), 401, "not to be believed"),
    "authorized for another": (_claims(azp="wiki"), 401, "not to be believed"),
    "of another issuer": (_claims(iss="https://id.example.com"), 401, "claim &#39;iss&#39; is wrong"),
    "over": (_claims(exp=1_000_000), 401, "claim &#39;exp&#39; is wrong"),
    "of the future": (_claims(iat=9e12), 401, "claim &#39;iat&#39; is wrong"),
    "without an end": (_claims(exp="none"), 401, "not to be believed"),
    "an end that is no time": (_claims(exp={"x": 1}), 401, "claim &#39;exp&#39; is wrong"),
    "without a subject": (_claims(sub="none"), 401, "not to be believed"),
    "a subject that is a number": (_claims(sub=7), 401, "claim &#39;sub&#39; is wrong"),
    "a subject that is empty": (_claims(sub=""), 401, "not to be believed"),
    "a subject that is no text": (_claims(sub="a\nb"), 401, "names you by no subject"),
    "a subject that is long": (_claims(sub="a" * 256), 401, "names you by no subject"),
    "signed by nobody": (_signs(unsigned), 401, "not to be believed"),
    "signed by the client's secret": (
        _signs(lambda c: by_shared_secret(c, SECRET.encode())),
        401,
        "not to be believed",
    ),
    "signed by the public key as a secret": (_signs(lambda c: by_shared_secret(c, PEM)), 401, "not to be believed"),
    "signed by another's key": (_signs(lambda c: signed(c, OTHER_KEY)), 401, "not to be believed"),
    "changed after it was signed": (_signs(lambda c: signed(c)[:-9] + "AAAAAAAAA"), 401, "not to be believed"),
    "no token": (_signs(lambda c: "x.y.z"), 401, "not to be believed"),
    "a token that is none": (_signs(lambda c: "\0é" * 1000), 401, "not to be believed"),
    "no group that may": (_is(sub="9", preferred_username="eve", groups=["guests"]), 403, "in no group or domain"),
    "groups that are no list": (_is(sub="9", preferred_username="eve", groups={"lab": 1}), 403, "in no group"),
    "a group called as a domain": (
        _is(sub="9", preferred_username="eve", groups=["@example.org", "*"]),
        403,
        "in no group or domain",
    ),
    "an address nobody verified": (
        _is(sub="9", preferred_username="eve", email="eve@example.org"),
        403,
        "in no group or domain",
    ),
    "no name": (_is(sub="9", groups=["lab"]), 403, "none can be made by the name"),
    "a name that none is": (_is(sub="9", groups=["lab"], preferred_username="../x <b>"), 403, "none can be made by"),
    "the name of what was before accounts": (
        _is(sub="9", groups=["lab"], preferred_username="local"),
        403,
        "none can be made by the name",
    ),
    "a name of half a letter": (_is(sub="9", groups=["lab"], preferred_username="\ud800"), 403, "none can be made by"),
    "the name of commands": (_is(sub="9", groups=["lab"], preferred_username="OPERATOR"), 403, "none can be made"),
    "the name of an account": (_is(sub="9", groups=["lab"], preferred_username="boss"), 403, "link NAME 9"),
    "away": (_answers("openid-configuration", _gone), 503, "cannot be reached"),
    "away at the end": (_answers("token", _gone), 503, "cannot be reached"),
    "without its keys": (_answers("keys", _gone), 503, "cannot be reached"),
    "no keys": (_answers("keys", lambda: httpx.Response(200, json={"keys": 7})), 401, "not to be believed"),
    "a page": (_answers("token", lambda: httpx.Response(200, html="<html>")), 503, "answers what cannot be used"),
    "an error": (_answers("token", lambda: httpx.Response(500, json={"error": "x" * 999})), 503, "cannot be used"),
    "a redirect": (_answers("token", lambda: httpx.Response(302, headers={"Location": "/x"})), 503, "cannot be used"),
    "a list": (_answers("token", lambda: httpx.Response(200, json=[])), 503, "answers what cannot be used"),
    "a deep one": (_answers("keys", _deep), 503, "answers what cannot be used"),
    "too much": (_answers("keys", lambda: httpx.Response(200, content=b" " * 2_000_000)), 503, "cannot be used"),
    "who does not know us": (
        _answers("token", lambda: _error("invalid_client")),
        503,
        "does not know this service",
    ),
    "a used code": (
        _answers("token", lambda: _error("invalid_grant")),
        401,
        "used already",
    ),
    "an access token that is none": (_no_access, 503, "answers what cannot be used"),
    "nothing": (_answers("token", lambda: httpx.Response(200, json={})), 401, "not to be believed"),
    "another name": (_says(issuer="https://id.example.com"), 503, "calls itself by another name"),
    "an address in the clear": (_says(token_endpoint="http://id.example.org/token"), 503, "where it is asked"),
    "an address of no kind": (_says(authorization_endpoint="javascript:alert(1)"), 503, "where it is asked"),
    "an address that is none": (_says(jwks_uri={"x": 1}), 503, "where it is asked"),
}


@pytest.fixture(scope="module")
def shut(migrated_sqlite: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lab with the account boss, who came in by no provider; nobody else is to get in."""
    path = tmp_path_factory.mktemp("shut") / "phaselab.db"
    path.write_bytes(migrated_sqlite.read_bytes())
    database = Database(f"sqlite:///{path}")
    accounts.create(database, "boss", role=Role.ADMIN)
    lab = Lab(database)
    with serving(lab.configuration, database, lab.app) as lab.url:
        yield lab
    database.close()


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_provider_that_lies_or_fails_lets_nobody_in(shut: Lab, kind: str, caplog: pytest.LogCaptureFixture) -> None:
    change, status, words = HOSTILE[kind]
    fake = FakeProvider()
    change(fake)
    assert shut.configuration.sign_on is not None
    shut.app.state.provider = Provider(shut.configuration.sign_on, fake.transport())
    shut.provider = fake
    with shut.browser() as client, caplog.at_level(logging.DEBUG):
        left = client.get("/login/oidc")
        answer = (
            left if left.status_code != 303 else client.get(CALLBACK, params=fake.lets_in(left.headers["location"]))
        )
        assert (answer.status_code, words in answer.text) == (status, True), answer.text
        assert "Log in with" in answer.text, "from here one tries again"
        assert answer.headers["content-type"].startswith("text/html")
        assert "phaselab_login" not in client.cookies
        assert not is_in(client)
    assert shut.names() == ["boss"]
    assert SECRET not in caplog.text
    assert "code_verifier" not in caplog.text
    assert "<b>" not in answer.text


def test_a_trip_is_its_browser_s_own_and_ends_once(labs: Labs, monkeypatch: pytest.MonkeyPatch) -> None:
    lab = labs()
    with lab.browser() as ada, lab.browser() as eve:
        for params in ({}, {"state": "x", "code": "y"}, {"state": "é.\0", "code": ""}):
            refused = eve.get(CALLBACK, params=params)
            assert (refused.status_code, "no log-in began in this browser" in refused.text) == (401, True)
        hers = lab.provider.lets_in(eve.get("/login/oidc").headers["location"])
        ada.get("/login/oidc")
        fixed = ada.get(CALLBACK, params=hers)  # a link that eve sends ada, to have her come in as eve
        assert (fixed.status_code, "not the end of the log-in" in fixed.text) == (401, True)
        assert lab.log_in(eve).status_code == 200
        assert lab.names() == ["ada"]
        left = ada.get("/login/oidc").headers["location"]
        kept = ada.cookies["phaselab_trip"]
        back = lab.provider.lets_in(left)
        assert ada.get(CALLBACK, params=back).status_code == 200
        ada.post("/logout")
        again = ada.get(CALLBACK, params=back)
        assert (again.status_code, "no log-in began" in again.text) == (401, True)
        both = {"Cookie": f"phaselab_trip={kept}"}  # as whoever has stolen both would send it
        again = ada.get(CALLBACK, params=back, headers=both)
        assert (again.status_code, "used already" in again.text) == (401, True)
        mixed = lab.provider.lets_in(ada.get("/login/oidc").headers["location"]) | {"iss": "https://id.example.com"}
        refused = ada.get(CALLBACK, params=mixed)
        assert (refused.status_code, "another provider has answered" in refused.text) == (401, True)
        state = lab.provider.lets_in(ada.get("/login/oidc").headers["location"])["state"]
        no = ada.get(CALLBACK, params={"state": state, "error": "access_denied", "error_description": "<script>"})
        assert (no.status_code, "did not agree" in no.text, "<script>" in no.text) == (401, True, False)
        now = time.time()
        late = lab.provider.lets_in(ada.get("/login/oidc").headers["location"])
        trip = {
            "Cookie": f"phaselab_trip={ada.cookies['phaselab_trip']}"
        }  # which the browser itself has forgotten by then
        monkeypatch.setattr(time, "time", lambda: now + trips.SECONDS + 1)
        over = ada.get(CALLBACK, params=late, headers=trip)
        assert (over.status_code, "longer than 10 minutes" in over.text) == (401, True)
        assert not is_in(ada)
    assert "refuse log in" in lab.deeds()


def test_a_log_in_leads_nowhere_else(labs: Labs) -> None:
    lab = labs()
    with lab.browser() as ada:
        for after in ("//evil.example", "/\\evil.example", "https://evil.example/", "javascript:evil", "\r\n/evil"):
            done = lab.log_in(ada, after)
            assert 'content="0; url=/"' in done.text
            assert "evil" not in done.text


def test_behind_a_proxy_with_a_path_of_its_own(labs: Labs) -> None:
    lab = labs(root_path="/phaselab")
    with lab.browser(**{"X-Forwarded-Proto": "https", "Host": "lab.example.org"}) as ada:
        left = ada.get("/phaselab/login/oidc", params={"after": "/submit"})
        address = httpx.URL(left.headers["location"])
        assert address.params["redirect_uri"] == f"https://lab.example.org/phaselab{CALLBACK}"
        cookie = left.headers["set-cookie"]
        assert all(part in cookie for part in ("Secure", "HttpOnly", "SameSite=lax", "Path=/phaselab/login"))
        trip = {"Cookie": cookie.partition(";")[0]}
        done = ada.get(f"/phaselab{CALLBACK}", params=lab.provider.lets_in(str(address)), headers=trip)
        assert 'url=/phaselab/submit"' in done.text
        assert "Secure" in done.headers["set-cookie"]


def test_a_name_that_is_given_again_is_nobody_else_s_account(labs: Labs) -> None:
    lab = labs()
    token = accounts.create(lab.database, "bob")
    with lab.browser() as first, lab.browser() as second, lab.browser() as bob:
        assert lab.log_in(first).status_code == 200
        lab.provider.person = {**ADA, "sub": "another"}
        refused = lab.log_in(second)
        assert (refused.status_code, "ada is somebody&#39;s already" in refused.text) == (403, True)
        lab.provider.person = {**ADA, "preferred_username": "renamed"}
        assert lab.log_in(second).status_code == 200
        assert second.get("/api/v1/account").json()["name"] == "ada", "a person stays who it is, whatever it is called"
        lab.provider.person = {"sub": "b 7", "preferred_username": "bob", "groups": ["lab"]}
        refused = lab.log_in(bob)
        assert (refused.status_code, "phaselab user link NAME &#39;b 7&#39;" in refused.text) == (403, True)
        sign_on.link(lab.database, "bob", ISSUER, "b 7")
        assert lab.log_in(bob).status_code == 200
        assert bob.get("/api/v1/account").json()["name"] == "bob"
        sign_on.unlink(lab.database, "bob", ISSUER, "b 7")
        assert not is_in(bob), "and whoever had come in so is out"
    assert tokens.caller_of(lab.database, token).name == "bob"
    assert lab.names() == ["ada", "bob"]


def test_who_is_not_to_come_in_any_more_does_not(labs: Labs) -> None:
    lab = labs()
    with lab.browser() as ada:
        lab.log_in(ada)
        accounts.disable(lab.database, "ada")
        assert not is_in(ada)
        refused = lab.log_in(ada)
        assert (refused.status_code, "ada is disabled" in refused.text) == (401, True)
        accounts.enable(lab.database, "ada")
        assert not is_in(ada), "the login has ended"
        assert lab.log_in(ada).status_code == 200
        lab.provider.person = {**ADA, "groups": []}
        assert lab.log_in(ada).status_code == 403
        accounts.remove(lab.database, "ada")
        assert not is_in(ada)
        lab.provider.person = ADA
        assert lab.log_in(ada).status_code == 200
    assert lab.names() == ["ada"], "anew"


def test_groups_make_admins_and_unmake_them(labs: Labs) -> None:
    lab = labs(oidc_admins=("chiefs",), oidc_new_accounts="reader")
    roles = []
    with lab.browser() as ada:
        for groups in (["lab"], ["lab", "chiefs"], ["lab", "chiefs"], ["lab"]):
            lab.provider.person = {**ADA, "groups": groups}
            assert lab.log_in(ada).status_code == 200
            roles.append(ada.get("/api/v1/account").json()["role"])
    assert roles == ["reader", "admin", "admin", "reader"]
    assert lab.deeds().count("change account") == 2


def test_where_no_accounts_are_made_only_those_that_are_linked_come_in(labs: Labs) -> None:
    lab = labs(oidc_allow=(), oidc_new_accounts=None)
    accounts.create(lab.database, "ada", role=Role.ADMIN)
    with lab.browser() as ada:
        refused = lab.log_in(ada)
        assert (refused.status_code, "link NAME 7f3a-1" in refused.text) == (403, True)
        sign_on.link(lab.database, "ada", ISSUER, "7f3a-1")
        assert lab.log_in(ada).status_code == 200
        assert ada.get("/api/v1/account").json()["role"] == "admin", "roles are given here, where no groups are named"


def test_names_that_are_worth_something_are_not_for_whoever_comes_first(labs: Labs) -> None:
    lab = labs(import_trusted=("ada",))
    with lab.browser() as ada:
        assert lab.log_in(ada).status_code == 403
    assert lab.names() == []


def test_a_verified_address_lets_in_and_names_the_account(labs: Labs) -> None:
    lab = labs(oidc_account_claim="email", oidc_allow=("@Example.org",))
    lab.provider.metadata = {"userinfo_endpoint": f"{ISSUER}/userinfo"}
    lab.provider.person = {"sub": "1"}
    lab.provider.userinfo = {"sub": "1", "email": "Ada@EXAMPLE.org", "email_verified": True}
    with lab.browser() as ada:
        assert lab.log_in(ada).status_code == 200, "what the id token does not say is asked for"
        lab.provider.userinfo = {"sub": "2", "email": "boss@example.org", "email_verified": True}
        refused = lab.log_in(ada)
        assert (refused.status_code, "tells of another person" in refused.text) == (503, True)
    assert lab.names() == ["ada@example.org"]


def test_a_provider_that_takes_secrets_in_forms_alone_gets_it_so(labs: Labs) -> None:
    lab = labs()
    lab.provider.metadata = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    with lab.browser() as ada:
        assert lab.log_in(ada).status_code == 200
    form = next(request for request in lab.provider.seen if request.url.path.endswith("/token"))
    assert b"client_secret=the+client%27s+secret" in form.content
    assert "authorization" not in form.headers


def test_a_slow_provider_holds_up_nobody_else(labs: Labs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openid, "SECONDS", 60.0)
    monkeypatch.setattr(openid, "AT_ONCE", 3)
    lab = labs(heavy_requests=1)
    token = accounts.create(lab.database, "boss")
    lab.provider.held = True
    answers: list[httpx.Response] = []

    def leave() -> None:
        with lab.browser() as client:
            answers.append(client.get("/login/oidc"))

    waiting = [threading.Thread(target=leave) for _ in range(3)]
    for one in waiting:
        one.start()
    while len(lab.provider.seen) < 3:
        time.sleep(0.01)
    with lab.browser() as other:
        assert other.get("/api/v1/measures", headers={"Authorization": f"Bearer {token}"}).status_code == 200
        busy = other.get("/login/oidc")
        assert (busy.status_code, "people log in at this moment" in busy.text) == (503, True)
        assert answers == [], "who asked the provider waits still"
        lab.provider.held = False
        for one in waiting:
            one.join()
        assert [one.status_code for one in answers] == [303] * 3


def test_a_provider_that_does_not_answer_is_given_up(labs: Labs, monkeypatch: pytest.MonkeyPatch) -> None:
    lab = labs()
    with lab.browser() as ada:
        back = lab.provider.lets_in(ada.get("/login/oidc").headers["location"])
        monkeypatch.setattr(openid, "SECONDS", 0.1)
        lab.provider.held = True
        told = ada.get(CALLBACK, params=back)
        assert (told.status_code, "has not answered within 0.1 s" in told.text) == (503, True)
        monkeypatch.undo()
        lab.provider.held = False
        assert lab.log_in(ada).status_code == 200, "as soon as it is there again"


def test_with_a_provider_nobody_is_let_in_for_want_of_accounts(labs: Labs) -> None:
    lab = labs()
    with lab.browser() as stranger:
        assert stranger.get("/").status_code == 401
        assert stranger.get("/login").status_code == 200


def test_without_a_provider_there_is_nowhere_to_go(sqlite_database: Database) -> None:
    accounts.create(sqlite_database, "ada")
    with serving(Configuration(), sqlite_database) as url:
        for path in ("/login/oidc", CALLBACK):
            answer = httpx.get(f"{url}{path}?state=x&code=y")
            assert (answer.status_code, answer.headers["location"]) == (303, "/login")
        assert "Log in with" not in httpx.get(f"{url}/login", headers=PAGE).text
    assert logins.list_logins(sqlite_database, "ada") == []
