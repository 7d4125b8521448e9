"""What is said of servers that are reached and are no EventStoreDB, or not now."""

from __future__ import annotations

import asyncio
import logging
import ssl
from pathlib import Path

import pytest

from fastapi_esdb.errors import ConnectionClosed, HandshakeFailed, TlsFailed
from fastapi_esdb.pool.pool import ConnectionPool
from fastapi_esdb.settings.model import EsdbSettings
from tests.connection import strangers
from tests.connection.strangers import Manner, listening, tls_of, wanting_certificates
from tests.support.certificates import LONG_AGO, Authority
from tests.support.transports import OVER_BOTH
from tests.support.waiting import until

pytestmark = OVER_BOTH

OTHER = r".*port of another service \(ESDB_CONNECTION_STRING\)"

PLAIN: list[tuple[Manner, str]] = [
    (strangers.hangs_up, r"hung up: is it meant to be tls=true \(ESDB_TLS\)\?.*starting or stopping"),
    (strangers.resets, r"hung up: is it meant to be tls=true \(ESDB_TLS\)\?.*starting or stopping"),
    (strangers.is_silent, "says nothing: it is frozen" + OTHER),
    (strangers.speaks_http1, "speaks HTTP/1:" + OTHER),
    (strangers.speaks_ssh, "speaks SSH:" + OTHER),
    (strangers.speaks_smtp, "does not speak HTTP/2:" + OTHER),
    (strangers.finds_nothing, "answers as a web server does .*404.*:" + OTHER),
]

ENCRYPTED: list[tuple[Manner, str]] = [
    (strangers.hangs_up, "hung up in the handshake: it may be starting or stopping" + OTHER),
    (strangers.resets, "hung up in the handshake: it may be starting or stopping" + OTHER),
    (strangers.is_silent, "says nothing: it is frozen" + OTHER),
    (strangers.speaks_http1, r"answers in plain text: is it meant to be tls=false \(ESDB_TLS\)\?" + OTHER),
    (strangers.speaks_ssh, r"answers in plain text: is it meant to be tls=false \(ESDB_TLS\)\?" + OTHER),
    (strangers.speaks_smtp, r"answers in plain text: is it meant to be tls=false \(ESDB_TLS\)\?" + OTHER),
]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "ours")


async def why_not(port: int, **settings: object) -> Exception:
    """What the first attempt to connect ends with."""
    string = f"esdb://127.0.0.1:{port}"
    values = {"connection_string": string, "pool_size": 1, "connect_timeout": 4.0, "retry_interval": 5.0, **settings}
    async with ConnectionPool(EsdbSettings(**values)) as pool:
        with pytest.raises(ConnectionClosed) as closed:
            await pool.wait_connected(0)
    assert isinstance(closed.value.__cause__, Exception)
    return closed.value.__cause__


@pytest.mark.parametrize(("manner", "meaning"), PLAIN, ids=lambda each: getattr(each, "__name__", ""))
async def test_in_plain_text(manner: Manner, meaning: str) -> None:
    """It is not said to be out of reach; the setting to look at is named."""
    async with listening(manner) as port:
        error = await why_not(port, tls=False)
    with pytest.raises(HandshakeFailed, match=f"^the server was reached, and {meaning}"):
        raise error


@pytest.mark.parametrize("verified", [True, False])
@pytest.mark.parametrize(("manner", "meaning"), ENCRYPTED, ids=lambda each: getattr(each, "__name__", ""))
async def test_with_tls(manner: Manner, meaning: str, *, verified: bool) -> None:
    """A reset is not taken for the wish of a user certificate: nodes that are killed or started reset."""
    async with listening(manner) as port:
        error = await why_not(port, tls_verify_cert=verified)
    with pytest.raises(TlsFailed, match=f"the server {meaning}") as raised:
        raise error
    assert "user certificate" not in str(raised.value)


async def test_plain_text_to_tls(authority: Authority) -> None:
    """gRPC says no more than that the socket was closed."""
    own = authority.sign("127.0.0.1")
    async with listening(strangers.is_silent, tls_of(own.certificate, own.key, "h2")) as port:
        error = await why_not(port, tls=False)
    with pytest.raises(HandshakeFailed, match=r"hung up: is it meant to be tls=true \(ESDB_TLS\)"):
        raise error


@pytest.mark.parametrize("protocols", [(), ("http/1.1",)])
async def test_a_web_server_with_tls(authority: Authority, protocols: tuple[str, ...]) -> None:
    """It has a certificate to trust, and no HTTP/2."""
    own = authority.sign("127.0.0.1")
    async with listening(strangers.speaks_http1, tls_of(own.certificate, own.key, *protocols)) as port:
        error = await why_not(port, tls_ca_file=authority.file)
    with pytest.raises(TlsFailed, match="the server does not speak HTTP/2:" + OTHER):
        raise error


async def test_a_server_that_is_killed_behind_the_handshake(authority: Authority) -> None:
    """It sends no alert, so nothing is said of certificates."""
    own = authority.sign("127.0.0.1")
    async with listening(strangers.resets, tls_of(own.certificate, own.key, "h2")) as port:
        error = await why_not(port, tls_ca_file=authority.file)
    with pytest.raises(TlsFailed, match=r"hung up.*starting or stopping") as raised:
        raise error
    assert "user certificate" not in str(raised.value)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_an_alert_is_about_the_user_certificate(
    authority: Authority, tmp_path: Path, version: ssl.TLSVersion
) -> None:
    """With TLS 1.3 it comes after the handshake, where gRPC does not tell it."""
    own, old = authority.sign("127.0.0.1"), authority.sign("me", period=LONG_AGO)
    strange = Authority(tmp_path, "theirs").sign("me")
    cases = [
        (None, "may want a user certificate"),
        (old, "the user certificate has expired"),
        (strange, "may not trust the authority of the user certificate"),
    ]
    context = tls_of(own.certificate, own.key, "h2")
    context.maximum_version = version
    with wanting_certificates(context, authority.file) as port:
        for user, meaning in cases:
            shown = {"user_cert_file": user.certificate, "user_key_file": user.key} if user else {}
            error = await why_not(port, tls_ca_file=authority.file, **shown)
            with pytest.raises(TlsFailed, match=rf"{meaning}.*userCertFile \(ESDB_USER_CERT_FILE\)"):
                raise error


async def test_one_warning_for_each_change_of_the_cause(authority: Authority, caplog: pytest.LogCaptureFixture) -> None:
    """However often it is tried: a server in plain text, one that hangs up, and then none any more."""
    caplog.set_level(logging.WARNING, logger="fastapi_esdb")

    def warnings() -> list[str]:
        return [record.message for record in caplog.records if "cannot connect" in record.message]

    manners = [strangers.speaks_http1]

    async def as_it_is_now(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await manners[-1](reader, writer)

    async with listening(as_it_is_now) as port:
        string = f"esdb://127.0.0.1:{port}?tlsCaFile={authority.file}"
        pool = ConnectionPool(EsdbSettings(connection_string=string, retry_interval=0.05, pool_size=2))
        await pool.open()
        await until(lambda: sum(each.attempts for each in pool.connections) > 8)
        manners.append(strangers.hangs_up)
        await until(lambda: len(warnings()) > 1)
    await until(lambda: len(warnings()) > 2)
    attempts = sum(each.attempts for each in pool.connections)
    await until(lambda: sum(each.attempts for each in pool.connections) > attempts + 8)
    await pool.close()
    [first, second, third] = warnings()
    assert "answers in plain text" in first
    assert "hung up in the handshake" in second
    assert "could not be reached" in third
    assert "Connection refused" in third
