"""What a server with TLS is given to show, and what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509 import CertificateBuilder, load_pem_x509_certificate

from fastapi_esdb.embedded import EmbeddedServer, ServerCertificate
from fastapi_esdb.embedded.errors import CannotListen
from fastapi_esdb.wire.errors import InvalidArgument

RUBBISH = b"rubbish \xff"
DAMAGED = b"-----BEGIN %s-----\nAAAA\n-----END %s-----\n"
ISSUED, OTHER = (trustme.CA().issue_cert("localhost") for _ in range(2))
CERTIFICATE, KEY = ISSUED.cert_chain_pems[0].bytes(), ISSUED.private_key_pem.bytes()
OTHER_KEY = OTHER.private_key_pem.bytes()


def pem(key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def encrypted(key: bytes) -> bytes:
    private = load_pem_private_key(key, None)
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))


@pytest.mark.parametrize("certificate", [b"", RUBBISH, DAMAGED % (b"CERTIFICATE", b"CERTIFICATE"), KEY])
def test_a_certificate_that_is_none(certificate: bytes) -> None:
    """Rubbish, a damaged one, a key in its place: it is the certificate that is blamed."""
    with pytest.raises(InvalidArgument, match=r"^the certificate \(--tls-cert\)"):
        ServerCertificate(certificate, KEY)


@pytest.mark.parametrize("key", [b"", RUBBISH, DAMAGED % (b"PRIVATE KEY", b"PRIVATE KEY"), CERTIFICATE, encrypted(KEY)])
def test_a_key_that_is_none(key: bytes) -> None:
    """The same with the key, which may also have a password; nobody is asked for it."""
    with pytest.raises(InvalidArgument, match=r"^the private key \(--tls-key\) is none"):
        ServerCertificate(CERTIFICATE, key)


@pytest.mark.parametrize("key", [OTHER_KEY, pem(ed25519.Ed25519PrivateKey.generate())])
def test_a_key_of_another_certificate(key: bytes, tmp_path: Path) -> None:
    """Both are right, and not together; from files it is the same."""
    (tmp_path / "cert.pem").write_bytes(CERTIFICATE)
    (tmp_path / "key.pem").write_bytes(key)
    with pytest.raises(InvalidArgument, match=r"--tls-key\) belongs to another certificate"):
        ServerCertificate.from_files(tmp_path / "cert.pem", tmp_path / "key.pem")


async def test_a_key_of_a_kind_that_is_not_taken() -> None:
    """There is one that OpenSSL takes and gRPC does not; only the start tells."""
    key, old = ec.generate_private_key(ec.SECP256K1()), load_pem_x509_certificate(CERTIFICATE)
    builder = CertificateBuilder(old.issuer, old.subject, key.public_key(), old.serial_number)
    dated = builder.not_valid_before(old.not_valid_before_utc).not_valid_after(old.not_valid_after_utc)
    certificate = dated.sign(key, SHA256()).public_bytes(Encoding.PEM)
    with pytest.raises(CannotListen, match="this kind of private key"):
        await EmbeddedServer(tls=ServerCertificate(certificate, pem(key))).start()
