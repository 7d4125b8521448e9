"""Servers that refuse us, and servers that we must refuse: the error names the cause, and no secret is shown."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from pydantic import SecretStr

from fastapi_esdb import (
    AccessDenied,
    ConnectionClosed,
    Credentials,
    EsdbSettings,
    NewEvent,
    NotAuthenticated,
    connect,
)
from fastapi_esdb.errors import TlsFailed
from tests.support.certificates import LONG_AGO, Authority, Certificate
from tests.support.processes import embedded
from tests.support.secrets import PASSWORD, USER, found_in, shown
from tests.support.transports import OVER_BOTH
from tests.support.waiting import PATIENCE

pytestmark = OVER_BOTH

EVENT = NewEvent("Refused", {})


def settings_with(port: int, options: str) -> EsdbSettings:
    """Settings that have a password to lose."""
    return EsdbSettings(connection_string=f"esdb://{USER}:{quote(PASSWORD, safe='')}@127.0.0.1:{port}?{options}")


@pytest.fixture(autouse=True)
def _log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)


async def test_a_wrong_password(caplog: pytest.LogCaptureFixture) -> None:
    """The server's answer, call by call; the connection stays, and others may use it."""
    async with embedded("--secure") as server, connect(settings_with(server.port, "tls=false")) as esdb:
        await esdb.wait_connected(PATIENCE)
        with pytest.raises(NotAuthenticated, match="does not accept the credentials of the connection") as caught:
            await esdb.append("s", EVENT)
        await esdb.append("s", EVENT, credentials=Credentials("admin", SecretStr("changeit")))
        assert esdb.pool.stats()["disconnects_total"] == 0
    assert not found_in([shown(caught.value), caplog.text])


async def test_no_password() -> None:
    """It is not the same as a wrong one."""
    async with embedded("--secure") as server, connect(f"esdb://127.0.0.1:{server.port}?tls=false") as esdb:
        await esdb.wait_connected(PATIENCE)
        with pytest.raises(AccessDenied, match="access denied"):
            await esdb.read("s").to_list()


SIGNED: dict[str, tuple[Callable[[Authority, Authority], tuple[Authority, Certificate]], str]] = {
    "another authority": (lambda ours, theirs: (ours, theirs.sign("127.0.0.1")), "not signed by a trusted authority"),
    "expired": (lambda ours, _: (ours, ours.sign("127.0.0.1", period=LONG_AGO)), "has expired"),
    "another host": (lambda ours, _: (ours, ours.sign("elsewhere.example")), "another host name"),
}


@pytest.mark.parametrize("wrong", SIGNED)
async def test_a_certificate_that_is_wrong(wrong: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """There is no connection, and the error and the log say why."""
    make, reason = SIGNED[wrong]
    trusted, certificate = make(Authority(tmp_path, "ours"), Authority(tmp_path, "theirs"))
    files = ["--tls-cert", str(certificate.certificate), "--tls-key", str(certificate.key)]
    async with embedded(*files) as server, connect(settings_with(server.port, f"tlsCaFile={trusted.file}")) as esdb:
        with pytest.raises(ConnectionClosed) as caught:
            await esdb.append("s", EVENT)
    assert isinstance(caught.value.__cause__, TlsFailed)
    assert reason in str(caught.value.__cause__)
    assert reason in caplog.text
    assert not found_in([shown(caught.value), caplog.text])


async def test_a_certificate_of_the_systems_authorities(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without `tlsCaFile` these are trusted, and no others are."""
    authority = Authority(tmp_path, "known")
    certificate = authority.sign("127.0.0.1")
    files = ["--tls-cert", str(certificate.certificate), "--tls-key", str(certificate.key)]
    async with embedded(*files) as server:
        async with connect(settings_with(server.port, "tls=true")) as esdb:
            with pytest.raises(ConnectionClosed) as caught:
                await esdb.append("s", EVENT)
        assert "not signed by a trusted authority" in str(caught.value.__cause__)
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
        async with connect(settings_with(server.port, "tls=true")) as esdb:
            await esdb.wait_connected(PATIENCE)
            await esdb.append("s", EVENT)


async def test_a_server_without_tls(caplog: pytest.LogCaptureFixture) -> None:
    """There is no way back to plain text."""
    async with embedded() as server, connect(settings_with(server.port, "tls=true")) as esdb:
        with pytest.raises(ConnectionClosed) as caught:
            await esdb.append("s", EVENT)
    assert "plain text" in str(caught.value.__cause__)
    assert not found_in([shown(caught.value), caplog.text])


async def test_nothing_is_said_before_the_handshake() -> None:
    """Whoever listens in the server's place sees a TLS handshake and nothing else."""
    heard = bytearray()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.extend(await reader.read(2**16))
        writer.close()

    async with await asyncio.start_server(listen, "127.0.0.1", 0) as listener:
        port = listener.sockets[0].getsockname()[1]
        async with connect(settings_with(port, "tls=true")) as esdb:
            with pytest.raises(ConnectionClosed):
                await esdb.append("s", EVENT)
    assert heard.startswith(b"\x16\x03")
    assert b"HTTP/2.0" not in heard
    assert not found_in([heard.decode("latin-1")])
