"""Another client of the same protocol, written by others, works with the server."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from kurrentdbclient import AsyncKurrentDBClient, CaughtUp, NewEvent, StreamState
from kurrentdbclient.exceptions import NotFoundError, StreamIsDeletedError, WrongCurrentVersionError

from fastapi_esdb.embedded.server import EmbeddedServer


@pytest.fixture
async def other(server: EmbeddedServer) -> AsyncIterator[AsyncKurrentDBClient]:
    client = AsyncKurrentDBClient(server.connection_string)
    await client.connect()
    yield client
    await client.close()


def new_events(count: int) -> list[NewEvent]:
    return [NewEvent("T", b'{"n": %d}' % number) for number in range(count)]


async def test_append_and_read(other: AsyncKurrentDBClient) -> None:
    """What it appends it reads back."""
    events = new_events(300)
    await other.append_to_stream("a", events=events, current_version=StreamState.NO_STREAM)
    recorded = await other.get_stream("a")
    assert [e.id for e in recorded] == [e.id for e in events]
    assert [e.stream_position for e in recorded] == list(range(300))
    assert [e.id async for e in await other.read_all()] == [e.id for e in events]


async def test_conflicts(other: AsyncKurrentDBClient) -> None:
    """It understands the answer to a wrong expectation, of an append and of a delete."""
    await other.append_to_stream("a", events=new_events(2), current_version=StreamState.NO_STREAM)
    with pytest.raises(WrongCurrentVersionError):
        await other.append_to_stream("a", events=new_events(1), current_version=7)
    with pytest.raises(WrongCurrentVersionError):
        await other.delete_stream("a", current_version=7)


async def test_subscribe(other: AsyncKurrentDBClient) -> None:
    """It follows a stream from its beginning on."""
    await other.append_to_stream("a", events=new_events(2), current_version=StreamState.ANY)
    async with await other.subscribe_to_stream("a") as subscription:
        assert [(await anext(subscription)).stream_position for _ in range(2)] == [0, 1]
        await other.append_to_stream("a", events=new_events(1), current_version=1)
        assert (await anext(subscription)).stream_position == 2


async def test_subscribe_to_all(other: AsyncKurrentDBClient) -> None:
    """It follows everything, and is told when it has caught up."""
    await other.append_to_stream("a", events=new_events(2), current_version=StreamState.ANY)
    async with await other.subscribe_to_all(include_caught_up=True) as subscription:
        frames = [await anext(subscription) for _ in range(3)]
    assert [frame.stream_name for frame in frames[:2]] == ["a", "a"]
    assert isinstance(frames[2], CaughtUp)


async def test_metadata_and_the_ends_of_streams(other: AsyncKurrentDBClient) -> None:
    """It sets metadata, deletes and tombstones, and understands what a read says after that."""
    for stream in ("a", "b"):
        await other.append_to_stream(stream, events=new_events(3), current_version=StreamState.ANY)
    await other.set_stream_metadata("a", metadata={"$maxCount": 1})
    assert await other.get_stream_metadata("a") == ({"$maxCount": 1}, 0)
    assert [e.stream_position for e in await other.get_stream("a")] == [2]
    await other.delete_stream("a", current_version=StreamState.ANY)
    await other.tombstone_stream("b", current_version=StreamState.ANY)
    with pytest.raises(NotFoundError):
        await other.get_stream("a")
    with pytest.raises(StreamIsDeletedError):
        await other.get_stream("b")
