from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fastapi_esdb.errors import InvalidSettings
from fastapi_esdb.settings.choices import NodePreference, TransportKind
from fastapi_esdb.settings.model import EsdbSettings
from fastapi_esdb.settings.options import OPTIONS, Option
from fastapi_esdb.settings.precedence import OptionOverrides

BY_NAME = {option.name: option for option in OPTIONS}

CASES: list[tuple[str, str, Any]] = [
    ("tls", "false", False),
    ("tls", "0", False),
    ("tls", "Yes", True),
    ("tlsVerifyCert", "off", False),
    ("tlsCaFile", "/etc/ca.pem", Path("/etc/ca.pem")),
    ("connectionName", "orders 1", "orders 1"),
    ("nodePreference", "Read_Only_Replica", NodePreference.READ_ONLY_REPLICA),
    ("dnsDiscover", "true", True),
    ("maxDiscoverAttempts", "3", 3),
    ("discoveryInterval", "250", 250),
    ("gossipTimeout", "9", 9),
    ("defaultDeadline", "2500", 2500),
    ("keepAliveInterval", "-1", -1),
    ("keepAliveTimeout", "5000", 5000),
    ("throwOnAppendFailure", "false", False),
    ("useProxy", "true", True),
    ("transport", "HTTP2", TransportKind.HTTP2),
]
PAIR = {"userCertFile": "u.crt", "userKeyFile": "u.key"}

BAD = [
    ("tls", "maybe"),
    ("tlsCaFile", "a\x01b"),
    ("connectionName", "é"),
    ("nodePreference", "boss"),
    ("maxDiscoverAttempts", "0"),
    ("discoveryInterval", "-1"),
    ("gossipTimeout", "601"),
    ("defaultDeadline", "ten"),
    ("keepAliveInterval", "0"),
    ("keepAliveTimeout", "1.5"),
]


def test_every_option_has_an_override() -> None:
    """There is one setting for each option of the connection string."""
    assert set(OptionOverrides.model_fields) == {option.field for option in OPTIONS}
    assert {name for name, *_ in CASES} | set(PAIR) == set(BY_NAME)


@pytest.mark.parametrize(("name", "text", "value"), CASES)
def test_environment(name: str, text: str, value: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable of the environment wins over the connection string and leaves the rest of it alone."""
    option = BY_NAME[name]
    monkeypatch.setenv(option.env, text)
    monkeypatch.setenv("ESDB_CONNECTION_STRING", "esdb://u:p@a,b")
    target = EsdbSettings().target
    assert getattr(target.options, option.field) == value
    others = [other for other in OPTIONS if other is not option]
    assert all(getattr(target.options, other.field) == other.default for other in others)
    assert [host.name for host in target.hosts] == ["a", "b"]


@pytest.mark.parametrize(("name", "text", "value"), CASES)
def test_dotenv(name: str, text: str, value: object) -> None:
    """So does a line of `.env`."""
    option = BY_NAME[name]
    Path(".env").write_text(f"ESDB_CONNECTION_STRING=esdb://a\nSOMEBODY_ELSES=1\n{option.env}={text}\n")
    assert getattr(EsdbSettings().target.options, option.field) == value


@pytest.mark.parametrize(("name", "text", "value"), CASES)
def test_keyword(name: str, text: str, value: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """A keyword argument of the right type wins over the environment."""
    option = BY_NAME[name]
    monkeypatch.setenv(option.env, "true" if isinstance(value, bool) else text)
    settings = EsdbSettings(connection_string="esdb://a", **{option.field: value})
    assert getattr(settings.target.options, option.field) == value


def test_certificate_and_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The two files of a user certificate may be named in the string and beside it."""
    monkeypatch.setenv("ESDB_USER_KEY_FILE", "u.key")
    monkeypatch.setenv("ESDB_CONNECTION_STRING", "esdb://a?userCertFile=u.crt")
    options = EsdbSettings().target.options
    assert (options.user_cert_file, options.user_key_file) == (Path("u.crt"), Path("u.key"))
    monkeypatch.setenv("ESDB_CONNECTION_STRING", "esdb://a")
    with pytest.raises(InvalidSettings, match="userKeyFile: needs its certificate"):
        EsdbSettings()


@pytest.mark.parametrize(("name", "text"), BAD)
def test_bad_values(name: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong value is an error that names the setting and its variable, even without a connection string."""
    option: Option = BY_NAME[name]
    monkeypatch.setenv(option.env, text)
    with pytest.raises(InvalidSettings, match=rf"^{option.field} \({option.env}\): must be ") as caught:
        EsdbSettings()
    assert text not in str(caught.value)


def test_same_bounds_as_the_string() -> None:
    """An override takes what the option of the string takes, in the same unit."""
    message = r"gossip_timeout \(ESDB_GOSSIP_TIMEOUT\): must be a whole number of seconds from 1 to 600$"
    with pytest.raises(InvalidSettings, match=message):
        EsdbSettings(gossip_timeout=3000)
