"""Reads of a stream and of `$all`, beyond what the recorded exchanges show."""

from __future__ import annotations

import asyncio

import pytest

from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.embedded.services.frames import PAGE
from fastapi_esdb.wire.errors import DeadlineExceeded, InvalidArgument, StreamDeleted
from fastapi_esdb.wire.events.values import EventFilter, RecordedEvent
from fastapi_esdb.wire.positions import BACKWARDS, END, FORWARDS, START, Direction, Edge, Position
from fastapi_esdb.wire.proto.v1 import streams_pb2 as pb
from fastapi_esdb.wire.streams.methods import READ, TOMBSTONE
from fastapi_esdb.wire.streams.values import (
    ALL_EVENTS,
    DeleteRequest,
    FirstRevision,
    LastRevision,
    ReadFrame,
    ReadRequest,
    StreamMissing,
)
from tests.support.bare_client import BareClient, OpenCall, event
from tests.support.waiting import until

COUNT = 2 * PAGE + 44


def ends(frames: list[ReadFrame]) -> list[ReadFrame]:
    """The frames that are no events."""
    return [frame for frame in frames if not isinstance(frame, RecordedEvent)]


@pytest.mark.parametrize(
    ("start", "direction", "limit", "expected"),
    [
        (START, FORWARDS, ALL_EVENTS, range(COUNT)),
        (START, FORWARDS, PAGE, range(PAGE)),
        (START, FORWARDS, PAGE + 1, range(PAGE + 1)),
        (31, FORWARDS, 2, range(31, 33)),
        (COUNT - 1, FORWARDS, 5, range(COUNT - 1, COUNT)),
        (COUNT, FORWARDS, 5, range(0)),
        (END, BACKWARDS, ALL_EVENTS, range(COUNT - 1, -1, -1)),
        (END, BACKWARDS, 33, range(COUNT - 1, COUNT - 34, -1)),
        (300, BACKWARDS, ALL_EVENTS, range(300, -1, -1)),
        (START, BACKWARDS, 5, range(1)),
    ],
)
async def test_a_stream_of_several_pages(
    client: BareClient, start: int | Edge, direction: Direction, limit: int, expected: range
) -> None:
    """A read gives what it asks for, however many pages the server makes of it."""
    await client.write("a", COUNT)
    events = await client.read(ReadRequest("a", start, direction, limit))
    assert [e.revision for e in events] == list(expected)


@pytest.mark.parametrize("direction", [FORWARDS, BACKWARDS])
@pytest.mark.parametrize("limit", [ALL_EVENTS, 1, PAGE, PAGE + 1])
async def test_the_log_in_several_pages(client: BareClient, direction: Direction, limit: int) -> None:
    """A read of `$all` gives what it asks for, in the order of the log."""
    await client.write("a", COUNT)
    start = START if direction is FORWARDS else END
    events = await client.read(ReadRequest(None, start, direction, limit))
    in_order = list(range(COUNT))[:: 1 if direction is FORWARDS else -1]
    assert [e.revision for e in events] == in_order[: min(limit, COUNT)]


async def test_positions_in_the_log(client: BareClient) -> None:
    """Forwards a read of `$all` includes its position, backwards it does not."""
    await client.write("a", 5)
    places = [e.position for e in await client.read(ReadRequest(None)) if e.position]
    forwards = await client.read(ReadRequest(None, places[2]))
    backwards = await client.read(ReadRequest(None, places[2], BACKWARDS))
    assert [e.revision for e in forwards] == [2, 3, 4]
    assert [e.revision for e in backwards] == [1, 0]


@pytest.mark.parametrize("direction", [FORWARDS, BACKWARDS])
async def test_a_filter_finds_few_among_many(client: BareClient, direction: Direction) -> None:
    """The limit of a filtered read counts what matches, wherever it is."""
    for number in range(4):
        await client.write("many", PAGE)
        await client.append("few", event(f"T{number}"))
    start = START if direction is FORWARDS else END
    wanted = EventFilter(by_stream=True, prefixes=("few",), window=1)
    events = await client.read(ReadRequest(None, start, direction, 3, filter=wanted))
    assert [e.type for e in events] == (["T0", "T1", "T2"] if direction is FORWARDS else ["T3", "T2", "T1"])


async def test_a_filter_without_a_match(client: BareClient) -> None:
    """A read that matches nothing ends, empty."""
    await client.write("a", 2 * PAGE)
    assert await client.frames(ReadRequest(None, filter=EventFilter(prefixes=("nothing",)))) == []


@pytest.mark.parametrize("request_", [ReadRequest("a", limit=0), ReadRequest(None, limit=0)])
async def test_a_limit_of_zero(client: BareClient, request_: ReadRequest) -> None:
    """Asking for no event is refused with a text that says so."""
    with pytest.raises(InvalidArgument, match="count is 0"):
        await client.frames(request_)


async def test_forwards_from_the_end(client: BareClient) -> None:
    """There is nothing behind the end of a stream: the text says what to do instead."""
    await client.write("a")
    with pytest.raises(InvalidArgument, match="subscribe"):
        await client.frames(ReadRequest("a", END))


async def test_a_position_that_is_none(client: BareClient) -> None:
    """A position where no record begins is refused."""
    await client.write("a", 2)
    with pytest.raises(InvalidArgument, match="position"):
        await client.frames(ReadRequest(None, Position(513, 513)))


async def test_no_request(client: BareClient) -> None:
    """A Read without a request is refused instead of waiting for ever."""
    with pytest.raises(InvalidArgument, match="needs a request"):
        await client.call(READ)


async def test_a_stream_and_a_filter(client: BareClient) -> None:
    """Only `$all` can be filtered."""
    message = READ.request.encode(ReadRequest("a"))
    message.options.filter.CopyFrom(pb.ReadReq.Options.FilterOptions(max=1, event_type={"prefix": ["x"]}))
    call = client.open(READ)
    await call.raw.write(message.SerializeToString())
    with pytest.raises(InvalidArgument, match="filter"):
        await call.all()


@pytest.mark.parametrize(
    ("truncated", "start", "limit", "expected"),
    [
        (0, START, 10, []),
        (40, START, 100, [FirstRevision(40)]),
        (31, START, 100, []),
        (32, START, 100, [FirstRevision(32)]),
        (5, START, 5, [FirstRevision(5)]),
        (5, START, 6, []),
        (5, 4, 1, [FirstRevision(5)]),
        (5, 5, 1, []),
        (60, START, 100, [FirstRevision(60)]),
        (60, 40, 100, [FirstRevision(50)]),
        (0, 50, 10, []),
        (0, 99, 10, [FirstRevision(50)]),
    ],
)
async def test_where_a_stream_begins(
    client: BareClient, truncated: int, start: int | Edge, limit: int, expected: list[ReadFrame]
) -> None:
    """With compatibility 1, a forward read whose first page is empty tells where it goes on, and all tell the end."""
    await client.write("a", 50)
    await client.append("$$a", event("$metadata", b'{"$tb": %d}' % truncated))
    frames = await client.frames(ReadRequest("a", start, limit=limit, compatibility=1))
    assert ends(frames) == [*expected, LastRevision(49)]
    assert ends(await client.frames(ReadRequest("a", start, limit=limit))) == []


async def test_the_end_of_a_backward_read(client: BareClient) -> None:
    """Backwards only the end is told."""
    await client.write("a", 50)
    await client.append("$$a", event("$metadata", b'{"$tb": 40}'))
    frames = await client.frames(ReadRequest("a", 20, BACKWARDS, compatibility=1))
    assert frames == [LastRevision(49)]


async def test_the_log_tells_no_ends(client: BareClient) -> None:
    """Compatibility 1 means nothing to `$all` or to a stream that is not there."""
    await client.write("a")
    assert ends(await client.frames(ReadRequest(None, compatibility=1))) == []
    assert await client.frames(ReadRequest("b", compatibility=1)) == [StreamMissing("b")]


async def test_structured_ids(client: BareClient) -> None:
    """Ids come in two halves where that is asked for."""
    await client.write("a")
    call = client.open(READ)
    await call.send(ReadRequest("a", structured_ids=True))
    await call.done_sending()
    response = READ.response.message.FromString(await call.raw.read())
    assert response.event.event.id.WhichOneof("value") == "structured"  # type: ignore[attr-defined]  # a ReadResp


async def test_a_tombstone_in_the_middle_of_a_read(client: BareClient) -> None:
    """A stream that is tombstoned while it is read ends the read."""
    await client.write("a", 100, data=b"x" * 50_000)
    for _ in range(3):
        await client.write("a", 100, data=b"x" * 50_000)
    call = await client.subscribe(ReadRequest("a"))
    await call.take(1)
    await client.call(TOMBSTONE, DeleteRequest("a"))
    with pytest.raises(StreamDeleted):
        await call.all()


async def _reading(server: EmbeddedServer, client: BareClient) -> OpenCall[ReadRequest, ReadFrame]:
    """A read of far more than a client takes without asking for it."""
    for _ in range(20):
        await client.write("a", 20, data=b"x" * 50_000)
    call = await client.subscribe(ReadRequest("a"))
    await call.take(1)
    assert server.open_calls == {"Streams.Read": 1}
    return call


async def test_an_abandoned_read_is_freed(server: EmbeddedServer, client: BareClient) -> None:
    """A client that goes away in the middle of a read leaves nothing behind."""
    call = await _reading(server, client)
    call.cancel()
    await until(lambda: not server.open_calls)


async def test_a_slow_reader_does_not_hold_up_others(server: EmbeddedServer, client: BareClient) -> None:
    """While one client does not take what it asked for, others are served; it gets the rest when it does."""
    call = await _reading(server, client)
    await client.write("b")
    assert len(await client.read(ReadRequest("b"))) == 1
    assert len(await call.all()) == 20 * 20 - 1


async def test_a_deadline_ends_a_read(server: EmbeddedServer, client: BareClient) -> None:
    """A call whose deadline passes is over for client and server."""
    call = OpenCall(READ, client.channel.stream_stream(READ.path, None, None)(timeout=2.0))
    await call.send(ReadRequest("a", subscribe=True))
    await call.done_sending()
    await call.take(2)
    with pytest.raises(DeadlineExceeded):
        await anext(call)
    await until(lambda: not server.open_calls)


async def test_writers_and_readers_together(client: BareClient) -> None:
    """What is read while others write is whole: each read sees a beginning of the stream."""

    async def write() -> None:
        for _ in range(50):
            await client.write("a", 7)

    async def read() -> list[int]:
        return [e.revision for e in await client.read(ReadRequest("a"))]

    writing = asyncio.create_task(write())
    while not writing.done():
        found = await read()
        assert found == list(range(len(found)))
        assert len(found) % 7 == 0
    await writing
    assert await read() == list(range(350))
