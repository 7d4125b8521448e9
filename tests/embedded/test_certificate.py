"""Certificates: which address a server calls itself with one, and the private key that belongs to it."""

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
from fastapi_esdb.embedded.address import Address
from fastapi_esdb.embedded.errors import CannotListen
from fastapi_esdb.wire.errors import InvalidArgument

RUBBISH = b"rubbish \xff"
DAMAGED = b"-----BEGIN %s-----\nAAAA\n-----END %s-----\n"
ISSUED, OTHER = (trustme.CA().issue_cert("localhost") for _ in range(2))
CERTIFICATE, KEY = ISSUED.cert_chain_pems[0].bytes(), ISSUED.private_key_pem.bytes()
OTHER_KEY = OTHER.private_key_pem.bytes()


def certificate(*names: str) -> ServerCertificate:
    issued = trustme.CA().issue_cert(*names)
    chain = b"".join(blob.bytes() for blob in issued.cert_chain_pems)
    return ServerCertificate(b"a comment\n\n" + chain, issued.private_key_pem.bytes())


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_addresses(host: str) -> None:
    """Those among its alternative names, of both kinds."""
    assert certificate("localhost", host).names(host)
    assert not certificate("localhost").names(host)
    assert not certificate("localhost", "127.0.0.2", "::2").names(host)


def test_host_names() -> None:
    """A name is no address: nobody has to be sent to another one."""
    assert not certificate("localhost").names("localhost")


@pytest.mark.parametrize(
    ("address", "names", "advertised"),
    [
        (Address("127.0.0.1", 1), (), "127.0.0.1:1"),
        (Address("127.0.0.1", 1), ("localhost",), "localhost:1"),
        (Address("127.0.0.1", 1), ("localhost", "127.0.0.1"), "127.0.0.1:1"),
        (Address("::1", 1), (), "[::1]:1"),
        (Address("::1", 1), ("localhost", "127.0.0.1"), "localhost:1"),
        (Address("::1", 1), ("localhost", "::1"), "[::1]:1"),
        (Address("localhost", 1), ("localhost",), "localhost:1"),
        (Address("192.168.1.2", 1), ("localhost",), "192.168.1.2:1"),
        (Address("db.example", 1), ("localhost",), "db.example:1"),
    ],
)
def test_what_is_advertised(address: Address, names: tuple[str, ...], advertised: str) -> None:
    """Clients of this machine are sent to what the certificate names, others to the host as it was given."""
    assert str(address.advertised(certificate(*names) if names else None)) == advertised


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_what_is_advertised_for_all_addresses(host: str) -> None:
    """Nobody can connect to "all addresses": the name of the machine stands for them."""
    assert Address(host, 1).advertised(None).host not in (host, "")


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
