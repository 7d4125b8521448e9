"""The hosts in turn."""

import pytest

from fastapi_esdb.connection import endpoints
from fastapi_esdb.connection.endpoints import WARNING_INTERVAL, Endpoint, Endpoints
from fastapi_esdb.settings import Host

HOSTS = [Host("a"), Host("b"), Host("c")]


def test_each_attempt_goes_to_the_next_host() -> None:
    """One after the other, round and round."""
    hosts = Endpoints(HOSTS).round(0)
    assert [hosts.next_endpoint().host.name for _ in range(4)] == ["a", "b", "c", "a"]


def test_connections_begin_at_different_hosts() -> None:
    """The second connection begins at the second host, so that a dead first one holds up nobody else."""
    hosts = Endpoints(HOSTS)
    assert [hosts.round(start).next_endpoint().host.name for start in range(4)] == ["a", "b", "c", "a"]


def test_connections_share_what_is_known_of_a_host() -> None:
    """The lock that spaces attempts is one per host, not one per connection."""
    hosts = Endpoints(HOSTS)
    assert hosts.round(0).next_endpoint() is hosts.round(3).next_endpoint()
    assert len(hosts) == 3


def test_warnings_about_a_host_are_spaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """One every ten seconds at most."""
    now = 1000.0
    monkeypatch.setattr(endpoints, "monotonic", lambda: now)
    endpoint = Endpoint(Host("a"))
    assert [endpoint.may_warn(), endpoint.may_warn()] == [True, False]
    now += WARNING_INTERVAL
    assert [endpoint.may_warn(), endpoint.may_warn()] == [True, False]
