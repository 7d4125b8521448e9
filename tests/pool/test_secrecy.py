"""Credentials, and the certificates that make their way a safe one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from fastapi_esdb.connection.caller import CallOptions
from fastapi_esdb.errors import ConnectionClosed, InvalidSettings, TlsFailed
from fastapi_esdb.pool.pool import ConnectionPool
from fastapi_esdb.settings.choices import NodePreference
from fastapi_esdb.settings.credentials import Credentials
from fastapi_esdb.settings.model import EsdbSettings
from fastapi_esdb.wire.streams.methods import READ as STREAM_READ
from fastapi_esdb.wire.streams.values import ReadRequest
from tests.support.certificates import Authority
from tests.support.fake_cluster import FakeCluster
from tests.support.pools import PATIENT, pool_on
from tests.support.scripted import FOLLOW, READ, WRITE, ScriptedServer
from tests.support.transports import OVER_BOTH
from tests.support.waiting import PATIENCE, until

REFUSAL = r"ESDB_USERNAME.*in plain text \(tls=false\).*ESDB_ALLOW_INSECURE_CREDENTIALS"


def settings(string: str, **values: Any) -> EsdbSettings:
    return EsdbSettings(_env_file=None, **{"connection_string": string, **values})


@pytest.fixture
def _far_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every host be another machine."""
    for module in ("channel", "preflight"):
        monkeypatch.setattr(f"fastapi_esdb.connection.{module}.is_loopback", lambda _host: False)


@pytest.mark.parametrize("hosts", ["db.example", "db.example:2114", "10.1.2.3", "localhost,db.example"])
async def test_credentials_in_plain_text_are_refused(hosts: str) -> None:
    """At the start, before anything is sent; the error says what to do and shows no password."""
    pool = ConnectionPool(settings(f"esdb://ada:canary@{hosts}?tls=false"))
    with pytest.raises(InvalidSettings, match=REFUSAL) as caught:
        await pool.open()
    assert "canary" not in str(caught.value)
    assert pool.is_closed


@pytest.mark.usefixtures("_far_away")
async def test_they_can_be_allowed(server: ScriptedServer) -> None:
    """Where the network is a safe place."""
    async with pool_on(server.port, user="ada:secret@", allow_insecure_credentials=True) as pool:
        assert await pool.call(READ, "hello") == "hello"
        assert server.headers[0].authorization is not None


@pytest.mark.usefixtures("_far_away")
async def test_those_of_a_call_are_refused_too(server: ScriptedServer) -> None:
    """A pool without credentials may talk in plain text; a call that brings some may not, whatever its shape."""
    own = CallOptions(credentials=Credentials("ada", SecretStr("canary")))
    async with pool_on(server.port) as pool:
        assert await pool.call(READ, "hello") == "hello"
        with pytest.raises(InvalidSettings, match=REFUSAL):
            await pool.call(READ, "secret", own)
        with pytest.raises(InvalidSettings, match=REFUSAL):
            await pool.call(WRITE, "secret", own)
        with pytest.raises(InvalidSettings, match=REFUSAL):
            async with pool.stream(FOLLOW, ["secret"], own):
                pass
        assert [text for _, text in server.seen] == ["hello"]
        assert pool.stats()["calls_in_flight"] == 0


async def test_a_member_elsewhere_gets_no_credentials(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The seed may be this machine while gossip names another one: each connection is looked at by itself."""
    async with FakeCluster() as cluster:
        monkeypatch.setattr("fastapi_esdb.connection.channel.is_loopback", lambda _host: False)
        async with ConnectionPool(cluster.settings(user="ada:secret@")) as pool:
            with pytest.raises(InvalidSettings, match=REFUSAL):
                await pool.call(READ, "hello", PATIENT)


def encrypted(cluster: FakeCluster, authority: Authority, name: str = "127.0.0.1", **values: Any) -> EsdbSettings:
    """Settings for a pool over a cluster with TLS."""
    return settings(f"esdb+discover://{name}:{cluster.nodes[2].port}?tlsCaFile={authority.file}", **values)


async def read(pool: ConnectionPool, options: CallOptions) -> Sequence[object]:
    """Read a stream, of which fake nodes have nothing."""
    async with pool.stream(STREAM_READ, [ReadRequest("s")], options) as stream:
        return await stream.read(whole=100)


async def test_gossip_is_encrypted_as_well(tmp_path: Path) -> None:
    """Nodes are asked as they are connected to: with the same authorities, and never in plain text."""
    authority = Authority(tmp_path, "ours")
    tls = authority.sign("127.0.0.1", "localhost").server()
    async with FakeCluster(tls=tls) as cluster, ConnectionPool(encrypted(cluster, authority)) as pool:
        assert await pool.call(WRITE, "hello", PATIENT) == "hello"


async def test_a_name_is_what_the_certificate_is_for(tmp_path: Path) -> None:
    """The addresses behind a DNS name are asked; the certificate has to be for the name."""
    authority = Authority(tmp_path, "ours")
    tls = authority.sign("127.0.0.1", "localhost").server()
    async with FakeCluster(tls=tls) as cluster, ConnectionPool(encrypted(cluster, authority, "localhost")) as pool:
        assert await pool.call(WRITE, "hello", PATIENT) == "hello"
    tls = authority.sign("127.0.0.1").server()
    async with FakeCluster(tls=tls) as cluster, ConnectionPool(encrypted(cluster, authority, "localhost")) as pool:
        with pytest.raises(ConnectionClosed) as caught:
            await pool.call(WRITE, "hello")
    assert isinstance(caught.value.__cause__, TlsFailed)
    assert "another host name" in str(caught.value.__cause__)


async def test_a_cluster_of_another_authority(tmp_path: Path) -> None:
    """The reason is not lost on the way through discovery."""
    ours, theirs = Authority(tmp_path, "ours"), Authority(tmp_path, "theirs")
    tls = theirs.sign("127.0.0.1").server()
    async with FakeCluster(tls=tls) as cluster, ConnectionPool(encrypted(cluster, ours)) as pool:
        with pytest.raises(ConnectionClosed) as caught:
            await pool.call(WRITE, "hello")
    assert isinstance(caught.value.__cause__, TlsFailed)
    assert "not signed by a trusted authority" in str(caught.value.__cause__)


@OVER_BOTH
async def test_certificates_replaced_on_disk(tmp_path: Path) -> None:
    """The next connection takes them: nothing has to be started again when an authority changes."""
    ours, theirs = Authority(tmp_path, "ours"), Authority(tmp_path, "theirs")
    trusted = tmp_path / "trusted.pem"
    trusted.write_bytes(ours.file.read_bytes())
    old = ScriptedServer(tls=ours.sign("127.0.0.1").server())
    async with old:
        string = f"esdb://127.0.0.1:{old.port}?tlsCaFile={trusted}"
        async with ConnectionPool(settings(string, retry_interval=0.05, wait=PATIENCE)) as pool:
            assert await pool.call(READ, "old", PATIENT) == "old"
            await old.stop()
            trusted.write_bytes(theirs.file.read_bytes())
            new = ScriptedServer(tls=theirs.sign("127.0.0.1").server())
            new.port = old.port
            async with new:
                assert await pool.call(READ, "new", PATIENT) == "new"


async def test_a_file_that_is_gone_when_another_kind_of_node_is_wanted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The first read from a follower connects to one: it waits for the file as it would for a server."""
    authority = Authority(tmp_path, "ours")
    trusted, aside = authority.file, tmp_path / "aside.pem"
    follower = CallOptions(PATIENCE, read_preference=NodePreference.FOLLOWER)
    tls = authority.sign("127.0.0.1").server()
    async with FakeCluster(tls=tls) as cluster, ConnectionPool(encrypted(cluster, authority, wait=PATIENCE)) as pool:
        await pool.call(WRITE, "hello", PATIENT)
        trusted.rename(aside)
        reading = asyncio.create_task(read(pool, follower))
        await until(lambda: reading.done() or "must be a PEM file that can be read" in caplog.text)
        aside.rename(trusted)
        assert await reading == []


async def test_a_reconnect_takes_them_at_once(tmp_path: Path) -> None:
    """The connection that is up is replaced; so a file that does not fit is noticed, and one that fits again helps."""
    ours, theirs = Authority(tmp_path, "ours"), Authority(tmp_path, "theirs")
    trusted = tmp_path / "trusted.pem"
    trusted.write_bytes(ours.file.read_bytes())
    async with ScriptedServer(tls=ours.sign("127.0.0.1").server()) as server:
        string = f"esdb://127.0.0.1:{server.port}?tlsCaFile={trusted}"
        async with ConnectionPool(settings(string, retry_interval=0.05, wait=PATIENCE)) as pool:
            trusted.write_bytes(theirs.file.read_bytes())
            assert await pool.call(READ, "still", PATIENT) == "still"
            await pool.reconnect()
            with pytest.raises(ConnectionClosed) as caught:
                await pool.wait_connected(0.1)
            assert isinstance(caught.value.__cause__, TlsFailed)
            trusted.write_bytes(ours.file.read_bytes())
            assert await pool.call(READ, "again", PATIENT) == "again"


async def test_two_authorities_in_one_file(tmp_path: Path) -> None:
    """While one takes the place of the other, servers of both are trusted."""
    ours, theirs = Authority(tmp_path, "ours"), Authority(tmp_path, "theirs")
    both = tmp_path / "both.pem"
    both.write_bytes(ours.file.read_bytes() + theirs.file.read_bytes())
    for authority in (ours, theirs):
        async with ScriptedServer(tls=authority.sign("127.0.0.1").server()) as server:
            string = f"esdb://127.0.0.1:{server.port}?tlsCaFile={both}"
            async with ConnectionPool(settings(string, wait=PATIENCE)) as pool:
                assert await pool.call(READ, "hello", PATIENT) == "hello"


@OVER_BOTH
async def test_a_user_certificate_replaced_on_disk(tmp_path: Path) -> None:
    """The same goes for the one that we show."""
    ours, theirs = Authority(tmp_path, "ours"), Authority(tmp_path, "theirs")
    wrong, right = theirs.sign("ada@example.org"), ours.sign("ada@example.org")
    certificate = ours.sign("127.0.0.1")
    async with ScriptedServer(tls=certificate.server(client_ca=ours.file)) as server:
        files = f"tlsCaFile={ours.file}&userCertFile={wrong.certificate}&userKeyFile={wrong.key}"
        string = f"esdb://127.0.0.1:{server.port}?{files}"
        async with ConnectionPool(settings(string, retry_interval=0.05, wait=PATIENCE)) as pool:
            assert not pool.is_connected
            wrong.certificate.write_bytes(right.certificate.read_bytes())
            wrong.key.write_bytes(right.key.read_bytes())
            assert await pool.call(READ, "hello", PATIENT) == "hello"


async def test_a_server_that_wants_a_user_certificate(tmp_path: Path) -> None:
    """Nothing reaches it from whoever shows none, or one of another authority."""
    ours, theirs = Authority(tmp_path, "ours"), Authority(tmp_path, "theirs")
    wrong = theirs.sign("ada@example.org")
    shown = f"&userCertFile={wrong.certificate}&userKeyFile={wrong.key}"
    async with ScriptedServer(tls=ours.sign("127.0.0.1").server(client_ca=ours.file)) as server:
        for files in ("", shown):
            string = f"esdb://127.0.0.1:{server.port}?tlsCaFile={ours.file}{files}"
            async with ConnectionPool(settings(string)) as pool:
                with pytest.raises(ConnectionClosed) as caught:
                    await pool.call(READ, "hello")
            assert isinstance(caught.value.__cause__, TlsFailed)
            assert "hung up" in str(caught.value.__cause__)
        assert not server.seen


async def test_leaving_the_check_out_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """However many connections there are."""
    tls = Authority(tmp_path, "theirs").sign("127.0.0.1").server()
    async with ScriptedServer(tls=tls) as server:
        string = f"esdb://127.0.0.1:{server.port}?tlsVerifyCert=false"
        async with ConnectionPool(settings(string, pool_size=3)) as pool:
            assert await pool.call(READ, "hello", PATIENT) == "hello"
    warned = [record for record in caplog.records if "tlsVerifyCert=false" in record.getMessage()]
    assert len(warned) == 1
