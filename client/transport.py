"""HTTP to one server: every failure becomes an error of the tree, and tells its cause."""

import functools
import ipaddress
import re
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO

import httpx

from phaselab.client.errors import BadAnswer, PhaselabError, Unauthorized, Unreachable, from_problem

PREFIX = "/api/v1"
ATTEMPTS = 3
"""How often a call that may safely be repeated is tried when the connection breaks, or the server is busy, away or
slow."""
PASSES = frozenset({429, 502, 503, 504})
"""Statuses of a server that is busy or away, by itself or as a proxy tells it."""
LONGEST_WAIT = 10.0
"""Seconds that are waited for a server that answers too many requests, at most; then it is told."""
PIECE = 1 << 20
"""Bytes of a file that are sent at a time."""

_HOST = re.compile(r"[\w.:-]+")
Parameters = Sequence[tuple[str, str]]


class Transport:
    """Requests under /api/v1 of one server. A server of this machine is never asked through a proxy."""

    def __init__(self, url: str, token: str | None = None, transport: httpx.BaseTransport | None = None) -> None:
        self.url = url.strip().rstrip("/")
        headers = {"Authorization": f"Bearer {_sendable(token)}"} if token else {}
        self._http = _client(self.url, headers, transport)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def get(self, path: str, parameters: Parameters = ()) -> httpx.Response:
        """GET; repeated when the connection breaks, or no answer comes in time."""
        return self._repeat(lambda: self._http.get(PREFIX + path, params=list(parameters)))

    def get_json(self, path: str, parameters: Parameters = ()) -> Any:
        """The JSON value at an address."""
        return json_of(self.get(path, parameters))

    def send(
        self,
        method: str,
        path: str,
        parameters: Parameters = (),
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        repeat: bool = False,
    ) -> httpx.Response:
        """Any request; `repeat` when doing it twice does no harm."""

        def once() -> httpx.Response:
            return self._http.request(
                method, PREFIX + path, params=list(parameters), content=content, headers=dict(headers or {})
            )

        return self._repeat(once) if repeat else self._once(once)

    def change(
        self,
        method: str,
        path: str,
        parameters: Parameters = (),
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """A request that changes something, under a key of its own: done once, however often it has to be sent."""
        return self.send(method, path, parameters, content, _keyed(headers or {}), repeat=True)

    def upload(self, path: str, file: BinaryIO, kind: str, timeout: float = 3600.0) -> httpx.Response:
        """POST a file of a media type, read piece by piece, under a key of its own; repeated where it can be read
        again."""
        headers, can_repeat = _keyed({"Content-Type": kind}), file.seekable()

        def once() -> httpx.Response:
            if can_repeat:
                file.seek(0)
            pieces = iter(functools.partial(file.read, PIECE), b"")
            return self._http.post(PREFIX + path, content=pieces, headers=headers, timeout=timeout)

        return self._repeat(once) if can_repeat else self._once(once)

    @contextmanager
    def stream(
        self,
        path: str,
        headers: Mapping[str, str] | None = None,
        timeout: float = 60.0,
        parameters: Parameters = (),
    ) -> Iterator[httpx.Response]:
        """An answer that is read while it comes."""
        asked: dict[str, Any] = {"headers": dict(headers or {}), "params": list(parameters), "timeout": timeout}
        with self._told(), self._http.stream("GET", PREFIX + path, **asked) as answer:
            if not answer.is_success:
                answer.read()
            yield _checked(answer)

    def _repeat(self, request: Callable[[], httpx.Response]) -> httpx.Response:
        for attempt in range(1, ATTEMPTS):
            try:
                with self._told():
                    answer = request()
            except _Broken:
                pass
            else:
                if answer.status_code not in PASSES:
                    return _checked(answer)
                if answer.status_code == 429:
                    time.sleep(min(_seconds(answer), LONGEST_WAIT))
            time.sleep(0.4 * attempt)
        return self._once(request)

    def _once(self, request: Callable[[], httpx.Response]) -> httpx.Response:
        with self._told():
            return _checked(request())

    @contextmanager
    def _told(self) -> Iterator[None]:
        """The one place where what httpx raises while it asks becomes an error of the tree."""
        try:
            yield
        except httpx.RequestError as error:
            broken = isinstance(
                error, httpx.ReadError | httpx.ReadTimeout | httpx.WriteError | httpx.RemoteProtocolError
            )
            raise (_Broken if broken else Unreachable)(_cause(self.url, error)) from None
        except (httpx.InvalidURL, UnicodeEncodeError) as error:
            raise Unreachable(f"this cannot be asked of {self.url}: {error}") from None


class _Broken(Unreachable):
    """The connection broke after it was made, or nothing came by it in time; asking again may help."""


def _keyed(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers, with an Idempotency-Key where there is none."""
    return {"Idempotency-Key": uuid.uuid4().hex} | dict(headers)


def lines(answer: httpx.Response) -> Iterator[str]:
    """The lines of an answer while it comes. Line feeds alone end them: other separators may stand in a text."""
    left = b""
    for piece in answer.iter_bytes():
        *whole, left = (left + piece).split(b"\n")
        yield from (line.decode(errors="replace").rstrip("\r") for line in whole)


def json_of(answer: httpx.Response) -> Any:
    """The JSON value of an answer. Raises BadAnswer."""
    try:
        return answer.json()
    except (ValueError, RecursionError):
        raise BadAnswer(f"{answer.url} answers, but not in JSON; is it a Phaselab server?") from None


def _seconds(answer: httpx.Response) -> float:
    """How long the server asks to wait; 0 where it does not say."""
    told = answer.headers.get("retry-after", "")
    return float(told) if told.isascii() and told.isdigit() else 0.0


def _client(url: str, headers: Mapping[str, str], transport: httpx.BaseTransport | None) -> httpx.Client:
    """Raises Unreachable for what is no URL, and for settings of the environment that httpx cannot use."""
    try:
        address = httpx.URL(url)
        if address.scheme not in ("http", "https") or not _HOST.fullmatch(address.host):
            raise Unreachable(f"{url!r} is no URL of a server; it begins with http:// or https://, and names a host")
        here = _is_here(address.host)
        verify = httpx.create_ssl_context() if address.scheme == "https" or not here else False
        return httpx.Client(
            base_url=url, headers=headers, timeout=60.0, transport=transport, trust_env=not here, verify=verify
        )
    except ImportError as error:  # of what a SOCKS proxy needs
        detail = f"the proxy that ALL_PROXY or the like names cannot be used: {error} Or name {url} in NO_PROXY"
        raise Unreachable(detail) from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise Unreachable(f"the certificates that SSL_CERT_FILE or SSL_CERT_DIR names: {reason}") from None
    except (httpx.InvalidURL, ValueError) as error:
        raise Unreachable(f"{url!r} is no URL of a server, or a proxy's in the environment is none: {error}") from None


def _is_here(host: str) -> bool:
    """Whether a host is this machine by its own name."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.rstrip(".").lower() == "localhost"


def _sendable(token: str) -> str:
    """A token less the white space around it. Raises Unauthorized for one that no header can hold."""
    token = token.strip()
    if not all("!" <= letter <= "~" for letter in token):
        raise Unauthorized("the token holds a line break, a space or another character that no token has", 401)
    return token


def _cause(url: str, error: httpx.RequestError) -> str:
    """Why there is no answer, and what may help."""
    told = str(error) or type(error).__name__
    if isinstance(error, httpx.TimeoutException):
        return f"the server at {url} does not answer in time"
    if isinstance(error, httpx.ProxyError):
        return f"the proxy on the way to {url} refuses: {told}; NO_PROXY names hosts that are asked without it"
    if isinstance(error, httpx.LocalProtocolError):
        return f"this cannot be asked of {url}: {told}"
    if "CERTIFICATE_VERIFY_FAILED" in told:
        return f"the certificate of {url} is not trusted: {told}; SSL_CERT_FILE may name a file with that of its issuer"
    if "SSL" in told:
        return f"what answers at {url} does not speak TLS as it should: {told}; is it a server of http://?"
    if isinstance(error, httpx.RemoteProtocolError | httpx.ReadError | httpx.DecodingError):
        return f"what answers at {url} breaks off, or does not speak HTTP: {told}; is it a server of https://?"
    if isinstance(error, httpx.ConnectError):
        way = ", asked through the proxy that the environment names" if _has_proxy(url) else ""
        return (
            f"no server answers at {url}{way} ({told}); start one with `phaselab serve`, or name another with --url or"
            " PHASELAB_URL"
        )
    return f"{url} cannot be asked: {told}"


def _has_proxy(url: str) -> bool:
    """Whether the environment names a proxy for this address."""
    address = httpx.URL(url)
    proxies = urllib.request.getproxies()
    named = address.scheme in proxies or "all" in proxies
    return named and not _is_here(address.host) and not urllib.request.proxy_bypass(address.host)


def _checked(answer: httpx.Response) -> httpx.Response:
    """The answer if it is a good one; raises what its problem tells otherwise."""
    if answer.is_success:
        return answer
    if answer.is_redirect:
        raise _moved(answer)
    try:
        problem = answer.json()
    except (ValueError, RecursionError):
        problem = None
    raise from_problem(answer.status_code, problem)


def _moved(answer: httpx.Response) -> PhaselabError:
    where = answer.headers.get("location", "")
    return BadAnswer(f"{answer.url} sends elsewhere ({answer.status_code}), to {where!r}; name that server with --url")
