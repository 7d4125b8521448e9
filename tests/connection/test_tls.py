"""TLS with servers that are right and servers that are wrong."""

from __future__ import annotations

import ssl
from pathlib import Path
from types import SimpleNamespace

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from fastapi_esdb.connection.bulk_call import BulkCall
from fastapi_esdb.connection.call import unary
from fastapi_esdb.connection.deadline import Deadline
from fastapi_esdb.connection.dial import dial
from fastapi_esdb.connection.tls import read_roots, ssl_context, tls_failure
from fastapi_esdb.errors import InvalidSettings, TlsFailed
from fastapi_esdb.settings.connection_options import ConnectionOptions
from fastapi_esdb.settings.hosts import Host
from fastapi_esdb.wire.errors import ConnectionRefused
from tests.connection.conftest import Owner, channel_to
from tests.faults.certificates import Authority, Certificate
from tests.faults.process import free_port
from tests.faults.proxy import FaultProxy
from tests.faults.scripted import FOLLOW, READ, ScriptedServer


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "ours")


@pytest.fixture
def other(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "theirs")


@pytest.fixture
def certificate(authority: Authority) -> Certificate:
    return authority.sign("127.0.0.1", "localhost")


async def call(port: int, options: ConnectionOptions) -> str:
    channel = await channel_to(port, Owner(), options)
    try:
        with channel.lease() as lease:
            answer = await unary(lease, READ, "hello", Deadline.after(20))
        bulk = BulkCall(channel.lease(), FOLLOW)
        await bulk.start(["count 1"], Deadline.after(20))
        assert await bulk.read_batch(20) == ["0"], "the second TCP connection is like the first"
        bulk.close()
        return answer
    finally:
        channel.force_close()
        await channel.wait_closed()


async def test_a_server_signed_by_the_authority_of_the_settings(authority: Authority, certificate: Certificate) -> None:
    """`tlsCaFile` names whom to trust."""
    async with ScriptedServer(tls=certificate.server()) as server:
        assert await call(server.port, ConnectionOptions(tls_ca_file=authority.file)) == "hello"


async def test_the_systems_authorities_are_trusted(
    authority: Authority, certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without `tlsCaFile` it is those that OpenSSL would take, which SSL_CERT_FILE can name."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    async with ScriptedServer(tls=certificate.server()) as server:
        assert await call(server.port, ConnectionOptions()) == "hello"


async def test_a_server_of_another_authority(other: Authority, certificate: Certificate) -> None:
    """It is not trusted, and the error says which setting is about that."""
    async with ScriptedServer(tls=certificate.server()) as server:
        with pytest.raises(TlsFailed, match=r"not signed by a trusted authority.*tlsCaFile"):
            await call(server.port, ConnectionOptions(tls_ca_file=other.file))
        assert not server.seen


async def test_a_certificate_for_another_host(authority: Authority) -> None:
    """The name is checked."""
    async with ScriptedServer(tls=authority.sign("example.org").server()) as server:
        with pytest.raises(TlsFailed, match="another host name"):
            await call(server.port, ConnectionOptions(tls_ca_file=authority.file))


async def test_a_certificate_that_has_expired(authority: Authority) -> None:
    """The dates are checked."""
    async with ScriptedServer(tls=authority.sign("127.0.0.1", expired=True).server()) as server:
        with pytest.raises(TlsFailed, match="has expired"):
            await call(server.port, ConnectionOptions(tls_ca_file=authority.file))


async def test_a_server_without_tls() -> None:
    """TLS is never given up for plain text: the call does not reach the server."""
    async with ScriptedServer() as server:
        with pytest.raises(TlsFailed, match="tls=false"):
            await call(server.port, ConnectionOptions())
        assert not server.seen


async def test_plain_text_to_a_server_with_tls(certificate: Certificate) -> None:
    """Nothing gets through this way either."""
    async with ScriptedServer(tls=certificate.server()) as server:
        with pytest.raises(ConnectionRefused):
            await call(server.port, ConnectionOptions(tls=False))
        assert not server.seen


async def test_a_user_certificate_is_shown(authority: Authority, certificate: Certificate) -> None:
    """A server that wants one accepts it, and refuses who shows none."""
    user = authority.sign("someone@example.org")
    with_certificate = ConnectionOptions(
        tls_ca_file=authority.file, user_cert_file=user.certificate, user_key_file=user.key
    )
    async with ScriptedServer(tls=certificate.server(client_ca=authority.file)) as server:
        assert await call(server.port, with_certificate) == "hello"
        with pytest.raises(TlsFailed, match=r"may want a user certificate.*userCertFile"):
            await call(server.port, ConnectionOptions(tls_ca_file=authority.file))


@pytest.mark.parametrize("names", [["127.0.0.1"], ["example.org"], ["*.example.org"], ["10.9.8.7"]])
async def test_the_check_can_be_left_out(other: Authority, names: list[str]) -> None:
    """With `tlsVerifyCert=false` neither authority nor name matters; it is encrypted all the same."""
    async with ScriptedServer(tls=other.sign(*names).server()) as server:
        assert await call(server.port, ConnectionOptions(tls_verify_cert=False)) == "hello"


async def test_without_the_check_it_is_still_tls_or_nothing() -> None:
    """A server in plain text is refused, as is none at all."""
    unchecked = ConnectionOptions(tls_verify_cert=False)
    async with ScriptedServer() as server:
        with pytest.raises(TlsFailed):
            await call(server.port, unchecked)
        assert not server.seen
    with pytest.raises(ConnectionRefused):
        await call(free_port(), unchecked)


@pytest.mark.parametrize("host", [Host("node..example"), Host("127.0.0.1", 70000)])
async def test_without_the_check_a_host_that_is_none_is_refused(host: Host) -> None:
    """Members of a cluster may give themselves any name."""
    with pytest.raises(ConnectionRefused):
        await dial(host, ConnectionOptions(tls_verify_cert=False), Deadline.after(5))


async def test_without_the_check_a_mute_server_is_given_up_in_time(certificate: Certificate) -> None:
    """Asking for the certificate has the deadline of the attempt."""
    async with ScriptedServer(tls=certificate.server()) as server, FaultProxy(server.port) as proxy:
        proxy.blackhole()
        with pytest.raises(ConnectionRefused):
            await dial(Host("127.0.0.1", proxy.port), ConnectionOptions(tls_verify_cert=False), Deadline.after(0.2))


def unusable_files(folder: Path, certificate: Certificate, other: Certificate) -> list[tuple[str, ConnectionOptions]]:
    absent, garbage = folder / "absent.pem", folder / "garbage.pem"
    garbage.write_text("no certificate")
    encrypted = folder / "encrypted.key"
    key = load_pem_private_key(certificate.key.read_bytes(), None)
    encrypted.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, BestAvailableEncryption(b"secret"))
    )
    own = certificate.certificate
    return [
        ("tlsCaFile", ConnectionOptions(tls_ca_file=absent)),
        ("tlsCaFile", ConnectionOptions(tls_ca_file=garbage)),
        ("tlsCaFile", ConnectionOptions(tls_ca_file=folder)),
        ("userKeyFile", ConnectionOptions(user_cert_file=own, user_key_file=absent)),
        ("userKeyFile", ConnectionOptions(user_cert_file=own, user_key_file=other.key)),
        ("userKeyFile", ConnectionOptions(user_cert_file=own, user_key_file=encrypted)),
        ("userCertFile", ConnectionOptions(user_cert_file=garbage, user_key_file=certificate.key)),
    ]


def test_files_that_cannot_be_used(tmp_path: Path, authority: Authority, certificate: Certificate) -> None:
    """Absent, no PEM, a folder, the key of another certificate, an encrypted key: the error names the setting only."""
    for setting, options in unusable_files(tmp_path, certificate, authority.sign("example.org")):
        with pytest.raises(InvalidSettings, match=f"{setting}.*must be a PEM file that can be read") as caught:
            ssl_context(options)
        assert str(tmp_path) not in str(caught.value)


def test_roots_without_any_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system without a file of authorities leaves it to those that come with gRPC."""
    nothing = SimpleNamespace(cafile=None)
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: nothing)
    assert read_roots(ConnectionOptions()) is None


def test_roots_that_have_gone(tmp_path: Path) -> None:
    """A file that was there when the pool was opened can be gone at a later attempt."""
    with pytest.raises(InvalidSettings, match="tlsCaFile"):
        read_roots(ConnectionOptions(tls_ca_file=tmp_path / "absent.pem"))


def test_other_failures_are_not_blamed_on_tls() -> None:
    """A refused connection is just that."""
    assert tls_failure("failed to connect to all addresses; last error: Connection refused") is None
