"""Calls over real sockets, on both event loops, against a server that does what a test says."""

import asyncio

import pytest

from fastapi_esdb.connection.http2 import frames
from fastapi_esdb.connection.http2.calls import MOST_ANSWERS
from fastapi_esdb.connection.http2.frames import frame, reset_frame, settings_frame, window_frame
from fastapi_esdb.connection.transport import RpcFailed
from fastapi_esdb.errors import NotSentInTime
from fastapi_esdb.wire.errors import NoAnswer, ServerBusy
from fastapi_esdb.wire.status.codes import StatusCode
from tests.connection.http2.frame_server import NO_HEADERS, PATH, FrameServer, Session, ask
from tests.connection.http2.peers import ANSWER, OK, data
from tests.support.waiting import PATIENCE, until


async def test_calls_are_answered(server: FrameServer) -> None:
    """One after the other, and many at a time."""
    transport = await server.open()
    assert [await ask(transport) for _ in range(3)] == [b"1", b"3", b"5"]
    answers = await asyncio.gather(*(ask(transport) for _ in range(50)))
    assert sorted(map(int, answers)) == list(range(7, 107, 2))
    assert server.connections == 1


async def test_the_servers_room_is_known_and_kept_to(server: FrameServer) -> None:
    """Calls beyond it wait, and begin in their order as others end."""
    began: list[int] = []
    may_answer = asyncio.Event()

    async def script(session: Session) -> None:
        session.send(settings_frame([(frames.MAX_CONCURRENT_STREAMS, 2)]))
        while True:
            began.append(await session.call())
            if len(began) == 2:
                await may_answer.wait()
                session.answer(began[0], b"first")
                session.answer(began[1], b"second")
            elif len(began) > 2:
                session.answer(began[-1], b"later")

    server.does(script)
    transport = await server.open()
    calls = [asyncio.ensure_future(ask(transport)) for _ in range(4)]
    await until(lambda: len(began) == 2)
    assert transport.most_streams == 2
    may_answer.set()
    assert await asyncio.gather(*calls) == [b"first", b"second", b"later", b"later"]
    assert began == [1, 3, 5, 7]


async def test_a_call_that_waits_for_room_has_a_deadline(server: FrameServer) -> None:
    """It was never sent when that passes, and takes nobody's place."""

    async def script(session: Session) -> None:
        session.send(settings_frame([(frames.MAX_CONCURRENT_STREAMS, 0)]))
        await session.until(frames.PING)
        session.send(settings_frame([(frames.MAX_CONCURRENT_STREAMS, 1)]))
        await session.echo()

    server.does(script)
    transport = await server.open()
    await until(lambda: transport.most_streams == 0)
    with pytest.raises(NotSentInTime):
        await ask(transport, 0.02)
    transport._protocol.connection.ping()
    transport._protocol.flush()
    assert await ask(transport) == b"1"


async def test_a_call_ends_when_its_time_is_over(server: FrameServer) -> None:
    """Here, and on the server by a reset; the server knows the deadline."""
    seen: list[bytes] = []
    resets: list[int] = []

    async def script(session: Session) -> None:
        seen.append((await session.until(frames.HEADERS)).payload)
        resets.append((await session.until(frames.RST_STREAM)).stream)
        await session.echo()

    server.does(script)
    transport = await server.open()
    with pytest.raises(RpcFailed) as caught:
        await ask(transport, 0.05)
    assert caught.value.code is StatusCode.DEADLINE_EXCEEDED
    assert await ask(transport) == b"3"
    assert resets == [1]
    assert b"grpc-timeout" in seen[0]


async def test_a_cancelled_task_cancels_its_call(server: FrameServer) -> None:
    """On the server, too."""
    resets: asyncio.Queue[int] = asyncio.Queue()

    async def script(session: Session) -> None:
        while True:
            resets.put_nowait((await session.until(frames.RST_STREAM)).stream)

    server.does(script)
    transport = await server.open()
    task = asyncio.ensure_future(ask(transport))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.wait_for(resets.get(), PATIENCE) == 1


async def test_a_cancelled_call_says_so_to_whoever_waits(server: FrameServer) -> None:
    """And to whoever looks later; nothing of its answers is given any more."""

    async def script(session: Session) -> None:
        stream = await session.call()
        session.send(session.headers(stream), data(stream, b"one", b"two"))
        await session.closed()

    server.does(script)
    transport = await server.open()
    call = transport.server_stream(PATH, b"", None, NO_HEADERS)
    assert await call.read() == [b"one", b"two"]
    waiting = asyncio.ensure_future(call.read())
    await asyncio.sleep(0)
    call.cancel()
    call.cancel()
    for _ in range(2):
        with pytest.raises(RpcFailed) as caught:
            await waiting
        assert caught.value.code is StatusCode.CANCELLED
        waiting = asyncio.ensure_future(call.read())
    with pytest.raises(RpcFailed):
        await waiting


async def test_answers_stream_in_batches(server: FrameServer) -> None:
    """As they are packed; nothing at the end, and again nothing after it."""

    async def script(session: Session) -> None:
        stream = await session.call()
        session.send(session.headers(stream), data(stream, *[b"x"] * 10), session.headers(stream, OK, ends=True))
        await session.closed()

    server.does(script)
    transport = await server.open()
    call = transport.server_stream(PATH, b"", PATIENCE, NO_HEADERS, bulk=True)
    assert await call.read() == [b"x"] * 10
    assert await call.read() == ()
    assert await call.read() == ()
    assert not call.is_bulk


async def test_few_answers_are_held_back_for_a_moment(server: FrameServer) -> None:
    """Until so many have come as the reader wants, or the first of them is there for long enough."""

    async def script(session: Session) -> None:
        stream = await session.call()
        session.send(session.headers(stream), data(stream, b"one"))
        await more.wait()
        session.send(data(stream, b"two"))
        await others.wait()
        session.send(data(stream, b"three"))
        await session.closed()

    more, others = asyncio.Event(), asyncio.Event()
    server.does(script)
    transport = await server.open()
    call = transport.server_stream(PATH, b"", None, NO_HEADERS)
    reading = asyncio.create_task(call.read(least=2, linger=PATIENCE))
    await asyncio.sleep(0.01)
    assert not reading.done()
    more.set()
    assert await reading == [b"one", b"two"]
    others.set()
    assert await call.read(least=2, linger=0.001) == [b"three"]


async def test_a_large_batch_leaves_others_a_turn(server: FrameServer) -> None:
    """It is decoded in parts."""

    async def script(session: Session) -> None:
        stream = await session.call()
        session.answer(stream, *[b"x"] * 1000)
        await session.closed()

    server.does(script)
    transport = await server.open()
    call = transport.server_stream(PATH, b"", PATIENCE, NO_HEADERS)
    first = await call.read()
    turns: list[int] = []
    asyncio.get_running_loop().call_soon(turns.append, 1)
    second = await call.read()
    assert turns == [1]
    assert len(first) == len(second) == MOST_ANSWERS
    rest = [len(batch) for batch in [await call.read(), await call.read(), await call.read()]]
    assert rest == [MOST_ANSWERS, 1000 - 3 * MOST_ANSWERS, 0]


async def test_a_long_answer_comes_through_windows(server: FrameServer) -> None:
    """They are widened as it is read; a slow reader stops the server, and no other call."""
    size, count = 10_000, 300
    most_unread = 512 * 1024
    sent = 0

    async def script(session: Session) -> None:
        nonlocal sent
        stream = await session.call()
        session.send(session.headers(stream))
        room = most_unread
        while sent < count:
            while room < size + 5:
                found = await session.read()
                if found.kind == frames.WINDOW_UPDATE and found.stream == stream:
                    room += int.from_bytes(found.payload, "big")
                elif found.flags & frames.END_STREAM:
                    session.answer(found.stream, b"other")
            session.send(data(stream, b"x" * size))
            room -= size + 5
            sent += 1
        session.send(session.headers(stream, OK, ends=True))
        await session.closed()

    server.does(script)
    transport = await server.open()
    call = transport.server_stream(PATH, b"", PATIENCE, NO_HEADERS)
    assert await ask(transport) == b"other"
    assert sent <= most_unread // size
    read = 0
    while batch := await call.read():
        read += len(batch)
    assert read == count


async def test_requests_and_answers_stream_at_a_time(server: FrameServer) -> None:
    """Whatever is written goes out at once."""

    async def script(session: Session) -> None:
        stream = (await session.until(frames.HEADERS)).stream
        session.send(session.headers(stream))
        while True:
            found = await session.until(frames.DATA)
            session.send(data(stream, found.payload[5:].upper()))

    server.does(script)
    transport = await server.open()
    call = transport.duplex(PATH, None, NO_HEADERS)
    for word in (b"one", b"two"):
        await call.write(word)
        assert await call.read() == [word.upper()]
    call.cancel()
    with pytest.raises(RpcFailed):
        await call.write(b"three")


async def test_a_writer_waits_for_the_servers_window(server: FrameServer) -> None:
    """So that what is unsent does not grow."""
    is_begun, may_go_on = asyncio.Event(), asyncio.Event()

    async def script(session: Session) -> None:
        session.send(settings_frame([(frames.INITIAL_WINDOW_SIZE, 10)]))
        stream = (await session.until(frames.DATA)).stream
        is_begun.set()
        await may_go_on.wait()
        session.send(window_frame(stream, 1000))
        await session.closed()

    server.does(script)
    transport = await server.open()
    await until(lambda: transport._protocol.connection.peer.initial_window == 10)
    call = transport.duplex(PATH, None, NO_HEADERS)
    writing = asyncio.ensure_future(call.write(b"x" * 100))
    await until(is_begun.is_set)
    assert not writing.done()
    may_go_on.set()
    await asyncio.wait_for(writing, PATIENCE)


async def test_an_exchange_waits_for_the_servers_window(server: FrameServer) -> None:
    """No more is asked for than there is room for, and the rest when the window is wider."""
    may_go_on, seen = asyncio.Event(), bytearray()

    async def script(session: Session) -> None:
        session.send(settings_frame([(frames.INITIAL_WINDOW_SIZE, 10)]))
        found = await session.until(frames.DATA)
        await may_go_on.wait()
        session.send(window_frame(found.stream, 1000))
        while True:
            seen.extend(found.payload)
            found = await session.until(frames.DATA)

    server.does(script)
    transport = await server.open()
    await until(lambda: transport._protocol.connection.peer.initial_window == 10)
    requests = [b"x" * 100, b"y" * 100]
    call = transport.duplex(PATH, None, NO_HEADERS)
    carried = asyncio.ensure_future(call.exchange(lambda: requests.pop(0) if requests else None, lambda _: None))
    await until(lambda: len(requests) == 1)
    may_go_on.set()
    await until(lambda: seen.endswith(b"y" * 100))
    call.cancel()
    with pytest.raises(RpcFailed):
        await carried


async def test_a_call_that_ends_wakes_its_writer(server: FrameServer) -> None:
    """Which hears of it with its next request."""

    async def script(session: Session) -> None:
        session.send(settings_frame([(frames.INITIAL_WINDOW_SIZE, 10)]))
        stream = (await session.until(frames.HEADERS)).stream
        await session.until(frames.DATA)
        fields = [*ANSWER, ("grpc-status", "9"), ("grpc-message", "no")]
        session.send(session.headers(stream, fields, ends=True))
        await session.closed()

    server.does(script)
    transport = await server.open()
    await until(lambda: transport._protocol.connection.peer.initial_window == 10)
    call = transport.duplex(PATH, None, NO_HEADERS)
    await asyncio.wait_for(call.write(b"x" * 100), PATIENCE)
    with pytest.raises(RpcFailed) as caught:
        await call.write(b"more")
    assert (caught.value.code, caught.value.details) == (StatusCode.FAILED_PRECONDITION, "no")
    with pytest.raises(RpcFailed):
        await call.read()


async def test_requests_may_be_several(server: FrameServer) -> None:
    """With one answer; also none at all."""
    seen: list[bytes] = []

    async def script(session: Session) -> None:
        while True:
            found = await session.read()
            if found.kind == frames.DATA:
                seen.append(found.payload[5:])
                if found.flags & frames.END_STREAM:
                    session.answer(found.stream, b"done")

    server.does(script)
    transport = await server.open()
    assert await transport.client_stream(PATH, [b"a", b"b"], PATIENCE, NO_HEADERS).answer() == b"done"
    assert await transport.client_stream(PATH, [], PATIENCE, NO_HEADERS).answer() == b"done"
    assert seen == [b"a", b"b", b""]


async def test_an_ok_without_an_answer_is_none(server: FrameServer) -> None:
    """`NoAnswer`, since one was owed."""

    async def script(session: Session) -> None:
        stream = await session.call()
        session.send(session.headers(stream, [*ANSWER, *OK], ends=True))
        await session.closed()

    server.does(script)
    with pytest.raises(NoAnswer):
        await ask(await server.open())


async def test_endings_are_raised_as_what_they_mean(server: FrameServer) -> None:
    """A refused stream was not executed, a broken answer can't be read, a reset is a status."""

    async def script(session: Session) -> None:
        session.send(reset_frame(await session.call(), 7))
        stream = await session.call()
        session.send(session.headers(stream), frame(frames.DATA, 0, stream, b"\1\0\0\0\0"))
        session.send(reset_frame(await session.call(), 2))
        session.send(session.headers(await session.call(), [(":status", "503")], ends=True))
        await session.closed()

    server.does(script)
    transport = await server.open()
    with pytest.raises(ServerBusy):
        await ask(transport)
    with pytest.raises(NoAnswer, match="compressed"):
        await ask(transport)
    for code in (StatusCode.INTERNAL, StatusCode.UNAVAILABLE):
        with pytest.raises(RpcFailed) as caught:
            await ask(transport)
        assert caught.value.code is code
