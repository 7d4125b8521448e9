"""One connection: opening, connecting, losing the server, coming back, closing."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from time import monotonic

import grpc
import pytest

from fastapi_esdb.connection.backoff import Backoff
from fastapi_esdb.connection.call import StreamCall
from fastapi_esdb.connection.connector import Endpoint, NodeOptions, Pinned
from fastapi_esdb.connection.node import NodeConnection
from fastapi_esdb.errors import ClosedInFlight, ConnectionClosed, InvalidSettings
from fastapi_esdb.settings.hosts import Host
from fastapi_esdb.settings.options import ConnectionOptions
from fastapi_esdb.wire.errors import ConnectionLost, ConnectionRefused, NotAuthenticated
from tests.connection.nodes import QUICK, Watcher, closed, closed_connection, connected, connection_to, read
from tests.support.processes import free_port
from tests.support.proxy import FaultProxy
from tests.support.scripted import FOLLOW, VERSION, ScriptedServer
from tests.support.transports import OVER_BOTH
from tests.support.waiting import PATIENCE, Stopwatch, until


async def test_it_connects_at_once(server: ScriptedServer) -> None:
    """One attempt, and the server's answer is kept."""
    async with connection_to(server.port) as node:
        assert node.state == "connecting"
        await connected(node)
        assert (node.state, node.is_connected, node.attempts, node.last_error) == ("connected", True, 1, None)
        assert node.server_version == VERSION
        assert await read(node, "hello") == "hello"


async def test_its_repr_tells_how_it_is() -> None:
    """State and attempts are what one wants to see in a log."""
    node = closed_connection(free_port())
    assert repr(node) == "<NodeConnection test closed attempts=0>"


async def test_opening_twice_is_opening_once(server: ScriptedServer) -> None:
    """There is one attempt."""
    async with connection_to(server.port) as node:
        node.open()
        await connected(node)
        node.open()
        assert node.attempts == 1


async def test_the_probe_carries_no_credentials(server: ScriptedServer) -> None:
    """A node that is starting refuses even the right ones."""
    async with connection_to(server.port) as node:
        await connected(node)
        assert server.probe_headers[0].authorization is None


async def test_a_server_too_old_to_know_the_probe(server: ScriptedServer) -> None:
    """UNIMPLEMENTED is an answer, too; such a server does not tell its version."""
    server.probe_code = grpc.StatusCode.UNIMPLEMENTED
    async with connection_to(server.port) as node:
        await connected(node)
        assert node.server_version is None


async def test_a_server_that_is_starting(server: ScriptedServer) -> None:
    """It is asked again until it answers; meanwhile the reason can be seen."""
    server.probe_code = grpc.StatusCode.UNAUTHENTICATED
    async with connection_to(server.port) as node:
        await until(lambda: node.attempts > 2)
        assert node.state == "connecting"
        assert isinstance(node.last_error, NotAuthenticated)
        server.probe_code = None
        await connected(node)
        assert node.last_error is None


async def test_an_absent_server_is_tried_again_and_again() -> None:
    """Every half second, until it is there; then the connection follows at once."""
    server = ScriptedServer()
    server.port = free_port()
    async with connection_to(server.port, backoff=Backoff()) as node:
        began = monotonic()
        await until(lambda: node.attempts == 3)
        assert monotonic() - began >= 0.95
        assert isinstance(node.last_error, ConnectionRefused)
        async with server:
            async with Stopwatch() as watch:
                await connected(node)
            assert watch.seconds < 5


async def test_a_host_that_does_not_answer_is_given_up(server: ScriptedServer) -> None:
    """It takes connections and says nothing: after the time-out it is tried again."""
    async with FaultProxy(server.port) as proxy:
        proxy.blackhole()
        async with connection_to(proxy.port, connect_timeout=0.5) as node:
            await until(lambda: node.attempts == 2)
            proxy.heal()
            await connected(node)


async def test_a_reset_is_noticed_and_repaired(server: ScriptedServer) -> None:
    """Without any call; the way is connected, connecting, connected."""
    watcher = Watcher()
    async with FaultProxy(server.port) as proxy, connection_to(proxy.port, watcher=watcher) as node:
        await connected(node)
        await proxy.reset()
        await until(lambda: watcher.states == ["connecting", "connected", "connecting", "connected"])
        assert await read(node, "hello") == "hello"
        assert proxy.connections == 2


async def test_a_dead_server_is_noticed(server: ScriptedServer) -> None:
    """Without any call, and attempts begin anew."""
    async with connection_to(server.port) as node:
        await connected(node)
        await server.stop()
        await until(lambda: node.state == "connecting" and node.attempts > 2)
        with pytest.raises(ConnectionClosed):
            node.lease()


async def test_a_passed_deadline_is_evidence(server: ScriptedServer) -> None:
    """Its answers lost, the server is probed, and given up without waiting for keep-alive."""
    async with FaultProxy(server.port) as proxy, connection_to(proxy.port, connect_timeout=0.5) as node:
        await connected(node)
        proxy.blackhole()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await read(node, "hello")
        assert node.is_connected
        channel = node.channel
        assert channel is not None
        async with Stopwatch() as watch:
            channel.suspect(lost=False)
            await until(lambda: not node.is_connected)
        assert watch.seconds < 5


async def test_a_slow_call_alone_is_no_evidence(server: ScriptedServer) -> None:
    """A server that answers the probe stays connected, whatever became of a call."""
    watcher = Watcher()
    async with connection_to(server.port, watcher=watcher) as node:
        await connected(node)
        asked_before = len(server.probe_headers)
        for _ in range(3):
            assert node.channel is not None
            node.channel.suspect(lost=True)
        assert node.is_suspect
        await until(lambda: len(server.probe_headers) > asked_before)
        assert await read(node, "hello") == "hello"
        await until(lambda: not node.is_suspect)
        assert watcher.states == ["connecting", "connected"]
        assert len(server.probe_headers) == asked_before + 1, "several suspicions are one probe"


async def test_keep_alive_notices_a_lost_host(server: ScriptedServer) -> None:
    """With 300 ms + 300 ms a call in flight fails soon after, and the connection is lost, though nothing was reset."""
    async with FaultProxy(server.port) as proxy, connection_to(proxy.port, keep_alive=300) as node:
        await connected(node)
        call = asyncio.create_task(read(node, "wait", 60))
        await until(lambda: server.active["Read"])
        proxy.blackhole()
        async with Stopwatch() as watch:
            with pytest.raises(ConnectionLost):
                await call
        assert watch.seconds < 10
        await until(lambda: not node.is_connected)


async def test_a_renewal_leaves_healthy_calls_alone(server: ScriptedServer) -> None:
    """New calls take the fresh channel; a stream on the old one goes on, and when it ends the old one closes."""
    watcher = Watcher()
    async with FaultProxy(server.port) as proxy, connection_to(proxy.port, watcher=watcher) as node:
        await connected(node)
        stream = StreamCall(node.lease(), FOLLOW)
        await stream.start(["hold 1"], None)
        assert list(await stream.read(PATIENCE)) == ["0"]
        await node.renew()
        assert proxy.open_connections == 2
        assert (node.in_flight, len(node.channels)) == (0, 2)
        assert await read(node, "hello") == "hello"
        assert server.active["Follow"] == 1
        stream.close()
        await until(lambda: proxy.open_connections == 1)
        assert watcher.states == ["connecting", "connected"]


@OVER_BOTH
async def test_a_server_that_shuts_down_ends_subscriptions_at_once(server: ScriptedServer) -> None:
    """They would hear nothing more until it cuts them off; meanwhile they can be elsewhere."""
    async with connection_to(server.port) as node:
        await connected(node)
        subscription = StreamCall(node.lease(long_lived=True), FOLLOW)
        await subscription.start(["hold 1"], None)
        assert list(await subscription.read(PATIENCE)) == ["0"]
        leaving = asyncio.ensure_future(server.stop(grace=4 * PATIENCE))
        with pytest.raises(ConnectionLost):
            await subscription.read(PATIENCE)
        subscription.close()
        await leaving


async def test_a_renewal_that_fails_is_a_loss(server: ScriptedServer) -> None:
    """The server refuses a second connection: the first is not to be trusted either."""
    watcher = Watcher()
    async with FaultProxy(server.port) as proxy, connection_to(proxy.port, watcher=watcher) as node:
        await connected(node)
        proxy.refuse()
        await node.renew()
        await until(lambda: watcher.states[-1] == "connecting")
        await proxy.start()
        await connected(node)


async def test_a_renewal_cuts_the_pause_short() -> None:
    """Asked for, the next attempt does not wait until it is due."""
    server = ScriptedServer()
    server.port = free_port()
    async with connection_to(server.port, backoff=Backoff(600, 600)) as node:
        await until(lambda: node.last_error)
        async with server:
            await node.renew()
            await connected(node)
            assert node.attempts == 2


async def test_a_forced_close_ends_the_calls(server: ScriptedServer) -> None:
    """Calls fail with `ClosedInFlight`; it stays closed until it is opened."""
    async with connection_to(server.port) as node:
        await connected(node)
        call = asyncio.create_task(read(node, "wait"))
        await until(lambda: server.active["Read"])
        await closed(node)
        with pytest.raises(ClosedInFlight):
            await call
        assert (node.state, node.has_ended) == ("closed", True)
        with pytest.raises(ConnectionClosed):
            node.lease()
        node.open()
        await connected(node)
        assert node.attempts == 1


async def test_closing_more_than_once(server: ScriptedServer) -> None:
    """One after the other or together, also when never opened."""
    node = closed_connection(server.port)
    await closed(node)
    node.open()
    await connected(node)
    await asyncio.gather(*(closed(node) for _ in range(5)))
    await closed(node)
    assert node.has_ended


async def test_closing_in_the_middle_of_an_attempt(server: ScriptedServer) -> None:
    """The attempt is given up, its channel closed; its socket follows when the attempt's time is over."""
    async with FaultProxy(server.port) as proxy:
        proxy.blackhole()
        async with connection_to(proxy.port, connect_timeout=1) as node:
            await until(lambda: proxy.open_connections)
            await closed(node)
            assert node.has_ended
            await until(lambda: proxy.open_connections == 0)


async def test_drained_it_ends_with_its_last_call(server: ScriptedServer) -> None:
    """Without force it takes no further calls, and lets those in flight end."""
    async with connection_to(server.port) as node:
        await connected(node)
        call = asyncio.create_task(read(node, "sleep 0.2"))
        await until(lambda: server.active["Read"])
        node.shut(force=False)
        assert not node.is_connected
        assert await call == "sleep 0.2"
        await node.ended()
        assert node.has_ended


async def test_without_a_connection_the_error_says_why() -> None:
    """It names what the latest attempt failed with."""
    async with connection_to(free_port()) as node:
        await until(lambda: node.last_error)
        with pytest.raises(ConnectionClosed) as caught:
            node.lease()
        assert isinstance(caught.value.__cause__, ConnectionRefused)


async def test_what_is_logged(server: ScriptedServer, caplog: pytest.LogCaptureFixture) -> None:
    """State changes at INFO, failed attempts at WARNING and once in ten seconds, the rest of them at DEBUG."""
    with caplog.at_level(logging.DEBUG, "fastapi_esdb"):
        async with FaultProxy(server.port) as proxy, connection_to(proxy.port) as node:
            await connected(node)
            await proxy.stop()
            await until(lambda: node.attempts > 3)
            await proxy.start()
            await connected(node)
    records = [record for record in caplog.records if record.name == "fastapi_esdb"]
    told = [record.message.split(":")[1].strip() for record in records if record.levelno == logging.INFO]
    address = "127.0.0.1"
    assert told == ["connecting", f"connected to {address}", f"lost {address}", f"connected to {address}", "closed"]
    assert sum(record.levelno == logging.WARNING for record in records) == 1
    assert sum(record.levelno == logging.DEBUG for record in records) >= 2


class Moving:
    """Goes to one host, and then to another; the first is out of favour by the time that it has answered."""

    def __init__(self, first: ScriptedServer, second: ScriptedServer) -> None:
        self._hosts = [Host("127.0.0.1", server.port) for server in (first, second)]
        self._left = list(self._hosts)

    async def next_endpoint(self) -> Endpoint:
        return Endpoint(self._left.pop(0))

    def accepts(self, host: Host) -> bool:
        return host == self._hosts[1]

    def failed(self, host: Host) -> None:  # noqa: ARG002 - the protocol's
        raise AssertionError

    def suspect(self, host: Host) -> None:  # noqa: ARG002 - the protocol's
        raise AssertionError


async def test_a_host_that_fell_out_of_favour(server: ScriptedServer) -> None:
    """A connection that is no longer wanted when it comes about is never used."""
    watcher = Watcher()
    async with ScriptedServer() as other:
        options = NodeOptions(ConnectionOptions(tls=False), QUICK)
        node = NodeConnection("test", options, Moving(server, other), watcher)
        node.open()
        await connected(node)
        assert await read(node, "hello") == "hello"
        assert ("Read", "hello") in other.seen
        assert watcher.states == ["connecting", "connected"]
        assert len(server.probe_headers) == 1
        await closed(node)


async def test_a_certificate_file_that_has_gone(server: ScriptedServer) -> None:
    """An attempt that can't even begin is a failed one: it is tried again, since the file may come back."""
    options = NodeOptions(ConnectionOptions(tls_ca_file=Path("/nonexistent.pem")), Backoff(0.05, 0.05))
    node = NodeConnection("test", options, Pinned(Host("127.0.0.1", server.port)), Watcher())
    node.open()
    await until(lambda: node.attempts > 2)
    assert isinstance(node.last_error, InvalidSettings)
    await closed(node)
