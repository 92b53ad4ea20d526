"""Whatever goes wrong between a client and its server is an error of the client that tells the cause; what a person
means by an id, a list or a number is what is asked for."""

import http.server
import json
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from phaselab.client import Client, Invalid, PhaselabError
from phaselab.client.queries import curve_query, diagram_query, one_id
from phaselab.client.show import follow, show_experiment, show_experiments, show_run
from phaselab.client.specs import read_spec
from phaselab.client.transport import lines
from phaselab.client.values import Experiment
from phaselab.db.schema.database import Database
from phaselab.domain.specs.spec import parse_spec

PLANE = ("data.k", "network.labels", "averaging_index")
ODD = "evil \x1b[2J\u2028\u0085 [/y] [bold]σ"
"""A name that a server of an older version may still tell."""


@pytest.fixture
def proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment that sends everything through proxies that are not there."""
    for name in ("http_proxy", "https_proxy", "ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)


@contextmanager
def answering(answer: bytes, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """The port of a server that sends the same bytes to everyone."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(30)

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.settimeout(5)
                    try:
                        peer = context.wrap_socket(connection, server_side=True) if context else connection
                        peer.recv(65536)
                        peer.sendall(answer)
                        peer.close()
                    except OSError:
                        continue

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(10)


def cause(url: str, token: str | None = None) -> str:
    with pytest.raises(PhaselabError) as told, Client(url, token) as client:
        client.version()
    return f"{type(told.value).__name__}: {told.value}"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a key and a certificate that nobody has signed."""
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(file), "-out", str(file) + ".crt"]
    subprocess.run(command, check=True, capture_output=True)
    file.write_text(file.read_text() + Path(str(file) + ".crt").read_text())
    return file


def test_a_server_of_this_machine_is_asked_without_a_proxy(filled_url: str, proxies: None) -> None:
    for url in (filled_url, filled_url.replace("127.0.0.1", "localhost"), f" {filled_url}/ "):
        with Client(url) as client:
            assert client.version()["name"] == "phaselab"


@pytest.mark.parametrize(
    ("name", "value"), [("ALL_PROXY", "socks5://127.0.0.1:1"), ("ALL_PROXY", "gopher://x"), ("SSL_CERT_FILE", "/none")]
)
def test_an_environment_that_cannot_be_used_is_told(
    filled_url: str, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    told = cause("https://lab.invalid")
    assert told.startswith("Unreachable")
    assert name in told or "proxy" in told
    with Client(filled_url) as client:
        assert client.version()["name"] == "phaselab", "which is no matter to a server that is asked without it"


def test_a_missing_proxy_is_told(proxies: None) -> None:
    assert "proxy" in cause("https://lab.invalid")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://127.0.0.1:1", "refused"),
        ("http://lab.invalid", "lab.invalid ("),
        ("127.0.0.1:8000", "begins with http"),
        ("http://", "names a host"),
        ("http://[", "names a host"),
        ("http://a b", "names a host"),
        ("http://127.0.0.1:99999", "99999"),
        ("ftp://127.0.0.1", "begins with http"),
        ("nonsense", "begins with http"),
    ],
)
def test_what_is_no_address_of_a_server_is_told(monkeypatch: pytest.MonkeyPatch, url: str, words: str) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    told = cause(url)
    assert told.startswith("Unreachable")
    assert words in told


@pytest.mark.parametrize("token", ["a\nb", "a b", "ключ", "a\x00"])
def test_a_token_that_no_header_can_hold_is_told(filled_url: str, token: str) -> None:
    assert cause(filled_url, token).startswith("Unauthorized: the token holds")
    with Client(filled_url, " abc\n") as client:
        assert client.version()["name"] == "phaselab"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"HTTP/1.1 301 Moved\r\nLocation: https://lab.example/x\r\nContent-Length: 0\r\n\r\n", "lab.example"),
        (b"HTTP/1.1 400 Bad\r\nContent-Length: 5\r\n\r\n<html", "400 without saying why"),
        (b"HTTP/1.1 502 Bad\r\nContent-Length: 2\r\n\r\n{}", "proxy on the way"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", "no Phaselab server"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n" + b"[" * 200_000, "not in JSON"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nno", "does not speak HTTP"),
        (b"SSH-2.0-OpenSSH\r\n", "does not speak HTTP"),
        (b"", "breaks off"),
        (b'HTTP/1.1 422 No\r\nContent-Length: 35\r\n\r\n{"detail": "no", "errors": [3, {}]} ', "(whole)"),
    ],
)
def test_what_other_servers_answer_is_told(answer: bytes, words: str) -> None:
    with answering(answer) as port:
        assert words in cause(f"http://127.0.0.1:{port}")


def test_faults_of_tls_are_told(certificate: Path, filled_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "does not speak TLS" in cause(filled_url.replace("http:", "https:"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    good = b'HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{"name": "phaselab"}'
    with answering(good, context) as port:
        assert "SSL_CERT_FILE" in cause(f"https://127.0.0.1:{port}")
        assert "is it a server of https" in cause(f"http://127.0.0.1:{port}")
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        with Client(f"https://127.0.0.1:{port}") as client:
            assert client.version() == {"name": "phaselab"}


def test_a_text_is_one_text_and_an_id_is_one_id() -> None:
    assert diagram_query("37", *PLANE)[0] == ("experiment", "37")
    assert diagram_query(np.int64(37), *PLANE) == diagram_query(37, *PLANE) == diagram_query([37], *PLANE)
    assert diagram_query(np.array([3, 7]), *PLANE)[:2] == [("experiment", "3"), ("experiment", "7")]
    assert diagram_query(1, *PLANE, where="data.k=4")[-1] == ("where", "data.k=4")
    assert diagram_query(1, *PLANE, marginalize="data.d")[-1] == ("marginalize", "data.d")
    assert curve_query(1, "data.k", "data.d=1", "exact", "max")[1:] == [
        ("by", "data.k"),
        ("where", "data.d=1"),
        ("method", "exact"),
        ("readout", "max"),
    ]


@pytest.mark.parametrize("wrong", ["", "3,7", "x", "-1", "1/cancel", "1_0", "1.0", 0, -3, 1.0, True, None, "٣"])
def test_what_is_no_id_is_refused(wrong: Any) -> None:
    with pytest.raises(Invalid, match="no number of an experiment"):
        one_id(wrong)


def test_letters_that_no_address_holds_are_told(filled_url: str, tmp_path: Path) -> None:
    half = "\ud800"
    with Client(filled_url) as client:
        calls: tuple[Callable[[], object], ...] = (
            lambda: client.diagram(1, half, "data.k", "train_loss"),
            lambda: client.save_diagram(1, half, "data.k", "train_loss", tmp_path / "d.png"),
            lambda: client.curves(1, by=half),
            lambda: client.run(half),
            lambda: client.run("../experiments/1"),
            lambda: client.submit({"name": half}),
            lambda: client.submit({"name": "a"}, [f"name={half}"]),
            lambda: client.submit({"name": "a"}, idempotency_key="é"),
            lambda: client.change(1, name=half),
            lambda: client.preset(half),
            lambda: client.submit(half),
        )
        for call in calls:
            with pytest.raises(PhaselabError):
                call()


def test_calls_mean_what_their_arguments_say(own_server: tuple[str, Database]) -> None:
    with Client(own_server[0]) as client:
        assert client.experiment("1") == client.experiment(np.int64(1))
        assert client.diagram("1", *PLANE) == client.diagram([1], *PLANE)
        one, several = (client.curves(1, by=by, where="data.k=6") for by in ("network.labels", ["network.labels"]))
        assert one.equals(several)
        assert client.submit({"name": "one change"}, "seeds=3").counts.total == 3
        assert client.change(np.int64(1), priority=np.int64(4)).priority == 4
        with pytest.raises(Invalid):
            client.cancel("2/cancel")
        with pytest.raises(PhaselabError):
            client.run("../experiments/1")


def test_numpy_s_numbers_are_numbers_in_a_spec() -> None:
    spec = {
        "name": "x",
        "data": {"k": np.int64(4), "snr": np.float32(0.1), "d": np.uint8(64)},
        "sweep": {"data.label_noise": np.linspace(0, 0.3, 4), "data.n": np.array([20, 40])},
        "attack": {"radii": np.array([0.1, 0.2], dtype=np.float32)},
        "seeds": np.arange(3),
    }
    read = parse_spec(json.loads(read_spec(spec, dict)[0]))
    assert (read.data.k, read.data.snr, read.data.d) == (4, 0.1, 64)
    assert read.sweep["data.label_noise"] == (0.0, 0.1, 0.2, 0.3)
    assert read.sweep["data.n"] == (20, 40)
    assert read.attack.radii == (0.1, 0.2)
    assert read.seed_list == (0, 1, 2)


@pytest.mark.parametrize("value", [float("nan"), np.float64("inf"), {1, 2}, object(), b"x", 1j])
def test_what_no_spec_holds_is_told(value: Any) -> None:
    with pytest.raises(Invalid, match="cannot be sent as JSON"):
        read_spec({"name": value}, dict)
    circle: dict[str, Any] = {}
    circle["name"] = circle
    for wrong in (circle, {(1, 2): 3}):
        with pytest.raises(Invalid, match="cannot be sent as JSON"):
            read_spec(wrong, dict)
    with pytest.raises(Invalid, match="cannot be read"):
        read_spec("a\0b.yaml", dict)


def test_lines_end_at_line_feeds_alone() -> None:
    text = "id: 1\r\ndata: a\u2028b\u0085c\x0cd\n\n"
    answer = httpx.Response(200, content=iter([text.encode()[:9], text.encode()[9:]]))
    assert list(lines(answer)) == ["id: 1", "data: a\u2028b\u0085c\x0cd", ""]


def odd_experiment() -> dict[str, Any]:
    counts = {"total": 1, "done": 1, "cached": 0, "running": 0, "failed": 0, "cancelled": 0, "queued": 0}
    told = {"id": 1, "name": ODD, "owner": "local", "status": "finished", "priority": 0, "points": 1, "skipped": 0}
    times = {"created_at": "2026-01-01T00:00:00+00:00", "started_at": None, "finished_at": None}
    return told | times | {"counts": counts, "eta_seconds": None, "running_progress": [], "spec": {}, "revision": 1}


def test_names_do_nothing_to_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    experiment = Experiment.read(odd_experiment())
    show_experiment(experiment)
    show_experiments([experiment], 1)
    show_run({"key": "0", "state": "failed", "seed": 1, "reason": f"first\n{ODD}"})
    printed = capsys.readouterr().out
    assert printed.count("evil \\x1b[2J\\u2028\\x85 [/y] [bold]σ") == 3
    assert "\x1b" not in printed


@contextmanager
def telling(experiment: dict[str, Any]) -> Iterator[str]:
    """The URL of a server that tells of one experiment, as one of an older version may."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            data = json.dumps(experiment | {"status": "running"}, ensure_ascii=False)
            if self.path.endswith("/events"):
                data = f"id: 1\nevent: finished\ndata: {json.dumps(experiment, ensure_ascii=False)}\n\n"
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream" if "events" in self.path else "application/json")
            self.end_headers()
            self.wfile.write(data.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_name_with_odd_line_breaks_can_be_waited_for() -> None:
    with telling(odd_experiment()) as url, Client(url) as client:
        assert client.wait(1).name == ODD


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_output_that_is_not_utf_8_shows_what_it_can(encoding: str) -> None:
    with telling(odd_experiment()) as url:
        command = [sys.executable, "-P", "-m", "phaselab.client.cli", "--url", url]
        environment = {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
        for arguments in (["watch", "1"], ["show", "1"]):
            done = subprocess.run([*command, *arguments], capture_output=True, env=environment, check=False)
            assert (done.returncode, done.stderr) == (0, b"")
            assert (b"\\u03c3" in done.stdout) is (encoding == "latin-1"), "for ASCII click takes UTF-8"


def test_a_live_bar_shows_names_as_they_are(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "200")
    with telling(odd_experiment()) as url, Client(url) as client:
        follow(client, 1)
    assert "[/y] [bold]σ" in capsys.readouterr().out
