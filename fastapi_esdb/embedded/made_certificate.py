"""A certificate for one run on this machine, with an authority of its own; needs the package `cryptography`."""

from __future__ import annotations

import ipaddress
import socket
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

VALID_FOR = timedelta(days=365)
SKEW = timedelta(days=1)
"""Its validity begins so long before now, for clocks that differ."""

ADDRESSES = ("127.0.0.1", "::1")


def make() -> tuple[bytes, bytes, bytes]:
    """The certificate, its private key, and the certificate of the authority, all PEM."""
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    issuer, subject = _name("fastapi_esdb embedded authority"), _name("localhost")
    names = [x509.DNSName("localhost"), x509.DNSName(socket.gethostname())]
    names_and_addresses = [*names, *(x509.IPAddress(ipaddress.ip_address(address)) for address in ADDRESSES)]
    authority = _builder(issuer, issuer, authority_key).add_extension(_authority_rights(), critical=True)
    server = _builder(subject, issuer, key).add_extension(
        x509.SubjectAlternativeName(names_and_addresses), critical=False
    )
    return (
        server.sign(authority_key, SHA256()).public_bytes(Encoding.PEM),
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        authority.sign(authority_key, SHA256()).public_bytes(Encoding.PEM),
    )


def _authority_rights() -> x509.BasicConstraints:
    return x509.BasicConstraints(ca=True, path_length=0)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SKEW)
        .not_valid_after(now + VALID_FOR)
    )
