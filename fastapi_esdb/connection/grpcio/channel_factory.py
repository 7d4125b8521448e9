"""From settings to channels of gRPC."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fastapi_esdb.connection.proxy import Proxy, proxy_for
from fastapi_esdb.connection.tls.contexts import read_roots, read_user_certificate
from fastapi_esdb.connection.tls.handshake import Certificates
from fastapi_esdb.connection.tls.unverified import shown_certificate
from fastapi_esdb.connection.transport import LARGEST_ANSWER, LARGEST_HEADERS, user_agent
from fastapi_esdb.settings.options import MILLISECONDS_PER_SECOND
from fastapi_esdb.wire.quiet_grpc import grpc

if TYPE_CHECKING:
    from fastapi_esdb.connection.deadline import Deadline
    from fastapi_esdb.settings.hosts import Host
    from fastapi_esdb.settings.options import ConnectionOptions

ChannelOption = tuple[str, int | str]

PART = 0.8
"""Of the time of an attempt to connect, for gRPC: it says how far it came, which the deadline of the call does not."""

_NO_LIMIT = -1
_NEVER = 2**31 - 1


def channel_options(options: ConnectionOptions, connect_timeout: float, slowdown: int = 1) -> tuple[ChannelOption, ...]:
    """Return the options of a channel.

    `connect_timeout` (seconds) bounds the attempt to connect; `slowdown` multiplies the interval of keep-alive pings.
    """
    return (*_common(), *_attempt(connect_timeout), *_keep_alive(options, slowdown))


def _attempt(timeout: float) -> Iterator[ChannelOption]:
    # gRPC's name for how long an attempt may take; one that hangs would outlive its channel by 20 s otherwise
    yield "grpc.min_reconnect_backoff_ms", min(round(timeout * PART * MILLISECONDS_PER_SECOND), _NEVER)


def _common() -> Iterator[ChannelOption]:
    # channels with equal options would share one TCP connection otherwise, and with it the server's 100 streams
    yield "grpc.use_local_subchannel_pool", 1
    yield "grpc.client_idle_timeout_ms", _NEVER
    yield "grpc.max_receive_message_length", LARGEST_ANSWER
    # between the two, gRPC refuses some and takes others
    yield "grpc.max_metadata_size", LARGEST_HEADERS
    yield "grpc.absolute_max_metadata_size", LARGEST_HEADERS
    # what is too large to be stored is for the server to say
    yield "grpc.max_send_message_length", _NO_LIMIT
    yield "grpc.primary_user_agent", user_agent()


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


def proxy_options(proxy: Proxy | None) -> tuple[ChannelOption, ...]:
    """Return what has gRPC take that way. By itself it would look into the environment, and pass over `no_proxy=*`."""
    if proxy is None:
        return (("grpc.enable_http_proxy", 0),)
    return (("grpc.enable_http_proxy", 1), ("grpc.http_proxy", proxy.url))


@dataclass(frozen=True, slots=True)
class Tls:
    """The encryption of channels: gRPC's credentials, and the certificates they are made of."""

    credentials: grpc.ChannelCredentials = field(repr=False)
    certificates: Certificates = field(repr=False)


@dataclass(frozen=True, slots=True)
class ChannelFactory:
    """Makes channels to one host; in plain text without `tls`.

    Each channel has a TCP connection of its own, from its first call on.
    """

    target: str
    options: tuple[ChannelOption, ...]
    tls: Tls | None = None
    proxy: Proxy | None = None

    def open(self) -> grpc.aio.Channel:
        """Return a channel for the event loop."""
        if self.tls is None:
            return grpc.aio.insecure_channel(self.target, self._all_options())
        return grpc.aio.secure_channel(self.target, self.tls.credentials, self._all_options())

    def open_for_threads(self) -> grpc.Channel:
        """Return a channel whose calls are each read by one thread, without any thread of gRPC's in between."""
        options = (*self._all_options(), (grpc.experimental.ChannelOptions.SingleThreadedUnaryStream, 1))
        if self.tls is None:
            return grpc.insecure_channel(self.target, options)
        return grpc.secure_channel(self.target, self.tls.credentials, options)

    def _all_options(self) -> tuple[ChannelOption, ...]:
        """Return all of them, made when they are needed: the URL of a proxy may hold a password."""
        return (*self.options, *proxy_options(self.proxy))


async def channel_factory(
    host: Host, options: ConnectionOptions, deadline: Deadline, slowdown: int = 1, certified: str | None = None
) -> ChannelFactory:
    """Return what channels to the host are made by; see `OpenTransport`.

    Certificate files are read anew each time, so that those replaced on disk count from the next attempt on. With
    `tlsVerifyCert=false` the server is asked for its certificate, which raises `ConnectionRefused` or `TlsFailed`.
    """
    proxy = proxy_for(host, options)
    # the scheme keeps a host named like one of gRPC's other schemes ("unix") a host
    target = f"dns:///{host.address}"
    tls, name = await _tls(host, options, deadline, certified, proxy) if options.tls else (None, None)
    # last, since what gRPC has of the time is what is left by now
    arguments = channel_options(options, deadline.left(), slowdown)
    return ChannelFactory(target, (*arguments, *_named(name)), tls, proxy)


async def _tls(
    host: Host, options: ConnectionOptions, deadline: Deadline, certified: str | None, proxy: Proxy | None
) -> tuple[Tls, str | None]:
    """Return TLS, and the name that the certificate must be for, if not the host's own."""
    if options.tls_verify_cert:
        return _trusting(read_roots(options), options), certified
    shown = await shown_certificate(host, options, deadline, proxy)
    return _trusting(shown.pem, options), shown.name


def _trusting(roots: bytes | None, options: ConnectionOptions) -> Tls:
    """Return TLS that trusts the `roots` (PEM; `None` for those that gRPC brings)."""
    own = read_user_certificate(options)
    if own is None:
        return Tls(grpc.ssl_channel_credentials(roots), Certificates(roots))
    key, shown = own
    return Tls(grpc.ssl_channel_credentials(roots, key, shown), Certificates(roots, shown))


def _named(name: str | None) -> Iterator[ChannelOption]:
    """Yield what has gRPC look for that name in the server's certificate."""
    if name is not None:
        yield "grpc.ssl_target_name_override", name
