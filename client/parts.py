"""The parts of an installation: `pip install phaselab` is the client and the command line, `phaselab[server]` and
`phaselab[worker]` bring what serves and what computes."""

import re
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, distribution, requires

from phaselab.client.errors import PartMissing

_OF_A_PART = re.compile(r"([\w.-]+).*;\s*extra == ['\"]([\w-]+)['\"]")


def check_parts(what: str, parts: Sequence[str]) -> None:
    """Raises PartMissing unless everything is installed that these parts of the package name."""
    lacking = [part for part in parts if _lacks(part)]
    if lacking:
        words = " and the ".join(lacking) + (" part" if len(lacking) == 1 else " parts")
        raise PartMissing(f"{what} needs the {words}: pip install 'phaselab[{','.join(lacking)}]'")


def _lacks(part: str) -> bool:
    found = (_OF_A_PART.match(line) for line in _requirements())
    return not all(_is_installed(one[1]) for one in found if one is not None and one[2] == part)


def _requirements() -> Sequence[str]:
    try:
        return requires("phaselab") or ()
    except PackageNotFoundError:  # run from its source, by someone who knows what it needs
        return ()


def _is_installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True
