from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from fastapi_esdb.errors import InvalidConnectionString
from fastapi_esdb.settings.choices import NodePreference, TransportKind
from fastapi_esdb.settings.options import OPTIONS, ConnectionOptions, Option, nearest, parse_options, render_options

DOCUMENTED = {
    "tls": True,
    "connectionName": None,
    "maxDiscoverAttempts": 10,
    "discoveryInterval": 100,
    "gossipTimeout": 5,
    "nodePreference": NodePreference.LEADER,
    "tlsVerifyCert": True,
    "tlsCaFile": None,
    "defaultDeadline": 10_000,
    "keepAliveInterval": 10_000,
    "keepAliveTimeout": 10_000,
    "userCertFile": None,
    "userKeyFile": None,
    "throwOnAppendFailure": True,
    "useProxy": False,
    "transport": TransportKind.GRPCIO,
    "dnsDiscover": False,
}
"""The options of the official clients, and their defaults as far as those agree."""

EVERYTHING = ConnectionOptions(
    tls=False,
    tls_verify_cert=False,
    tls_ca_file=Path("/etc/esdb/ca & co.pem"),
    user_cert_file=Path("user.crt"),
    user_key_file=Path("canary/user.key"),
    connection_name="orders=1",
    node_preference=NodePreference.READ_ONLY_REPLICA,
    dns_discover=True,
    max_discover_attempts=3,
    discovery_interval=500,
    gossip_timeout=2,
    default_deadline=1,
    keep_alive_interval=-1,
    keep_alive_timeout=30_000,
    throw_on_append_failure=False,
    use_proxy=True,
    transport=TransportKind.HTTP2,
)


def test_table_is_complete() -> None:
    """The table has the options of the official clients, with their defaults, and one field for each."""
    assert {option.name: option.default for option in OPTIONS} == DOCUMENTED
    assert [option.field for option in OPTIONS] == [field.name for field in dataclasses.fields(ConnectionOptions)]


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_table_can_be_printed(option: Option) -> None:
    """Every row says what documentation needs."""
    assert option.env == f"ESDB_{option.field.upper()}"
    assert option.description.endswith(".")
    assert option.kind.accepts
    assert bool(option.unit) == (type(option.default) is int)


def test_units() -> None:
    """Times are in milliseconds, but the time for gossip is in seconds."""
    units = {option.name: option.unit for option in OPTIONS if option.unit}
    assert units.pop("gossipTimeout") == "seconds"
    assert units.pop("maxDiscoverAttempts") == "attempts"
    assert set(units.values()) == {"milliseconds"}


def test_names_are_read_in_any_spelling() -> None:
    """Case, `_` and `-` in an option's name do not matter."""
    query = "TLS=false&keep_alive_interval=20000&Keep-Alive-Timeout=30000&nOdEpReFeReNcE=FOLLOWER"
    assert parse_options(query) == {
        "tls": False,
        "keep_alive_interval": 20_000,
        "keep_alive_timeout": 30_000,
        "node_preference": NodePreference.FOLLOWER,
    }


def test_nothing() -> None:
    """An empty query sets nothing."""
    assert parse_options("") == {}
    assert render_options(ConnectionOptions(), redact=False) == ""


def test_round_trip() -> None:
    """Every option is rendered if it is not at its default, and is read back."""
    rendered = render_options(EVERYTHING, redact=False)
    assert rendered.count("&") == len(OPTIONS) - 1
    assert ConnectionOptions(**parse_options(rendered)) == EVERYTHING


def test_redacted() -> None:
    """The path of the private key is shown in no text for people."""
    assert "userKeyFile=***" in render_options(EVERYTHING, redact=True)
    assert "canary" not in render_options(EVERYTHING, redact=True) + repr(EVERYTHING)


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
@pytest.mark.parametrize("value", ["", "=", "=%zz", "=%00", "=%ff"])
def test_bad_values_name_the_option(option: Option, value: str) -> None:
    """A missing or undecodable value is an error that names the option."""
    with pytest.raises(InvalidConnectionString, match=f"^connection string, {option.name}: ") as caught:
        parse_options(option.name + value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("name", "likely"),
    [
        ("tsl", "tls"),
        ("keepAlive", "keepAlive(Timeout|Interval)"),
        ("keepAliveTimeOuts", "keepAliveTimeout"),
        ("gossipTime", "gossipTimeout"),
        ("deadline", "defaultDeadline"),
        ("caFile", "tlsCaFile"),
        ("discoverAttempts", "maxDiscoverAttempts"),
        ("nodepreferences", "nodePreference"),
        ("dnsLookUpType", ".*"),
        ("%74ls", "tls"),
        ("%", ".*"),
        ("x" * 100_000, ".*"),
    ],
)
def test_unknown_names(name: str, likely: str) -> None:
    """An unknown option is counted, not repeated, and the error names the nearest known one."""
    with pytest.raises(InvalidConnectionString, match=rf"option 2: is unknown; the nearest known name is {likely}$"):
        parse_options(f"tls=true&{name}=1")


@pytest.mark.parametrize("query", ["&", "tls=true&", "tls=true&&tlsVerifyCert=true", "=x", "&tls=true"])
def test_no_name(query: str) -> None:
    """An option without a name is an error."""
    with pytest.raises(InvalidConnectionString, match=r"option [12]: has no name"):
        parse_options(query)


@pytest.mark.parametrize("query", ["tls=true&tls=true", "tls=true&TLS=false", "gossip_timeout=1&gossipTimeout=2"])
def test_twice(query: str) -> None:
    """The same option twice is an error, in whatever spelling."""
    with pytest.raises(InvalidConnectionString, match=r"(tls|gossipTimeout): is given twice"):
        parse_options(query)


def test_certificate_and_key_go_together() -> None:
    """A user certificate without its key, or the reverse, is an error that names what is missing."""
    with pytest.raises(InvalidConnectionString, match=r"userCertFile: needs .* set userKeyFile \(ESDB_USER_KEY_FILE\)"):
        ConnectionOptions(user_cert_file=Path("user.crt"))
    with pytest.raises(InvalidConnectionString, match=r"userKeyFile: needs .* set userCertFile"):
        ConnectionOptions(user_key_file=Path("user.key"))


def test_nearest() -> None:
    """Among any names, the one that looks most alike is found."""
    assert nearest("POOL-SIZE", ["wait", "pool_size", "deadline"]) == "pool_size"
