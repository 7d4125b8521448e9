"""The certificate that a server shows to its clients with TLS."""

from __future__ import annotations

import ipaddress
import ssl
import tempfile
from base64 import b64decode
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Self
from urllib.parse import quote
from uuid import uuid4

from fastapi_esdb.embedded.errors import TlsUnavailable
from fastapi_esdb.wire.errors import InvalidArgument

_APART = ("KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED")
"""The reasons of OpenSSL for a key that belongs to another certificate, of the same kind or not."""

IP_ADDRESS = 0x87
"""The tag of an IP address among the names of a certificate."""


def check_pair(certificate: bytes, key: bytes) -> None:
    """Raise InvalidArgument, which names the culprit, for what can't be read (both are PEM) or fit together."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")  # how long a key must be is left to gRPC
    try:
        context.load_verify_locations(cadata=certificate.decode("ascii"))
    except (ssl.SSLError, ValueError):
        raise InvalidArgument("the certificate (--tls-cert) is none, or damaged: it must be PEM") from None
    try:
        _load(context, certificate, key)
    except ssl.SSLError as error:
        raise InvalidArgument(_complaint(error)) from None


def _load(context: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    """Python reads both from files only."""
    with tempfile.TemporaryDirectory(prefix="esdb-") as folder:
        certificate_file, key_file = Path(folder, "cert.pem"), Path(folder, "key.pem")
        certificate_file.write_bytes(certificate)
        key_file.write_bytes(key)
        # without the empty password, OpenSSL would ask for it at the terminal
        context.load_cert_chain(certificate_file, key_file, password="")


def _complaint(error: ssl.SSLError) -> str:
    if error.reason in _APART:
        return "the private key (--tls-key) belongs to another certificate than the one given (--tls-cert)"
    return "the private key (--tls-key) is none, or damaged, or has a password: it must be PEM, without a password"


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
