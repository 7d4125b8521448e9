"""The same string means the same to the Python client of the database's makers, where that reads it as documented."""

from __future__ import annotations

import pytest
from kurrentdbclient.connection_spec import ConnectionSpec

from fastapi_esdb.settings.connection_string import ConnectionString

SHARED = [
    "esdb://admin:changeit@localhost",
    "esdb://localhost:2114?Tls=false",
    "kurrentdb://admin:changeit@a,b:2114,c?nodePreference=FOLLOWER",
    "kdb+discover://admin:changeit@cluster.example?maxDiscoverAttempts=3&discoveryInterval=500&gossipTimeout=2",
    "esdb://localhost?tls=false&keepAliveInterval=20000&keepAliveTimeout=30000&connectionName=orders",
    "esdb://u:p@localhost?tlsVerifyCert=false&tlsCaFile=/ca.pem&userCertFile=/u.crt&userKeyFile=/u.key",
    "esdb://u:p@localhost?nodePreference=readOnlyReplica",
]


@pytest.mark.parametrize("text", SHARED)
def test_same_meaning(text: str) -> None:
    """Hosts, user and every option that the string sets are the same."""
    ours, theirs = ConnectionString.parse(text), ConnectionSpec(text)
    assert [host.address for host in ours.hosts] == list(theirs.targets)
    user = ours.credentials
    assert (user and user.username) == theirs.username
    assert (user and user.password.get_secret_value()) == theirs.password
    for name in ("tls", "tls_verify_cert", "node_preference", "max_discover_attempts", "discovery_interval"):
        assert getattr(ours.options, name) == getattr(theirs.options, name)
    for name in ("tls_ca_file", "user_cert_file", "user_key_file", "gossip_timeout"):
        assert str(getattr(ours.options, name)) == str(getattr(theirs.options, name))


def test_same_keep_alive_and_name() -> None:
    """Options without a common default are the same where the string sets them."""
    ours, theirs = ConnectionString.parse(SHARED[4]).options, ConnectionSpec(SHARED[4]).options
    assert (ours.keep_alive_interval, ours.keep_alive_timeout) == (
        theirs.keep_alive_interval,
        theirs.keep_alive_timeout,
    )
    assert ours.connection_name == theirs.connection_name == "orders"
