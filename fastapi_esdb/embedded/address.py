"""The address at which the embedded server listens, and the one that its clients connect to."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass

from fastapi_esdb.embedded.certificate import ServerCertificate
from fastapi_esdb.wire.errors import InvalidArgument

MAX_PORT = 65535


@dataclass(frozen=True, slots=True)
class Address:
    """A host and a port; port 0 lets the system choose one."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{bracketed(self.host)}:{self.port}"

    def advertised(self, certificate: ServerCertificate | None) -> Address:
        """Return the address that clients connect to: with TLS, one that is in the certificate.

        On this machine that is `localhost` if the certificate does not contain the address itself.
        """
        if self.is_loopback:
            is_named = certificate is None or certificate.names(self.host)
            return self if is_named else Address("localhost", self.port)
        return Address(socket.gethostname(), self.port) if self._is_wildcard else self

    @property
    def is_loopback(self) -> bool:
        """True if only this machine can reach it."""
        ip = self._ip
        return self.host == "localhost" or (ip is not None and ip.is_loopback)

    @property
    def _is_wildcard(self) -> bool:
        ip = self._ip
        return ip is not None and ip.is_unspecified

    @property
    def _ip(self) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
        try:
            return ipaddress.ip_address(self.host)
        except ValueError:
            return None


def checked_address(host: str, port: int, *, allow_remote: bool) -> Address:
    """Return the address. Raises InvalidArgument for an invalid port, or a host that others can reach but must not."""
    address = Address(host, port)
    if not 0 <= port <= MAX_PORT:
        raise InvalidArgument(f"the port {port} is out of bounds: it must be from 0 (any free one) to {MAX_PORT}")
    if not (allow_remote or address.is_loopback):
        raise InvalidArgument(
            f"the host {host!r} is not a loopback address: others could reach the embedded server, which is made for "
            "development and tests. Use 127.0.0.1, or allow_remote=True (--allow-remote) if that is what you want"
        )
    return address


def bracketed(host: str) -> str:
    """Return the host as it is written in front of a colon and a port."""
    return f"[{host}]" if ":" in host else host
