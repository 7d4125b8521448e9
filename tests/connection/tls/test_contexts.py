"""The authorities of the system, wherever it has them."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from fastapi_esdb.connection.tls.contexts import read_roots, read_user_certificate, system_roots, verifying_context
from fastapi_esdb.connection.tls.handshake import validities
from fastapi_esdb.errors import InvalidSettings
from fastapi_esdb.settings.options import ConnectionOptions
from tests.support.certificates import Authority


@pytest.fixture
def ours(tmp_path: Path) -> bytes:
    return Authority(tmp_path, "ours").file.read_bytes()


@pytest.fixture
def theirs(tmp_path: Path) -> bytes:
    return Authority(tmp_path, "theirs").file.read_bytes()


@pytest.fixture
def folder(tmp_path: Path, ours: bytes, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only place that has any, as OpenSSL wants it: each in a file that is named by a hash."""
    folder = tmp_path / "certs"
    folder.mkdir()
    (folder / "0123abcd.0").write_bytes(ours)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "absent.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(folder))
    return folder


def test_a_folder_alone(folder: Path, ours: bytes, theirs: bytes) -> None:
    """All its certificates are trusted, as they are now; what OpenSSL would not take is left alone."""
    assert system_roots() == ours
    (folder / "0123abcd.1").write_bytes(theirs)
    (folder / "0123abcd.r0").write_bytes(b"a list of revoked certificates")
    (folder / "readme.pem").write_bytes(b"another file")
    (folder / "fedc4321.0").symlink_to("absent.pem")
    assert system_roots() == ours + b"\n" + theirs


def test_several_folders(folder: Path, tmp_path: Path, ours: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable may name several; one that is not there does no harm."""
    monkeypatch.setenv("SSL_CERT_DIR", f"{tmp_path / 'absent'}::{folder}")
    assert system_roots() == ours


def test_a_folder_beside_a_file(
    folder: Path, tmp_path: Path, ours: bytes, theirs: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who names both means both; a file alone stands for itself."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "theirs.pem"))
    assert system_roots() == theirs + b"\n" + ours
    monkeypatch.delenv("SSL_CERT_DIR")
    assert system_roots() == theirs


def test_stores_of_the_system(tmp_path: Path, ours: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there are no such places, it is what Python's ssl loads by itself."""
    nowhere = ssl.get_default_verify_paths()._replace(cafile="", openssl_capath="")
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: nowhere)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ours.pem"))
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    assert validities(system_roots()) == validities(ours) != []


def test_no_authorities_at_all(folder: Path) -> None:
    """That leaves it to those that come with gRPC."""
    (folder / "0123abcd.0").unlink()
    assert system_roots() is None


def test_a_file_that_cannot_be_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing else is trusted in its place; the error names the variable."""

    def refused(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setenv("SSL_CERT_FILE", str(folder / "0123abcd.0"))
    monkeypatch.setattr(Path, "read_bytes", refused)
    with pytest.raises(InvalidSettings, match=r"SSL_CERT_FILE.*Permission denied"):
        read_roots(ConnectionOptions())


def test_a_context_is_made_once_for_the_same_certificates(tmp_path: Path, ours: bytes, theirs: bytes) -> None:
    """Attempts to reach a server that is away cost little; files that were replaced count from the next one on."""
    user = Authority(tmp_path, "users").sign("me")
    file = tmp_path / "authorities.pem"
    options = ConnectionOptions(tls_ca_file=file, user_cert_file=user.certificate, user_key_file=user.key)

    def made() -> ssl.SSLContext:
        return verifying_context(options, read_roots(options), read_user_certificate(options))

    file.write_bytes(ours)
    first = made()
    assert made() is first
    file.write_bytes(theirs)
    second = made()
    assert second is not first
    other = Authority(tmp_path, "users").sign("me")
    user.certificate.write_bytes(other.certificate.read_bytes())
    user.key.write_bytes(other.key.read_bytes())
    assert made() is not second
