"""Errors that keep embedded servers from starting, and clusters of them from forming."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi_esdb.wire.errors import EsdbError


@dataclass(eq=False)
class CannotListen(EsdbError):
    """The address is not available, most often because another process uses it; or gRPC can't use the key."""

    address: str
    tls: bool = False

    def __str__(self) -> str:
        key = ", or gRPC does not take this kind of private key" if self.tls else ""
        return f"cannot listen on {self.address}: the port is in use, or the host is not one of this machine's{key}"


class TlsUnavailable(EsdbError):
    """A certificate can't be made."""

    def __str__(self) -> str:
        return (
            "making a certificate needs the package `cryptography`: install it with `pip install 'fastapi-esdb[tls]'`, "
            "or give a certificate and its key (--tls-cert and --tls-key)"
        )


@dataclass(eq=False)
class NodeFailed(EsdbError):
    """A node of a cluster could not start; `number` is its number from 0 on."""

    number: int
    reason: str

    def __str__(self) -> str:
        return f"node {self.number} of the cluster could not start: {self.reason}"


@dataclass(eq=False)
class ClusterTimeout(EsdbError):
    """Something that should happen in a cluster did not happen in time."""

    what: str
    seconds: float

    def __str__(self) -> str:
        return f"{self.what} has not happened within {self.seconds:g} s"
