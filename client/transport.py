"""HTTP to one server: every failure becomes an error of the tree."""

import functools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO

import httpx

from phaselab.client.errors import BadAnswer, PhaselabError, Unreachable, from_problem

PREFIX = "/api/v1"
ATTEMPTS = 3
"""How often a call that may safely be repeated is tried when the connection breaks or the server is busy."""

PIECE = 1 << 20
"""Bytes of a file that are sent at a time."""

Parameters = Sequence[tuple[str, str]]


class Transport:
    """Requests under /api/v1 of one server."""

    def __init__(self, url: str, token: str | None = None, transport: httpx.BaseTransport | None = None) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.url = url.rstrip("/")
        try:
            self._http = httpx.Client(base_url=self.url, headers=headers, timeout=60.0, transport=transport)
        except (httpx.InvalidURL, ValueError) as error:
            raise Unreachable(f"{url!r} is no URL: {error}") from None

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def get(self, path: str, parameters: Parameters = ()) -> httpx.Response:
        """GET; repeated when the connection breaks."""
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

    def upload(self, path: str, file: BinaryIO, kind: str, timeout: float = 3600.0) -> httpx.Response:
        """POST a file of a media type, read piece by piece."""
        pieces = iter(functools.partial(file.read, PIECE), b"")
        headers = {"Content-Type": kind}
        return self._once(lambda: self._http.post(PREFIX + path, content=pieces, headers=headers, timeout=timeout))

    @contextmanager
    def stream(
        self, path: str, headers: Mapping[str, str] | None = None, timeout: float = 60.0
    ) -> Iterator[httpx.Response]:
        """An answer that is read while it comes."""
        try:
            with self._http.stream("GET", PREFIX + path, headers=dict(headers or {}), timeout=timeout) as answer:
                if answer.is_error:
                    answer.read()
                yield _checked(answer)
        except httpx.TransportError as error:
            raise self._unreachable(error) from None

    def _repeat(self, request: Callable[[], httpx.Response]) -> httpx.Response:
        for attempt in range(1, ATTEMPTS):
            try:
                answer = request()
            except (httpx.ReadError, httpx.RemoteProtocolError):
                pass
            except httpx.TransportError as error:
                raise self._unreachable(error) from None
            else:
                if answer.status_code != 503:
                    return _checked(answer)
            time.sleep(0.4 * attempt)
        return self._once(request)

    def _once(self, request: Callable[[], httpx.Response]) -> httpx.Response:
        try:
            return _checked(request())
        except httpx.TransportError as error:
            raise self._unreachable(error) from None

    def _unreachable(self, error: httpx.TransportError) -> PhaselabError:
        if isinstance(error, httpx.UnsupportedProtocol):
            return Unreachable(f"{self.url!r} is no URL of a server; it begins with http:// or https://")
        if isinstance(error, httpx.TimeoutException):
            return Unreachable(f"the server at {self.url} does not answer in time")
        return Unreachable(
            f"no server answers at {self.url}; start one with `phaselab serve`, or name another with --url"
            " or PHASELAB_URL"
        )


def _checked(answer: httpx.Response) -> httpx.Response:
    """The answer if it is a good one; raises what its problem tells otherwise."""
    if answer.is_success:
        return answer
    try:
        problem = answer.json()
    except ValueError:
        problem = None
    raise from_problem(answer.status_code, problem)


def json_of(answer: httpx.Response) -> Any:
    """The JSON value of an answer. Raises BadAnswer."""
    try:
        return answer.json()
    except ValueError:
        raise BadAnswer(f"{answer.url} answers, but not in JSON; is it a Phaselab server?") from None
