from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from pydantic_settings import SettingsConfigDict

from fastapi_esdb.errors import InvalidConnectionString, InvalidSettings
from fastapi_esdb.settings.choices import AppendMode, NodePreference
from fastapi_esdb.settings.connection_string import ConnectionString
from fastapi_esdb.settings.model import EsdbSettings

DEFAULTS = {
    "connection_string": None,
    "embedded": False,
    "username": None,
    "password": None,
    "allow_insecure_credentials": False,
    "pool_size": 2,
    "max_connections": 16,
    "max_streams": 80,
    "idle_timeout": 60.0,
    "retry_interval": 0.5,
    "retry_interval_max": 0.5,
    "retry_jitter": 0.0,
    "connect_timeout": 5.0,
    "require_connection": False,
    "start_timeout": 10.0,
    "deadline": None,
    "wait": 0.0,
    "read_preference": None,
    "append_mode": AppendMode.SHARED,
    "retry_unknown": True,
    "read_only": False,
    "health_details": False,
    "control_token": None,
}

SET: list[tuple[str, str, Any]] = [
    ("embedded", "true", True),
    ("allow_insecure_credentials", "true", True),
    ("pool_size", "4", 4),
    ("max_connections", "32", 32),
    ("max_streams", "50", 50),
    ("idle_timeout", "1.5", 1.5),
    ("retry_interval", "0.1", 0.1),
    ("retry_interval_max", "30", 30.0),
    ("retry_jitter", "1", 1.0),
    ("connect_timeout", "2", 2.0),
    ("require_connection", "1", True),
    ("start_timeout", "0.25", 0.25),
    ("deadline", "2.5", 2.5),
    ("wait", "3", 3.0),
    ("read_preference", "Follower", NodePreference.FOLLOWER),
    ("append_mode", "grouped", AppendMode.GROUPED),
    ("retry_unknown", "off", False),
    ("read_only", "yes", True),
    ("health_details", "on", True),
]

BAD = [
    *[("pool_size", text) for text in ("0", "-1", "two", "1.5", "17")],
    *[("max_connections", text) for text in ("0", "x")],
    *[("append_mode", text) for text in ("both", "0")],
    *[("max_streams", text) for text in ("0", "x")],
    *[("idle_timeout", text) for text in ("0", "-1", "x", "inf", "nan")],
    *[("retry_interval", text) for text in ("0", "-1", "x", "inf", "nan", "1e-9", "0.049")],
    *[("retry_interval_max", text) for text in ("0", "0.4", "inf")],
    *[("retry_jitter", text) for text in ("-0.1", "1.1", "nan")],
    *[("connect_timeout", text) for text in ("0", "inf")],
    *[("start_timeout", text) for text in ("0", "inf")],
    *[("deadline", text) for text in ("0", "-1", "inf", "nan", "0.0001", "3000000")],
    *[("wait", text) for text in ("-1", "inf", "nan", "x")],
    *[("control_token", text) for text in ("a b", "é", "a\tb")],
    *[(name, "maybe") for name in ("embedded", "require_connection", "read_only", "health_details")],
]


def own_fields() -> dict[str, Any]:
    """The fields that are no option of the connection string, and their defaults."""
    settings = EsdbSettings()
    return {name: getattr(settings, name) for name in EsdbSettings.__annotations__ if name in EsdbSettings.model_fields}


def test_defaults() -> None:
    """Without any setting, these are the values."""
    assert own_fields() == DEFAULTS


@pytest.mark.parametrize(("name", "text", "value"), SET)
def test_environment(name: str, text: str, value: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """A setting is read from the environment, in any case."""
    monkeypatch.setenv(f"ESDB_{name.upper()}", text)
    assert getattr(EsdbSettings(), name) == value


@pytest.mark.parametrize(("name", "text", "value"), SET)
def test_dotenv(name: str, text: str, value: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """A setting is read from `.env`, below the environment and keyword arguments."""
    Path(".env").write_text(f"ESDB_{name.upper()}={text}\nPOOL_SIZE=9\nESDB_OF_SOMEBODY_ELSE=x\n")
    assert getattr(EsdbSettings(), name) == value
    assert getattr(EsdbSettings(_env_file=None), name) == DEFAULTS[name]
    monkeypatch.setenv(f"ESDB_{name.upper()}", "")
    assert getattr(EsdbSettings(), name) == value


@pytest.mark.parametrize(("name", "text"), BAD)
def test_bad_values(name: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong value is one error that names the setting and its variable, and not the value."""
    monkeypatch.setenv(f"ESDB_{name.upper()}", text)
    with pytest.raises(InvalidSettings, match=rf"^{name} \(ESDB_{name.upper()}\): must ") as caught:
        EsdbSettings()
    assert caught.value.__cause__ is caught.value.__context__ is None
    assert ";" not in str(caught.value)


def test_all_wrong_values_at_once() -> None:
    """Several wrong values are told together."""
    with pytest.raises(InvalidSettings, match=r"^pool_size .*; wait .*; tls .*|^tls .*; pool_size .*; wait .*$"):
        EsdbSettings(pool_size=0, wait=-1, tls="maybe")


def test_unknown_keyword() -> None:
    """A keyword that is no setting is an error that names the nearest one."""
    with pytest.raises(InvalidSettings, match=r"^pol_size is no setting; the nearest one is pool_size$"):
        EsdbSettings(pol_size=3)


def test_growth_of_the_interval() -> None:
    """The interval's bound follows the interval unless it is set, and may not be below it."""
    assert EsdbSettings(retry_interval=2).retry_interval_max == 2
    assert EsdbSettings(retry_interval=2, retry_interval_max=8).retry_interval_max == 8
    with pytest.raises(InvalidSettings, match=r"retry_interval_max .* must not be less than retry_interval"):
        EsdbSettings(retry_interval=2, retry_interval_max=1)


def test_pool_fits_into_its_bound() -> None:
    """More connections at the start than there may be at all is an error."""
    assert EsdbSettings(pool_size=20, max_connections=20).pool_size == 20
    with pytest.raises(InvalidSettings, match=r"pool_size .* must not be more than max_connections"):
        EsdbSettings(pool_size=17)


def test_no_connection_string() -> None:
    """Settings without a connection string can be made; asking what to connect to is an error with an example."""
    settings = EsdbSettings()
    example = r"ESDB_CONNECTION_STRING=esdb://admin:changeit@localhost:2113\?tls=false"
    with pytest.raises(InvalidSettings, match=example):
        _ = settings.target


def test_embedded_is_a_default_only() -> None:
    """`embedded` asks for a server in memory if there is no connection string."""
    assert EsdbSettings(embedded=True).target == ConnectionString("esdb+embedded")
    assert EsdbSettings(embedded=True, connection_string="esdb://a").target.embedded is False
    assert EsdbSettings(embedded=True, default_deadline=7).target.options.default_deadline == 7


def test_empty_connection_string(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty variable counts as not set; an empty argument is an invalid connection string."""
    monkeypatch.setenv("ESDB_CONNECTION_STRING", "")
    assert EsdbSettings(embedded=True).target.embedded
    with pytest.raises(InvalidConnectionString, match="scheme: is missing"):
        EsdbSettings(connection_string="")


def test_invalid_connection_string(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection string is checked when the settings are made."""
    monkeypatch.setenv("ESDB_CONNECTION_STRING", "esdb://a:canary")
    with pytest.raises(InvalidConnectionString, match=r"^connection string, host 1: port") as caught:
        EsdbSettings()
    assert caught.value.__cause__ is caught.value.__context__ is None


def test_deadline() -> None:
    """`deadline`, in seconds, wins over the option of the string and its override, in milliseconds."""
    string = "esdb://a?defaultDeadline=3000"
    assert EsdbSettings(connection_string=string).target.options.default_deadline == 3000
    assert EsdbSettings(connection_string=string, default_deadline=4000).target.options.default_deadline == 4000
    assert EsdbSettings(connection_string=string, deadline=0.5).target.options.default_deadline == 500
    assert EsdbSettings(connection_string="esdb://a").target.options.default_deadline == 10_000


@pytest.mark.parametrize(
    ("string", "values", "user", "password"),
    [
        ("esdb://a", {}, None, None),
        ("esdb://u:p@a", {}, "u", "p"),
        ("esdb://a", {"username": "x", "password": "y"}, "x", "y"),
        ("esdb://u:p@a", {"username": "x"}, "x", "p"),
        ("esdb://u:p@a", {"password": "y"}, "u", "y"),
        ("esdb://u:p@a", {"username": "x", "password": "y"}, "x", "y"),
    ],
)
def test_credentials(string: str, values: dict[str, str], user: str | None, password: str | None) -> None:
    """User name and password each win over the connection string's."""
    credentials = EsdbSettings(connection_string=string, **values).target.credentials
    assert (credentials.username if credentials else None) == user
    assert (credentials.password.get_secret_value() if credentials else None) == password


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"username": "x"}, r"^password \(ESDB_PASSWORD\): must be set, too, since username \(ESDB_USERNAME\) is$"),
        ({"password": "x"}, r"^username \(ESDB_USERNAME\): must be set, too, since password"),
        ({"username": "a:b", "password": "x"}, r"^username .*, password .*: user name must not be empty, nor hold ':'"),
        ({"username": "a", "password": ""}, r"^username .*, password .*: password must not be empty"),
    ],
)
def test_bad_credentials(values: dict[str, str], message: str) -> None:
    """Half of the credentials, or wrong ones, are an error that names the settings."""
    with pytest.raises(InvalidSettings, match=message) as caught:
        EsdbSettings(connection_string="esdb://a", **values)
    assert caught.value.__context__ is None


def test_read_only() -> None:
    """Settings can't be changed once made, and are a key therefore."""
    settings = EsdbSettings(connection_string="esdb://a")
    with pytest.raises(AttributeError, match=r"read-only: make others with EsdbSettings\(pool_size=\.\.\.\)"):
        settings.pool_size = 3  # type: ignore[misc]  # wrong on purpose
    assert len({settings, EsdbSettings(connection_string="esdb://a")}) == 1


def test_copy_with_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A changed copy is checked like any other settings, has a target of its own, and reads no environment."""
    settings = EsdbSettings(connection_string="esdb://a", pool_size=3)
    monkeypatch.setenv("ESDB_TLS", "false")
    monkeypatch.setenv("ESDB_POOL_SIZE", "7")
    changed = settings.model_copy(update={"connection_string": "esdb://b"})
    assert (changed.target.hosts[0].name, changed.pool_size) == ("b", 3)
    assert settings.target.hosts[0].name == "a"
    assert copy.deepcopy(settings) == settings.model_copy() == EsdbSettings.model_validate(settings) == settings
    with pytest.raises(InvalidSettings, match="pool_size"):
        settings.model_copy(update={"pool_size": 0})


def test_another_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second database has its settings behind another prefix, in a subclass or by keyword."""

    class AuditSettings(EsdbSettings):
        model_config = SettingsConfigDict(env_prefix="AUDIT_")

    monkeypatch.setenv("AUDIT_CONNECTION_STRING", "esdb://audit")
    monkeypatch.setenv("ESDB_CONNECTION_STRING", "esdb://main")
    assert AuditSettings().target.hosts[0].name == "audit"
    assert EsdbSettings(_env_prefix="AUDIT_").target.hosts[0].name == "audit"
    assert EsdbSettings().target.hosts[0].name == "main"


@pytest.mark.parametrize(
    ("environment", "complaint"),
    [
        ({}, r"AUDIT_CONNECTION_STRING\): is not set.* set AUDIT_CONNECTION_STRING=esdb://"),
        ({"AUDIT_POOL_SIZE": "none"}, r"pool_size \(AUDIT_POOL_SIZE\): must be"),
        ({"AUDIT_POOL_SIZE": "17"}, r"pool_size \(AUDIT_POOL_SIZE\): .* max_connections \(AUDIT_MAX_CONNECTIONS\)"),
        ({"AUDIT_CONNECTION_STRING": "esdb://a", "AUDIT_USERNAME": "a"}, r"password \(AUDIT_PASSWORD\): must be set"),
    ],
)
def test_complaints_behind_another_prefix(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], complaint: str
) -> None:
    """They name the variables that are read: those of the first database may be right."""

    class AuditSettings(EsdbSettings, env_prefix="AUDIT_"):
        pass

    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InvalidSettings, match=complaint):
        _ = AuditSettings().target


def test_secrets_directory(tmp_path: Path) -> None:
    """Secrets may be files of a directory, as container platforms mount them."""
    (tmp_path / "esdb_connection_string").write_text("esdb://admin:canary@a\n")
    (tmp_path / "esdb_control_token").write_text("token\n")
    settings = EsdbSettings(_secrets_dir=tmp_path)
    assert settings.target.hosts[0].name == "a"
    assert settings.control_token is not None
    assert settings.control_token.get_secret_value() == "token"


@pytest.mark.parametrize(
    ("line", "password"),
    [
        ("ESDB_PASSWORD=two words #1", "two words"),
        ("ESDB_PASSWORD='two words #1'", "two words #1"),
        ("ESDB_PASSWORD=no#blank", "no#blank"),
        (r"ESDB_PASSWORD='it\'s \\'", "it's \\"),
        ("ESDB_PASSWORD='${HOME}'", "/home/somebody"),
        ("ESDB_PASSWORD='${:-$}{HOME}'", "${HOME}"),
        ("ESDB_PASSWORD='$HOME'", "$HOME"),
        ("ESDB_CONNECTION_STRING=esdb://u:%24%7BHOME%7D%20%23%27%5C@a", "${HOME} #'\\"),
    ],
)
def test_special_characters_in_dotenv(line: str, password: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What python-dotenv cuts and replaces, and how a password is written that has such characters."""
    monkeypatch.setenv("HOME", "/home/somebody")
    Path(".env").write_text(f"ESDB_CONNECTION_STRING=esdb://a\nESDB_USERNAME=u\n{line}\n")
    credentials = EsdbSettings().target.credentials
    assert credentials is not None
    assert credentials.password.get_secret_value() == password


def test_special_characters_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are taken as they are."""
    monkeypatch.setenv("ESDB_PASSWORD", "${HOME} #'\\")
    monkeypatch.setenv("ESDB_USERNAME", "u")
    monkeypatch.setenv("ESDB_CONNECTION_STRING", "esdb://a")
    credentials = EsdbSettings().target.credentials
    assert credentials is not None
    assert credentials.password.get_secret_value() == "${HOME} #'\\"


def test_a_file_that_is_not_utf_8(tmp_path: Path) -> None:
    """It is one error that names the file, whichever of several it is read from."""
    wrong = tmp_path / "latin.env"
    wrong.write_bytes("ESDB_CONNECTION_NAME=cheese  # Käse".encode("latin-1"))
    with pytest.raises(InvalidSettings, match=rf"^\.env, {wrong}: must be text in UTF-8; save it so, or remove it$"):
        EsdbSettings(_env_file=(".env", wrong))
    assert EsdbSettings(_env_file=wrong, _env_file_encoding="latin-1").connection_name == "cheese"
    (tmp_path / "esdb_password").write_bytes(b"\xff")
    with pytest.raises(InvalidSettings, match=r'field "password" from source "SecretsSettingsSource"'):
        EsdbSettings(_secrets_dir=tmp_path)


def test_a_file_that_can_not_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither is that an error of the operating system's to the caller."""

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", ".env")

    Path(".env").write_text("ESDB_TLS=false")
    monkeypatch.setattr("dotenv.main.open", refuse, raising=False)  # in place of the built-in one
    with pytest.raises(InvalidSettings, match=r"^\.env: can't be read \(Permission denied\)$"):
        EsdbSettings()
