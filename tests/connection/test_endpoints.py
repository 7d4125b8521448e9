"""Where a connection goes."""

import pytest

from fastapi_esdb.connection import endpoints
from fastapi_esdb.connection.endpoints import WARNING_INTERVAL, Endpoint, Pinned
from fastapi_esdb.settings.hosts import Host


async def test_a_pinned_host_stays_whatever_happens() -> None:
    """All connections share what is known of it: the lock that spaces attempts is one per host."""
    hosts = Pinned(Host("a"))
    first = await hosts.next_endpoint()
    hosts.failed(Host("a"))
    hosts.doubted(Host("a"))
    assert hosts.accepts(Host("a"))
    assert first.host == Host("a")
    assert await hosts.next_endpoint() is first


def test_warnings_about_a_host_are_spaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """One every ten seconds at most."""
    now = 1000.0
    monkeypatch.setattr(endpoints, "monotonic", lambda: now)
    endpoint = Endpoint(Host("a"))
    assert [endpoint.may_warn(), endpoint.may_warn()] == [True, False]
    now += WARNING_INTERVAL
    assert endpoint.may_warn()
