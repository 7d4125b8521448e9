"""The life of a server: starting, stopping, what it listens on, what it leaves behind."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from pathlib import Path
from typing import Any

import grpc
import psutil
import pytest
import trustme

from fastapi_esdb.embedded.certificate import ServerCertificate
from fastapi_esdb.embedded.errors import CannotListen
from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.embedded.store import StorageLocked
from fastapi_esdb.wire.admin.cluster import GOSSIP
from fastapi_esdb.wire.errors import InvalidArgument, ServerNotReady, ServerShuttingDown
from fastapi_esdb.wire.streams.methods import BATCH_APPEND
from fastapi_esdb.wire.streams.values import AppendResult, CaughtUp, ReadRequest
from tests.support.bare_client import BareClient, OpenCall, connected
from tests.support.processes import python
from tests.support.waiting import PATIENCE, until


async def test_where_it_is() -> None:
    """A server that chose its port tells where it is, in the form that clients take."""
    async with EmbeddedServer() as server:
        assert server.port > 0
        assert server.address == f"127.0.0.1:{server.port}"
        assert server.connection_string == f"esdb://127.0.0.1:{server.port}?tls=false"
        assert repr(server) == f"<EmbeddedServer 127.0.0.1:{server.port} running>"


async def test_ipv6() -> None:
    """It listens on the other loopback address, too."""
    async with EmbeddedServer("::1") as server, connected(server.address) as client:
        assert server.connection_string == f"esdb://[::1]:{server.port}?tls=false"
        assert (await client.write("a")).revision == 0


async def test_a_warning_says_what_it_is_for(caplog: pytest.LogCaptureFixture) -> None:
    """Nobody takes it for a database unawares."""
    async with EmbeddedServer():
        [record] = [r for r in caplog.records if r.levelno == logging.WARNING]
    assert "development and tests only" in record.getMessage()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "example.com", ""])
def test_others_do_not_reach_it_by_accident(host: str) -> None:
    """An address that others can reach must be asked for twice."""
    with pytest.raises(InvalidArgument, match="allow_remote"):
        EmbeddedServer(host)
    EmbeddedServer(host, allow_remote=True)


@pytest.mark.parametrize(
    ("setting", "value"), [("port", -1), ("port", 65536), ("max_append_size", 0), ("max_concurrent_streams", 0)]
)
def test_settings_out_of_bounds(setting: str, value: int) -> None:
    """What can't be is refused before anything starts, by its name."""
    with pytest.raises(InvalidArgument, match=setting):
        EmbeddedServer(**{setting: value})  # type: ignore[arg-type]  # each is an int


@pytest.mark.parametrize(
    ("tokens", "secure", "reason"),
    [({"a-secret": "admin"}, False, "tokens need secure=True"), (["a-secret"], True, "tokens must be a mapping")],
)
def test_tokens_that_nobody_would_be_asked_for(tokens: Any, secure: bool, reason: str) -> None:
    """A test whose server lets everybody in would show nothing about tokens."""
    with pytest.raises(InvalidArgument, match=reason) as caught:
        EmbeddedServer(tokens=tokens, secure=secure)
    assert "a-secret" not in str(caught.value)


async def test_a_port_in_use() -> None:
    """Two servers can't have one port; the second one says so, and leaves nothing behind."""
    async with EmbeddedServer() as first, connected(first.address) as client:
        with pytest.raises(CannotListen, match=f"127.0.0.1:{first.port}"):
            await EmbeddedServer(port=first.port).start()
        assert (await client.write("a")).revision == 0


async def test_a_host_of_another_machine() -> None:
    """A host that is not this machine's can't be listened on."""
    with pytest.raises(CannotListen):
        await EmbeddedServer("192.0.2.1", allow_remote=True).start()


async def test_a_file_in_use(tmp_path: Path) -> None:
    """Two servers can't have one file; the error names it."""
    async with EmbeddedServer(path=tmp_path / "events.db"):
        with pytest.raises(StorageLocked, match=r"events\.db"):
            await EmbeddedServer(path=tmp_path / "events.db").start()


SCRIPT = """
import asyncio, sys
from fastapi_esdb import connect

async def main():
    async with connect(sys.argv[1]):
        pass

asyncio.run(main())
"""


async def test_a_script_beside_the_app_that_has_the_file(tmp_path: Path) -> None:
    """It ends with the sentence that says what to do, and without a traceback."""
    path = tmp_path / "events.db"
    async with EmbeddedServer(path=path), python("-c", SCRIPT, f"esdb+embedded://{path}") as script:
        assert await script.ended() == 1
    assert f"{path}: another server has it open" in script.printed
    assert f"python -m fastapi_esdb.embedded --data {path}" in script.printed
    assert "Traceback" not in script.printed


async def test_a_start_that_fails(tmp_path: Path) -> None:
    """A server that could not start has let go of its file, and may be started later."""
    path = tmp_path / "events.db"
    async with EmbeddedServer() as first:
        second = EmbeddedServer(port=first.port, path=path)
        with pytest.raises(CannotListen):
            await second.start()
        async with EmbeddedServer(path=path):
            pass
    async with second, connected(second.address) as client:
        assert (await client.write("a")).revision == 0


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
async def test_started_again(kind: str, tmp_path: Path) -> None:
    """A server that was stopped comes back with its address and its data."""
    server = EmbeddedServer(path=tmp_path / "events.db" if kind == "sqlite" else None)
    for number in range(3):
        async with server, connected(server.address) as client:
            address = server.address
            assert (await client.write("a")).revision == number
            assert len(await client.read(ReadRequest("a"))) == number + 1
        assert server.address == address
        assert "stopped" in repr(server)


async def test_starting_and_stopping_twice() -> None:
    """Both are idempotent, and stopping needs no start."""
    server = EmbeddedServer()
    await server.stop()
    await server.start()
    await server.start()
    async with connected(server.address) as client:
        assert (await client.write("a")).revision == 0
    await asyncio.gather(server.stop(), server.stop())
    await server.stop()


async def test_stopping_ends_subscriptions(server: EmbeddedServer, client: BareClient) -> None:
    """Open subscriptions don't hold up a stop: they end at once, as on a node that goes down."""
    calls: list[OpenCall[Any, Any]] = []
    for name in ("a", "b", None):
        calls.append(await client.subscribe(ReadRequest(name, subscribe=True)))
        await calls[-1].take(2)
    calls.append(client.open(BATCH_APPEND))
    await until(lambda: server.open_calls == {"Streams.Read": 3, "Streams.BatchAppend": 1})
    async with asyncio.timeout(PATIENCE):
        await server.stop(grace=10 * PATIENCE)
    for call in calls:
        with pytest.raises(ServerShuttingDown):
            await anext(call)
    assert not server.open_calls


async def test_stopping_under_a_blocked_subscription(server: EmbeddedServer, client: BareClient) -> None:
    """Nor does a subscription whose client does not take what it is sent."""
    call = await client.subscribe(ReadRequest("a", subscribe=True))
    await call.take(2)
    await client.write("a", 100, data=b"x" * 100_000)
    async with asyncio.timeout(PATIENCE):
        await server.stop(grace=10 * PATIENCE)


async def test_writes_under_way_at_a_stop(client: BareClient, server: EmbeddedServer) -> None:
    """Of the writes that are under way when the server stops, those answered are kept, those refused are not done."""
    writes = [asyncio.create_task(client.write(f"s{n}")) for n in range(20)]
    await until(lambda: "Streams.Append" in server.open_calls)
    await server.stop()
    outcomes = dict(enumerate(await asyncio.gather(*writes, return_exceptions=True)))
    async with server, connected(server.address) as again:
        kept = {e.stream for e in await again.read(ReadRequest(None))}
    assert {f"s{n}" for n, outcome in outcomes.items() if isinstance(outcome, AppendResult)} <= kept
    assert not kept & {f"s{n}" for n, outcome in outcomes.items() if isinstance(outcome, ServerNotReady)}


async def test_hundreds_of_cycles() -> None:
    """Starting and stopping, with a client and its subscription, leaves no task, thread or descriptor."""
    process = psutil.Process()
    server = EmbeddedServer()
    before: tuple[int, int, int] | None = None
    for number in range(300):
        async with server:
            if number % 20 == 0:
                await _visit(server)
        if number == 100:
            before = _resources(process)
    await until(lambda: _resources(process) == before)


async def _visit(server: EmbeddedServer) -> None:
    async with connected(server.address) as client:
        await client.write("a")
        call = await client.subscribe(ReadRequest("a", subscribe=True))
        while not isinstance(await anext(call), CaughtUp):
            pass


def _resources(process: psutil.Process) -> tuple[int, int, int]:
    return len(asyncio.all_tasks()), threading.active_count(), process.num_fds()


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def certificate(authority: trustme.CA, *names: str) -> ServerCertificate:
    issued = authority.issue_cert(*names)
    chain = b"".join(blob.bytes() for blob in issued.cert_chain_pems)
    return ServerCertificate(chain, issued.private_key_pem.bytes())


async def test_tls(authority: trustme.CA) -> None:
    """With a certificate it speaks TLS, to clients that know the authority, by the name of the certificate."""
    trusting = grpc.ssl_channel_credentials(authority.cert_pem.bytes())
    async with EmbeddedServer(tls=certificate(authority, "localhost")) as server:
        assert server.connection_string == f"esdb://localhost:{server.port}?tls=true"
        async with connected(f"localhost:{server.port}", trusting) as client:
            assert (await client.write("a")).revision == 0
            [info] = await client.call(GOSSIP, None)
            assert (info.members[0].host, info.members[0].port) == ("localhost", server.port)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
async def test_a_made_certificate(host: str) -> None:
    """It is for every name of this machine: the connection string and the gossip name the one that was given."""
    made = ServerCertificate.made()
    async with EmbeddedServer(host, tls=made) as server:
        assert server.connection_string.startswith(f"esdb://{server.address}?tls=true&tlsCaFile=")
        async with connected(server.address, grpc.ssl_channel_credentials(made.authority)) as client:
            [info] = await client.call(GOSSIP, None)
            assert (info.members[0].host, info.members[0].port) == (host, server.port)


async def test_a_client_that_does_not_know_the_authority(authority: trustme.CA) -> None:
    """A client that trusts others does not get through, and the server goes on."""
    stranger = grpc.ssl_channel_credentials(trustme.CA().cert_pem.bytes())
    knowing = grpc.ssl_channel_credentials(authority.cert_pem.bytes())
    async with EmbeddedServer(tls=certificate(authority, "localhost")) as server:
        async with connected(f"localhost:{server.port}", stranger) as client:
            with pytest.raises(Exception, match="could not be reached"):
                await client.call(GOSSIP, None)
        async with connected(f"localhost:{server.port}", knowing) as client:
            assert await client.call(GOSSIP, None)


def test_a_certificate_keeps_its_key_to_itself(authority: trustme.CA) -> None:
    """The private key is not part of what is shown."""
    assert "PRIVATE" not in repr(certificate(authority, "localhost"))


async def test_bytes_that_are_not_http(server: EmbeddedServer, client: BareClient) -> None:
    """Something else that talks to the port does not disturb it."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as rubbish:
        rubbish.sendall(b"GET / HTTP/1.1\r\n\r\n" + bytes(range(256)) * 100)
        assert (await client.write("a")).revision == 0


async def test_pings(server: EmbeddedServer) -> None:
    """Clients may ping as often as they like."""
    eager = [("grpc.keepalive_time_ms", 10), ("grpc.keepalive_permit_without_calls", 1)]
    eager += [("grpc.http2.max_pings_without_data", 0), ("grpc.http2.min_time_between_pings_ms", 10)]
    async with connected(server.address, options=eager) as client:
        call = await client.subscribe(ReadRequest("a", subscribe=True))
        await call.take(2)
        for _ in range(100):
            await client.write("b")
        await client.write("a")
        await call.take(1)


async def test_the_limit_of_streams() -> None:
    """A connection has so many calls at a time and no more; the next one waits for a place."""
    async with EmbeddedServer(max_concurrent_streams=3) as server, connected(server.address) as client:
        calls = [await client.subscribe(ReadRequest("a", subscribe=True)) for _ in range(3)]
        for call in calls:
            await call.take(2)
        waiting = asyncio.create_task(client.write("a"))
        async with connected(server.address) as other:
            await other.write("b")
        assert not waiting.done()
        calls[0].cancel()
        assert (await waiting).revision == 0
