"""Under a path behind a proxy, whether it takes the path off or not: every link leads there."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from phaselab.client import Client
from phaselab.db.schema.database import Database
from phaselab.service.base.configuration import Configuration
from phaselab.service.verbs import accounts
from tests.api.conftest import NEW_SPEC, serving
from tests.api.test_pages import Links, pages

PREFIX = "/lab/phases"


@pytest.fixture
def published(filled_sqlite: Path, tmp_path: Path) -> Iterator[tuple[str, Database]]:
    path = tmp_path / "phaselab.db"
    shutil.copy(filled_sqlite, path)
    database = Database(f"sqlite:///{path}")
    with serving(Configuration(root_path=PREFIX), database) as url:
        yield url, database
    database.close()


def test_every_link_of_every_page_leads_under_it(published: tuple[str, Database]) -> None:
    with httpx.Client(base_url=published[0], headers={"Accept": "text/html"}, timeout=30) as bare:
        shown = pages(bare)
        links: set[str] = set()
        for address in shown:
            whole = bare.get(PREFIX + address)
            assert whole.text == bare.get(address).text
            links |= Links(whole.text).found
        local = {link for link in links if not link.startswith(("http", "#"))}
        assert local
        assert all(link.startswith(f"{PREFIX}/") for link in local)
        for link in sorted(local)[:: len(local) // 20 + 1]:
            assert bare.get(link, headers={"Accept": "*/*"}).status_code == 200, link
        assert 'data-events="/lab/phases/api/v1/experiments/2/events"' in bare.get("/experiments/2").text


def test_what_is_made_and_where_a_login_leads_is_under_it(published: tuple[str, Database]) -> None:
    url, database = published
    made = httpx.post(f"{url}{PREFIX}/api/v1/experiments", json=NEW_SPEC)
    assert made.headers["location"] == f"{PREFIX}/api/v1/experiments/3"
    with Client(url + PREFIX) as client:
        assert client.experiment(3).name == NEW_SPEC["name"]
    token = accounts.create(database, "ada")
    with httpx.Client(base_url=url, headers={"Accept": "text/html"}) as site:
        form = site.get(f"{PREFIX}/experiments/1")
        assert form.status_code == 401
        assert f'action="{PREFIX}/login"' in form.text
        done = site.post(f"{PREFIX}/login", data={"token": token, "after": "/experiments/1"})
        assert (done.status_code, done.headers["location"]) == (303, f"{PREFIX}/experiments/1")
        assert site.get(done.headers["location"]).status_code == 200


@pytest.mark.parametrize("path", ["lab", "/lab/", "//evil.example", "/a b", '/"'])
def test_a_path_is_a_path(path: str) -> None:
    with pytest.raises(ValueError, match="root_path"):
        Configuration(root_path=path)


def test_requests_are_counted_under_their_route_and_described_where_they_are(published: tuple[str, Database]) -> None:
    with httpx.Client(base_url=f"{published[0]}{PREFIX}/api/v1", timeout=30) as client:
        assert client.get("/experiments").status_code == 200
        assert 'route="/experiments",status="200"' in client.get("/metrics").text
        assert client.get("/openapi.json").json()["servers"] == [{"url": PREFIX}]
