"""What can go wrong, as one tree:

PhaselabError
├── Unreachable        no server answers at the URL
├── BadAnswer          something answers, but not a Phaselab server of this version
├── ServerError        the server failed (5xx); what was sent may be right
├── PartMissing        what was asked for is in a part of the package that is not installed
└── Refused            the server refused what was sent (4xx)
    ├── Invalid        it cannot be used (400, 413, 415, 422); `faults` tells every place
    ├── NotFound       there is no such experiment, run or address (404)
    ├── Conflict       it does not go with what is there (409)
    ├── ChangedSince   somebody has changed what was to be changed (412)
    ├── TooMany        the account asks too often (429)
    └── Unauthorized   the token is missing, wrong or not enough (401, 403)
        └── QuotaExceeded   the account has used up what it may (403); the text says until when
"""

from collections.abc import Sequence
from typing import Any

from phaselab.domain.settings.faults import Fault


class PhaselabError(Exception):
    """The base of every error of the client; its text says what is wrong in plain words."""


class Unreachable(PhaselabError):
    """No server answers at the URL."""


class BadAnswer(PhaselabError):
    """Something answers, but not a Phaselab server of this version."""


class ServerError(PhaselabError):
    """The server failed; what was sent may be right."""


class PartMissing(PhaselabError):
    """What was asked for is in a part of the package that is not installed; the text names it."""


class Refused(PhaselabError):
    """The server refused what was sent; `faults` holds every place at fault."""

    def __init__(self, detail: str, status: int, faults: Sequence[Fault] = ()) -> None:
        self.detail = detail
        self.status = status
        self.faults = tuple(faults)
        super().__init__(detail)

    def __str__(self) -> str:
        lines = [f"{_place(fault)}: {fault.detail}" for fault in self.faults]
        return "\n".join(lines) if lines else self.detail


class Invalid(Refused):
    """What was sent cannot be used."""


class NotFound(Refused):
    """There is no such experiment, run or address."""


class Conflict(Refused):
    """What was sent does not go with what is there."""


class ChangedSince(Refused):
    """Somebody has changed what was to be changed since it was read; the text says which edition it is now."""


class Unauthorized(Refused):
    """The token is missing, wrong or not enough."""


class QuotaExceeded(Unauthorized):
    """The account has used up what it may ask for, have or compute; the text says until when."""


class TooMany(Refused):
    """The account asks more often than it may, or follows too many experiments."""


_QUOTA = "urn:phaselab:problem:quota-exceeded"
_KINDS: dict[int, type[Refused]] = {401: Unauthorized, 403: Unauthorized, 404: NotFound, 409: Conflict, 429: TooMany}
_KINDS |= {412: ChangedSince}
_KINDS |= dict.fromkeys((400, 406, 413, 415, 422), Invalid)


def from_problem(status: int, problem: Any) -> PhaselabError:
    """The error that a problem+json answer tells."""
    if not isinstance(problem, dict) or "detail" not in problem:
        hint = "is it a Phaselab server, and is there a proxy on the way?"
        return BadAnswer(f"the server answered {status} without saying why; {hint}")
    detail = str(problem["detail"])
    if status >= 500:
        return ServerError(f"the server failed: {detail}")
    kind = QuotaExceeded if problem.get("type") == _QUOTA else _KINDS.get(status, Refused)
    return kind(detail, status, _faults(problem.get("errors")))


def _faults(entries: Any) -> list[Fault]:
    told = [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    return [Fault(str(one.get("pointer", "")), str(one.get("detail", "")), _line(one.get("line"))) for one in told]


def _line(told: Any) -> int | None:
    return told if isinstance(told, int) and not isinstance(told, bool) else None


def _place(fault: Fault) -> str:
    """Where a fault is, as a person looks for it."""
    line = "" if fault.line is None else f"line {fault.line}"
    return ", ".join(filter(None, (line, fault.pointer))) or "(whole)"
