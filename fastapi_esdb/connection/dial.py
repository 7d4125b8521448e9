"""From settings to a line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from fastapi_esdb.connection.channel_options import ChannelOption, channel_options
from fastapi_esdb.connection.line import Line
from fastapi_esdb.connection.proxy import Proxy, naming, proxy_for
from fastapi_esdb.connection.tls import Tls, make_tls, read_roots
from fastapi_esdb.connection.unverified import shown_certificate

if TYPE_CHECKING:
    from fastapi_esdb.connection.deadline import Deadline
    from fastapi_esdb.settings.connection_options import ConnectionOptions
    from fastapi_esdb.settings.hosts import Host


async def dial(
    host: Host, options: ConnectionOptions, deadline: Deadline, slowdown: int = 1, certified: str | None = None
) -> Line:
    """The line to a host.

    The deadline is that of the attempt to connect. With `tls` it is TLS or nothing; certificate files are read anew
    each time, so that those replaced on disk count from the next attempt on. `certified` is the name that the server's
    certificate must be for, if that is not the host's own. Raises `InvalidSettings` for a certificate file or a proxy
    that can't be used, and with `tlsVerifyCert=false`, where the server is asked for its certificate,
    `ConnectionRefused` or `TlsFailed`.
    """
    proxy = proxy_for(host, options)
    # the scheme keeps a host named like one of gRPC's other schemes ("unix") a host
    target = f"dns:///{host.address}"
    with naming(proxy):
        tls, name = await _tls(host, options, deadline, certified, proxy) if options.tls else (None, None)
    # last, since what gRPC has of the time is what is left by now
    arguments = channel_options(options, deadline.left(), slowdown)
    return Line(target, (*arguments, *_named(name)), tls, proxy)


async def _tls(
    host: Host, options: ConnectionOptions, deadline: Deadline, certified: str | None, proxy: Proxy | None
) -> tuple[Tls, str | None]:
    """TLS, and the name that the certificate must be for, if not the host's own."""
    if options.tls_verify_cert:
        return make_tls(options, read_roots(options)), certified
    shown = await shown_certificate(host, options, deadline, proxy)
    return make_tls(options, shown.pem), shown.name


def _named(name: str | None) -> Iterator[ChannelOption]:
    """What has gRPC look for that name in the server's certificate."""
    if name is not None:
        yield "grpc.ssl_target_name_override", name
