import pytest

from phaselab.service.base.addresses import is_allowed, is_prefix

PREFIXES = ("https://hooks.lab.example/phaselab", "http://127.0.0.1:9000", "https://other.example:8443/")


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.lab.example/phaselab",
        "https://hooks.lab.example/phaselab/",
        "https://HOOKS.lab.example:443/phaselab/ada?when=end&x=%20",
        "http://127.0.0.1:9000",
        "http://127.0.0.1:9000/any/thing",
        "https://other.example:8443/x",
    ],
)
def test_what_is_under_a_prefix_is_allowed(url: str) -> None:
    assert is_allowed(url, PREFIXES)


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.lab.example/phaselab",
        "https://hooks.lab.example/",
        "https://hooks.lab.example/phaselab2",
        "https://hooks.lab.example.evil.example/phaselab",
        "https://hooks.lab.example@evil.example/phaselab",
        "https://evil.example\\@hooks.lab.example/phaselab",
        "https://hooks.lab.example/phaselab/../admin",
        "https://hooks.lab.example/phaselab/%2e%2e/admin",
        "https://hooks.lab.example/phaselab/..%2fadmin",
        "https://hooks.lab.example/phaselab#x",
        "https://hooks.lab.example:8443/phaselab",
        "http://127.0.0.1:9001",
        "http://127.0.0.1:90000",
        "http://localhost:9000",
        "ftp://127.0.0.1:9000",
        "https://hooks.lab.example/phaselab x",
        "https://hooks.lab.example/phaselab\n",
        "file:///etc/passwd",
        "",
    ],
)
def test_what_is_not_is_refused(url: str) -> None:
    assert not is_allowed(url, PREFIXES)


def test_without_a_prefix_nothing_is_allowed() -> None:
    assert not is_allowed("https://hooks.lab.example/phaselab", ())


@pytest.mark.parametrize("prefix", ["http://lab.example", "https://", "lab.example", "https://lab.example/?a=b", "*"])
def test_what_cannot_be_a_prefix(prefix: str) -> None:
    assert not is_prefix(prefix)


@pytest.mark.parametrize("prefix", ["https://lab.example", "http://localhost:1", "http://[::1]:1/a", *PREFIXES])
def test_what_can_be_a_prefix(prefix: str) -> None:
    assert is_prefix(prefix)
