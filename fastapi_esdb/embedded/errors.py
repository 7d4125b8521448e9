"""What can keep the embedded server from starting."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi_esdb.wire.errors import EsdbError


@dataclass(eq=False)
class CannotListen(EsdbError):
    """The server can't have the address, most often because another process listens there; or it can't use its key."""

    address: str
    tls: bool = False

    def __str__(self) -> str:
        key = ", or the certificate and its key are no PEM that belong together" if self.tls else ""
        return f"cannot listen on {self.address}: the port is in use, or the host is not one of this machine's{key}"
