"""The life of a connection over real sockets: how it begins, how it is kept, how it ends."""

import asyncio
import socket
from contextlib import ExitStack, suppress

import pytest

from fastapi_esdb.connection.call import StreamCall
from fastapi_esdb.connection.channel import Channel
from fastapi_esdb.connection.deadline import Deadline
from fastapi_esdb.connection.http2 import dialing, frames
from fastapi_esdb.connection.http2.frames import frame, goaway_frame, settings_frame, window_frame
from fastapi_esdb.connection.http2.transport import open_http2
from fastapi_esdb.connection.transport import BROKEN, RpcFailed
from fastapi_esdb.errors import ConnectionClosed, HandshakeFailed
from fastapi_esdb.settings.hosts import Host
from fastapi_esdb.wire.errors import ConnectionLost, ConnectionRefused
from tests.connection.conftest import Listener
from tests.connection.http2.frame_server import NO_HEADERS, PATH, PLAIN, FrameServer, Session, ask
from tests.support.scripted import FOLLOW, TEXT
from tests.support.waiting import PATIENCE, until


@pytest.mark.parametrize("how", ["reset", "closed", "broken"])
async def test_a_lost_connection_ends_its_calls(server: FrameServer, how: str) -> None:
    """At once, and is known to be lost."""

    async def script(session: Session) -> None:
        await session.call()
        if how == "reset":
            session.abort()
        elif how == "broken":
            session.send(b"\xff" * 100)
            await session.closed()

    server.does(script)
    transport = await server.open()
    with pytest.raises(ConnectionLost):
        await ask(transport)
    assert await asyncio.wait_for(transport.wait_lost(), PATIENCE) == BROKEN
    with pytest.raises(ConnectionRefused):
        await ask(transport)


async def test_after_a_goaway_nothing_begins_and_what_runs_goes_on(server: FrameServer) -> None:
    """New calls are known to be not executed, at once; the connection is closed after its last call."""
    is_closed = asyncio.Event()

    async def script(session: Session) -> None:
        stream = await session.call()
        session.send(goaway_frame(2**31 - 1, 0))
        await session.until(frames.PING)
        session.answer(stream, b"whole")
        await session.closed()
        is_closed.set()

    server.does(script)
    transport = await server.open()
    running = asyncio.ensure_future(ask(transport))
    assert await asyncio.wait_for(transport.wait_lost(), PATIENCE) == "the server is leaving (NO_ERROR)"
    with pytest.raises(ConnectionRefused, match="leaving"):
        await ask(transport)
    transport._protocol.connection.ping()
    transport._protocol.flush()
    assert await running == b"whole"
    await asyncio.wait_for(is_closed.wait(), PATIENCE)


async def test_a_subscription_does_not_wait_for_the_reset(server: FrameServer) -> None:
    """It ends when the server says that it is leaving, and can resume elsewhere; a read that runs is answered whole."""

    async def script(session: Session) -> None:
        session.send(session.headers(await session.call()))
        read = await session.call()
        session.send(goaway_frame(2**31 - 1, 0))
        await session.until(frames.RST_STREAM)
        session.answer(read, TEXT.to_bytes("whole"))
        await session.closed()

    server.does(script)
    channel = Channel(await server.open(), server.host, Listener(), is_encrypted=False)
    subscription = StreamCall(channel.lease(long_lived=True), FOLLOW)
    read = StreamCall(channel.lease(), FOLLOW)
    for call in (subscription, read):
        await call.start(["request"], None)
    answer = asyncio.ensure_future(read.read(PATIENCE))
    channel.retire()
    with pytest.raises(ConnectionLost):
        await subscription.read(PATIENCE)
    assert await answer == ["whole"]
    subscription.close()
    read.close()
    await asyncio.wait_for(channel.wait_closed(), PATIENCE)


async def test_a_complaint_about_pings_is_known(server: FrameServer) -> None:
    """So that there can be fewer."""

    async def script(session: Session) -> None:
        session.send(goaway_frame(0, 11, b"too_many_pings"))
        await session.closed()

    server.does(script)
    transport = await server.open()
    await asyncio.wait_for(transport.wait_lost(), PATIENCE)
    assert transport.pinged_too_often


async def test_a_silent_server_is_pinged_and_given_up(server: FrameServer) -> None:
    """After the interval and the timeout of the settings, and not before."""
    pings = 0

    async def script(session: Session) -> None:
        nonlocal pings
        for _ in range(3):
            found = await session.until(frames.PING)
            pings += 1
            session.send(frame(frames.PING, frames.ACK, 0, found.payload))
        await session.closed()

    server.does(script)
    options = type(PLAIN)(tls=False, keep_alive_interval=10, keep_alive_timeout=50)
    transport = await server.open(options)
    with pytest.raises(ConnectionLost):
        await ask(transport)
    assert pings == 3
    await asyncio.wait_for(transport.wait_lost(), PATIENCE)


async def test_a_close_ends_what_runs(server: FrameServer) -> None:
    """With a goodbye, and nothing is left."""
    seen: list[bytes] = []

    async def script(session: Session) -> None:
        seen.append((await session.until(frames.GOAWAY)).payload)

    server.does(script)
    transport = await server.open()
    running = asyncio.ensure_future(ask(transport))
    await asyncio.sleep(0)
    await transport.close()
    await transport.close()
    with pytest.raises(ConnectionLost):
        await running
    with pytest.raises(ConnectionClosed):
        await ask(transport)
    await until(lambda: seen)
    assert seen == [bytes(8)]


async def test_a_close_does_not_wait_for_a_server_that_is_frozen(server: FrameServer) -> None:
    """What it does not take is dropped."""
    may_end = asyncio.Event()

    async def script(session: Session) -> None:
        session.send(settings_frame([(frames.INITIAL_WINDOW_SIZE, 2**31 - 1)]), window_frame(0, 2**31 - 1 - 65_535))
        await may_end.wait()

    server.does(script)
    transport = await server.open()
    await until(lambda: transport._protocol.connection.peer.initial_window > 2**30)
    running = asyncio.ensure_future(transport.unary(PATH, bytes(50_000_000), None, NO_HEADERS).answer())
    await until(lambda: transport._protocol.is_paused)
    await asyncio.wait_for(transport.close(), PATIENCE)
    with suppress(ConnectionLost):
        await running
    may_end.set()


async def test_what_a_frozen_server_does_not_take_is_dropped_with_its_call(server: FrameServer) -> None:
    """However large its windows are: calls whose time is over leave next to nothing behind."""
    may_end = asyncio.Event()

    async def script(session: Session) -> None:
        session.send(settings_frame([(frames.INITIAL_WINDOW_SIZE, 2**31 - 1)]), window_frame(0, 2**31 - 1 - 65_535))
        await may_end.wait()
        await session.echo()

    server.does(script)
    transport = await server.open()
    protocol = transport._protocol
    await until(lambda: protocol.connection.peer.initial_window > 2**30)
    first = asyncio.ensure_future(transport.unary(PATH, bytes(50_000_000), None, NO_HEADERS).answer())
    await until(lambda: protocol.is_paused)
    assert protocol._transport is not None
    before = protocol._transport.get_write_buffer_size()
    for _ in range(5):
        with pytest.raises(RpcFailed, match="DEADLINE"):
            await transport.unary(PATH, bytes(1_000_000), 0.01, NO_HEADERS).answer()
    assert protocol._transport.get_write_buffer_size() < before + 10_000
    last = asyncio.ensure_future(ask(transport))
    may_end.set()
    assert (await first, await last) == (b"1", b"13")


async def test_a_server_that_hangs_up_is_lost_though_it_does_not_read(server: FrameServer) -> None:
    """Calls end at once, not when the server has taken what was written before; the connection closes."""
    may_end = asyncio.Event()

    async def script(session: Session) -> None:
        session.send(settings_frame([(frames.INITIAL_WINDOW_SIZE, 2**31 - 1)]), window_frame(0, 2**31 - 1 - 65_535))
        await session.until(frames.HEADERS)
        session.end()
        await may_end.wait()

    server.does(script)
    transport = await server.open(type(PLAIN)(tls=False, keep_alive_interval=-1))
    await until(lambda: transport._protocol.connection.peer.initial_window > 2**30)
    running = transport.unary(PATH, bytes(50_000_000), None, NO_HEADERS)
    with pytest.raises(ConnectionLost):
        await asyncio.wait_for(running.answer(), PATIENCE)
    assert await asyncio.wait_for(transport.wait_lost(), PATIENCE) == BROKEN
    await asyncio.wait_for(transport.close(), PATIENCE)
    may_end.set()


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "speaks HTTP/1"),
        (b"SSH-2.0-OpenSSH_9.2p1\r\n", "speaks SSH"),
        (b"\x16\x03\x01\x02\x00\x01\x00", "hung up"),
        (frame(frames.PING, payload=bytes(8)), "does not speak HTTP/2"),
        (b"", "hung up"),
    ],
)
async def test_what_is_no_http_2_server_is_told_from_one(server: FrameServer, said: bytes, reason: str) -> None:
    """Before any call is made."""

    async def script(session: Session) -> None:
        session.send(said)

    server.does(script, greets=False)
    with pytest.raises(HandshakeFailed, match=reason):
        await server.open()


async def test_a_server_that_says_nothing_is_not_waited_for(server: FrameServer) -> None:
    """Longer than the attempt may take."""
    server.does(Session.closed, greets=False)
    with pytest.raises(HandshakeFailed, match="says nothing"):
        await server.open(seconds=1.0)


async def test_a_port_that_nobody_listens_on_refuses(server: FrameServer) -> None:
    """And a name that does not exist is no address."""
    server._server.close()
    await server._server.wait_closed()
    with pytest.raises(ConnectionRefused):
        await server.open()


@pytest.mark.parametrize("tls", [True, False])
@pytest.mark.parametrize("then", ["speaks", "leaves"])
async def test_a_way_that_ends_at_a_proxy(
    server: FrameServer, tls: bool, then: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the server says or does at once is known, though it comes before the client has said its first word."""

    async def proxy(session: Session) -> None:
        await session._reader.readuntil(b"\r\n\r\n")
        session.send(b"HTTP/1.1 200 OK\r\n\r\n", settings_frame([]) if then == "speaks" else b"")
        if then == "speaks":
            await session.closed()

    server.does(proxy, greets=False)
    monkeypatch.setenv("https_proxy", f"http://{server.host.address}")
    monkeypatch.delenv("no_proxy", raising=False)
    dialed = open_http2(Host("db.example", 2113), type(PLAIN)(tls=tls, use_proxy=True), Deadline.after(PATIENCE))
    if then == "speaks" and not tls:
        await (await dialed).close()
        return
    meaning = r"tls=false \(ESDB_TLS\)" if then == "speaks" else "hung up"
    with pytest.raises(ConnectionRefused, match=meaning):
        await dialed


@pytest.mark.parametrize("first", ["silent", "closed"])
async def test_the_next_address_of_a_host_is_tried_as_well(
    server: FrameServer, first: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the first one refuses, or does not answer soon, though it would have all the time of the attempt."""

    async def two(_name: str, _port: int) -> list[str]:
        return ["127.0.0.2", "127.0.0.1"]

    monkeypatch.setattr(dialing, "addresses_of", two)
    with ExitStack() as opened:
        if first == "silent":
            full = opened.enter_context(socket.create_server(("127.0.0.2", server.host.port), backlog=0))
            for _ in range(3):  # more than it takes without an `accept`
                caller = opened.enter_context(socket.socket())
                caller.setblocking(False)
                caller.connect_ex(full.getsockname())
        assert await ask(await server.open()) == b"1"


async def test_all_addresses_of_a_host_may_refuse(server: FrameServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the first one says is the reason."""

    async def two(_name: str, _port: int) -> list[str]:
        return ["127.0.0.2", "127.0.0.3"]

    monkeypatch.setattr(dialing, "addresses_of", two)
    with pytest.raises(ConnectionRefused, match="refused"):
        await server.open()


async def test_a_name_may_have_several_addresses() -> None:
    """An address is its own only one, and nobody is asked for it."""
    assert await dialing.addresses_of("::1", 2113) == ["::1"]
    assert "127.0.0.1" in await dialing.addresses_of("localhost", 2113)


async def test_a_ping_takes_as_long_as_its_answer(server: FrameServer) -> None:
    """Also where no call can begin any more; without an answer the connection counts as lost."""
    may_answer = asyncio.Event()

    async def script(session: Session) -> None:
        stream = await session.call()
        session.send(goaway_frame(2**31 - 1, 0))
        for _ in range(2):
            found = await session.until(frames.PING)
            await asyncio.sleep(0.02)
            session.send(frame(frames.PING, frames.ACK, payload=found.payload))
        await session.until(frames.PING)
        await may_answer.wait()
        session.answer(stream, b"whole")

    server.does(script)
    transport = await server.open()
    running = asyncio.ensure_future(ask(transport))
    await asyncio.wait_for(transport.wait_lost(), PATIENCE)
    for _ in range(2):
        assert 0.01 <= (await transport.ping(Deadline.after(PATIENCE)) or 0) < PATIENCE
    with pytest.raises(ConnectionLost):
        await transport.ping(Deadline.after(0.02))
    waiting = asyncio.ensure_future(transport.ping(Deadline.after(PATIENCE)))
    may_answer.set()
    assert await running == b"whole"
    with pytest.raises(ConnectionLost):
        await waiting
    with pytest.raises(ConnectionLost):
        await transport.ping(Deadline.after(PATIENCE))


@pytest.mark.parametrize("interval", [-1, 10_000])
async def test_no_ping_is_sent_that_nobody_has_set(server: FrameServer, interval: int) -> None:
    """Neither with a call, nor beside one that takes its time, nor at the end."""
    kinds: list[int] = []

    async def script(session: Session) -> None:
        session.answer(await session.call(), b"first")
        stream = await session.call()
        asyncio.get_running_loop().call_later(0.1, session.answer, stream, b"second")
        while True:
            kinds.append((await session.read()).kind)

    server.does(script)
    transport = await server.open(type(PLAIN)(tls=False, keep_alive_interval=interval))
    assert [await ask(transport), await ask(transport)] == [b"first", b"second"]
    await transport.close()
    await until(lambda: kinds)
    assert kinds == [frames.GOAWAY]


async def test_a_server_that_gets_no_answer_gives_the_connection_up(server: FrameServer) -> None:
    """Kestrel says INTERNAL_ERROR then, and closes: nothing is known of the calls that it had."""

    async def script(session: Session) -> None:
        stream = await session.call()
        session.send(goaway_frame(stream, 2))

    server.does(script)
    transport = await server.open()
    with pytest.raises(ConnectionLost):
        await ask(transport)
    with pytest.raises(ConnectionRefused):
        await ask(transport)
