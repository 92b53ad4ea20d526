"""What comes in at an edge is used or refused with a documented error, whatever it is."""

import base64
import gzip
import io
import json
import tempfile
from pathlib import Path
from typing import Any

import httpx
import pytest

from phaselab.api.entrance.bodies import parse_json
from phaselab.db.schema.database import Database
from phaselab.service.base.configuration import Configuration, ConfigurationError, load_configuration
from phaselab.service.base.yaml_text import Unreadable, parse_yaml
from tests.api.conftest import NEW_SPEC, serving
from tests.api.test_errors import assert_problem

MANY_FIELDS = "&".join(f"a{i}=1" for i in range(50))
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
YAML = {"Content-Type": "application/yaml"}
GZIP = {"Content-Type": "application/gzip"}


@pytest.mark.parametrize(
    ("method", "path", "headers", "content", "status"),
    [
        ("POST", "/login", FORM, MANY_FIELDS, 400),
        ("POST", "/login", FORM, b"token=\xff", 400),
        ("POST", "/submit", FORM, MANY_FIELDS, 400),
        ("POST", "/login", FORM | {"Origin": "http://["}, "token=x", 403),
        ("POST", "/logout", {"Origin": "http://]"}, "", 403),
        ("GET", "/api/v1/experiments", {"Host": "["}, "", 403),
        ("GET", "/api/v1/experiments", {"Host": "[::1"}, "", 403),
    ],
)
def test_what_anybody_may_send_is_refused_in_the_usual_shape(
    filled_url: str, method: str, path: str, headers: dict[str, str], content: Any, status: int
) -> None:
    answer = httpx.request(method, filled_url + path, headers=headers, content=content)
    assert_problem(answer, status)


@pytest.mark.parametrize(
    "text",
    [
        *(
            f"a: !!{tag} {value}"
            for tag in ("int", "bool", "float", "timestamp", "set", "null")
            for value in ("''", "x")
        ),
        "a: !!set {b, c}",
        "a: !<tag:yaml.org,2002:int> x",
        "a: !local x",
        r'a: "\xZZ"',
        r'a: "\U00110000"',
        "? [a]\n: b",
        "a: \x00",
        f"a: 0x{'f' * 5000}",
        f"a: 0o{'7' * 5000}",
        f"a: {'9' * 5000}",
        f"a: -{'9' * 19}",
        "a: 1e400",
        "a: -.inf",
        "a: .NaN",
        "a: 1\n---\na: 2",
        "%YAML 3.0\n---\na: 1",
        "[" * 1000,
        "a: [" * 1000,
        "{a: b",
        "\ta",
        "a: *b",
    ],
)
def test_yaml_that_is_not_read_is_told_as_such(text: str) -> None:
    with pytest.raises(Unreadable, match=r"^the text is not") as told:
        parse_yaml(text)
    assert len(str(told.value)) < 300


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, "[" * 60 + "]" * 60, "9" * 19, "9" * 5000, "1e400", '{"a": 1, "a": 2}', "Infinity", "", "\ud800"],
)
def test_json_that_is_not_read_is_told_as_such(text: str) -> None:
    with pytest.raises(Unreadable, match=r"^the body is ") as told:
        parse_json(text)
    assert len(str(told.value)) < 300


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("010", 10),
        ("-007", -7),
        ("0o10", 8),
        ("0x1f", 31),
        ("1e-5", 1e-5),
        (".5", 0.5),
        ("1.", 1.0),
        ("1:10", "1:10"),
        ("1_000", "1_000"),
        ("0b11", "0b11"),
        ("yes", "yes"),
        ("off", "off"),
        ("True", True),
        ("~", None),
        ("2001-01-01", "2001-01-01"),
        ("=", "="),
        ("'1'", "1"),
        ("|\n  1", "1"),
        ("[1, [2, {a: b}]]", [1, [2, {"a": "b"}]]),
        ("{<<: {a: 1}}", {"<<": {"a": 1}}),
        ("{1: a, null: b}", {"1": "a", "null": "b"}),
        ("", None),
    ],
)
def test_yaml_is_read_by_its_version_1_2(text: str, value: object) -> None:
    found = parse_yaml(text)
    assert found == value
    assert type(found) is type(value)


def test_a_refusal_says_what_was_read(read: httpx.Client) -> None:
    for text, told in (("seeds: 1:10", "'1:10'"), ("seeds: 1_000", "'1_000'"), ("seeds: yes", "'yes'")):
        problem = assert_problem(read.post("/experiments", content=f"name: x\n{text}", headers=YAML), 422)
        assert problem["errors"][0]["pointer"] == "/seeds"
        assert told in problem["errors"][0]["detail"]


@pytest.mark.parametrize(
    "change",
    [
        {"data": {"snr": 10**17}},
        {"sweep": {"data.snr": [1, 10**17]}},
        {"sweep": {"data.snr": [1, -1e308]}},
        {"sweep": {"data.k": {"linspace": [-1e308, 1e308, 3]}}},
        {"sweep": {"data.k": {"logspace": [1e-308, 1e308, 3]}}},
        {"seeds": [[[[[[[[1]]]]]]]]},
    ],
)
def test_numbers_out_of_all_measure_are_refused(read: httpx.Client, change: dict[str, Any]) -> None:
    assert_problem(read.post("/experiments", json=NEW_SPEC | change), 422)


@pytest.mark.parametrize(
    "lines",
    [
        b"[" * 100_000,
        b"9" * 100_000,
        b"null",
        b"NaN",
        b"",
        b"\xff",
        b'{"format": 1, "spec": ' + b"[" * 40 + b"]" * 40 + b"}",
    ],
)
def test_files_that_are_no_experiments_are_refused(read: httpx.Client, lines: bytes) -> None:
    for content in (gzip.compress(lines + b"\n"), lines):
        assert_problem(read.post("/experiments/import", content=content, headers=GZIP), 422)


def test_a_full_temporary_folder_is_told(http: httpx.Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def full(**options: Any) -> io.RawIOBase:
        return Path("/dev/full").open("r+b", buffering=0)

    with monkeypatch.context() as patch:
        patch.setattr(tempfile, "TemporaryFile", full)
        problem = assert_problem(http.post("/experiments/import", content=b"x" * 100_000, headers=GZIP), 507)
        assert "No space left" in problem["detail"]
    with monkeypatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
        assert_problem(http.post("/experiments/import", content=b"x", headers=GZIP), 507)


def test_what_postgresql_cannot_hold_is_refused_or_not_found(postgresql_url: str) -> None:
    database = Database(postgresql_url)
    with serving(Configuration(), database) as url, httpx.Client(base_url=f"{url}/api/v1") as client:
        for name in ("a\0b", "a\ud800"):
            content = json.dumps(NEW_SPEC | {"name": name})
            headers = {"Content-Type": "application/json"}
            assert_problem(client.post("/experiments", content=content, headers=headers), 422)
        made = client.post("/experiments", json=NEW_SPEC).json()["id"]
        assert_problem(client.patch(f"/experiments/{made}", json={"name": "a\0b"}), 422)
        axes = {"x": "data.k", "y": "network.labels", "measure": "train_loss"}
        for number in (2**31, 2**63, 10**30):
            assert_problem(client.get(f"/experiments/{number}"), 404)
            assert_problem(client.get("/diagrams", params=axes | {"experiment": number}), 422)
        for cursor in ("9" * 18, "9" * 19, "9" * 400, "-1", "x", "١"):
            assert_problem(client.get("/experiments", params={"cursor": cursor}), 422)
        for cursor in ("9" * 18, "9" * 19, "x", "١"):
            assert_problem(client.get(f"/experiments/{made}/runs", params={"cursor": cursor}), 422)
        page = client.get(f"/experiments/{made}/runs", params={"limit": 1, "order": "network.labels"}).json()
        inside = json.loads(base64.urlsafe_b64decode(page["next"] + "=="))
        for place, value in ((4, "a\0b"), (4, "a\ud800"), (5, 2**63), (6, 10**30), (7, -(10**30)), (3, 10**400)):
            forged = [value if i == place else one for i, one in enumerate(inside)]
            cursor = base64.urlsafe_b64encode(json.dumps(forged).encode()).decode().rstrip("=")
            asked = {"order": "network.labels", "cursor": cursor[:500]}
            assert_problem(client.get(f"/experiments/{made}/runs", params=asked), 422)
        for where in ("averaging_index>1e308", "seed=999999999999999999", "seed<-999999999999999999", "data.k!=é"):
            assert client.get(f"/experiments/{made}/runs", params={"where": where}).status_code == 200
    database.close()


@pytest.mark.parametrize("number", ["1_0", "1.0", " 1", "+1", "１", "01x"])
def test_an_id_is_written_in_digits(read: httpx.Client, number: str) -> None:
    assert_problem(read.get(f"/experiments/{number}"), 404)
    assert_problem(read.get("/curves", params={"experiment": number}), 422)


def test_a_configuration_file_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    file = tmp_path / "phaselab.toml"
    file.write_bytes(b"\xef\xbb\xbfmax_runs = 7\n")
    assert load_configuration({}, tmp_path).max_runs == 7
    for content in (b"max_runs = " + b"[" * 100_000, b"\xff\xfe", b"a", b"port = " + b"9" * 5000):
        file.write_bytes(content)
        with pytest.raises(ConfigurationError, match="not a TOML file"):
            load_configuration({}, tmp_path)
    file.unlink()
    file.mkdir()
    assert load_configuration({}, tmp_path).max_runs == 1_000_000
