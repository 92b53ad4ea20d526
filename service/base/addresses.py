"""Addresses: which are this machine's own, and which the service may send to."""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote

_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::(?P<port>\d{1,5}))?"
    r"(?P<path>/[\w.~!$&'()*+,;=:@%/-]*)?(?P<query>\?[!$-\[\]-~]*)?",
    re.ASCII | re.IGNORECASE,
)
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class _Address:
    """An address, taken apart. `path` is without the slash at its end."""

    scheme: str
    host: str
    port: int
    path: str
    query: str


def is_loopback(host: str) -> bool:
    """Whether an address or name is this machine's own, which no other can reach."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_prefix(prefix: str) -> bool:
    """Whether addresses can be allowed by this prefix: https, or http to this machine; a host, perhaps a path."""
    address = _parse(prefix)
    return address is not None and not address.query


def is_allowed(url: str, prefixes: Sequence[str]) -> bool:
    """Whether a URL is one of the prefixes or under it: same scheme, host and port, and a path that begins with whole
    parts of the prefix's. What is not plainly a URL (a user, a fragment, dots that climb) is not."""
    address = _parse(url)
    return address is not None and any(_is_under(address, _parse(prefix)) for prefix in prefixes)


def origin_of(url: str) -> str:
    """Scheme, host and port of an address: what may be told of one whose path or query is a secret, as a webhook's."""
    address = _parse(url)
    return "an address that is none" if address is None else f"{address.scheme}://{address.host}:{address.port}"


def _is_under(address: _Address, prefix: _Address | None) -> bool:
    if prefix is None:
        return False
    same = (address.scheme, address.host, address.port) == (prefix.scheme, prefix.host, prefix.port)
    return same and f"{address.path}/".startswith(f"{prefix.path}/")


def _parse(url: str) -> _Address | None:
    """The address; None for what is not https, nor http to this machine, or not plainly a URL."""
    found = _URL.fullmatch(url)
    if found is None:
        return None
    scheme, host = found["scheme"].lower(), found["host"].lower()
    path = found["path"] or ""
    plain = unquote(path)
    climbs = "\\" in plain or any(part in (".", "..") for part in plain.split("/"))
    if climbs or "%2f" in path.lower() or (scheme == "http" and not is_loopback(host.strip("[]"))):
        return None
    return _Address(scheme, host, int(found["port"] or _PORTS[scheme]), path.rstrip("/"), found["query"] or "")
