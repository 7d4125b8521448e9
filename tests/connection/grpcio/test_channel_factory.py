"""Settings as channel options."""

import pytest

from fastapi_esdb.connection.grpcio.channel_factory import channel_options
from fastapi_esdb.settings.hosts import Host, is_loopback
from fastapi_esdb.settings.options import ConnectionOptions


def options(
    slowdown: int = 1, keep_alive_interval: int = 10_000, keep_alive_timeout: int = 10_000
) -> dict[str, int | str]:
    made = ConnectionOptions(keep_alive_interval=keep_alive_interval, keep_alive_timeout=keep_alive_timeout)
    return dict(channel_options(made, 5.0, slowdown))


def test_every_channel_has_a_tcp_connection_of_its_own() -> None:
    """gRPC would have equal channels share one."""
    assert options()["grpc.use_local_subchannel_pool"] == 1


def test_an_attempt_to_connect_is_bounded() -> None:
    """gRPC would go on for 20 s with an attempt that hangs, even after its channel was closed, without a word."""
    assert options()["grpc.min_reconnect_backoff_ms"] == 4000


def test_keep_alive_is_bounded_by_its_own_timeout() -> None:
    """The time-out goes where gRPC heeds it, and pings go out also without calls."""
    made = options(keep_alive_interval=3000, keep_alive_timeout=1000)
    assert made["grpc.keepalive_time_ms"] == 3000
    assert made["grpc.http2.ping_timeout_ms"] == made["grpc.keepalive_timeout_ms"] == 1000
    assert made["grpc.keepalive_permit_without_calls"] == 1
    assert made["grpc.http2.max_pings_without_data"] == 0


def test_keep_alive_can_be_off() -> None:
    """-1 sends no pings at all; a time-out of -1 leaves it to gRPC."""
    assert not [name for name in options(keep_alive_interval=-1) if "keepalive" in name or "ping" in name]
    assert "grpc.http2.ping_timeout_ms" not in options(keep_alive_timeout=-1)


def test_a_server_that_complains_is_pinged_less() -> None:
    """The interval is multiplied, and stays a number that gRPC takes."""
    assert options(slowdown=2, keep_alive_interval=3000)["grpc.keepalive_time_ms"] == 6000
    assert options(slowdown=2, keep_alive_interval=2**31 - 1)["grpc.keepalive_time_ms"] == 2**31 - 1


def test_large_events_fit() -> None:
    """Servers keep events of up to 16 MiB; what is too large to send is for the server to say."""
    receive = options()["grpc.max_receive_message_length"]
    assert isinstance(receive, int)
    assert receive >= 17 * 1024 * 1024
    assert options()["grpc.max_send_message_length"] == -1


def test_the_client_says_what_it_is() -> None:
    """Servers and proxies see it in the user agent."""
    assert str(options()["grpc.primary_user_agent"]).startswith("fastapi-esdb/")


@pytest.mark.parametrize("name", ["localhost", "LOCALHOST", "localhost.", "127.0.0.1", "127.9.9.9", "::1"])
def test_this_machine(name: str) -> None:
    """By name and by address."""
    assert is_loopback(Host(name))


@pytest.mark.parametrize(
    "name", ["example.org", "10.0.0.1", "localhost.example.org", "2001:db8::1", "::1%2Eevil.test", "::1%eth0"]
)
def test_another_machine(name: str) -> None:
    """Whatever its name begins with."""
    assert not is_loopback(Host(name))
