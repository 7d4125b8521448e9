"""Settings as gRPC's channel options."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastapi_esdb.settings.connection_options import ConnectionOptions

ChannelOption = tuple[str, int | str]

RECEIVE_LIMIT = 64 * 1024 * 1024
"""Bytes of the largest answer taken. Servers keep events of up to 16 MiB; lists of groups and pages have no bound."""

PART = 0.8
"""Of the time of an attempt to connect, for gRPC: it says how far it came, which the deadline of the call does not."""

_MILLISECONDS_PER_SECOND = 1000
METADATA_LIMIT = 1024 * 1024
"""Bytes of headers and trailers taken: errors come with the name of their stream, which may be long."""

_NO_LIMIT = -1
_NEVER = 2**31 - 1


def channel_options(options: ConnectionOptions, connect_timeout: float, slowdown: int = 1) -> tuple[ChannelOption, ...]:
    """The options of a channel.

    `connect_timeout` (seconds) bounds the attempt to connect; `slowdown` multiplies the interval of keep-alive pings.
    """
    return (*_common(), *_attempt(connect_timeout), *_keep_alive(options, slowdown))


def _attempt(timeout: float) -> Iterator[ChannelOption]:
    # gRPC's name for how long an attempt may take; one that hangs would outlive its channel by 20 s otherwise
    yield "grpc.min_reconnect_backoff_ms", min(round(timeout * PART * _MILLISECONDS_PER_SECOND), _NEVER)


def _common() -> Iterator[ChannelOption]:
    # channels with equal options would share one TCP connection otherwise, and with it the server's 100 streams
    yield "grpc.use_local_subchannel_pool", 1
    yield "grpc.client_idle_timeout_ms", _NEVER
    yield "grpc.max_receive_message_length", RECEIVE_LIMIT
    # between the two, gRPC refuses some and takes others
    yield "grpc.max_metadata_size", METADATA_LIMIT
    yield "grpc.absolute_max_metadata_size", METADATA_LIMIT
    # what is too large to be stored is for the server to say
    yield "grpc.max_send_message_length", _NO_LIMIT
    yield "grpc.primary_user_agent", f"fastapi-esdb/{_version()}"


def _keep_alive(options: ConnectionOptions, slowdown: int) -> Iterator[ChannelOption]:
    if options.keep_alive_interval < 0:
        return
    yield "grpc.keepalive_time_ms", min(options.keep_alive_interval * slowdown, _NEVER)
    yield "grpc.keepalive_permit_without_calls", 1
    yield "grpc.http2.max_pings_without_data", 0
    if options.keep_alive_timeout > 0:
        yield "grpc.keepalive_timeout_ms", options.keep_alive_timeout
        # without this one a ping to a frozen server is waited for 60 s, whatever the one above says
        yield "grpc.http2.ping_timeout_ms", options.keep_alive_timeout


@cache
def _version() -> str:
    try:
        return version("fastapi-esdb")
    except PackageNotFoundError:
        return "0"
