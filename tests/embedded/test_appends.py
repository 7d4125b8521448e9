"""Append, Delete and Tombstone, beyond what the recorded exchanges show."""

from __future__ import annotations

import asyncio
from urllib.parse import unquote
from uuid import uuid4

import pytest

from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.wire.errors import (
    AccessDenied,
    InvalidArgument,
    MaximumAppendSizeExceeded,
    MissingMetadata,
    StreamDeleted,
    WrongExpectedRevision,
)
from fastapi_esdb.wire.method import Method
from fastapi_esdb.wire.proto.v1 import streams_pb2 as pb
from fastapi_esdb.wire.revisions import ANY, NO_STREAM, STREAM_EXISTS, Expected
from fastapi_esdb.wire.streams.methods import APPEND, DELETE, READ, TOMBSTONE
from fastapi_esdb.wire.streams.values import (
    AppendConflict,
    AppendOptions,
    AppendResult,
    DeleteRequest,
    DeleteResult,
    ReadRequest,
    StreamMissing,
)
from fastapi_esdb.wire.streams_v2.methods import APPEND_SESSION
from fastapi_esdb.wire.streams_v2.values import Record, SessionAppend
from tests.support.bare_client import BareClient, connected, event
from tests.support.waiting import until

Delete = Method[DeleteRequest, DeleteResult]

ODD_NAMES = ["käse-1", "日本", "with space", "tab\tand\nnewline", "\x00\x01", "100%", "a@b", "😀", "x" * 3000]


@pytest.mark.parametrize("stream", ODD_NAMES)
async def test_any_text_names_a_stream(client: BareClient, stream: str) -> None:
    """A stream may have any name that is text, control characters included."""
    written = await client.write(stream, 2)
    events = await client.read(ReadRequest(stream))
    assert [(e.stream, e.revision) for e in events] == [(stream, 0), (stream, 1)]
    assert events[-1].position == written.position


@pytest.mark.parametrize("stream", ODD_NAMES[:-1])
async def test_errors_tell_any_name(client: BareClient, stream: str) -> None:
    """An error names the stream, percent-encoded where a header can't hold it as it is."""
    with pytest.raises(WrongExpectedRevision) as caught:
        await client.call(DELETE, DeleteRequest(stream, 7))
    assert (unquote(caught.value.stream), caught.value.expected, caught.value.actual) == (stream, 7, NO_STREAM)


@pytest.mark.parametrize(("expected", "actual"), [(NO_STREAM, 1), (0, 1), (7, 1)])
async def test_a_wrong_expectation_is_an_answer(client: BareClient, expected: Expected, actual: int) -> None:
    """An append that does not find what it expects is answered with both, and writes nothing."""
    await client.write("a", 2)
    assert await client.append("a", event(), expected=expected) == AppendConflict(expected, actual)
    assert len(await client.read(ReadRequest("a"))) == 2


async def test_expecting_a_stream_that_is_missing(client: BareClient) -> None:
    """A stream without events is at NO_STREAM."""
    assert await client.append("a", event(), expected=STREAM_EXISTS) == AppendConflict(STREAM_EXISTS, NO_STREAM)


async def test_options_come_first(client: BareClient) -> None:
    """An event before the options is refused."""
    with pytest.raises(InvalidArgument, match="options"):
        await client.call(APPEND, event())


async def test_options_come_once(client: BareClient) -> None:
    """Options after the first request are refused, and nothing is written."""
    options = AppendOptions("a", ANY)
    with pytest.raises(InvalidArgument, match="once"):
        await client.call(APPEND, options, event(), options)
    assert not await client.read(ReadRequest(None))


async def test_nothing_at_all(client: BareClient) -> None:
    """A call that sends nothing is refused instead of waiting for ever."""
    with pytest.raises(InvalidArgument, match="needs a request"):
        await client.call(APPEND)


async def test_an_empty_request(client: BareClient) -> None:
    """A request that is neither options nor an event is refused."""
    call = client.open(APPEND)
    await call.raw.write(pb.AppendReq().SerializeToString())
    with pytest.raises(InvalidArgument):
        await call.all()


async def test_metadata_is_required(client: BareClient) -> None:
    """An event without a type and a content type is refused."""
    call = client.open(APPEND)
    await call.send(AppendOptions("a"))
    message = pb.AppendReq(proposed_message={"id": {"string": "6b9fd1fc-6d0a-4f0c-8f8e-6d2a43a2e6ad"}})
    await call.raw.write(message.SerializeToString())
    with pytest.raises(MissingMetadata):
        await call.all()


async def test_the_all_stream_is_not_written_to(client: BareClient) -> None:
    """Nobody appends to `$all`."""
    with pytest.raises(AccessDenied):
        await client.append("$all", event())


async def test_an_event_larger_than_a_message(client: BareClient) -> None:
    """An event of 20 MB is refused, and the connection goes on."""
    with pytest.raises(MaximumAppendSizeExceeded):
        await client.append("a", event(data=b"x" * 20_000_000))
    assert (await client.write("a")).revision == 0


async def test_a_large_event(client: BareClient) -> None:
    """An event of 15 MB is stored and read back."""
    data = bytes(range(256)) * 60_000
    assert isinstance(await client.append("a", event(data=data)), AppendResult)
    [read] = await client.read(ReadRequest("a"))
    assert read.data == data


async def test_the_limit_of_an_append() -> None:
    """An append may have so many bytes and no more; the error names the limit."""
    async with EmbeddedServer(max_append_size=1000) as server, connected(server.address) as client:
        assert isinstance(await client.append("a", event("T", b"x" * 600), event("T", b"x" * 396)), AppendResult)
        with pytest.raises(MaximumAppendSizeExceeded) as caught:
            await client.append("a", event("T", b"x" * 600), event("T", b"x" * 397))
        assert caught.value.maximum == 1000


async def test_an_append_without_end() -> None:
    """A client that never stops sending is cut off at the limit, before the server's memory fills."""
    async with EmbeddedServer(max_append_size=1000) as server, connected(server.address) as client:
        call = client.open(APPEND)
        await call.send(AppendOptions("a"), event(data=b"x" * 600), event(data=b"x" * 600))
        with pytest.raises(MaximumAppendSizeExceeded):
            await call.all()


async def test_a_tombstone_is_for_good(client: BareClient) -> None:
    """A tombstoned stream can't be written to, read or deleted again."""
    await client.write("a")
    await client.call(TOMBSTONE, DeleteRequest("a"))
    for attempt in (
        client.append("a", event()),
        client.read(ReadRequest("a")),
        client.call(DELETE, DeleteRequest("a")),
    ):
        with pytest.raises(StreamDeleted):
            await attempt


@pytest.mark.parametrize("method", [DELETE, TOMBSTONE])
@pytest.mark.parametrize("stream", ["$all", "$$a"])
async def test_what_nobody_deletes(
    client: BareClient, method: Method[DeleteRequest, DeleteResult], stream: str
) -> None:
    """`$all` and metastreams can't be deleted."""
    with pytest.raises(AccessDenied):
        await client.call(method, DeleteRequest(stream))


async def test_an_append_that_breaks_off_is_none(server: EmbeddedServer, client: BareClient) -> None:
    """Its client is gone before it has sent all events: none of those that came is written."""
    for number in range(20):
        call = client.open(APPEND)
        await call.send(AppendOptions("s", ANY), event(), event())
        await until(lambda: server.open_calls.get("Streams.Append") == 1)
        await asyncio.sleep(0.01)
        call.raw.cancel()
        await until(lambda: not server.open_calls.get("Streams.Append"))
        await client.write(f"beside-{number}")
    [missing] = await client.call(READ, ReadRequest("s"))
    assert isinstance(missing, StreamMissing)


async def test_a_session_that_breaks_off_is_none(server: EmbeddedServer, client: BareClient) -> None:
    """The same for one stream after the other."""
    for number in range(20):
        call = client.open(APPEND_SESSION)
        await call.send(SessionAppend("s", (Record(uuid4(), "T"),)))
        await until(lambda: server.open_calls.get("StreamsService.AppendSession") == 1)
        await asyncio.sleep(0.01)
        call.raw.cancel()
        await until(lambda: not server.open_calls.get("StreamsService.AppendSession"))
        await client.write(f"beside-{number}")
    [missing] = await client.call(READ, ReadRequest("s"))
    assert isinstance(missing, StreamMissing)
