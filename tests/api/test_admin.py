"""The pages of admins: the service at a look, accounts and audit; who may not, sees nothing of them."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner
from sqlalchemy import update

from phaselab.client.cli import cli
from phaselab.db.schema import tables
from phaselab.db.schema.database import Database
from phaselab.service.base.configuration import Configuration
from phaselab.service.verbs import accounts, audit
from phaselab.service.verbs.rights import Role
from tests.api.conftest import serving
from tests.api.lab import at_work
from tests.api.test_pages import Links

HTML = {"Accept": "text/html"}


@pytest.fixture
def lab(filled_sqlite: Path, tmp_path: Path) -> Iterator[tuple[httpx.Client, Database, dict[str, str]]]:
    """(client of the admin boss, database, tokens by account) of a lab at work."""
    shutil.copy(filled_sqlite, tmp_path / "lab.db")
    configuration = Configuration(database_url=f"sqlite:///{tmp_path}/lab.db")
    database = Database(configuration.database_url)
    tokens = at_work(database)
    with serving(configuration, database) as url:
        headers = {"Authorization": f"Bearer {tokens['boss']}"} | HTML
        with httpx.Client(base_url=url, headers=headers) as client:
            yield client, database, tokens
    database.close()


Lab = tuple[httpx.Client, Database, dict[str, str]]


def test_the_service_is_seen_at_a_look(lab: Lab) -> None:
    client, _, _ = lab
    text = client.get("/admin").text
    for words in (
        "all is well",
        "91 wait",
        "1 of 3 busy",
        "1 in a day",
        "bob has computed 140 s in 24 hours",
        "big.lab",
        "waits for a stack",
        "training 25%",
        "diverged: the loss is not finite",
        "grows by",
        "Backed up by",
        "seconds a day",
    ):
        assert words in text, words
    links = {link for link in Links(text).found if link.startswith("/")}
    assert {"/api/v1/admin/overview", "/api/v1/metrics", "/experiments/3"} <= links
    for link in links:
        assert client.get(link, headers={"Accept": "*/*"}).status_code == 200, link
    told = client.get("/api/v1/admin/overview").json()
    assert [one["experiment"] for one in told["queue"]] == [2, 3, 4, 5, 6]
    assert told["queue"][3]["until"] is not None
    assert told["concerns"] == []
    assert [one["trial"] for one in told["trials"]] == ["trial-1", "trial-2"]


def test_only_admins_see_the_way_there(lab: Lab) -> None:
    client, _, tokens = lab
    assert '"/admin"' in client.get("/").text
    for name in ("ada", "nobody"):
        headers = {"Authorization": f"Bearer {tokens.get(name, 'x')}"}
        assert '"/admin"' not in client.get("/", headers=headers).text
        for path in ("/admin", "/admin/accounts", "/admin/audit", "/api/v1/admin/overview"):
            assert client.get(path, headers=headers).status_code == (403 if name == "ada" else 401)


def test_accounts_are_made_changed_and_deleted_in_forms(lab: Lab) -> None:
    client, database, _ = lab
    made = client.post("/admin/accounts", data={"name": "dan", "role": "reader"})
    assert made.headers["cache-control"] == "private, no-store"
    token = re.search(r'<code class="token">([^<]+)</code>', made.text)
    assert token is not None
    mine = client.get("/api/v1/account", headers={"Authorization": f"Bearer {token[1]}", "Accept": "*/*"})
    assert mine.json() == {"name": "dan", "role": "reader", "scope": "admin"}
    assert token[1] not in client.get("/admin/accounts").text, "it is shown once"
    full = {"numbers": "given", "role": "member", "state": "active", "weight": "2.5", "trials": "3", "runs_each": "7"}
    assert client.post("/admin/accounts/dan", data=full).headers["location"] == "/admin/accounts"
    found = accounts.get(database, "dan")
    assert (found.role, found.weight, found.trials, found.runs_each) == (Role.MEMBER, 2.5, 3, 7)
    client.post("/admin/accounts/dan", data=full | {"trials": "", "runs_each": "", "state": "disabled"})
    found = accounts.get(database, "dan")
    assert (found.trials, found.runs_each, found.disabled_at is None) == (None, None, False)
    deeds = len(audit.deeds(database).items)
    client.post("/admin/accounts/dan", data=full | {"trials": "", "runs_each": "", "state": "disabled"})
    assert len(audit.deeds(database).items) == deeds, "what changes nothing is no deed"
    assert "It has no experiments" in client.get("/admin/accounts/dan/delete").text
    assert client.post("/admin/accounts/dan/delete", data={"heir": ""}).headers["location"] == "/admin/accounts"
    assert "dan" not in {one.name for one in accounts.list_accounts(database)}


def test_who_was_overtaken_is_told(lab: Lab) -> None:
    client, database, _ = lab
    edition = accounts.get(database, "ada").edition
    full = {"numbers": "given", "edition": str(edition), "weight": "3", "role": "member", "state": "active"}
    assert client.post("/admin/accounts/ada", data=full).status_code == 303
    late = client.post("/admin/accounts/ada", data=full | {"role": "reader"})
    assert late.status_code == 412
    assert "ada has been changed since you saw it" in late.text
    assert (accounts.get(database, "ada").weight, accounts.get(database, "ada").role) == (3.0, Role.MEMBER)


def test_faults_of_forms_are_told_in_the_page(lab: Lab) -> None:
    client, _, _ = lab
    for address, data, words in (
        ("/admin/accounts", {"name": "A B", "role": "member"}, "is no name of an account"),
        ("/admin/accounts", {"name": "ada", "role": "member"}, "there is an account ada already"),
        ("/admin/accounts", {"name": "eve", "role": "queen"}, "role"),
        ("/admin/accounts/ada", {"numbers": "given", "weight": "-1"}, "<code>weight</code>"),
        ("/admin/accounts/ada", {"numbers": "given", "weight": "1", "trials": "<b>"}, "<code>trials</code>"),
        ("/admin/accounts/ada/delete", {"heir": ""}, "name the account that gets them"),
        ("/admin/accounts/ada/delete", {"heir": "nobody"}, "there is no account nobody"),
    ):
        answer = client.post(address, data=data)
        assert answer.status_code in (404, 422), address
        assert words in answer.text, (address, answer.text)
        assert "<b>" not in answer.text
    asked = client.get("/admin/accounts/ada/delete").text
    assert "It has 2 experiments" in asked
    assert "<option>boss</option>" in asked
    client.post("/admin/accounts/ada/delete", data={"heir": "bob"})
    assert client.get("/api/v1/experiments/3", headers={"Accept": "*/*"}).json()["owner"] == "bob"


def test_no_admin_locks_itself_out(lab: Lab) -> None:
    client, database, _ = lab
    own = client.get("/admin/accounts").text.split("<summary>boss</summary>")[1].split("</form>")[0]
    assert 'name="role"' not in own
    assert "delete…" not in own
    for address, data in (
        ("/admin/accounts/boss", {"role": "reader"}),
        ("/admin/accounts/boss", {"state": "disabled"}),
        ("/admin/accounts/boss/delete", {"heir": "ada"}),
    ):
        assert client.post(address, data=data).status_code == 403, address
    assert client.get("/admin/accounts/boss/delete").status_code == 403
    client.post("/admin/accounts/boss", data={"numbers": "given", "weight": "3"})
    assert (accounts.get(database, "boss").role, accounts.get(database, "boss").weight) == (Role.ADMIN, 3.0)


def test_the_audit_is_read_page_by_page_and_searched(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    client, database, _ = lab
    monkeypatch.setattr("phaselab.api.routes.admin_pages.DEEDS", 2)
    client.post("/experiments/2/pause", headers={"X-Request-Id": "pause-it-now"})
    address, rows = "/admin/audit", 0
    while address:
        text = client.get(address).text
        rows += text.count('<tr><td class="whole">')
        address = next((one for one in Links(text).found if "cursor=" in one), "")
    assert rows == len(audit.deeds(database).items)
    text = client.get("/admin/audit?account=boss&deed=pause&experiment=2").text
    assert text.count('<tr><td class="whole">') == 1
    assert "<code>pause-it-now</code>" in text
    twin = next(one for one in Links(text).found if one.startswith("/api/v1/audit"))
    assert [one["request"] for one in client.get(twin, headers={"Accept": "*/*"}).json()["items"]] == ["pause-it-now"]
    assert "<option>back up</option>" in text
    assert "None is found" in client.get("/admin/audit?deed=nothing").text
    assert client.get("/admin/audit?experiment=x").status_code == 422


def test_without_accounts_there_is_a_way_to_the_first(own_server: tuple[str, Database]) -> None:
    with httpx.Client(base_url=own_server[0], headers=HTML) as client:
        assert "phaselab user add NAME --role admin" in client.get("/admin/accounts").text
        assert "no scheduler has the lead" in client.get("/admin").text
        assert '"/admin"' in client.get("/").text
        assert client.post("/admin/accounts", data={"name": "ada"}).status_code == 403
        assert "Nothing was done yet" in client.get("/admin/audit").text


def test_the_command_line_shows_the_same(lab: Lab) -> None:
    client, _, tokens = lab
    asked = ["--url", str(client.base_url), "--token", tokens["boss"], "admin"]
    told = CliRunner().invoke(cli, asked)
    assert told.exit_code == 0, told.output
    for words in (
        "all is well",
        "91 wait, 5 are computed",
        "1 of 3 trials are busy, nodes: 2",
        "bob has computed 140 s in 24 hours, and may compute 100 s, until ",
        "training 25%",
        "diverged",
        "seconds a day",
    ):
        assert words in told.output, words
    written = json.loads(CliRunner().invoke(cli, [*asked, "--json"]).output)
    assert [one["experiment"] for one in written["queue"]] == [2, 3, 4, 5, 6]
    assert written["database"]["days"][-1]["parts"]["runs"] > 0
    refused = CliRunner().invoke(cli, ["--url", str(client.base_url), "--token", tokens["ada"], "admin"])
    assert refused.exit_code == 1
    assert "an admin gives roles" in refused.output


def test_what_the_command_line_shows_of_others_does_nothing_to_a_terminal(lab: Lab) -> None:
    client, database, tokens = lab
    odd = "evil \x1b[2J"
    with database.transaction() as session:
        session.execute(update(tables.experiments).values(name=odd))
        session.execute(update(tables.runs).where(tables.runs.c.reason.is_not(None)).values(reason=odd))
        session.execute(update(tables.nodes).values(name=odd))
    told = CliRunner().invoke(cli, ["--url", str(client.base_url), "--token", tokens["boss"], "admin"])
    assert told.exit_code == 0, told.output
    assert told.output.count(r"evil \x1b[2J") >= 7, "experiments, a node, a reason"
    assert "\x1b" not in told.output
