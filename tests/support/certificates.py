"""Certificates of all kinds, on disk."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import grpc
import trustme
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509 import CertificateBuilder, load_pem_x509_certificate

Period = tuple[datetime.datetime, datetime.datetime]
"""The first and the last moment at which a certificate is valid."""

LONG_AGO = (datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC), datetime.datetime(2020, 1, 2, tzinfo=datetime.UTC))
NOT_YET = (datetime.datetime(2090, 1, 1, tzinfo=datetime.UTC), datetime.datetime(2090, 1, 2, tzinfo=datetime.UTC))


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
    """Signs certificates; its own is at `file`, valid for ever or for a `period`."""

    def __init__(self, folder: Path, name: str, *, period: Period | None = None, ca: trustme.CA | None = None) -> None:
        self._folder = folder
        self._name = name
        self._ca = ca or trustme.CA()
        if period:
            self._ca = _signed_anew(self._ca, self._ca.private_key_pem.bytes(), period)
        self.file = folder / f"{name}.pem"
        self._ca.cert_pem.write_to_path(str(self.file))

    def with_another_key(self) -> Self:
        """An authority that calls itself the same, and is not."""
        key = ec.generate_private_key(ec.SECP256R1())
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return type(self)(self._folder, f"{self._name}-again", ca=_signed_anew(self._ca, pem))

    def sign(self, *names: str, period: Period | None = None) -> Certificate:
        """A certificate for host names or addresses."""
        begins, ends = period or (None, None)
        made = self._ca.issue_cert(*names, not_before=begins, not_after=ends)
        stem = self._folder / f"{self._name}-{len(list(self._folder.iterdir()))}"
        certificate, key = stem.with_suffix(".crt"), stem.with_suffix(".key")
        certificate.write_bytes(b"".join(pem.bytes() for pem in made.cert_chain_pems))
        made.private_key_pem.write_to_path(str(key))
        return Certificate(certificate, key)


def _signed_anew(ca: trustme.CA, key_pem: bytes, period: Period | None = None) -> trustme.CA:
    """The same authority with another key, or with a certificate for another period."""
    old = load_pem_x509_certificate(ca.cert_pem.bytes())
    key = load_pem_private_key(key_pem, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    begins, ends = period or (old.not_valid_before_utc, old.not_valid_after_utc)
    builder = CertificateBuilder().subject_name(old.subject).issuer_name(old.issuer).public_key(key.public_key())
    builder = builder.serial_number(old.serial_number).not_valid_before(begins).not_valid_after(ends)
    for extension in old.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    return trustme.CA.from_pem(builder.sign(key, SHA256()).public_bytes(Encoding.PEM), key_pem)
