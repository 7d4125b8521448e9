"""TLS with servers that are right and servers that are wrong."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from fastapi_esdb.connection.call import StreamCall, unary
from fastapi_esdb.connection.deadline import Deadline
from fastapi_esdb.connection.tls.contexts import read_roots, ssl_context
from fastapi_esdb.connection.tls.handshake import Certificates, tls_failure
from fastapi_esdb.connection.transports import open_transport
from fastapi_esdb.errors import HandshakeFailed, InvalidSettings, TlsFailed
from fastapi_esdb.settings.choices import TransportKind
from fastapi_esdb.settings.hosts import Host
from fastapi_esdb.settings.options import ConnectionOptions
from fastapi_esdb.wire.errors import ConnectionRefused
from tests.connection.conftest import Listener, channel_to
from tests.support.certificates import LONG_AGO, NOT_YET, Authority, Certificate, Period
from tests.support.processes import free_port
from tests.support.proxy import FaultProxy
from tests.support.scripted import FOLLOW, READ, ScriptedServer
from tests.support.transports import OVER_BOTH, OVER_GRPCIO

DAMAGED_BLOCK = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"


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
    channel = await channel_to(port, Listener(), options)
    try:
        with channel.lease() as lease:
            answer = await unary(lease, READ, "hello", Deadline.after(20))
        bulk = StreamCall(channel.lease(), FOLLOW, bulk=True)
        await bulk.start(["count 1"], Deadline.after(20))
        assert list(await bulk.read(20)) == ["0"], "the second TCP connection is like the first"
        bulk.close()
        return answer
    finally:
        channel.force_close()
        await channel.wait_closed()


@OVER_BOTH
async def test_a_server_signed_by_the_authority_of_the_settings(authority: Authority, certificate: Certificate) -> None:
    """`tlsCaFile` names whom to trust."""
    async with ScriptedServer(tls=certificate.server()) as server:
        assert await call(server.port, ConnectionOptions(tls_ca_file=authority.file)) == "hello"


@OVER_BOTH
async def test_the_systems_authorities_are_trusted(
    authority: Authority, certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without `tlsCaFile` it is those that OpenSSL would take, which SSL_CERT_FILE or SSL_CERT_DIR can name."""
    authority.file.rename(authority.file.with_name("0123abcd.0"))
    async with ScriptedServer(tls=certificate.server()) as server:
        monkeypatch.setenv("SSL_CERT_DIR", str(authority.file.parent))
        monkeypatch.delenv("SSL_CERT_FILE", raising=False)
        assert await call(server.port, ConnectionOptions()) == "hello"
        monkeypatch.delenv("SSL_CERT_DIR")
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.file.with_name("0123abcd.0")))
        assert await call(server.port, ConnectionOptions()) == "hello"


@OVER_BOTH
async def test_a_server_of_another_authority(authority: Authority, other: Authority, certificate: Certificate) -> None:
    """It is not trusted, be its name that of a trusted one; the error says which setting is about that."""
    async with ScriptedServer(tls=certificate.server()) as server:
        for untrusted in (other, authority.with_another_key()):
            with pytest.raises(TlsFailed, match=r"not signed by a trusted authority.*tlsCaFile"):
                await call(server.port, ConnectionOptions(tls_ca_file=untrusted.file))
        assert not server.seen


@OVER_BOTH
async def test_a_certificate_for_another_host(authority: Authority) -> None:
    """The name is checked."""
    async with ScriptedServer(tls=authority.sign("example.org").server()) as server:
        with pytest.raises(TlsFailed, match="another host name"):
            await call(server.port, ConnectionOptions(tls_ca_file=authority.file))


@OVER_BOTH
@pytest.mark.parametrize(("period", "meaning"), [(LONG_AGO, "has expired"), (NOT_YET, "is not valid yet")])
async def test_a_certificate_out_of_date(authority: Authority, period: Period, meaning: str) -> None:
    """The dates are checked, and the error says whose they are."""
    async with ScriptedServer(tls=authority.sign("127.0.0.1", period=period).server()) as server:
        with pytest.raises(TlsFailed, match=f"the server's certificate {meaning}[^:]*$"):
            await call(server.port, ConnectionOptions(tls_ca_file=authority.file))


@OVER_BOTH
@pytest.mark.parametrize(("period", "meaning"), [(LONG_AGO, "has expired"), (NOT_YET, "is not valid yet")])
async def test_an_authority_out_of_date(authority: Authority, tmp_path: Path, period: Period, meaning: str) -> None:
    """So are those of the authority; where several are trusted, it may be the certificate as well.

    What can't be read among them does not matter.
    """
    old = Authority(tmp_path, "old", period=period)
    both = tmp_path / "both.pem"
    both.write_bytes(old.file.read_bytes() + authority.file.read_bytes() + DAMAGED_BLOCK)
    async with ScriptedServer(tls=old.sign("127.0.0.1").server()) as server:
        with pytest.raises(TlsFailed, match=f"the authority of the server's certificate {meaning}.*tlsCaFile"):
            await call(server.port, ConnectionOptions(tls_ca_file=old.file))
        with pytest.raises(TlsFailed, match=f"the server's certificate {meaning}.*or its authority.*tlsCaFile"):
            await call(server.port, ConnectionOptions(tls_ca_file=both))


@OVER_BOTH
async def test_a_server_without_tls() -> None:
    """TLS is never given up for plain text: the call does not reach the server."""
    async with ScriptedServer() as server:
        with pytest.raises(TlsFailed, match="tls=false"):
            await call(server.port, ConnectionOptions())
        assert not server.seen


@OVER_BOTH
async def test_plain_text_to_a_server_with_tls(certificate: Certificate) -> None:
    """Nothing gets through this way either."""
    async with ScriptedServer(tls=certificate.server()) as server:
        with pytest.raises(HandshakeFailed, match=r"tls=true \(ESDB_TLS\)"):
            await call(server.port, ConnectionOptions(tls=False))
        assert not server.seen


@OVER_BOTH
async def test_a_user_certificate_is_shown(authority: Authority, certificate: Certificate) -> None:
    """A server that wants one accepts it, and hangs up on who shows none (`test_strangers` shows what it may say)."""
    user = authority.sign("someone@example.org")
    with_certificate = ConnectionOptions(
        tls_ca_file=authority.file, user_cert_file=user.certificate, user_key_file=user.key
    )
    async with ScriptedServer(tls=certificate.server(client_ca=authority.file)) as server:
        assert await call(server.port, with_certificate) == "hello"
        with pytest.raises(TlsFailed, match="hung up after the handshake"):
            await call(server.port, ConnectionOptions(tls_ca_file=authority.file))


@OVER_BOTH
@pytest.mark.parametrize("names", [["127.0.0.1"], ["example.org"], ["*.example.org"], ["10.9.8.7"]])
async def test_the_check_can_be_left_out(other: Authority, names: list[str]) -> None:
    """With `tlsVerifyCert=false` neither authority nor name matters; it is encrypted all the same."""
    async with ScriptedServer(tls=other.sign(*names).server()) as server:
        assert await call(server.port, ConnectionOptions(tls_verify_cert=False)) == "hello"


@pytest.mark.parametrize("period", [LONG_AGO, NOT_YET])
async def test_over_our_own_http_2_dates_are_not_checked_either(other: Authority, period: Period) -> None:
    """Nor is the server asked for its certificate before."""
    async with ScriptedServer(tls=other.sign("example.org", period=period).server()) as server:
        options = ConnectionOptions(tls_verify_cert=False, transport=TransportKind.HTTP2)
        async with FaultProxy(server.port) as proxy:
            assert await call(proxy.port, options) == "hello"
            assert proxy.connections == 1


@OVER_GRPCIO
@pytest.mark.parametrize(("period", "meaning"), [(LONG_AGO, "has expired"), (NOT_YET, "is not valid yet")])
async def test_dates_are_checked_all_the_same(other: Authority, period: Period, meaning: str) -> None:
    """gRPC can't leave that out; the error says so, and what is wrong."""
    async with ScriptedServer(tls=other.sign("127.0.0.1", period=period).server()) as server:
        with pytest.raises(TlsFailed, match=f"certificate {meaning}.*tlsVerifyCert=false does not"):
            await call(server.port, ConnectionOptions(tls_verify_cert=False))


@OVER_BOTH
async def test_without_the_check_it_is_still_tls_or_nothing() -> None:
    """A server in plain text is refused, as is none at all."""
    unchecked = ConnectionOptions(tls_verify_cert=False)
    async with ScriptedServer() as server:
        with pytest.raises(TlsFailed, match="tls=false"):
            await call(server.port, unchecked)
        assert not server.seen
    with pytest.raises(ConnectionRefused):
        await call(free_port(), unchecked)


@OVER_BOTH
@pytest.mark.parametrize("host", [Host("node..example"), Host("127.0.0.1", 70000)])
async def test_without_the_check_a_host_that_is_none_is_refused(host: Host) -> None:
    """Members of a cluster may give themselves any name."""
    with pytest.raises(ConnectionRefused):
        await open_transport(host, ConnectionOptions(tls_verify_cert=False), Deadline.after(5))


@OVER_BOTH
async def test_without_the_check_a_mute_server_is_given_up_in_time(certificate: Certificate) -> None:
    """Asking for the certificate has the deadline of the attempt."""
    async with ScriptedServer(tls=certificate.server()) as server, FaultProxy(server.port) as proxy:
        proxy.blackhole()
        with pytest.raises(ConnectionRefused):
            await open_transport(
                Host("127.0.0.1", proxy.port), ConnectionOptions(tls_verify_cert=False), Deadline.after(0.2)
            )


def unusable_files(folder: Path, certificate: Certificate, other: Certificate) -> list[tuple[str, ConnectionOptions]]:
    absent, garbage, damaged = (folder / f"{name}.pem" for name in ("absent", "garbage", "damaged"))
    garbage.write_text("no certificate")
    damaged.write_bytes(certificate.certificate.read_bytes() + DAMAGED_BLOCK)
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
        ("tlsCaFile", ConnectionOptions(tls_ca_file=damaged)),
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
        assert "None" not in str(caught.value)


def test_roots_that_have_gone(tmp_path: Path) -> None:
    """A file that was there when the pool was opened can be gone at a later attempt."""
    with pytest.raises(InvalidSettings, match="tlsCaFile"):
        read_roots(ConnectionOptions(tls_ca_file=tmp_path / "absent.pem"))


def test_other_failures_are_not_blamed_on_tls() -> None:
    """A refused connection is just that."""
    assert tls_failure("failed to connect to all addresses; last error: Connection refused", Certificates()) is None


@pytest.mark.parametrize(
    ("said", "meaning"),
    [
        ("SSL routines:OPENSSL_internal:TLSV1_ALERT_UNKNOWN_CA: OK", "may want a user certificate"),
        ("SSL routines:OPENSSL_internal:UNSUPPORTED_PROTOCOL: OK", r"the handshake failed \(UNSUPPORTED_PROTOCOL\)"),
        (
            "SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED: bad purpose: OK",
            r"can't be used \(.*bad purpose\)",
        ),
    ],
)
def test_what_other_servers_are_refused_for(said: str, meaning: str) -> None:
    """An alert that is about certificates is about ours; other reasons are passed on."""
    failure = tls_failure(f"Tls handshake failed (TSI_PROTOCOL_FAILURE): SSL_ERROR_SSL: error:1:{said}", Certificates())
    assert re.search(meaning, str(failure))
