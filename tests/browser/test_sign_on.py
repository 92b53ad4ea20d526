"""A person logs in at a provider in a browser, and comes back; the provider is a process, and another site."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from phaselab.api.app import create_app
from phaselab.db.schema.database import Database
from phaselab.service.base.configuration import Configuration
from phaselab.service.verbs import accounts, sign_on
from tests.api.conftest import serving
from tests.browser.conftest import PATIENCE, PHONE, WIDE
from tests.browser.looks import overhang, photograph, violations
from tests.browser.providers import ADA, CLIENT, FOLDER, KINDS, SECRET, Kind, free_port, running

CALLBACK = "/login/oidc/callback"


@pytest.fixture(params=["mock"] if FOLDER is None else KINDS)
def lab(request: pytest.FixtureRequest, filled_sqlite: Path, tmp_path: Path) -> Iterator[tuple[str, Database, Kind]]:
    """(URL, database, its provider) of a service whose people log in at a provider. 127.0.0.1 and localhost are two
    sites, so that cookies are sent as between a lab and its provider."""
    kind, port = KINDS[request.param], free_port()
    path = tmp_path / "phaselab.db"
    path.write_bytes(filled_sqlite.read_bytes())
    database = Database(f"sqlite:///{path}")
    configuration = Configuration(
        oidc_issuer=f"http://localhost:{port}",
        oidc_client_id=CLIENT,
        oidc_client_secret=SECRET,  # type: ignore[arg-type]
        oidc_name="the lab's account",
        oidc_scopes=kind.scopes,
        oidc_allow=("lab",),
        oidc_new_accounts="member",
    )
    with (
        serving(configuration, database, create_app(configuration, database)) as url,
        running(kind.command(port, f"{url}{CALLBACK}"), str(configuration.oidc_issuer)),
    ):
        yield url, database, kind
    database.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page whose console may tell of a 401, and that asks nobody elsewhere for styles."""
    with browser.new_context(viewport={"width": WIDE, "height": 900}) as context:
        context.set_default_timeout(PATIENCE)
        context.route("https://**", lambda route: route.fulfill(body="", content_type="text/css"))
        yield context.new_page()


def look_at(page: Page, name: str) -> None:
    for width, light in ((WIDE, "light"), (PHONE, "dark")):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=light)  # type: ignore[arg-type]
        photograph(page, name)
        assert overhang(page) == 0, width
        assert violations(page) == [], (width, light)


def test_somebody_logs_in_at_the_provider_and_out_again(lab: tuple[str, Database, Kind], page: Page) -> None:
    url, database, kind = lab
    page.goto(f"{url}/?tag=none")
    look_at(page, "login")
    page.get_by_role("link", name="Log in with the lab's account").click()
    page.wait_for_url("http://localhost:*/**")
    kind.logs_in(page)
    page.wait_for_url(f"{url}/?tag=none")
    expect(page.get_by_role("heading", name="Experiments")).to_be_visible()
    expect(page.get_by_role("button", name="log out", exact=True)).to_be_visible()
    assert [(one.name, one.role) for one in accounts.list_accounts(database)] == [("ada", "member")]
    assert [one.subject for one in sign_on.identities_of(database, "ada")] == [ADA["sub"]]
    page.get_by_role("link", name="ada").click()
    page.get_by_label("name").fill("laptop")
    page.get_by_role("button", name="make a token").click()
    expect(page.get_by_role("heading", name="The token laptop")).to_be_visible()
    look_at(page, "account")
    page.get_by_role("button", name="revoke laptop").click()
    expect(page.get_by_role("heading", name="The token laptop")).to_have_count(0)
    page.get_by_role("button", name="log out", exact=True).click()
    page.wait_for_url(f"{url}/login?afresh=true")
    page.goto(url)
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()


def test_somebody_thinks_better_of_it(lab: tuple[str, Database, Kind], page: Page) -> None:
    url, database, kind = lab
    page.goto(f"{url}/login")
    page.get_by_role("link", name="Log in with").click()
    kind.denies(page)
    page.wait_for_url(f"{url}{CALLBACK}**")
    expect(page.get_by_role("alert")).to_contain_text("log in again")
    look_at(page, "refused")
    assert accounts.list_accounts(database) == []
