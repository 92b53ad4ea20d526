"""Providers of OpenID Connect as processes: one that comes with the tests, and one that is certified (`make oidc`)."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
from playwright.sync_api import Page

CLIENT, SECRET = "phaselab", "a secret that the client and the provider share"
ADA = {"sub": "7f3a-1", "preferred_username": "ada", "groups": ["lab"]}
FOLDER = os.environ.get("PHASELAB_OIDC_PROVIDER")
"""Where npm has put `oidc-provider`, if it has."""


@dataclass(frozen=True)
class Kind:
    """A provider: the command that runs it at a port, for a redirect address; what somebody does on its pages to log
    in, and to think better of it; and the scopes by which it tells of groups."""

    command: Callable[[int, str], list[str]]
    logs_in: Callable[[Page], None]
    denies: Callable[[Page], None]
    scopes: tuple[str, ...] = ("openid", "profile", "email")


def _mock(port: int, redirect: str) -> list[str]:
    return [sys.executable, "-P", "-m", "oidc_provider_mock", "--port", str(port), "--user-claims", json.dumps(ADA)]


def _certified(port: int, redirect: str) -> list[str]:
    client = {"client_id": CLIENT, "client_secret": SECRET, "redirect_uris": [redirect]}
    script = Path(__file__).with_name("certified_provider.mjs")
    return ["node", str(script), str(FOLDER), str(port), json.dumps(client), json.dumps(ADA)]


def _types_its_name(page: Page) -> None:
    page.get_by_placeholder("Enter any login").fill(ADA["sub"])  # type: ignore[arg-type]
    page.get_by_placeholder("and password").fill("whatever")
    page.get_by_role("button", name="Sign-in").click()
    page.get_by_role("button", name="Continue").click()


KINDS: Mapping[str, Kind] = {
    "mock": Kind(
        _mock,
        lambda page: page.get_by_role("button", name=str(ADA["sub"])).click(),
        lambda page: page.get_by_role("button", name="Deny").click(),
    ),
    "certified": Kind(
        _certified,
        _types_its_name,
        lambda page: page.get_by_role("link", name="Cancel").click(),
        ("openid", "profile", "groups"),
    ),
}


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


@contextmanager
def running(command: list[str], issuer: str) -> Iterator[None]:
    """A provider, while the block lasts."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        try:
            until = time.monotonic() + 60
            while not _answers(issuer):
                assert process.poll() is None, process.stderr and process.stderr.read()
                assert time.monotonic() < until, "the provider does not start"
                time.sleep(0.1)
            yield
        finally:
            process.kill()


def _answers(issuer: str) -> bool:
    with suppress(httpx.HTTPError):
        return httpx.get(f"{issuer}/.well-known/openid-configuration", timeout=5).status_code == 200
    return False
