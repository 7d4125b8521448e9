"""The ways to open channels to one host."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastapi_esdb.connection.proxy import proxy_options
from fastapi_esdb.wire.quiet_grpc import grpc

if TYPE_CHECKING:
    from fastapi_esdb.connection.channel_options import ChannelOption
    from fastapi_esdb.connection.proxy import Proxy
    from fastapi_esdb.connection.tls import Tls


@dataclass(frozen=True, slots=True)
class Line:
    """Where a host is and how gRPC is to talk to it: in plain text without `tls`.

    Each channel has a TCP connection of its own, from its first call on.
    """

    target: str
    options: tuple[ChannelOption, ...]
    tls: Tls | None = None
    proxy: Proxy | None = None

    def open(self) -> grpc.aio.Channel:
        """A channel for the event loop."""
        if self.tls is None:
            return grpc.aio.insecure_channel(self.target, self._all_options())
        return grpc.aio.secure_channel(self.target, self.tls.credentials, self._all_options())

    def open_for_threads(self) -> grpc.Channel:
        """A channel whose calls are each read by one thread, without any thread of gRPC's in between."""
        options = (*self._all_options(), (grpc.experimental.ChannelOptions.SingleThreadedUnaryStream, 1))
        if self.tls is None:
            return grpc.insecure_channel(self.target, options)
        return grpc.secure_channel(self.target, self.tls.credentials, options)

    def _all_options(self) -> tuple[ChannelOption, ...]:
        """Made when they are needed: the URL of a proxy may hold a password."""
        return (*self.options, *proxy_options(self.proxy))
