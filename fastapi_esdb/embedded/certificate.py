"""The certificate that a server shows to its clients with TLS."""

from __future__ import annotations

import ipaddress
import tempfile
from base64 import b64decode
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Self
from urllib.parse import quote
from uuid import uuid4

from fastapi_esdb.embedded.errors import TlsUnavailable
from fastapi_esdb.embedded.key_pair import check_pair

IP_ADDRESS = 0x87
"""The tag of an IP address among the names of a certificate."""


@dataclass(frozen=True, slots=True)
class ServerCertificate:
    """A certificate (or chain) and its private key, both PEM. Raises InvalidArgument for anything else.

    `authority` is the certificate of its issuer, if no client can know that one. As long as the server runs, it is in a
    file that the connection string names.
    """

    certificate: bytes
    key: bytes = field(repr=False)
    authority: bytes | None = None

    def __post_init__(self) -> None:
        check_pair(self.certificate, self.key)

    @classmethod
    def from_files(cls, certificate: str | PathLike[str], key: str | PathLike[str]) -> Self:
        """Read both from files; raises OSError, and InvalidArgument."""
        return cls(Path(certificate).read_bytes(), Path(key).read_bytes())

    @classmethod
    def made(cls) -> Self:
        """Return a new one for this machine, with an authority of its own; `authority` is for `tlsCaFile`.

        Raises TlsUnavailable without the package `cryptography`.
        """
        try:
            from fastapi_esdb.embedded.made_certificate import make  # noqa: PLC0415  an extra that few need
        except ModuleNotFoundError:
            raise TlsUnavailable from None
        return cls(*make())

    def names(self, host: str) -> bool:
        """Return whether it is for this IP address, which is then one of its alternative names (RFC 5280, 4.2.1.6)."""
        try:
            address = ipaddress.ip_address(host).packed
        except ValueError:
            return False
        first = self.certificate.partition(b"-----BEGIN CERTIFICATE-----")[2].partition(b"-----END")[0]
        return bytes([IP_ADDRESS, len(address)]) + address in b64decode(first)


class AuthorityFile:
    """The file with the certificate of an authority that only this server uses, for its clients.

    `option` is the part of a connection string that names it, empty if there is no such authority.
    """

    def __init__(self, authority: bytes | None, path: Path) -> None:
        self._authority = authority
        self._path = path
        self.option = "" if authority is None else f"&tlsCaFile={quote(str(path))}"

    def write(self) -> None:
        """Make the file, if there is anything to write. Raises OSError."""
        if self._authority is not None:
            with self._path.open("xb") as file:
                file.write(self._authority)

    def remove(self) -> None:
        """Remove it; idempotent."""
        if self._authority is not None:
            self._path.unlink(missing_ok=True)


def authority_file(certificate: ServerCertificate | None, directory: Path | None = None) -> AuthorityFile:
    """The file for a certificate, under a name that nobody else has; among the temporary files if nowhere else."""
    path = (directory or Path(tempfile.gettempdir())) / f"esdb-{uuid4().hex}-ca.pem"
    return AuthorityFile(certificate.authority if certificate else None, path)
