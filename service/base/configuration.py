"""Configuration of the service: `phaselab.toml` in the current directory, then `PHASELAB_*` environment variables."""

import os
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from phaselab.domain.settings.faults import OperatorFault, plain_words
from phaselab.domain.specs.points import LIMITS, Limits
from phaselab.service.base.addresses import is_prefix
from phaselab.service.base.sign_on_settings import SignOn, misfit, sign_on_of

PREFIX = "PHASELAB_"
CONFIG_FILE = "phaselab.toml"
_SECRET = ("notify_secret", "oidc_client_secret")
"""Keys whose values no message tells."""


class ConfigurationError(OperatorFault):
    """What configures the service cannot be used; the message names the key and what would be right."""


def _listed(value: object) -> object:
    """A list as it is written in an environment variable: parts with spaces or commas between them."""
    return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value


@dataclass(frozen=True)
class Quotas:
    """How much an account may ask for, have and compute; null: no limit."""

    runs_each: int | None = None
    runs_queued: int | None = None
    seconds_a_day: float | None = None
    bytes_stored: int | None = None


NO_QUOTAS = Quotas()


class Configuration(BaseModel):
    """How the service runs. In `phaselab.toml` a key is a field's name; in the environment it is PHASELAB_ and the
    name in capitals. The environment wins."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)

    database_url: str = Field("sqlite:///var/phaselab.db", min_length=1, repr=False)
    """SQLAlchemy address of the database; a relative SQLite path is under the current directory."""
    host: str = Field("127.0.0.1", min_length=1)
    """Address the api listens on; while there is no account, one of this machine's own (127.0.0.1, ::1)."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    """Port the api listens on; 0 takes a free one."""
    root_path: Annotated[str, Field(pattern=r"^(/[A-Za-z0-9._~-]+)*$")] = ""
    """Path under which a proxy publishes the service, such as /phaselab; left out, the whole host is its own."""
    require_accounts: bool = False
    """`true`: every call needs an account's token even while there is no account, so any host may be listened on."""
    max_runs: Annotated[int, Field(ge=1)] = LIMITS.runs
    """Most runs of one experiment."""
    max_points: Annotated[int, Field(ge=1)] = LIMITS.points
    """Most points of one experiment: planning takes about 80 microseconds and 5 kB a point."""
    max_body_bytes: Annotated[int, Field(ge=1024)] = 1_000_000
    """Largest request body, bytes."""
    max_import_bytes: Annotated[int, Field(ge=1024)] = 1_000_000_000
    """Largest file of an experiment that is read in, bytes."""
    import_trusted: Annotated[tuple[str, ...], BeforeValidator(_listed)] = ()
    """Accounts whose imported results stand for everyone, as if computed here; several with spaces."""
    heavy_requests: Annotated[int, Field(ge=1)] = 4
    """Requests that may cost much (submissions, answers, pictures, tables) worked on at a time; others wait."""
    max_connections: Annotated[int, Field(ge=1)] = 1000
    """Most connections to the api at a time."""
    header_seconds: Annotated[float, Field(gt=0)] = 10.0
    """Longest time that a connection may take for the head of a request."""
    body_seconds: Annotated[float, Field(gt=0)] = 20.0
    """Longest time that a body may take; large ones get what they need at 10 kB a second on top."""
    read_seconds: Annotated[float, Field(gt=0)] = 30.0
    """Longest time that a client may take without reading on (1 kB a second); then its connection ends."""
    drain_seconds: Annotated[float, Field(ge=0)] = 30.0
    """Longest time that an api which is to end goes on answering who is connected; it takes 5 s where nobody asks."""
    max_streams: Annotated[int, Field(ge=1)] = 200
    """Most streams of events at a time. A browser's pages hold two at most."""
    max_streams_each: Annotated[int, Field(ge=1)] = 50
    """Most streams of events of one account at a time."""
    requests_a_minute: Annotated[int, Field(ge=1)] | None = None
    """Most requests of one account in a minute, to each api process; left out, no limit."""
    runs_each: Annotated[int, Field(ge=0)] | None = None
    """Most runs of one experiment of an account that has no quota of its own; left out, no limit, as below."""
    runs_queued: Annotated[int, Field(ge=0)] | None = None
    """Most runs of such an account that may wait."""
    seconds_a_day: Annotated[float, Field(ge=0)] | None = None
    """Most computing seconds of such an account in 24 hours; then its runs wait."""
    bytes_stored: Annotated[int, Field(ge=0)] | None = None
    """Most bytes of results of such an account."""
    ray_address: str | None = None
    """`host:port` of an existing Ray cluster, of which this machine is a node; left out, Ray is started here."""
    cpus: Annotated[int, Field(ge=1)] | None = None
    """CPUs of the Ray that is started here; left out, every CPU this process may use."""
    trial_cpus: Annotated[float, Field(gt=0)] = 1.0
    """CPUs a trial holds; its computing threads are as many."""
    trial_gpus: Annotated[float, Field(ge=0)] = 0.0
    """Share of a GPU that a trial holds; above 0 it computes there."""
    max_trials: Annotated[int, Field(ge=1)] | None = None
    """Most trials at a time; left out, as many as the CPUs and GPUs hold."""
    owner_trials: Annotated[int, Field(ge=1)] | None = None
    """Most trials that work for one owner at a time; left out, no limit."""
    stack_seconds: Annotated[float, Field(gt=0, le=600)] = 1.0
    """Computing time that a stack is cut to."""
    stack_limit_seconds: Annotated[float, Field(gt=0)] = 7200.0
    """A worker that computes longer than this on one stack is taken for stuck, and killed."""
    lease_seconds: Annotated[float, Field(ge=5)] = 60.0
    """How long a run stays handed out without a sign of life from the scheduler."""
    leader_seconds: Annotated[float, Field(ge=2)] = 30.0
    """How long the leader lock outlives a scheduler that has gone silent on another machine."""
    idle_seconds: Annotated[float, Field(ge=0)] = 60.0
    """How long trials wait for more work before they give their CPUs back."""
    use_half_life_seconds: Annotated[float, Field(gt=0)] = 3600.0
    """Time after which an owner's past use counts half in the fair share."""
    compute: Annotated[str, Field(pattern=r"^[\w.]+:\w+$")] = "phaselab.workers.trial.computing:ready"
    """`module:function`, installed or on PYTHONPATH, that makes the computing code of a trial ready; another one must
    keep the same contract."""
    notify_secret: Annotated[SecretStr, Field(min_length=16)] | None = None
    """Secret that signs what is sent to the addresses that specs name in `notify`, at least 16 characters."""
    notify_allow: Annotated[tuple[str, ...], BeforeValidator(_listed)] = ()
    """Addresses that a spec's `notify` may name, or be under: https, or http to this machine; several with spaces."""
    retain_archived_days: Annotated[float, Field(gt=0)] | None = None
    """Days after their end, and after all that was done to them, when archived experiments may go by `phaselab db
    retain`; left out, never, as below."""
    retain_runs_days: Annotated[float, Field(gt=0)] | None = None
    """Days after which runs may go that no experiment has."""
    retain_tokens_days: Annotated[float, Field(gt=0)] | None = None
    """Days after which tokens may go that have run out."""
    retain_audit_days: Annotated[float, Field(gt=0)] | None = None
    """Days after which notes of the audit may go, once they are written to a file."""
    log_level: Annotated[str, Field(pattern="^(DEBUG|INFO|WARNING|ERROR)$")] = "WARNING"
    """Least severity that is written to standard error."""

    oidc_issuer: str | None = None
    """Address of the OpenID Connect provider where people log in (single sign-on), as it calls itself: https, or http
    to this machine; left out, they log in by token alone."""
    oidc_client_id: str | None = None
    """What that provider calls this service."""
    oidc_client_secret: SecretStr | None = None
    """Secret by which that provider knows this service."""
    oidc_client_secret_file: str | None = None
    """File that holds that secret instead."""
    oidc_name: str | None = None
    """What the login page calls that provider; left out, its host."""
    oidc_scopes: Annotated[tuple[str, ...], BeforeValidator(_listed)] = ("openid", "profile", "email")
    """Scopes that are asked for; several with spaces."""
    oidc_account_claim: str = "preferred_username"
    """Claim that names the account which is made for somebody; `email` only where it is verified."""
    oidc_groups_claim: str = "groups"
    """Claim that lists somebody's groups."""
    oidc_allow: Annotated[tuple[str, ...], BeforeValidator(_listed)] = ()
    """Groups, and @domains of verified addresses, of which one lets somebody in by that provider; `*`: everyone whom it
    knows; left out: everyone whose account is linked. Several with spaces."""
    oidc_new_accounts: Literal["reader", "member"] | None = None
    """Role of the account that is made when somebody of `oidc_allow` logs in first; left out, none is made."""
    oidc_admins: Annotated[tuple[str, ...], BeforeValidator(_listed)] = ()
    """Groups whose members are admins, and of those who log in by that provider nobody else; several with spaces."""
    oidc_login_hours: Annotated[float, Field(gt=0, le=720)] = 12.0
    """Hours that a login by that provider is good: so long after it shuts somebody out, who is in comes in."""

    @property
    def needs_accounts(self) -> bool:
        """Whether every call needs an account, even while there is none."""
        return self.require_accounts or self.oidc_issuer is not None

    @property
    def sign_on(self) -> SignOn | None:
        """Of people at a provider; None where there is none. Raises ValueError for a file without a secret."""
        return sign_on_of(self._of_oidc())

    def _of_oidc(self) -> dict[str, Any]:
        return {name.removeprefix("oidc_"): value for name, value in self if name.startswith("oidc_")}

    @property
    def limits(self) -> Limits:
        """Of experiments."""
        return Limits(self.max_points, self.max_runs)

    @property
    def quotas(self) -> Quotas:
        """Of accounts that have none of their own."""
        return Quotas(self.runs_each, self.runs_queued, self.seconds_a_day, self.bytes_stored)

    @field_validator("notify_allow")
    @classmethod
    def _can_be_notified(cls, prefixes: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        for prefix in prefixes:
            if not is_prefix(prefix):
                raise ValueError(f"{prefix!r} is no https://host/path, nor http:// to this machine")
        if prefixes and "notify_secret" in info.data and info.data["notify_secret"] is None:
            raise ValueError("set notify_secret too, for what is sent is signed")
        return prefixes

    @field_validator("oidc_issuer")
    @classmethod
    def _is_an_issuer(cls, issuer: str | None) -> str | None:
        if issuer is not None and not is_prefix(issuer):
            raise ValueError("it is no https://host/path, nor http:// to this machine")
        return issuer

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        detail = misfit(self._of_oidc())
        if detail is not None:
            raise ValueError(detail)
        self.sign_on  # noqa: B018 - the secret is there when it is needed
        return self


def load_configuration(
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    needed: Collection[str] | None = None,
    **given: Any,
) -> Configuration:
    """The configuration: defaults, then `phaselab.toml` in `folder` (or the file PHASELAB_CONFIG names), then the
    environment, then `given` (those not None). Only settings that are `needed` are read, when it is said which are: the
    others keep their defaults, and stop nothing. Raises ConfigurationError."""
    variables = os.environ if environment is None else environment
    values, origins = _from_file(variables, Path.cwd() if folder is None else folder)
    for name in Configuration.model_fields:
        text = variables.get(PREFIX + name.upper())
        if text is not None and text.strip() and not _of_kubernetes(name, text):
            values[name], origins[name] = text.strip(), PREFIX + name.upper()
    for name, value in given.items():
        if value is not None:
            values[name], origins[name] = value, f"--{name.replace('_', '-')}"
    if needed is not None:
        values = {name: value for name, value in values.items() if name in needed}
    try:
        return Configuration.model_validate(values)
    except ValidationError as error:
        raise ConfigurationError("; ".join(_plain(dict(entry), origins) for entry in error.errors())) from None


def _of_kubernetes(name: str, text: str) -> bool:
    """Whether a variable is none of ours: Kubernetes sets PHASELAB_PORT=tcp://... beside a service called phaselab."""
    return name == "port" and text.strip().startswith(("tcp://", "udp://", "sctp://"))


def _from_file(variables: Mapping[str, str], folder: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """The values of the configuration file, and where each came from."""
    named = variables.get(PREFIX + "CONFIG")
    path = Path(named) if named else folder / CONFIG_FILE
    if not path.is_file():
        if named:
            raise ConfigurationError(f"{PREFIX}CONFIG: there is no file {named}; name one, or unset the variable")
        return {}, {}
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:  # no TOML, no UTF-8, thousands of digits, thousands of brackets
        raise ConfigurationError(f"{path}: not a TOML file: {error}") from None
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror or type(error).__name__}") from None
    return values, {name: f"{name} in {path}" for name in values}


def _plain(error: Mapping[str, Any], origins: Mapping[str, str]) -> str:
    """One of pydantic's errors, naming the variable or key that is at fault and the remedy."""
    if not error["loc"]:  # of several together
        return plain_words(str(error["msg"]))
    name = str(error["loc"][0])
    origin = origins.get(name, name)
    if error["type"] == "extra_forbidden":
        return f"{origin}: unknown setting; known: {', '.join(Configuration.model_fields)}"
    meaning = Configuration.model_fields[name].description or ""
    given = "" if name in _SECRET else f", not {error.get('input')!r}"
    return f"{origin}: {plain_words(str(error['msg']))}{given}. It is: {' '.join(meaning.split())}"
