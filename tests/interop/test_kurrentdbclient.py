"""The established Python client works with the embedded server."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from kurrentdbclient import AsyncKurrentDBClient, CaughtUp, NewEvent, StreamState
from kurrentdbclient.exceptions import NotFoundError, StreamIsDeletedError, WrongCurrentVersionError

from fastapi_esdb.api.connection import Connection
from fastapi_esdb.api.new_event import NewEvent as Event
from fastapi_esdb.embedded.server import EmbeddedServer
from tests.support.waiting import answered, take

COUNT = """
fromStream("s")
  .when({
    $init: () => ({ count: 0 }),
    Counted: (state) => { state.count += 1; return state; },
  })
  .outputState();
"""


@pytest.fixture
async def other(esdb_server: EmbeddedServer) -> AsyncIterator[AsyncKurrentDBClient]:
    client = AsyncKurrentDBClient(esdb_server.connection_string)
    await client.connect()
    yield client
    await client.close()


async def append(
    other: AsyncKurrentDBClient, count: int, stream: str = "s", expected: int | StreamState = StreamState.ANY
) -> None:
    events = [NewEvent("Counted", b'{"number": %d}' % number) for number in range(count)]
    await other.append_to_stream(stream, events=events, current_version=expected)


async def test_append_and_read(other: AsyncKurrentDBClient, esdb_connection: Connection) -> None:
    """Each of the two clients reads what the other one wrote."""
    await append(other, 300, expected=StreamState.NO_STREAM)
    await esdb_connection.append("s", Event("Counted", {"number": 300}), 299)
    assert [event.json()["number"] for event in await esdb_connection.read("s").to_list()] == list(range(301))
    assert [event.stream_position for event in await other.get_stream("s")] == list(range(301))
    assert len([event async for event in await other.read_all()]) == 301


async def test_conflicts(other: AsyncKurrentDBClient) -> None:
    """It understands the answer to a wrong expectation, of an append and of a delete."""
    await append(other, 2)
    with pytest.raises(WrongCurrentVersionError):
        await append(other, 1, expected=7)
    with pytest.raises(WrongCurrentVersionError):
        await other.delete_stream("s", current_version=7)


async def test_metadata_and_the_ends_of_streams(other: AsyncKurrentDBClient) -> None:
    """It sets metadata, deletes and tombstones, and understands what a read says after that."""
    for stream in ("a", "b"):
        await append(other, 3, stream)
    await other.set_stream_metadata("a", metadata={"$maxCount": 1})
    assert await other.get_stream_metadata("a") == ({"$maxCount": 1}, 0)
    assert [event.stream_position for event in await other.get_stream("a")] == [2]
    await other.delete_stream("a", current_version=StreamState.ANY)
    await other.tombstone_stream("b", current_version=StreamState.ANY)
    with pytest.raises(NotFoundError):
        await other.get_stream("a")
    with pytest.raises(StreamIsDeletedError):
        await other.get_stream("b")


async def test_catch_up_subscription(other: AsyncKurrentDBClient) -> None:
    """What was, and what happens."""
    await append(other, 2)
    async with await other.subscribe_to_stream("s") as events:
        assert [event.stream_position for event in await take(events, 2)] == [0, 1]
        await append(other, 1)
        assert [event.stream_position for event in await take(events, 1)] == [2]


async def test_catch_up_subscription_to_all(other: AsyncKurrentDBClient) -> None:
    """It is told when it has caught up."""
    await append(other, 2)
    async with await other.subscribe_to_all(include_caught_up=True) as subscription:
        frames = await take(subscription, 3)
    assert [frame.stream_name for frame in frames[:2]] == ["s", "s"]
    assert isinstance(frames[2], CaughtUp)


async def test_persistent_subscription(other: AsyncKurrentDBClient) -> None:
    """It creates, consumes, acknowledges, asks for a retry, parks, looks at, replays and deletes a group."""
    await append(other, 3)
    await other.create_subscription_to_stream("g", "s", min_checkpoint_count=1, max_checkpoint_count=1)
    async with await other.read_subscription_to_stream("g", "s") as events:
        first, second, third = await take(events, 3)
        await events.ack(first)
        await events.nack(second, action="retry")
        await events.nack(third, action="park")
        [again] = await take(events, 1)
        await events.ack(again)
    assert (again.stream_position, again.retry_count) == (1, 1)
    await answered(lambda: other.get_subscription_info("g", "s"), lambda info: info.parked_message_count == 1)
    await other.replay_parked_events("g", "s")
    async with await other.read_subscription_to_stream("g", "s") as events:
        [replayed] = await take(events, 1)
        await events.ack(replayed)
    assert replayed.stream_position == 2
    await other.delete_subscription("g", "s")
    with pytest.raises(NotFoundError):
        await other.get_subscription_info("g", "s")


async def test_projection(other: AsyncKurrentDBClient) -> None:
    """It creates one, reads its state while events come, disables and deletes it."""
    await append(other, 3)
    await other.create_projection(name="counter", query=COUNT)
    await answered(lambda: other.get_projection_state("counter"), lambda state: state.value == {"count": 3})
    await append(other, 2)
    await answered(lambda: other.get_projection_state("counter"), lambda state: state.value == {"count": 5})
    await other.disable_projection("counter")
    await answered(lambda: other.get_projection_statistics("counter"), lambda one: one.status.startswith("Stopped"))
    await other.delete_projection("counter")
    with pytest.raises(NotFoundError):
        await other.get_projection_statistics("counter")
