"""Certificates of all kinds, on disk."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path

import grpc
import trustme

LONG_AGO = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)


@dataclass(frozen=True)
class Certificate:
    """A certificate with its key, as files and as what a gRPC server wants."""

    certificate: Path
    key: Path

    def server(self, *, client_ca: Path | None = None) -> grpc.ServerCredentials:
        """Serve with it; with `client_ca` only for clients that show a certificate of that authority."""
        pair = [(self.key.read_bytes(), self.certificate.read_bytes())]
        roots = client_ca.read_bytes() if client_ca else None
        return grpc.ssl_server_credentials(pair, roots, require_client_auth=client_ca is not None)


class Authority:
    """Signs certificates; its own is at `file`."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = name
        self._ca = trustme.CA()
        self.file = folder / f"{name}.pem"
        self._ca.cert_pem.write_to_path(str(self.file))

    def sign(self, *names: str, expired: bool = False) -> Certificate:
        """A certificate for host names or addresses."""
        until = LONG_AGO + datetime.timedelta(days=1) if expired else None
        made = self._ca.issue_cert(*names, not_before=LONG_AGO if expired else None, not_after=until)
        stem = self._folder / f"{self._name}-{len(list(self._folder.iterdir()))}"
        certificate, key = stem.with_suffix(".crt"), stem.with_suffix(".key")
        certificate.write_bytes(b"".join(pem.bytes() for pem in made.cert_chain_pems))
        made.private_key_pem.write_to_path(str(key))
        return Certificate(certificate, key)
