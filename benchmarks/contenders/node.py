"""The one node that the bare techniques talk to: its address, its headers and its channels."""

from __future__ import annotations

import grpc

from fastapi_esdb import ConnectionString
from fastapi_esdb.wire.headers import basic


class Node:
    """The first host of a connection string; nothing is discovered and nothing followed."""

    def __init__(self, target: str) -> None:
        string = ConnectionString.parse(target)
        options, user = string.options, string.credentials
        self.address = string.hosts[0].address
        self.metadata = [("authorization", basic(user.username, user.password.get_secret_value()))] if user else []
        self._roots = options.tls_ca_file.read_bytes() if options.tls_ca_file else None
        self._is_secure = options.tls

    def aio_channel(self) -> grpc.aio.Channel:
        if not self._is_secure:
            return grpc.aio.insecure_channel(self.address)
        return grpc.aio.secure_channel(self.address, grpc.ssl_channel_credentials(self._roots))

    def sync_channel(self, *options: tuple[str, int]) -> grpc.Channel:
        if not self._is_secure:
            return grpc.insecure_channel(self.address, options)
        return grpc.secure_channel(self.address, grpc.ssl_channel_credentials(self._roots), options)
