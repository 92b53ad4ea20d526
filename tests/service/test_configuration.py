from pathlib import Path

import pytest

from phaselab.service.base.configuration import Configuration, ConfigurationError, load_configuration


def test_defaults_need_nothing(tmp_path: Path) -> None:
    assert load_configuration({}, tmp_path) == Configuration()


def test_the_file_is_overruled_by_the_environment_and_that_by_arguments(tmp_path: Path) -> None:
    (tmp_path / "phaselab.toml").write_text('port = 9000\nmax_runs = 10\nhost = "::1"\n')
    configuration = load_configuration(
        {"PHASELAB_PORT": "9001", "PHASELAB_MAX_RUNS": "  "}, tmp_path, port=9002, host=None
    )
    assert (configuration.port, configuration.max_runs, configuration.host) == (9002, 10, "::1")


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"PHASELAB_PORT": "http"}, ["PHASELAB_PORT", "integer", "'http'", "Port the api listens on"]),
        ({"PHASELAB_TRIAL_CPUS": "0"}, ["PHASELAB_TRIAL_CPUS", "greater than 0"]),
        ({"PHASELAB_REQUIRE_ACCOUNTS": "perhaps"}, ["PHASELAB_REQUIRE_ACCOUNTS", "boolean", "token"]),
        ({"PHASELAB_NOTIFY_ALLOW": "https://lab.example"}, ["PHASELAB_NOTIFY_ALLOW", "set notify_secret too"]),
        ({"PHASELAB_NOTIFY_ALLOW": "http://lab.example"}, ["PHASELAB_NOTIFY_ALLOW", "'http://lab.example'", "https"]),
        ({"PHASELAB_NOTIFY_SECRET": "short"}, ["PHASELAB_NOTIFY_SECRET", "16"]),
        ({"PHASELAB_CONFIG": "/nowhere/phaselab.toml"}, ["PHASELAB_CONFIG", "/nowhere/phaselab.toml"]),
    ],
)
def test_a_bad_variable_is_named_with_the_remedy(tmp_path: Path, variables: dict[str, str], said: list[str]) -> None:
    with pytest.raises(ConfigurationError) as told:
        load_configuration(variables, tmp_path)
    for word in said:
        assert word in str(told.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("prot = 1", ["prot", "unknown setting", "port"]),
        ("port = -1", ["port", "phaselab.toml", "greater than or equal to 0"]),
        ("port 1", ["phaselab.toml", "not a TOML file"]),
    ],
)
def test_a_bad_file_is_named_with_the_remedy(tmp_path: Path, text: str, said: list[str]) -> None:
    (tmp_path / "phaselab.toml").write_text(text)
    with pytest.raises(ConfigurationError) as told:
        load_configuration({}, tmp_path)
    for word in said:
        assert word in str(told.value)


def test_allowed_addresses_come_as_a_list_or_as_words(tmp_path: Path) -> None:
    words = {"PHASELAB_NOTIFY_ALLOW": "https://a.example, http://localhost:1", "PHASELAB_NOTIFY_SECRET": "s" * 16}
    (tmp_path / "phaselab.toml").write_text('notify_allow = ["https://a.example", "http://localhost:1"]\n')
    from_words = load_configuration(words, tmp_path / "elsewhere")
    assert from_words.notify_allow == ("https://a.example", "http://localhost:1")
    assert load_configuration({"PHASELAB_NOTIFY_SECRET": "s" * 16}, tmp_path) == from_words


def test_no_secret_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as told:
        load_configuration({"PHASELAB_NOTIFY_SECRET": "tell-nobody"}, tmp_path)
    assert "tell-nobody" not in str(told.value)
    assert "s" * 16 not in repr(load_configuration({"PHASELAB_NOTIFY_SECRET": "s" * 16}, tmp_path))


def test_every_setting_says_what_it_is() -> None:
    assert [name for name, field in Configuration.model_fields.items() if not field.description] == []


def test_the_operations_page_lists_every_setting_with_its_meaning_and_default() -> None:
    page = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
    for name, field in Configuration.model_fields.items():
        default = "" if field.default in (None, "") else f"`{field.default}`"
        meaning = " ".join((field.description or "").split())
        assert f"| `PHASELAB_{name.upper()}` | {default} | {meaning} |" in page


def test_what_kubernetes_sets_beside_a_service_called_phaselab_is_no_port(tmp_path: Path) -> None:
    assert load_configuration({"PHASELAB_PORT": "tcp://10.0.0.7:8000"}, tmp_path).port == 8000


PROVIDER = {
    "PHASELAB_OIDC_ISSUER": "https://id.example.org/realms/lab",
    "PHASELAB_OIDC_CLIENT_ID": "phaselab",
    "PHASELAB_OIDC_CLIENT_SECRET": "tell-nobody",
}
MISFITS: dict[str, tuple[dict[str, str], str]] = {
    "no client": ({"PHASELAB_OIDC_CLIENT_ID": ""}, "set PHASELAB_OIDC_CLIENT_ID too"),
    "no secret": (
        {"PHASELAB_OIDC_CLIENT_SECRET": ""},
        "set PHASELAB_OIDC_CLIENT_SECRET or PHASELAB_OIDC_CLIENT_SECRET",
    ),
    "two secrets": ({"PHASELAB_OIDC_CLIENT_SECRET_FILE": "x"}, "one of the two"),
    "no provider": ({"PHASELAB_OIDC_ISSUER": ""}, "PHASELAB_OIDC_CLIENT_ID is set, and no provider"),
    "in the clear": ({"PHASELAB_OIDC_ISSUER": "http://id.example.org"}, "PHASELAB_OIDC_ISSUER: it is no https"),
    "no address": ({"PHASELAB_OIDC_ISSUER": "keycloak"}, "PHASELAB_OIDC_ISSUER: it is no https"),
    "for whom": ({"PHASELAB_OIDC_NEW_ACCOUNTS": "member"}, "set PHASELAB_OIDC_ALLOW too"),
    "what role": ({"PHASELAB_OIDC_NEW_ACCOUNTS": "admin", "PHASELAB_OIDC_ALLOW": "*"}, "PHASELAB_OIDC_NEW_ACCOUNTS: "),
    "no identity": ({"PHASELAB_OIDC_SCOPES": "profile"}, "PHASELAB_OIDC_SCOPES has to hold openid"),
    "for ever": ({"PHASELAB_OIDC_LOGIN_HOURS": "1e9"}, "PHASELAB_OIDC_LOGIN_HOURS: "),
}


@pytest.mark.parametrize("misfit", MISFITS)
def test_half_of_the_settings_of_single_sign_on_are_told_plainly(tmp_path: Path, misfit: str) -> None:
    changes, words = MISFITS[misfit]
    with pytest.raises(ConfigurationError) as told:
        load_configuration(PROVIDER | changes, tmp_path)
    assert words in str(told.value)
    assert "tell-nobody" not in str(told.value)


def test_the_secret_of_single_sign_on_is_in_a_file_or_in_the_environment_and_told_to_nobody(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    named = PROVIDER | {"PHASELAB_OIDC_CLIENT_SECRET": "", "PHASELAB_OIDC_CLIENT_SECRET_FILE": str(file)}
    with pytest.raises(ConfigurationError, match="secret cannot be read: No such file"):
        load_configuration(named, tmp_path)
    file.write_text("\n")
    with pytest.raises(ConfigurationError, match="is empty"):
        load_configuration(named, tmp_path)
    file.write_text("tell-nobody\n")
    for variables in (PROVIDER, named):
        configuration = load_configuration(variables, tmp_path)
        assert configuration.sign_on is not None
        assert configuration.sign_on.secret == "tell-nobody"
        assert configuration.sign_on.name == "id.example.org"
        assert "tell-nobody" not in repr(configuration) + repr(configuration.sign_on)
    assert load_configuration({}, tmp_path).sign_on is None
    assert load_configuration(PROVIDER | {"PHASELAB_OIDC_CLIENT_ID": ""}, tmp_path, ["port"]).sign_on is None
